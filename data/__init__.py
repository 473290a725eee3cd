"""The world: trajectories, cameras, rendered clips, and real videos made canonical."""

import os

# Between two pieces of work OpenMP's threads turn in place, and beside one other busy program each of them waits for
# one that isn't running (`python -m eval.busy`). Read once, when torch is loaded, so every package here imports this
# one first; what the environment already says stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

"""From a video of one moving object to the family of its motion and its equation.

from trajvlm import Describer

description = Describer().describe("throw.mp4")
print(description.family, description.best.to_text())
"""

import os
from typing import TYPE_CHECKING

# Between two pieces of work OpenMP's threads turn in place, and beside one other busy program each of them waits for
# one that isn't running (`python -m trajvlm.eval.thread_contention`). Read once, when torch is loaded; what the
# environment already says stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Describer, Description

__all__ = ["Describer", "Description"]


def __getattr__(name: str) -> object:
    # Loading torch takes seconds, and most modules here do without.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trajvlm.vlm import describe

    return getattr(describe, name)

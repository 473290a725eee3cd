"""The language model whose vocabulary holds visual tokens: codes to families and equations."""

import warnings

import data  # noqa: F401  # sets how OpenMP's threads wait, before torch is loaded

# peft asks transformers by an old name.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)

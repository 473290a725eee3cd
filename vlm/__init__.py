"""The language model whose vocabulary holds visual tokens: codes to families and equations."""

import warnings

# peft asks transformers by an old name.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)

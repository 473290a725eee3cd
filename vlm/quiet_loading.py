"""Load with transformers without its progress bars and warnings."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from transformers import modeling_gguf_pytorch_utils as gguf
from transformers.utils import logging


@contextmanager
def quietly() -> Iterator[None]:
    """A context, or a decorator, in which transformers draws no progress bars and logs errors alone."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The bar of unpacking a GGUF file ignores that setting.
        with patch.object(gguf, "tqdm", partial(gguf.tqdm, disable=True)):
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()

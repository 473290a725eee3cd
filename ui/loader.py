"""Loading the networks: quietly for a terminal, or in the background while a page is already up."""

import os
import sys
import threading
import warnings
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from data.errors import UserError

if TYPE_CHECKING:
    from vlm.describe import Describer, Description


def load_describer(base_model: str | None = None) -> "Describer":
    """The trained networks, with what the libraries print kept off standard output; raises UserError without them."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        # What the libraries say to programmers is not for the person at the terminal.
        warnings.simplefilter("ignore", FutureWarning)
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        from transformers.utils.logging import disable_progress_bar

        from vlm.describe import Describer

        disable_progress_bar()
        return Describer(base_model)


class BackgroundDescriber:
    """A describer that is still loading: `describe` waits for it, one video at a time."""

    def __init__(self, load=load_describer):
        """Begin to load at once, in a thread that does not keep the program alive."""
        self._describer: Describer | None = None
        self._error: Exception | None = None
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(load,), daemon=True)
        self._thread.start()

    def _run(self, load) -> None:
        try:
            self._describer = load()
        except Exception as error:
            self._error = error

    @property
    def status(self) -> str:
        """One sentence for the person who waits."""
        if self._thread.is_alive():
            return "The networks are loading; you can already ask."
        return "The networks are ready." if self._error is None else f"The networks could not be loaded: {self._error}"

    @property
    def loading(self) -> bool:
        return self._thread.is_alive()

    def describe(self, *arguments, **options) -> "Description":
        """As `vlm.describe.Describer.describe`, after loading; raises UserError where that failed."""
        self._thread.join()
        if self._describer is None:
            if isinstance(self._error, UserError):
                raise UserError(str(self._error))
            raise UserError(
                f"the networks could not be loaded ({self._error}); start the program again"
            ) from self._error
        with self._one_at_a_time:
            return self._describer.describe(*arguments, **options)

"""Load the networks: at once, in the background, or when they are first needed."""

import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajvlm.data.errors import UserError

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Describer, Description


def load_describer(
    base_model: str | None = None, device: str = "cpu", adapter: Path | None = None, tokenizer: Path | None = None
) -> "Describer":
    """The trained networks on a device, with what the libraries print kept off standard output.

    Args:
        adapter, tokenizer: folders of trained weights; the shipped ones where not given.

    Raises UserError where the weights are missing or torch has no such device.
    """
    check_device(device)
    with redirect_stdout(sys.stderr):
        from trajvlm.vlm.describe import Describer

        folders = {"adapter_folder": adapter, "tokenizer_folder": tokenizer}
        describer = Describer(base_model, **{name: folder for name, folder in folders.items() if folder is not None})
        if device != "cpu":
            describer.to(device)
        return describer


def check_device(device: str) -> None:
    """Raises UserError where torch has no such device."""
    kind, _, number = device.partition(":")
    if device == "cpu":
        return
    if kind != "cuda" or (number and not number.isdigit()):
        raise UserError(f"there is no device {device!r}; give cpu, cuda, or cuda with a number such as cuda:0")
    import torch

    if not torch.cuda.is_available():
        raise UserError("there is no CUDA device here that torch can use; leave --device out")
    if number and int(number) >= torch.cuda.device_count():
        raise UserError(f"there is no device {device}; the last one is cuda:{torch.cuda.device_count() - 1}")


class BackgroundDescriber:
    """A describer that is still loading: `describe` waits for it, one video at a time."""

    def __init__(self, load: Callable[[], "Describer"] = load_describer) -> None:
        """Begin to load at once, in a thread that does not keep the program alive."""
        self._describer: Describer | None = None
        self._error: Exception | None = None
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, args=(load,), daemon=True)
        self._thread.start()

    def _run(self, load: Callable[[], "Describer"]) -> None:
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

    def describe(self, *arguments: Any, **options: Any) -> "Description":
        """As `trajvlm.vlm.describe.Describer.describe`, after loading; raises UserError where that failed."""
        self._thread.join()
        if self._describer is None:
            if isinstance(self._error, UserError):
                raise UserError(str(self._error))
            raise UserError(
                f"the networks could not be loaded ({self._error}); start the program again"
            ) from self._error
        with self._one_at_a_time:
            return self._describer.describe(*arguments, **options)


class LazyDescriber:
    """A describer that loads when it is first asked, and describes one video at a time."""

    def __init__(self, load: Callable[[], "Describer"] = load_describer) -> None:
        self._load = load
        self._describer: Describer | None = None
        self._one_at_a_time = threading.Lock()

    def describe(self, *arguments: Any, **options: Any) -> "Description":
        """As `trajvlm.vlm.describe.Describer.describe`; raises UserError where loading fails, and tries again the next
        time."""
        with self._one_at_a_time:
            if self._describer is None:
                self._describer = self._load()
            return self._describer.describe(*arguments, **options)

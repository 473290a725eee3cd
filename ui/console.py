"""What commands share besides their answers: progress, errors, loading the networks, the folder of results."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from trajvlm.data.errors import UserError
from trajvlm.ui.network_loading import load_describer
from trajvlm.ui.results_folder import Results

if TYPE_CHECKING:
    from trajvlm.vlm.describe import Describer


def load(networks: dict, messages: Console) -> "Describer":
    """A describer; `networks` are arguments of `load_describer`. Raises typer.Exit, after the sentence, where that
    fails."""
    try:
        with waiting(messages, "loading the networks"):
            return load_describer(**networks)
    except UserError as error:
        complain(messages, error)
        raise typer.Exit(1) from error


def make_folder(out: Path | None, messages: Console) -> Results | None:
    """The folder of results, made if it isn't there; None without one. Raises typer.Exit as `load` does."""
    if out is None:
        return None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        complain(messages, UserError(f"the folder {out} can't be made ({error.strerror}); choose another one"))
        raise typer.Exit(1) from error
    return Results(out)


def waiting(messages: Console, text: str) -> AbstractContextManager:
    """Show `text` with a spinner on a terminal; nothing in a log file."""
    return messages.status(Text(text)) if messages.is_terminal else nullcontext()


def complain(messages: Console, error: UserError, video: Path | None = None) -> None:
    """Print an error's sentence, with the name of the video that it is about."""
    sentence = str(error)
    if video is not None and str(video) not in sentence:
        sentence = f"{video}: {sentence}"
    messages.print(Text(sentence, style="red"), soft_wrap=True)

"""The one exception that a user, and not a programmer, is meant to read."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


class UserError(Exception):
    """Something that the user can mend: one sentence on what is wrong and what to do.

    The command line prints the sentence and exits with status 1; it never shows a traceback for it.
    """


@contextmanager
def exit_with_a_sentence() -> Iterator[None]:
    """For commands: a `UserError` inside ends the program, its sentence on the standard error stream."""
    try:
        yield
    except UserError as error:
        typer.secho(str(error), fg="red", err=True)
        raise SystemExit(1) from error

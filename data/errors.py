"""The one exception whose message is for the user and not for a programmer."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_RED, _PLAIN = "\033[31m", "\033[0m"


REASONS = (
    "nothing_moves",
    "several_move",
    "camera_moves",
    "held",
    "irregular",
    "too_short",
    "out_of_frame",
    "unreadable",
)
"""Why a video can't be described, as a program reads it; the sentence is for people."""


class UserError(Exception):
    """Something that the user can put right; the message is one sentence on what is wrong and what to do.

    A command prints the sentence and exits with status 1, without a traceback (`exit_with_a_sentence`).
    """

    def __init__(self, message: str = "", *, reason: str | None = None):
        """Give `reason`, one of `REASONS`, where a video can't be described; raises ValueError for any other word."""
        super().__init__(message)
        if reason is not None and reason not in REASONS:
            raise ValueError(f"no reason of this kind: {reason!r}")
        self.reason = reason


@contextmanager
def exit_with_a_sentence() -> Iterator[None]:
    """Print a `UserError` of the block to standard error, in red on a terminal, and exit with status 1.

    Raises:
        SystemExit: with status 1, from the `UserError`.
    """
    try:
        yield
    except UserError as error:
        sentence = f"{_RED}{error}{_PLAIN}" if sys.stderr.isatty() else str(error)
        print(sentence, file=sys.stderr, flush=True)
        raise SystemExit(1) from error

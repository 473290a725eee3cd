"""The one exception that a user, and not a programmer, is meant to read."""


class UserError(Exception):
    """Something that the user can mend: one sentence on what is wrong and what to do.

    The command line prints the sentence and exits with status 1; it never shows a traceback for it.
    """

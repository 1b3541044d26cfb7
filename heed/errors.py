"""Errors that a user can do something about."""


class HeedError(Exception):
    """One message for the user: what is wrong, its value, and what is allowed.

    The command line prints it without a traceback and exits with `status`.

    Parameters
    ----------
    message : str
        One line that names the thing, its value and what is allowed.
    hint : str, optional
        A second line: what to do about it.
    status : int
        Exit status of the command line, 1 (it failed) or 2 (it was asked for wrongly).
    """

    def __init__(self, message: str, hint: str | None = None, *, status: int = 1):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status

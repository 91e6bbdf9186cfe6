"""A question to the person at the terminal; nobody may be there to answer it."""

import getpass
import warnings


def asked_line(question: str) -> str | None:
    """Ask for a line; None: nobody is there to answer."""
    try:
        return input(question).strip()
    except EOFError:
        return None


def asked_secret(question: str) -> str | None:
    """Ask for what must not be seen while it is typed; None: nobody is there, or it would be seen."""
    with warnings.catch_warnings():
        # Without a terminal `getpass` would go on after a warning, and show what is typed.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(question)
        except (EOFError, getpass.GetPassWarning):
            return None

"""Links that people open in a browser."""

from typing import Final

WELCOME_PATH: Final = "/welcome"


def welcome_link(token: str) -> str:
    """Give the path of the page on which an invitation is accepted.

    The token is after the #, which browsers do not send: it gets into no log.
    """
    return f"{WELCOME_PATH}#{token}"

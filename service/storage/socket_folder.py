"""Where the embedded database puts its socket: in its own folder, if the path is short enough."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from service.problems import SetUpError
from service.storage.account import Account

SOCKET_PORT: Final = 5432
"""Only part of the socket's name, `.s.PGSQL.5432`: no TCP port is opened."""
_LONGEST_PATH_BYTES: Final = 103
"""Of a socket: `sun_path` is 108 bytes on Linux and 104 on macOS, with the final zero."""


def choose_socket_folder(cluster: Path, account: Account) -> Path:
    """Give a folder, private to the account, in which the socket's path is short enough.

    Raises:
        SetUpError: `setup.database_socket`, no such folder can be had.
    """
    if _fits(cluster):
        return cluster
    # The same folder for the same cluster each time,
    # and checked below, since anybody can make names in a temporary folder.
    mark = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    places = [Path(runtime)] if runtime and not account.is_other else []
    for place in [*places, Path(tempfile.gettempdir()), Path("/tmp")]:  # noqa: S108 - checked below
        folder = place / f"alfavoice-{account.uid}-{mark}"
        if place.is_dir() and _fits(folder) and _is_private(folder, account):
            return folder
    raise SetUpError(
        "setup.database_socket",
        "the data folder's path is too long for a socket and no temporary folder can be used: "
        "choose a shorter path with --data-dir",
    )


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{SOCKET_PORT}")) <= _LONGEST_PATH_BYTES


def _is_private(folder: Path, account: Account) -> bool:
    """Make the folder, or check that the one that is there is nobody else's."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        return (
            stat.S_ISDIR(found.st_mode)
            and found.st_uid == account.uid
            and stat.S_IMODE(found.st_mode) == 0o700
        )
    except OSError:
        return False
    account.take(folder)
    return True

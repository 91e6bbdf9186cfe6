"""The system account the embedded database runs as.

PostgreSQL refuses to run as root. Started by an ordinary user it simply runs as that user; started
by root (a container, a rescue shell) it runs as an account made for nothing else.
"""

import os
import pwd
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from service.problems import SetUpError

DATABASE_ACCOUNT: Final = "alfavoice-db"
"""Name of the account made when the service is started by root."""
_USERADD_S: Final = 30.0
_NO_LOGIN: Final = ("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom the database's programs run as, and who owns its files."""

    uid: int
    gid: int
    is_other: bool
    """Whether this is another account than ours: we are root and give up its rights."""

    def of_process(self) -> dict[str, Any]:
        """Give the arguments of `subprocess.run` that start a program as this account."""
        if not self.is_other:
            return {"umask": 0o077}
        return {"umask": 0o077, "user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, folder: Path) -> None:
        """Make a folder private to this account, and reachable for it."""
        folder.chmod(0o700)
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
            self.reach(folder)

    def reach(self, path: Path) -> None:
        """Let this account pass through the folders above a path.

        Only the right to pass (x) is given, not the right to list (r): who does not know a name
        below such a folder still cannot find it.
        """
        if not self.is_other:
            return
        opened = 0
        for folder in path.resolve().parents:
            mode = stat.S_IMODE(folder.stat().st_mode)
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)
                opened += 1
        if opened:
            _log.warning("folders_made_passable", folders=opened, account=DATABASE_ACCOUNT)


def database_account() -> Account:
    """Give the account to run the database as, making it when root has none yet.

    Raises:
        SetUpError: `setup.database_account`, we are root and cannot make the account.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), is_other=False)
    entry = _entry() or _made()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, is_other=True)


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(DATABASE_ACCOUNT)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is not None:
        subprocess.run(  # noqa: S603 - constant arguments
            [useradd, "--system", "--user-group", "--no-create-home", *_NO_LOGIN, DATABASE_ACCOUNT],
            capture_output=True,
            check=False,
            timeout=_USERADD_S,
        )
    # Another process may be making it this moment, and then holds the lock of /etc/passwd.
    for _ in range(50):
        if (entry := _entry()) is not None:
            return entry
        time.sleep(0.1)
    raise SetUpError(
        "setup.database_account",
        f"PostgreSQL cannot run as root and the account {DATABASE_ACCOUNT} could not be made: "
        "start AlfaVoice as an ordinary user, or set DATABASE_URL to a PostgreSQL server",
    )

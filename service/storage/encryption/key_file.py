"""Where master keys come from: the environment, or a file with one key a line in base64.

The first line is the key in use. Those below it are older, and only open what they once wrapped; or
newer, brought to every machine before `alfavoice keys rotate-master` puts them to use. Without
either a file is made in the data folder.
"""

import base64
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from service.problems import SetUpError
from service.storage.encryption.master import MasterKeys, parse_master_keys
from service.storage.encryption.sealing import new_key

KEY_FILE_NAME: Final = "master.key"
_LONGEST_FILE: Final = 64 * 1024
"""Bytes; a thousand keys."""

_log = structlog.get_logger(__name__)


def load_master_keys(*, value: str | None, file: Path | None, data_dir: Path) -> MasterKeys:
    """Load the master keys; make one where nothing is configured and none was made before.

    Args:
        value: keys in base64 separated by white space (from the environment), or None.
        file: a file of keys, or None.
        data_dir: where `master.key` is when neither is given.

    Raises:
        SetUpError: `setup.master_key`, a key is malformed, or the file cannot be read or made.
    """
    if value is not None:
        return MasterKeys(parse_master_keys(value))
    path = file or data_dir / KEY_FILE_NAME
    try:
        if file is None and not path.exists():
            _make(path)
        if path.stat().st_mode & stat.S_IRWXO:
            _log.warning("master_key_file_open_to_everybody", do="chmod 600")
    except OSError as exc:
        raise _unusable(exc) from None
    return MasterKeys(read_key_file(path), source=lambda: read_key_file(path))


def find_master_keys(*, value: str | None, file: Path | None, data_dir: Path) -> MasterKeys:
    """Give the keys as `load_master_keys` would, making none: there may be none at all.

    Raises:
        SetUpError: `setup.master_key`, what is there cannot be used.
    """
    if value is None and not (file or data_dir / KEY_FILE_NAME).exists():
        return MasterKeys([])
    return load_master_keys(value=value, file=file, data_dir=data_dir)


def read_key_file(path: Path) -> list[bytes]:
    """Read the keys of a file.

    Raises:
        SetUpError: `setup.master_key`.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST_FILE).decode("ascii")
    except (OSError, UnicodeDecodeError) as exc:
        raise _unusable(exc) from None
    return parse_master_keys(text)


def write_key_file(path: Path, keys: Sequence[bytes], *, replace: bool) -> None:
    """Write a key file, whole or not at all; only its owner may read a new one.

    Args:
        path: where.
        keys: the one in use first.
        replace: whether to take the place of a file that is there, with its owner and rights;
            without, a file that is there stays.

    Raises:
        SetUpError: `setup.master_key`.
    """
    # Not named by the process number: in a container that is the same at every start.
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    text = b"".join(base64.b64encode(key) + b"\n" for key in keys)
    try:
        try:
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123
                out.write(text)
                out.flush()
                if replace and path.exists():
                    _take_rights(out.fileno(), path.stat())
                os.fsync(out.fileno())
            if replace:
                aside.replace(path.resolve())
            else:
                os.link(aside, path)  # unlike a rename, never replaces what somebody else made
        except FileExistsError:
            return
        finally:
            aside.unlink(missing_ok=True)
        _keep_folder(path.resolve().parent)
    except OSError as exc:
        raise _unusable(exc) from None


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_key_file(path, [new_key()], replace=False)


def _take_rights(descriptor: int, like: os.stat_result) -> None:
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
    if (like.st_uid, like.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, like.st_uid, like.st_gid)


def _keep_folder(folder: Path) -> None:
    """Have the disk keep the file's name as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(exc: Exception) -> SetUpError:
    reason = getattr(exc, "strerror", None) or "not text"
    return SetUpError(
        "setup.master_key",
        f"the file of the master key cannot be used ({reason}): check ALFAVOICE_MASTER_KEY_FILE, who "
        "owns the file, and that its folder can be written",
        why="file",
        reason=reason,
    )

"""The master key: where it comes from, and what is wrong with it said in time."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from service.problems import SetUpError, StoreUnavailable
from service.storage.encryption.key_file import load_master_keys, read_key_file, write_key_file
from service.storage.encryption.master import MasterKeys, parse_master_keys

ONE, TWO = bytes(range(32)), bytes(range(1, 33))
LOAD = """
import pathlib, sys
from service.storage.encryption.key_file import load_master_keys
sys.stdin.readline()
print(load_master_keys(value=None, file=None, data_dir=pathlib.Path(sys.argv[1])).names[0])
"""


def encoded(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys)


def load(folder: Path, **given: object) -> MasterKeys:
    return load_master_keys(**{"value": None, "file": None, "data_dir": folder, **given})


def test_eight_processes_that_start_at_once_have_one_key(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, str(tmp_path / "new")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(8)
    ]  # fmt: skip
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    names = {process.communicate(timeout=60)[0] for process in processes}

    assert len(names) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["master.key"]


def test_a_new_key_is_for_its_owner_only_and_stays(tmp_path):
    first = load(tmp_path)

    assert load(tmp_path).names == first.names
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


def test_what_a_killed_start_left_behind_blocks_nobody(tmp_path):
    (tmp_path / f".master.key.{os.getpid()}").touch()

    assert load(tmp_path).names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        encoded(ONE[:31]),
        encoded(ONE + b"x"),
        encoded(ONE) + "\n" + encoded(TWO)[:-3],
        "не ключ",
        "AAAA=AAAA",
        encoded(ONE).replace("A", "*"),
    ],
)
def test_a_malformed_key_is_told_and_not_repeated(text):
    with pytest.raises(SetUpError) as caught:
        parse_master_keys(text)

    assert caught.value.code == "setup.master_key"
    assert not text.strip() or text.strip() not in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe", "ключ".encode(), b"", b"\0" * 100_000])
def test_a_file_that_holds_no_key_is_told_and_left_alone(tmp_path, content):
    (tmp_path / "master.key").write_bytes(content)

    with pytest.raises(SetUpError):
        load(tmp_path)

    assert (tmp_path / "master.key").read_bytes() == content


def test_a_file_that_is_named_is_never_made(tmp_path):
    with pytest.raises(SetUpError):
        load(tmp_path, file=tmp_path / "mounted" / "key")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file_is_told(tmp_path):
    (tmp_path / "master.key").mkdir()

    with pytest.raises(SetUpError):
        load(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_told(tmp_path):
    write_key_file(tmp_path / "master.key", [ONE], replace=False)
    (tmp_path / "master.key").chmod(0)

    with pytest.raises(SetUpError):
        load(tmp_path)


def test_the_environment_goes_before_the_file_and_a_key_twice_is_one(tmp_path):
    keys = load(tmp_path, value=f"{encoded(TWO)} {encoded(TWO)}\t{encoded(ONE)}")

    assert keys.names == MasterKeys([TWO, ONE]).names
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_file_keeps_its_rights_and_its_link(tmp_path):
    target = tmp_path / "kept"
    write_key_file(target, [ONE], replace=False)
    target.chmod(0o640)
    (tmp_path / "master.key").symlink_to(target)

    write_key_file(tmp_path / "master.key", [TWO, ONE], replace=True)

    assert (tmp_path / "master.key").is_symlink()
    assert read_key_file(target) == [TWO, ONE]
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    write_key_file(target, [ONE], replace=False)
    assert read_key_file(target) == [TWO, ONE]


def test_keys_say_nothing_of_themselves():
    keys = MasterKeys([ONE, TWO])

    assert "secret" not in repr(keys.current)
    assert keys.derived("a") != keys.derived("b") != ONE
    assert MasterKeys([TWO]).derived("a") != keys.derived("a")


def test_a_retired_key_opens_and_wraps_no_more(tmp_path):
    keys = MasterKeys([ONE, TWO])
    keys.retire([keys.names[0]])

    assert keys.current.name == keys.names[1]
    keys.retire(keys.names)
    with pytest.raises(StoreUnavailable):
        keys.current.derived("a")


def test_a_file_caught_half_written_changes_nothing(tmp_path):
    keys = load(tmp_path)
    names = keys.names
    (tmp_path / "master.key").write_text("half")

    assert not keys.reload()
    assert keys.names == names

"""The program on the command line, where there is nothing to control or to be shown on."""

import subprocess
from pathlib import Path

import pytest

from tests.desktop.client import program
from tests.desktop.display import Desktop

pytestmark = pytest.mark.desktop


def ran(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program(), *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_without_a_desktop_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    for language, word in (("ru_RU.UTF-8", "рабочего стола"), ("en_GB.UTF-8", "no desktop")):
        done = ran({"LANG": language, "ALFAVOICE_CLIENT_DATA": str(tmp_path)})
        assert done.returncode == 1
        assert word in done.stderr
        assert done.stderr.count("\n") == 1


def test_what_it_does_not_know_is_refused_with_what_it_knows(tmp_path: Path) -> None:
    done = ran({"LANG": "ru_RU.UTF-8", "ALFAVOICE_CLIENT_DATA": str(tmp_path)}, "--nope")
    assert done.returncode == 2
    assert "такого аргумента нет: --nope" in done.stderr
    assert "--paste-last" in done.stderr


def test_there_is_nothing_to_end_where_none_runs(desk: Desktop, tmp_path: Path) -> None:
    environment = {**desk.environment, "ALFAVOICE_CLIENT_DATA": str(tmp_path / "client")}
    assert ran(environment, "--quit").returncode == 0
    assert not (tmp_path / "client" / "outbox.db").exists()

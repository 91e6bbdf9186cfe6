"""Settings out of the files in which Docker, Kubernetes and systemd hand out secrets."""

import argparse
from pathlib import Path

import pytest

from service.commands.configuration import settings_from
from service.problems import SetUpError
from service.settings import Settings


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALFAVOICE_SECRETS_DIR", str(tmp_path))
    return tmp_path


def test_a_secret_may_lie_in_a_file_named_like_its_variable(secrets: Path) -> None:
    (secrets / "alfavoice_database_url").write_text("postgresql://db/alfavoice\n")
    (secrets / "somebody_elses").write_text("x")

    settings = settings_from(argparse.Namespace())

    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://db/alfavoice"
    assert settings.polish_key is None


def test_a_variable_goes_before_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "alfavoice_polish_key").write_text("of the file")
    monkeypatch.setenv("ALFAVOICE_POLISH_KEY", "of the variable")

    key = settings_from(argparse.Namespace()).polish_key

    assert key is not None
    assert key.get_secret_value() == "of the variable"


def test_a_folder_of_secrets_that_is_not_there_is_said(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALFAVOICE_SECRETS_DIR", str(secrets / "elsewhere"))

    with pytest.raises(SetUpError, match="ALFAVOICE_SECRETS_DIR") as refused:
        settings_from(argparse.Namespace())

    assert refused.value.code == "setup.invalid_setting"


def test_an_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Settings().data_dir
    monkeypatch.setenv("ALFAVOICE_DATA_DIR", "")
    monkeypatch.setenv("ALFAVOICE_PORT", "")
    assert Settings().data_dir == usual  # not the current folder
    assert Settings().port == 8765

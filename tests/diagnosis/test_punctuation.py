"""What `alfavoice doctor` says of the punctuation model."""

from pathlib import Path

import pytest

from service.diagnosis import installation
from service.diagnosis.installation import check_punctuation
from service.settings import Settings


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    (tmp_path / "ru").mkdir()
    (tmp_path / "ru" / "labels.json").write_text('{"name": "ours"}')
    return tmp_path / "ru"


def found(choice: str) -> tuple[str, str, object]:
    finding = check_punctuation(Settings(punctuation=choice))
    return finding.status, finding.key, finding.values.get("name")


def test_the_model_in_use_is_named(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "shipped_punctuation", lambda: exported)
    assert found("auto") == ("ok", "doctor.punctuation", "ours")
    assert found(str(exported)) == ("ok", "doctor.punctuation", "ours")
    assert found("a/checkpoint") == ("ok", "doctor.punctuation", "a/checkpoint")


def test_a_damaged_one_is_told(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "shipped_punctuation", lambda: exported)
    (exported / "labels.json").write_text("[]")
    assert found("auto")[:2] == ("warn", "doctor.punctuation_broken")


def test_that_there_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "shipped_punctuation", lambda: None)
    assert found("auto")[:2] == ("ok", "doctor.punctuation_none")
    assert found("off")[:2] == ("ok", "doctor.punctuation_off")

"""`alfavoice models …` as a person runs it."""

import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from models import errors
from models.installation import InstalledModel
from models.registry import ModelRegistry
from service.cli import main
from service.commands.failures import explain
from service.language import Language
from service.problems import SetUpError
from service.recogniser import recogniser
from service.settings import Settings
from tests.models.conftest import flip_a_byte, write_files

Files = dict[str, bytes]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALFAVOICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ALFAVOICE_LANGUAGE", "ru")
    return tmp_path / "data"


@pytest.fixture
def stick(tmp_path: Path, files: Files) -> Path:
    return write_files(tmp_path / "stick", files)


def installed(data_dir: Path, name: str) -> InstalledModel:
    model = ModelRegistry(data_dir / "models").installed(name)
    assert model is not None
    return model


async def test_a_server_without_a_model_says_into_which_folder_to_pull_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "on a disk")
    with pytest.raises(SetUpError) as caught:
        async with recogniser(settings, CollectorRegistry()):
            pass
    hint = f"alfavoice models pull base --data-dir '{settings.data_dir}'"
    assert hint in explain(caught.value, Language("ru"))


def test_the_first_model_pulled_is_in_use_at_once_and_the_next_is_not(
    data_dir: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "pull", "mine", "--from", str(stick)]) == 0
    assert main(["models", "pull", "other", "--from", str(stick)]) == 0
    assert "В работе модель mine." in capsys.readouterr().err
    assert main(["models", "list", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    listed = {model["name"]: model for model in told["models"]}
    assert told["free_bytes"] > 0
    assert [name for name, model in listed.items() if model["active"]] == ["mine"]
    assert listed["other"]["installed"]["source"] == "folder"
    assert listed["base"]["installed"] is None
    assert listed["base"]["sources"] == ["wheels", "hub"]


def test_the_list_for_people_names_every_model_and_its_state(
    data_dir: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "pull", "mine", "--from", str(stick)])
    assert main(["models", "list"]) == 0

    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "в работе" in lines["mine"]
    assert {"tiny", "base", "turbo", "large-v3"} <= set(lines)


def test_verify_without_a_name_checks_the_model_in_use(
    data_dir: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "verify"]) == 1
    main(["models", "pull", "mine", "--from", str(stick)])
    assert main(["models", "verify"]) == 0
    flip_a_byte(installed(data_dir, "mine").path / "model.bin")
    capsys.readouterr()

    assert main(["models", "verify"]) == 1

    said = capsys.readouterr().err
    assert "[model.checksum_mismatch]" in said
    assert "model.bin" in said
    assert "alfavoice models pull mine" in said


def test_use_of_a_broken_model_fails_and_says_so(
    data_dir: Path, stick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["models", "pull", "mine", "--from", str(stick)])
    main(["models", "pull", "other", "--from", str(stick)])
    (installed(data_dir, "other").path / "tokenizer.json").unlink()

    assert main(["models", "use", "other"]) == 1

    assert "[model.part_missing]" in capsys.readouterr().err
    active = ModelRegistry(data_dir / "models").active()
    assert active is not None
    assert active.name == "mine"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["pull", "huge"], "model.unknown"),
        (["use", "base"], "model.not_installed"),
        (["pull", "tiny", "--source", "wheels"], "model.unknown_source"),
        (["verify", "../secrets"], "model.invalid_name"),
        (["convert", "somewhere", "base"], "model.conversion_failed"),
    ],
)
def test_a_mistake_is_one_line_with_its_code(
    data_dir: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    assert main(["models", *arguments]) == 1

    assert capsys.readouterr().err.splitlines()[-1].endswith(f"[{code}]")


def test_wrong_arguments_are_told_apart_from_failures(data_dir: Path) -> None:
    for arguments in (["models"], ["models", "pull"], ["models", "pull", "base", "--source", "x"]):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2


def every_error() -> list[errors.ModelError]:
    unreachable = errors.HubUnreachable("hub.example", "ConnectError")
    return [
        errors.UnknownModel("m", ["base"]),
        errors.InvalidName("M"),
        errors.NotInstalled("m"),
        errors.UnknownSource("m", "hub", ["wheels"]),
        errors.PartMissing("m", "model.bin"),
        errors.ChecksumMismatch("m", "model.bin", expected="a", found="b"),
        errors.NoSpace("m", needed_bytes=2_000_000, free_bytes=1_000_000),
        errors.FolderUnwritable("Permission denied"),
        errors.ModelBusy("m"),
        errors.ModelInUse("m"),
        errors.ConverterMissing("torch"),
        errors.ConversionFailed("m", "ValueError"),
        errors.WheelsNotInstalled("m", package="p", extra="e"),
        unreachable,
        errors.HubOffline("hub.example"),
        errors.HubRefused("team/model", 404),
        errors.DownloadInterrupted("model.bin", done_bytes=5_000_000),
        errors.NoSource("m", [unreachable]),
    ]


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.code)
@pytest.mark.parametrize("code", ["ru", "en"])
def test_every_error_has_a_sentence_in_both_languages(error: errors.ModelError, code: str) -> None:
    language = Language(code)  # type: ignore[arg-type]

    said = language.text(f"error.{error.code}", message=str(error), **error.details)

    assert "{" not in said
    assert all(str(error.details[key]) in said for key in ("name", "file") if key in error.details)


def test_the_list_of_errors_above_is_complete() -> None:
    def leaves(kind: type[errors.ModelError]) -> set[str]:
        below = kind.__subclasses__()
        return {kind.code} if not below else set().union(*map(leaves, below))

    assert {error.code for error in every_error()} == leaves(errors.ModelError)

"""What a person is told when a backup cannot be made or used: in their language, with what to do."""

import ast
import re
from pathlib import Path

import pytest

from service.commands.failures import explain
from service.language import Language
from service.problems import SetUpError
from service.storage.backup_file import new_backup, open_backup

RUSSIAN, ENGLISH = Language("ru"), Language("en")
SERVICE = Path(__file__).parents[2] / "service"


def said(failure: SetUpError) -> str:
    """Give the Russian sentence without its code."""
    return explain(failure, RUSSIAN).replace(failure.code, "")


def test_a_backup_onto_a_file_that_is_there_says_so_in_russian(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"")
    with pytest.raises(SetUpError) as caught, new_backup(tmp_path / "b"):
        pass
    assert "уже есть" in said(caught.value)
    assert not re.search("[A-Za-z]{3}", said(caught.value))


def test_a_file_that_is_no_backup_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"no backup at all")
    with pytest.raises(SetUpError) as caught, open_backup(tmp_path / "b"):
        pass
    assert "не резервная копия" in said(caught.value)
    assert "no backup" in explain(caught.value, ENGLISH)


def test_every_reason_an_error_names_has_its_sentence() -> None:
    reasons = set()
    for path in SERVICE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "SetUpError":
                continue
            for keyword in node.keywords:
                if keyword.arg != "why" or not isinstance(node.args[0], ast.Constant):
                    continue
                whys = ast.walk(keyword.value)
                words = {str(w.value) for w in whys if isinstance(w, ast.Constant)}
                code = str(node.args[0].value)
                reasons |= {f"error.{code}_{word}" for word in words}
    assert "error.setup.database_in_use_restore" in reasons
    assert {key for key in reasons if key not in RUSSIAN} == set()


@pytest.mark.parametrize(
    "code",
    ["backup_failed", "restore_failed", "backup_exists", "backup_unreadable", "backup_too_new",
     "backup_damaged", "database_not_empty"],
)  # fmt: skip
def test_every_error_of_backups_is_in_the_catalogue(code: str) -> None:
    assert f"error.setup.{code}" in RUSSIAN

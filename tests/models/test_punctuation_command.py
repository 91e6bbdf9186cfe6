"""`python -m models.punctuation`: what is missing is said in a line, with what to do."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ["encoder", "--archive", "nowhere"],
        ["prepare", "--texts", "nowhere"],
        ["train", "--minutes", "1"],
        ["export", "--into", "nowhere"],
        ["evaluate", "--model", "nowhere", "--texts", "nowhere"],
    ],
)
def test_what_is_missing_is_said_and_is_no_traceback(arguments: list[str], tmp_path: Path):
    command = [sys.executable, "-m", "models.punctuation", "--work", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "uv sync" in done.stderr or "docs/punctuation_model.md" in done.stderr

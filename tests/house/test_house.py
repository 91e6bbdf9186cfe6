"""Rules of the house that no linter knows: sizes, names, links, versions."""

import ast
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 400
PACKAGES = ("service", "workers", "models")
BANNED = {
    "base", "common", "data", "handler", "helper", "helpers", "info", "manager", "misc",
    "processor", "service", "util", "utils",
}  # fmt: skip
"""Words that say nothing about the thing they name, as a module or as the last word of a class."""


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).exists()]


def product_modules() -> list[Path]:
    return [path for path in tracked("*.py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in tracked("*.py")}

    assert lengths
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_modules_and_classes_are_named_for_what_they_are() -> None:
    modules = product_modules()

    empty_words = [named(path) for path in modules if path.stem in BANNED]
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                last = re.findall(r"[A-Z][a-z0-9]*|[A-Z]+", node.name)[-1:]
                if last and last[0].lower() in BANNED:
                    empty_words.append(f"{named(path)}: {node.name}")

    assert modules
    assert empty_words == []


def test_every_module_of_the_product_says_what_it_is() -> None:
    silent = [
        named(path)
        for path in product_modules()
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []


def headings(text: str) -> set[str]:
    """Anchors of a Markdown text, as GitHub makes them."""
    found = re.findall(
        r"^#+ +(.+?)\s*$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", tracked("*.md"), ids=named)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)

    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in headings(aim.read_text("utf-8"))):
            broken.append(target)

    assert broken == []


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
    released = re.findall(
        r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )

    assert version("alfavoice") == project["version"]
    assert [each["version"] for each in lock if each["name"] == "alfavoice"] == [project["version"]]
    assert released[:1] in ([], [project["version"]])


def test_the_tasks_named_in_the_pages_exist() -> None:
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    unknown = {
        f"{named(page)}: make {task}"
        for page in tracked("*.md")
        for task in re.findall(r"`make ([a-z]+)", page.read_text("utf-8"))
        if task not in tasks
    }

    assert unknown == set()

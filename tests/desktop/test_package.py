"""The packages: what lies in them, and that they ask for all the program needs."""

import os
import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.desktop

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alfavoice" / "cargo"


def newest(kind: str) -> Path:
    """Give the newest package of a kind, or skip."""
    found = [*CACHE.glob(f"*/bundle/{kind}/*.{kind}")]
    if not found:
        pytest.skip(f"NO PACKAGE: `make client-packages` builds the .{kind}")
    return max(found, key=lambda path: path.stat().st_mtime)


def said_by(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deb")
    said_by("dpkg-deb", "-x", newest("deb"), folder)
    return folder


def test_the_deb_has_program_icons_and_an_entry_in_the_menu_in_both_languages(
    unpacked: Path,
) -> None:
    program = unpacked / "usr/bin/alfavoice-desktop"
    assert program.stat().st_mode & 0o777 == 0o755
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", said_by(program, "--version"))
    (entry,) = unpacked.glob("usr/share/applications/*.desktop")
    said_by("desktop-file-validate", entry)
    text = entry.read_text(encoding="utf-8")
    assert "Comment[ru]=Зажмите клавиши" in text
    assert "Exec=alfavoice-desktop --toggle" in text
    sizes = {path.parent.parent.name for path in unpacked.glob("usr/share/icons/hicolor/*/apps/*")}
    assert {"32x32", "128x128"} <= sizes


def test_the_deb_asks_for_every_library_the_program_is_linked_with(unpacked: Path) -> None:
    asked = set(re.findall(r"[a-z0-9.+-]+", said_by("dpkg-deb", "-f", newest("deb"), "Depends")))
    depends = said_by("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\n")
    needs = {
        name: {word.split()[0].split(":")[0] for word in re.split(r"[,|]", rest) if word.strip()}
        for name, rest in (line.split("\t") for line in depends.splitlines() if "\t" in line)
    }
    got, new = set(), asked
    while new := new - got:
        got |= new
        new = set().union(*(needs.get(name, set()) for name in new))
    program = unpacked / "usr/bin/alfavoice-desktop"
    for line in said_by("ldd", program).splitlines():
        if "=> /" not in line:
            continue
        library = Path(line.split("=>")[1].split()[0])
        if library.name in re.findall(r"\[(.+)\]", said_by("readelf", "-d", program)):
            owner = owner_of(library)
            assert owner in got | {"libc6", "libgcc-s1"}, f"{library.name} is of {owner}"


def owner_of(library: Path) -> str:
    """Give the package a library is of; merged /usr has two names for a file."""
    for path in (library.resolve(), Path(str(library.resolve()).removeprefix("/usr")), library):
        found = subprocess.run(
            ["dpkg-query", "-S", path],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    return "nobody"


def test_the_rpm_has_the_same_program_and_names_what_it_needs() -> None:
    package = newest("rpm")
    files = said_by("rpm", "-qlp", package).splitlines()
    assert "/usr/bin/alfavoice-desktop" in files
    assert any(name.endswith(".desktop") for name in files)
    assert {"alsa-lib", "openssl-libs"} <= set(said_by("rpm", "-qRp", package).split())

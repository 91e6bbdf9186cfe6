"""Versions of the desktop client that the server hands out."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st

from service.operations.releases import NewFile, Releases, precedence
from service.operations.updates import routes_of
from service.problems import RequestRefused, SetUpError

RAW = base64.b64encode(b"ED" + b"number-8" + b"s" * 64).decode()
SIGNATURE = base64.b64encode(f"untrusted comment: signature\n{RAW}\n".encode()).decode()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "AlfaVoice_0.2.0_amd64.deb"
    path.write_bytes(b"!<arch>\n" + bytes(range(256)) * 64)
    return path


def added(releases: Releases, package: Path, version: str, bundle: str = "deb") -> None:
    releases.add(
        package,
        NewFile(
            version=version,
            target="linux",
            arch="x86_64",
            bundle=bundle,
            signature=SIGNATURE,
            notes="Быстрее",
        ),
    )


async def refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return Response(status_code=error.status)


async def ask(
    releases: Releases, path: str, headers: dict[str, str] | None = None
) -> httpx2.Response:
    app = FastAPI()
    app.add_exception_handler(RequestRefused, refused)
    app.include_router(routes_of(releases))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://voice.example") as client:
        return await client.get(path, headers=headers or {})


async def test_an_older_client_is_told_of_the_newest_package_for_its_kind_and_can_fetch_it(
    tmp_path: Path, package: Path
) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    added(releases, package, "0.10.0", bundle="rpm")
    answer = await ask(
        releases, "/v1/updates/linux/x86_64/deb/0.1.9", {"x-forwarded-proto": "https"}
    )
    told = answer.json()
    assert told["version"] == "0.2.0"
    assert told["signature"] == SIGNATURE
    assert told["notes"] == "Быстрее"
    assert told["url"] == f"https://voice.example/v1/updates/files/0.2.0/{package.name}"
    fetched = await ask(releases, told["url"].removeprefix("https://voice.example"))
    assert fetched.content == package.read_bytes()
    assert hashlib.sha256(fetched.content).hexdigest() == told["sha256"]


@pytest.mark.parametrize(
    "path", ["linux/x86_64/deb/0.2.0", "linux/aarch64/deb/0.1.0", "windows/x86_64/msi/0.1.0"]
)
async def test_who_has_the_newest_or_another_kind_of_computer_is_told_of_nothing(
    tmp_path: Path, package: Path, path: str
) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    assert (await ask(releases, f"/v1/updates/{path}")).status_code == 204


async def test_a_preview_is_only_for_who_has_a_preview(tmp_path: Path, package: Path) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    added(releases, package, "0.3.0-beta.2")
    assert (await ask(releases, "/v1/updates/linux/x86_64/deb/0.1.0")).json()["version"] == "0.2.0"
    newer = await ask(releases, "/v1/updates/linux/x86_64/deb/0.3.0-beta.1")
    assert newer.json()["version"] == "0.3.0-beta.2"


@pytest.mark.parametrize(
    "path",
    [
        "files/0.2.0/release.json",
        "files/0.2.0/..%2F..%2Fsecret",
        "files/9.9.9/x.deb",
        "files/../secret/x",
    ],
)
async def test_nothing_but_packages_of_releases_can_be_fetched(
    tmp_path: Path, package: Path, path: str
) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    (tmp_path / "secret").write_text("secret")
    assert (await ask(releases, f"/v1/updates/{path}")).status_code in {404, 422}


def test_a_damaged_release_does_not_hide_the_others(tmp_path: Path, package: Path) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    (tmp_path / "releases" / "0.3.0").mkdir()
    (tmp_path / "releases" / "0.3.0" / "release.json").write_text("{")
    assert [one.version for one in releases.all()] == ["0.2.0"]


def test_a_package_without_a_signature_is_not_taken(tmp_path: Path, package: Path) -> None:
    releases = Releases(tmp_path / "releases")
    with pytest.raises(SetUpError):
        releases.add(
            package,
            NewFile(version="0.2.0", target="linux", arch="x86_64", bundle="deb", signature="bm8="),
        )
    assert releases.all() == []


def test_a_package_does_not_take_the_place_of_another_kind_s_of_the_same_name(
    tmp_path: Path, package: Path
) -> None:
    releases = Releases(tmp_path / "releases")
    added(releases, package, "0.2.0")
    before = package.read_bytes()
    package.write_bytes(b"of another kind")
    with pytest.raises(SetUpError):
        added(releases, package, "0.2.0", bundle="rpm")
    path = releases.path("0.2.0", package.name)
    assert path is not None
    assert path.read_bytes() == before


def test_the_command_takes_in_lists_and_removes(tmp_path: Path, package: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "service", "releases", *arguments, "--data-dir", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    adding = ("add", str(package), "--version", "0.2.0", "--target", "linux-x86_64-deb")
    assert run(*adding).returncode == 1
    package.with_name(package.name + ".sig").write_text(SIGNATURE)
    assert run(*adding).returncode == 0
    listed = json.loads(run("list", "--json").stdout)
    assert listed[0]["files"][0]["size_bytes"] == package.stat().st_size
    assert run("remove", "0.2.0").returncode == 0
    assert json.loads(run("list", "--json").stdout) == []


@given(
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
)
def test_versions_are_ordered_by_their_numbers(one: list[int], other: list[int]) -> None:
    text = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert (precedence(text[0]) < precedence(text[1])) == (one < other)
    assert precedence(f"{text[0]}-rc.1") < precedence(text[0])


def test_previews_are_ordered_as_semantic_versioning_says() -> None:
    versions = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]  # fmt: skip
    assert sorted(versions, key=precedence) == versions

"""A model repository on a hub that speaks the Hugging Face protocol, over HTTP.

Only the repository asked for is talked to, without a token; nothing else leaves the machine. A
broken download goes on with a Range request (RFC 9110, section 14), and goes on at all only when
the bytes on disk belong to the same revision, because each revision has its own staging folder.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, ClassVar, Final
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import constants
from pydantic import BaseModel, Field, ValidationError

from models import manifest
from models.checksum import Advance
from models.errors import (
    ChecksumMismatch,
    DownloadInterrupted,
    HubOffline,
    HubRefused,
    HubUnreachable,
    PartMissing,
)
from models.sources import Plan, PlannedFile

RETRYABLE_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that a second request may change (RFC 9110, section 15; RFC 6585 for 429)."""
ATTEMPTS: Final = 4
"""Requests without a single new byte before giving up; the person can pull again to go on."""
FIRST_PAUSE_S: Final = 0.5
"""Before the second request; doubles each time, so giving up takes 3.5 s of waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """How this machine reaches the hub."""

    endpoint: str = "https://huggingface.co"
    offline: bool = False
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    """Silence after which a connection counts as broken."""
    pause: Callable[[float], None] = time.sleep
    """Waits that many seconds between two requests."""

    @property
    def host(self) -> str:
        """Name of the hub, for messages."""
        return urlsplit(self.endpoint).hostname or self.endpoint


def hub_of_this_machine() -> HubAccess:
    """Read `HF_ENDPOINT` (a mirror) and `HF_HUB_OFFLINE` as every program that uses hubs does."""
    return HubAccess(endpoint=constants.ENDPOINT.rstrip("/"), offline=constants.HF_HUB_OFFLINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What an unpinned repository was at its first pull."""

    revision: str
    sha256: dict[str, str]


class _Lfs(BaseModel):
    sha256: manifest.Sha256


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    blob_id: str | None = Field(default=None, alias="blobId")
    lfs: _Lfs | None = None


class _Listing(BaseModel):
    """The part we read of the hub's answer about a revision."""

    sha: manifest.Commit
    siblings: list[_Sibling]


@dataclass(slots=True, kw_only=True)
class HubRepository:
    """One repository as a source of one model."""

    resumes: ClassVar[bool] = True

    model: str
    source: manifest.HubSource
    access: HubAccess
    trusted: Trusted | None = None
    _revision: str = field(default="", init=False)

    def plan(self) -> Plan:
        """Ask the hub only when the manifest does not know every checksum."""
        if self.access.offline:
            raise HubOffline(self.access.host)
        if self.source.pinned:
            self._revision = self.source.revision
            files = tuple(
                PlannedFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256)
                for file in self.source.files
            )
        else:
            listing = self._ask(self.trusted.revision if self.trusted else self.source.revision)
            self._revision = listing.sha
            files = tuple(self._planned(listing))
        return Plan(kind="hub", origin=self.source.repository, revision=self._revision, files=files)

    def fetch(self, file: PlannedFile, into: Path, advance: Advance) -> None:
        """Go on from the bytes in `into`, over as many broken connections as bring new bytes."""
        quiet_attempts = 0
        while True:
            before = _size(into)
            try:
                with into.open("r+b" if into.exists() else "w+b") as target:
                    self._download(file, target, advance)
            except httpx2.TransportError as exc:
                quiet_attempts = 0 if _size(into) > before else quiet_attempts + 1
                if quiet_attempts < ATTEMPTS:
                    self.access.pause(FIRST_PAUSE_S * 2 ** max(0, quiet_attempts - 1))
                    continue
                if _size(into):
                    raise DownloadInterrupted(file.name, done_bytes=_size(into)) from exc
                raise HubUnreachable(self.access.host, type(exc).__name__) from exc
            else:
                return

    def _download(self, file: PlannedFile, target: BinaryIO, advance: Advance) -> None:
        """Append to `target` until the file is whole, or the connection breaks."""
        target.seek(0, 2)
        start = target.tell()
        if file.size_bytes is not None and start > file.size_bytes:
            start = _restart(target, start, advance)
        if start and start == file.size_bytes:
            return
        url = (
            f"{self.access.endpoint}/{self.source.repository}/resolve/"
            f"{quote(self._revision, safe='')}/{quote(file.name)}"
        )
        # identity: with a compressed body, Range would count compressed bytes
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self._get(url, headers) as response:
            if start and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                _restart(target, start, advance)
                raise httpx2.RemoteProtocolError("the hub has less than we have")
            goes_on = bool(start) and response.status_code == HTTPStatus.PARTIAL_CONTENT
            self._refuse_other_size(file, start if goes_on else 0, response)
            if start and not goes_on:
                start = _restart(target, start, advance)
            for block in response.iter_bytes():  # as they arrive: a break must lose nothing
                start += len(block)
                if file.size_bytes is not None and start > file.size_bytes:
                    _restart(target, target.tell(), advance)
                    raise self._other_size(file, start)
                target.write(block)
                advance(len(block))
            if file.size_bytes is not None and start < file.size_bytes:
                raise httpx2.RemoteProtocolError("the body ended early")

    def _refuse_other_size(self, file: PlannedFile, start: int, response: httpx2.Response) -> None:
        """Stop before gigabytes arrive that cannot be the file.

        What is on disk stays: a captive portal's page must not cost a nearly finished download.
        """
        length = response.headers.get("content-length", "")
        if file.size_bytes is not None and length.isdigit():
            announced = start + int(length)
            if announced != file.size_bytes:
                raise self._other_size(file, announced)

    def _other_size(self, file: PlannedFile, found: int) -> ChecksumMismatch:
        return ChecksumMismatch(
            self.model, file.name, expected=f"{file.size_bytes} bytes", found=f"{found} bytes"
        )

    def _ask(self, revision: str) -> _Listing:
        """Ask the hub which commit a revision is and what is in it."""
        url = (
            f"{self.access.endpoint}/api/models/{self.source.repository}/revision/"
            f"{quote(revision, safe='')}?blobs=true"
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self._get(url, {}) as response:
                    return _Listing.model_validate_json(response.read())
            except httpx2.TransportError as exc:
                if attempt == ATTEMPTS:
                    raise HubUnreachable(self.access.host, type(exc).__name__) from exc
                self.access.pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
            except ValidationError as exc:
                raise HubRefused(self.source.repository, HTTPStatus.OK) from exc
        raise AssertionError("unreachable")

    def _planned(self, listing: _Listing) -> Iterator[PlannedFile]:
        siblings = {sibling.rfilename: sibling for sibling in listing.siblings}
        for file in self.source.files:
            sibling = siblings.get(file.name)
            if sibling is None:
                if file.optional:
                    continue
                raise PartMissing(self.model, file.name)
            trusted = self.trusted.sha256.get(file.name) if self.trusted else None
            sha256 = trusted or file.sha256 or (sibling.lfs.sha256 if sibling.lfs else None)
            yield PlannedFile(
                name=file.name,
                size_bytes=sibling.size,
                sha256=sha256,
                git_blob_sha1=None if sibling.lfs else sibling.blob_id,
            )

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        timeout = httpx2.Timeout(self.access.read_timeout_s, connect=self.access.connect_timeout_s)
        with (
            httpx2.Client(timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            if response.status_code in RETRYABLE_STATUS:
                raise httpx2.RemoteProtocolError(f"status {response.status_code}")
            past_the_end = response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
            if response.is_error and not (past_the_end and "Range" in headers):
                raise HubRefused(self.source.repository, response.status_code)
            yield response


def _restart(target: BinaryIO, have: int, advance: Advance) -> int:
    """Throw away what is there; the new start."""
    target.seek(0)
    target.truncate()
    advance(-have)
    return 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

"""Whole servers that tell a real collector."""

from collections.abc import Iterator

import pytest

from tests.server.conftest import start_server
from tests.storage.fixtures import database_url, postgres_dsn
from tests.tracing.collector import Collector, collecting

__all__ = ["database_url", "postgres_dsn", "start_server"]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with collecting() as running:
        yield running

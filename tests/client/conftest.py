"""Fixtures of the client's tests."""

import pytest

from tests.client.faulty_server import FaultyServer


@pytest.fixture
async def server():
    async with FaultyServer().running() as running:
        yield running

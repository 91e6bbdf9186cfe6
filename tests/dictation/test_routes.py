"""Which pages may open the socket."""

import pytest

from service.accounts.origins import origin_check


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8765"),
        ("http://127.0.0.1:8765", "127.0.0.1:8765"),
        ("http://localhost:8765", "localhost:8765"),
        ("http://[::1]:8765", "[::1]:8765"),
        ("https://dictate.example.org", "dictate.example.org"),
    ],
)
def test_programs_and_known_pages_may(origin: str | None, host: str) -> None:
    assert origin_check(("https://dictate.example.org",))(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "127.0.0.1:8765"),
        ("http://evil.example:8765", "evil.example:8765"),  # a name rebound to this machine
        ("null", "127.0.0.1:8765"),
        ("http://127.0.0.1:9999", "127.0.0.1:8765"),
        ("http://localhost.evil.example:8765", "localhost.evil.example:8765"),
    ],
)
def test_other_pages_may_not(origin: str, host: str) -> None:
    assert not origin_check(("https://dictate.example.org",))(origin, host)

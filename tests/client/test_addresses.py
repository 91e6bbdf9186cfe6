"""How people name a server."""

import pytest

from service.client.signed_in import server_address
from service.problems import ServiceError


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("localhost", "http://localhost"),
        ("box:8765", "http://box:8765"),
        ("http://box", "http://box"),
        ("wss://Dictate.example.org/v1/stream", "https://dictate.example.org"),
        ("[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_a_server_has_one_address_however_it_is_named(named: str, address: str) -> None:
    assert server_address(named) == address


@pytest.mark.parametrize(
    "named",
    ["nonsense", "не адрес", "http://x y", "http://x:abc", "http://[", "ftp://x", "", "::1"],
)
def test_what_is_no_address_is_called_so(named: str) -> None:
    with pytest.raises(ServiceError) as caught:
        server_address(named)
    assert caught.value.code == "stream.bad_address"

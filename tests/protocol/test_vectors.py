"""The golden messages and codes that the Rust and TypeScript clients read too."""

import ast
import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import get_args

import pytest

from service.dictation import wire
from service.problems import ProtocolError

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests/vectors/stream_v1.json").read_text(encoding="utf-8"))
CODES = json.loads((ROOT / "tests/vectors/error_codes.json").read_text(encoding="utf-8"))
PROBLEMS = json.loads((ROOT / "tests/vectors/problem_codes.json").read_text(encoding="utf-8"))
PROBLEM_AREAS = (
    "account|auth|export|invitation|key|library|news|polish|recording|request|sync|text|transcript"
)
CLIENT_SIDE = {
    "audio.empty",
    "audio.folder",
    "audio.no_sound",
    "audio.not_found",
    "audio.unreadable",
} | {
    "server.starting",  # said by the command line about this machine's own server
    "session.unauthorised",  # read from a 401, or from a sign-in that is over
}


def vectors(side, kind):
    return [pytest.param(v, id=v["name"]) for v in VECTORS[side][kind]]


def as_sent(vector):
    return vector["text"].ljust(vector.get("padded_to_bytes", 0))


@pytest.mark.parametrize("vector", vectors("client", "valid"))
def test_the_server_reads_a_client_message_as_it_is_meant(vector):
    assert json.loads(wire.encode(wire.decode_client(vector["text"]))) == vector["reads_as"]


@pytest.mark.parametrize("vector", vectors("client", "invalid"))
def test_the_server_refuses_a_bad_client_message_with_its_code(vector):
    with pytest.raises(ProtocolError) as refusal:
        wire.decode_client(as_sent(vector))
    assert refusal.value.code == vector["code"]


@pytest.mark.parametrize("vector", vectors("client", "invalid"))
def test_a_refusal_never_repeats_what_was_sent(vector):
    with pytest.raises(ProtocolError) as refusal:
        wire.decode_client(as_sent(vector))
    values = re.findall(r'"[^"]{12,}"', vector["text"])
    assert not [value for value in values if value.strip('"') in refusal.value.message]


@pytest.mark.parametrize("vector", vectors("server", "valid"))
def test_the_server_writes_its_messages_exactly(vector):
    written = wire.encode(wire.decode_server(vector["text"]))
    if "reads_as" in vector:
        assert json.loads(written) == vector["reads_as"]
    else:
        assert written == vector["text"]


@pytest.mark.parametrize("vector", vectors("server", "invalid"))
def test_a_client_refuses_what_is_not_the_protocol(vector):
    with pytest.raises(ProtocolError) as refusal:
        wire.decode_server(vector["text"])
    assert refusal.value.code == vector["code"]


@pytest.mark.parametrize(
    ("side", "union"), [("client", wire.ClientMessage), ("server", wire.ServerMessage)]
)
def test_every_message_of_the_protocol_has_a_vector(side, union):
    types = {json.loads(vector["text"])["type"] for vector in VECTORS[side]["valid"]}
    assert types == {kind.__struct_config__.tag for kind in get_args(union)}


def codes_used(areas: str, *, outside: tuple[str, ...] = ()) -> set[str]:
    pattern = re.compile(rf"({areas})\.[a-z_]+")
    return {
        node.value
        for path in (ROOT / "service").rglob("*.py")
        # Figures of traces are named in the same form and are no codes.
        if path.parent.name not in outside and path.name != "tracing.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and pattern.fullmatch(node.value)
    }


def test_the_codes_in_the_list_are_the_codes_in_the_code():
    used = codes_used("protocol|audio|session|server|store|recogniser")
    assert sorted(used - CLIENT_SIDE) == sorted(code["code"] for code in CODES)


def test_the_codes_of_http_answers_are_listed_with_a_status_that_exists():
    """A code that is in no list is one no client can act on."""
    used = codes_used(PROBLEM_AREAS, outside=("commands", "client"))
    assert sorted(used) == sorted(problem["code"] for problem in PROBLEMS)
    for problem in PROBLEMS:
        assert HTTPStatus(problem["status"]) >= 400
        assert problem["meaning"].endswith(".")


@pytest.mark.parametrize("code", [pytest.param(code, id=code["code"]) for code in CODES])
def test_a_code_closes_with_a_code_of_the_protocol_that_fits(code):
    close = wire.CloseCode(code["close"])
    passing = {"DRAINING", "OVERLOADED", "IDLE", "INTERNAL", "TOO_MANY_SESSIONS"}
    for_good = {"recogniser.rejected", "store.unreadable"}  # ours, and the same every time
    assert code["retryable"] == (close.name in passing and code["code"] not in for_good)
    assert code["meaning"].endswith(".")

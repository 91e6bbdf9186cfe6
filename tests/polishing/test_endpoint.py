"""Which addresses may be set up, and what anybody learns of them."""

import pytest
from pydantic import SecretStr

from service.polishing.endpoint import endpoint_of
from service.problems import SetUpError
from service.settings import Settings


def endpoint(url, **settings):
    return endpoint_of(Settings(polish_url=url, **settings))


def refusal(url, **settings):
    with pytest.raises(SetUpError) as refused:
        endpoint(url, **settings)
    return refused.value


@pytest.mark.parametrize("url", [None, ""])
def test_without_an_address_it_is_off(url):
    assert endpoint(url, polish_key=SecretStr("key")) is None


@pytest.mark.parametrize(
    ("url", "origin", "is_here"),
    [
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080", True),
        ("http://[::1]:8080/v1", "http://[::1]:8080", True),
        ("http://localhost/v1", "http://localhost:80", True),
        ("http://0.0.0.0:8000/v1", "http://0.0.0.0:8000", True),
        ("http://10.1.2.3:8000/v1", "http://10.1.2.3:8000", False),
        ("http://192.168.0.5/v1", "http://192.168.0.5:80", False),
        ("http://100.101.102.103:8000/v1", "http://100.101.102.103:8000", False),
        ("http://[fd00::7]:8000/v1", "http://[fd00::7]:8000", False),
        ("http://llm:8080/v1", "http://llm:8080", False),
        (
            "http://vllm.speech.svc.cluster.local/v1",
            "http://vllm.speech.svc.cluster.local:80",
            False,
        ),
        ("https://llm.example.org/openai/v1", "https://llm.example.org:443", False),
        ("HTTPS://LLM.example.org:8443", "https://llm.example.org:8443", False),
    ],
)
def test_an_address_of_this_machine_a_private_network_or_with_tls_is_taken(url, origin, is_here):
    found = endpoint(url)

    assert (found.origin, found.is_on_this_machine) == (origin, is_here)


@pytest.mark.parametrize(
    "url",
    [
        "http://llm.example.org/v1",
        "http://8.8.8.8/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://[2a00:1450::1]/v1",
        "http://local.example/v1",
        "http://224.0.0.1/v1",
    ],
)
def test_texts_do_not_cross_the_internet_in_the_clear(url):
    assert refusal(url).code == "setup.polish_in_the_clear"


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8080/v1",
        "localhost",
        "ftp://127.0.0.1/v1",
        "file:///etc/passwd",
        "http:///v1",
        "http://127.0.0.1:99999/v1",
        "http://[::1/v1",
        "http://user:s3cret@127.0.0.1/v1",
        "http://127.0.0.1/v1?key=s3cret",
        "http://127.0.0.1/v1#s3cret",
        "http://134744072/v1",
        "http://0x8080808/v1",
        "http://1.2/v1",
        "http://127.0.0.1/v1 s3cret",
        "http://127.0.0.1/v1\r\nX: s3cret",
        "http://./v1",
        f"http://{'a' * 64}.local/v1",
        "http://модель/v1",
        "http://127.0.0.1/путь",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url):
    refused = refusal(url)

    assert refused.code == "setup.polish_url"
    assert "s3cret" not in refused.message


def test_the_path_and_the_key_are_not_in_what_is_printed(tmp_path):
    (tmp_path / "key").write_text("s3cret-file\n")
    given = {"url": "http://127.0.0.1/account-17/v1", "polish_model": "qwen"}
    found = endpoint(**given, polish_key=SecretStr("s3cret"))
    from_file = endpoint(**given, polish_key_file=tmp_path / "key")

    assert found.headers["Authorization"] == "Bearer s3cret"
    assert from_file.headers["Authorization"] == "Bearer s3cret-file"
    assert found.url("models") == "http://127.0.0.1:80/account-17/v1/models"
    for one in (found, from_file):
        assert not {word for word in ("s3cret", "account-17") if word in repr(one)}


@pytest.mark.parametrize("key", ["two words", "две", "a\r\nX-Header: b", "  "])
def test_a_key_that_no_header_can_hold_is_refused_without_being_repeated(key, tmp_path):
    (tmp_path / "key").write_text(key)
    for given in ({"polish_key": SecretStr(key)}, {"polish_key_file": tmp_path / "key"}):
        refused = refusal("http://127.0.0.1/v1", **given)

        assert refused.code == "setup.polish_key"
        assert key.strip() == "" or key not in refused.message


def test_a_key_file_that_is_not_there_or_too_long_is_refused(tmp_path):
    (tmp_path / "long").write_text("a" * 5000)
    for name in ("missing", "long"):
        refused = refusal("http://127.0.0.1/v1", polish_key_file=tmp_path / name)

        assert refused.code == "setup.polish_key"
        assert str(tmp_path) not in refused.message

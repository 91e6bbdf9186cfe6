"""A dictation from the microphone's side: nothing said is lost."""

import asyncio
import socket
import wave
from contextlib import asynccontextmanager

import pytest

from service.client.keys import choice_of
from service.client.microphone import MicrophoneMissing
from service.client.stream import StreamOptions
from service.commands.dictate import Take
from service.language import Language
from service.problems import ServiceError
from tests.client.faulty_server import heard, spoken


def microphone(pcm):
    """Record `pcm`, all of it, before the person can press a key."""

    @asynccontextmanager
    async def record(deliver):
        for first in range(0, len(pcm), 3_200):
            deliver(pcm[first : first + 3_200])
            await asyncio.sleep(0)
        yield

    return record


def press(choice):
    async def choose():
        return choice

    return choose


def take(folder, address, patience_s=20.0):
    options = StreamOptions(server=address, patience_s=patience_s)
    return Take(folder / "recordings", options, Language("ru"))


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def test_what_is_said_becomes_text_and_the_recording_goes(tmp_path, server):
    pcm = spoken(3, tail=50)
    text = await take(tmp_path, server.url).run(microphone(pcm), press("finish"))
    assert text == heard(pcm)
    assert list((tmp_path / "recordings").iterdir()) == []


async def test_a_cancelled_dictation_leaves_nothing_anywhere(tmp_path, server):
    server.done_message = False

    async def choose():
        while not server.sessions:
            await asyncio.sleep(0.01)
        return "cancel"

    assert await take(tmp_path, server.url).run(microphone(spoken(1)), choose) is None
    assert list((tmp_path / "recordings").iterdir()) == []
    async with asyncio.timeout(10):
        while not server.cancelled:
            await asyncio.sleep(0.01)


async def test_without_a_server_the_recording_is_kept_and_the_person_is_told_how_to_send_it(
    tmp_path,
):
    pcm = spoken(2)
    with pytest.raises(ServiceError) as kept:
        await take(tmp_path, free_address(), 0.2).run(microphone(pcm), press("finish"))
    (file,) = (tmp_path / "recordings").iterdir()
    assert kept.value.code == "dictation.kept"
    assert f'alfavoice transcribe "{file}"' in kept.value.message
    with wave.open(str(file)) as recording:
        assert recording.readframes(10**6) == pcm


async def test_a_server_that_was_away_while_speaking_still_gets_everything(tmp_path, server):
    server.answers = [1013]
    pcm = spoken(2)
    text = await take(tmp_path, server.url, 0.0).run(microphone(pcm), press("finish"))
    assert text == heard(pcm)
    assert len({start.session for start in server.starts}) == 1


async def test_a_microphone_that_fails_leaves_no_empty_recording(tmp_path, server):
    @asynccontextmanager
    async def broken(deliver):
        raise MicrophoneMissing("microphone.silent", "no sound")
        yield

    with pytest.raises(MicrophoneMissing):
        await take(tmp_path, server.url).run(broken, press("finish"))
    assert list((tmp_path / "recordings").iterdir()) == []


@pytest.mark.parametrize(
    ("pressed", "choice"),
    [
        (b"\n", "finish"),
        (b"\r", "finish"),
        (b" ", "finish"),
        (b"\x1b", "cancel"),
        (b"\x1b[A", None),
        (b"x", None),
    ],
)
def test_a_key_chooses_what_people_expect(pressed, choice):
    assert choice_of(pressed) == choice

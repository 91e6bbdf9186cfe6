"""The command itself, as a person runs it."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from service.commands.targets import choose_targets
from tests.client.faulty_server import heard, spoken
from tests.deploy.nginx import free_port

COMMAND = Path(sys.executable).with_name("alfavoice")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x1b]")


async def start(*arguments, stderr=asyncio.subprocess.PIPE, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALFAVOICE", "LC_", "LANG"))}
    return await asyncio.create_subprocess_exec(
        COMMAND,
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
    )


async def run(*arguments, **environment):
    process = await start(*arguments, **environment)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def recording(path, seconds=2, tail=0):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(spoken(seconds, tail))
    return path


async def test_one_file_goes_to_standard_output_and_nothing_else_does(tmp_path, server):
    file = recording(tmp_path / "встреча.wav", tail=100)
    status, out, err = await run("transcribe", file, "--server", server.url)
    assert (status, out) == (0, "1\n2\n3\n")
    assert "встреча.wav" in err
    assert not CONTROL.search(out + err)
    assert server.starts[0].partials is False


async def test_a_bad_file_among_good_ones_is_named_and_the_others_are_written(tmp_path, server):
    good, other = recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav", seconds=1)
    bad = tmp_path / "bad.mp3"
    bad.write_text("не музыка")
    status, out, err = await run(
        "--language", "en", "transcribe", good, bad, other,
        "--server", server.url, "--format", "srt,txt",
    )  # fmt: skip
    assert (status, out) == (1, "")
    assert (tmp_path / "a.txt").read_text() == "1\n2\n"
    assert (tmp_path / "b.srt").read_text().startswith("1\n00:00:00,000 --> 00:00:01,000\n1\n")
    assert "[audio.unreadable]" in err
    assert f"1 file failed: {bad}" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.srt", "a.txt", "a.wav", "b.srt", "b.txt", "b.wav", "bad.mp3",
    ]  # fmt: skip


async def test_what_is_there_already_is_only_replaced_when_asked(tmp_path, server):
    file, kept = recording(tmp_path / "a.wav"), tmp_path / "a.txt"
    kept.write_text("важное")
    command = ("transcribe", file, "--server", server.url, "--output", tmp_path)
    status, _, err = await run(*command)
    assert (status, kept.read_text()) == (1, "важное")
    assert "--overwrite" in err
    status, out, err = await run(*command, "--overwrite")
    assert (status, out) == (0, "")
    assert str(kept) in err  # where it went is said
    assert kept.read_text() == "1\n2\n"


async def test_a_terminal_shows_the_text_as_it_comes_and_the_pipe_stays_clean(tmp_path, server):
    ours, theirs = pty.openpty()
    file = recording(tmp_path / "a.wav", seconds=3)
    process = await start("transcribe", file, "--server", server.url, stderr=theirs, TERM="xterm")
    os.close(theirs)
    shown = asyncio.create_task(asyncio.to_thread(read_terminal, ours))  # noqa: TID251
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
        screen = await shown
    assert (process.returncode, out.decode()) == (0, "1\n2\n3\n")
    assert "\x1b[" in screen
    assert "a.wav" in screen
    assert server.starts[0].partials is True


async def test_what_was_ready_is_kept_when_the_rest_fails(tmp_path, server):
    """A newcomer pressed Ctrl+C after ten seconds of text and saw all of it go (2026-11-21)."""
    server.silent.set()
    file = recording(tmp_path / "a.wav", 30)
    process = await start("--language", "en", "transcribe", file, "--server", server.url)
    async with asyncio.timeout(60):
        while sum(len(kept.finals) for kept in server.sessions.values()) < 2:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)  # for the finals to arrive
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert out.decode().startswith("1\n2\n")
    assert "only a part is ready" in err.decode()
    assert "Traceback" not in err.decode()


async def test_a_file_that_breaks_off_is_said_to(tmp_path, server):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "whole.flac", 0.1 * rng.standard_normal(160_000), 16_000)
    whole = (tmp_path / "whole.flac").read_bytes()
    file = tmp_path / "a.flac"
    file.write_bytes(whole[: len(whole) // 3])
    status, out, err = await run("--language", "en", "transcribe", file, "--server", server.url)
    assert (status, bool(out)) == (0, True)
    assert "a.flac breaks off: its header says 10 s, 3 s could be read" in err


@pytest.mark.parametrize(
    ("spoken_as", "asked"), [("ru-RU", "ru"), ("EN", "en"), ("zh_Hans", "zh"), ("auto", "auto")]
)
async def test_a_language_is_understood_as_people_write_it(tmp_path, server, spoken_as, asked):
    file = recording(tmp_path / "a.wav")
    await run("transcribe", file, "--server", server.url, "--language", spoken_as)
    assert server.starts[0].language == asked


async def test_a_language_nobody_speaks_is_refused(tmp_path, server):
    file = recording(tmp_path / "a.wav")
    status, _, err = await run("transcribe", file, "--server", server.url, "--language", "xx")
    assert (status, server.starts) == (2, [])
    assert "xx" in err
    assert "ru, en" in err


async def test_what_only_the_server_decides_is_said_to_change_nothing(tmp_path, server):
    file = recording(tmp_path / "a.wav")
    given = ("--beam", "5", "--device", "cpu")
    _, _, err = await run("transcribe", file, "--server", server.url, *given)
    assert "--device, --beam: решает сервер" in err


async def test_settings_of_the_env_file_hold_for_every_command(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("ALFAVOICE_PORT=notaport\nPATH=/nowhere\n")
    status, _, err = await run("doctor", ALFAVOICE_ENV_FILE=str(env_file))
    assert status != 0
    assert "port" in err
    status, _, err = await run(
        "transcribe", tmp_path / "none.wav", "--server", "http://127.0.0.1:1",
        ALFAVOICE_ENV_FILE=str(env_file), ALFAVOICE_PORT="9",
    )  # fmt: skip
    assert "notaport" not in err  # the environment goes first


def read_terminal(descriptor):
    seen = bytearray()
    while True:
        try:
            block = os.read(descriptor, 4096)
        except OSError:
            block = b""
        if not block:
            os.close(descriptor)
            return seen.decode(errors="replace")
        seen += block


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_interrupting_tells_the_server_and_ends_without_a_traceback(tmp_path, server, how):
    server.silent.set()
    process = await start("transcribe", recording(tmp_path / "a.wav", 30), "--server", server.url)
    async with asyncio.timeout(60):
        while not any(kept.finals for kept in server.sessions.values()):
            await asyncio.sleep(0.02)
        process.send_signal(how)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert set(out.decode()) <= set("1234567890\n")  # nothing but what was ready
    assert err.decode().strip().endswith("Прервано.")
    assert "Traceback" not in err.decode()
    assert server.cancelled == [server.starts[0].session]


async def test_nobody_at_the_address_is_one_line(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    status, out, err = await run("transcribe", recording(tmp_path / "a.wav"), "--server", address)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].endswith("[stream.unreachable]")
    assert "Traceback" not in err


async def test_a_wrong_setting_is_named(tmp_path):
    status, _, err = await run(
        "transcribe", recording(tmp_path / "a.wav"), ALFAVOICE_PORT="many", LANG="en_US.UTF-8"
    )
    assert status == 1
    assert err.startswith("Error: a setting is wrong: ")
    assert "port" in err.lower()
    assert err.strip().endswith("[setup.invalid_setting]")


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_every_command_explains_itself_in_both_languages(language):
    for command in ((), *([name] for name in ("serve", "transcribe", "dictate", "doctor"))):
        status, out, err = await run("--language", language, *command, "--help")
        assert (status, err) == (0, "")
        assert bool(re.search("[а-я]{4}", out)) == (language == "ru")


async def test_doctor_names_a_missing_model_and_a_taken_port(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, out, _ = await run("doctor", "--json", "--data-dir", tmp_path, "--port", port)
    found = {finding["check"]: finding for finding in json.loads(out)}
    assert status == 1
    assert found["model"]["finding"] == "doctor.model_missing"
    assert "alfavoice models pull" in found["model"]["message"]
    assert (found["port"]["status"], found["port"]["finding"]) == ("fail", "doctor.port_taken")
    assert found["python"]["status"] == found["folder"]["status"] == "ok"
    assert found["database"]["status"] == "ok"
    assert not list(tmp_path.iterdir())


async def test_doctor_says_where_it_looked_for_a_server_and_how_to_look_elsewhere(tmp_path):
    port = free_port()
    _, out, _ = await run("doctor", "--json", "--data-dir", tmp_path, "--port", port)

    (said,) = [one["message"] for one in json.loads(out) if one["check"] == "port"]
    assert f"{port} на 127.0.0.1" in said
    assert "alfavoice doctor --server" in said


async def test_doctor_says_when_the_folder_and_the_database_are_out_of_reach(tmp_path):
    (tmp_path / "file").write_text("")
    status, out, _ = await run(
        "doctor", "--json", "--port", "0", "--data-dir", tmp_path / "file" / "data",
        DATABASE_URL="postgresql://user:secret@127.0.0.1:1/nothing",
    )  # fmt: skip
    found = {finding["check"]: finding["finding"] for finding in json.loads(out)}
    assert status == 1
    assert found["folder"] == "doctor.folder_unwritable"
    assert found["database"] == "doctor.database_away"
    assert "secret" not in out


@pytest.mark.parametrize(
    ("files", "formats", "output", "targets"),
    [
        (["d/a.wav"], ["txt"], None, [{"txt": "-"}]),
        (["d/a.wav"], ["txt", "srt"], None, None),
        (["d/a.wav"], ["txt", "srt"], "d", [{"txt": "d/a.txt", "srt": "d/a.srt"}]),
        (["d/a.wav", "e/b.mp3"], ["txt"], None, [{"txt": "d/a.txt"}, {"txt": "e/b.txt"}]),
        (["d/a.wav", "e/b.mp3"], ["vtt"], "out", [{"vtt": "out/a.vtt"}, {"vtt": "out/b.vtt"}]),
        (["d/a.wav", "d/a.mp3"], ["txt"], None, [{"txt": "d/a.wav.txt"}, {"txt": "d/a.mp3.txt"}]),
        (["d/a.wav", "e/a.wav"], ["txt"], None, [{"txt": "d/a.txt"}, {"txt": "e/a.txt"}]),
        (["a.wav", "b.wav"], ["txt"], "-", [{"txt": "-"}, {"txt": "-"}]),
        (["a.wav"], ["txt", "srt"], "-", None),
    ],
)
def test_text_goes_where_a_person_expects_it(files, formats, output, targets):
    chosen = choose_targets([Path(f) for f in files], formats, Path(output) if output else None)
    expected = targets and [{k: Path(v) for k, v in target.items()} for target in targets]
    assert chosen == expected


def test_the_test_server_hears_what_was_spoken():
    assert heard(spoken(2, tail=10)) == "1 2 3"


async def test_the_bare_command_shows_its_help():
    status, out, err = await run()

    assert (status, err) == (0, "")
    assert "transcribe" in out


async def test_two_formats_of_one_file_ask_for_a_folder_and_write_into_none(tmp_path):
    file = recording(tmp_path / "a.wav")
    status, out, err = await run(
        "transcribe", file, "--format", "txt,srt", "--data-dir", tmp_path, ALFAVOICE_LANGUAGE="ru"
    )
    assert (status, out) == (2, "")
    assert "задайте папку в --output" in err
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


async def test_an_unknown_format_is_answered_with_those_there_are(tmp_path):
    status, _, err = await run("transcribe", "a.wav", "--format", "docx", ALFAVOICE_LANGUAGE="ru")
    assert status == 2
    assert "такого вида текста нет, есть txt, srt, vtt, json" in err

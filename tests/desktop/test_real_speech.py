"""A recorded Russian sentence, the real recogniser, another program's window: the whole way, once."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from benchmarks.speech import errors, recordings_folder, word_error_rate
from tests.desktop.client import HOLD, Client
from tests.desktop.display import Desktop
from tests.desktop.programs import wait_until
from tests.desktop.serving import serving
from tests.real_speech import real_clips
from tests.whisper_base import whisper_base_folder

SENTENCE = "festvox_nsh/ru_0045.flac"
"""A man reads, clearly: «Сначала думали, что это следы бурь, в магнитных полях земли.»"""


@pytest.mark.desktop
@pytest.mark.slow
@pytest.mark.model
@pytest.mark.shared
@pytest.mark.usefixtures("built")
def test_a_recorded_sentence_is_in_the_window_word_for_word_but_few(
    desk: Desktop,
    database_url: str,
    new_data_folder: Path,
    record_property: Callable[[str, object], None],
) -> None:
    [clip] = [clip for clip in real_clips("festvox") if clip.name == SENTENCE]
    spoken = desk.folder / "sentence.wav"
    samples, rate = soundfile.read(recordings_folder() / "speech_ru" / SENTENCE)
    soundfile.write(spoken, samples, rate, subtype="PCM_16")
    (new_data_folder / "models").symlink_to(whisper_base_folder().parent.parent)
    with serving(new_data_folder, database_url, script=None, model="base") as port:
        client = Client(desk, port)
        with client.run():
            client.wait_for_route("Team")
            field = desk.field()
            desk.press(*HOLD)
            desk.wait_for_listener()
            desk.say(spoken)
            desk.release(*HOLD)
            released = time.monotonic()
            wait_until(lambda: bool(field.text), "the text", 60)
            waited = time.monotonic() - released
            rate_of_errors = word_error_rate([errors(clip, field.text)])
            record_property("release_to_text_s", round(waited, 2))
            record_property("word_error_rate_percent", round(rate_of_errors, 3))
            told = f"release → text {waited:.2f} s, word error rate {rate_of_errors:.0f} %: {field.text}"
            if folder := os.environ.get("ALFAVOICE_ARTEFACTS"):
                (Path(folder) / "real-speech.txt").write_text(told + "\n", encoding="utf-8")
            desk.artefact("real-speech")
            assert rate_of_errors < 50, told

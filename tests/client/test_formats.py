"""Transcripts written as text, subtitles and JSON, and read back."""

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.dictation.wire import Final, WordTime
from service.formats.documents import FORMATS, Written, as_json, as_srt, as_txt, as_vtt
from service.formats.subtitles import LINE_CHARACTERS, LONGEST_S, subtitles

RATE = 16_000


def final(text, *, start_s=0.0, word_s=0.4, gap_s=0.1, utterance=0, times=True):
    words, at = [], start_s
    for word in text.split():
        begin, at = at, at + word_s
        words.append(
            WordTime(text=word, start=round(begin * RATE), end=round(at * RATE), probability=0.9)
        )
        at += gap_s
    return Final(
        utterance=utterance,
        start=round(start_s * RATE),
        end=round(at * RATE),
        text=text,
        raw=text.lower(),
        words=words if times else [],
        language="ru",
    )


def written(*finals):
    return Written(finals=finals, sample_rate=RATE, audio_s=60.0, source="совещание.mp3")


def seconds(clock):
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def read_srt(text):
    cues = []
    for number, block in enumerate(text.strip().split("\n\n"), start=1):
        head, times, *lines = block.split("\n")
        assert head == str(number)
        found = re.fullmatch(r"(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})", times)
        assert found
        cues.append((seconds(found[1]), seconds(found[2]), lines))
    return cues


def read_vtt(text):
    head, *blocks = text.rstrip("\n").split("\n\n")
    assert head == "WEBVTT"
    cues = []
    for block in blocks:
        times, *lines = block.split("\n")
        found = re.fullmatch(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})", times)
        assert found
        plain = [
            line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for line in lines
        ]
        assert not any(character in "".join(lines) for character in "<>")
        cues.append((seconds(found[1]), seconds(found[2]), plain))
    return cues


SPEECH = (
    "Добрый день, коллеги. Сегодня мы обсудим план на следующий квартал, бюджет и найм. "
    "Начнём с того, что уже сделано, а потом перейдём к тому, что ещё предстоит."
)


def test_srt_read_back_is_the_whole_text_in_order_with_its_times():
    first, second = final(SPEECH), final("Вопросы?", start_s=40.0, utterance=1)
    cues = read_srt(as_srt(written(first, second)))
    assert " ".join(" ".join(lines) for *_, lines in cues) == f"{SPEECH} Вопросы?"
    assert cues[0][0] == 0.0
    assert cues[-1][0] == 40.0
    assert all(start < end for start, end, _ in cues)


def test_vtt_says_the_same_as_srt_and_escapes_what_it_must():
    speech = written(final("Если a < b & b > c, то a <i>меньше</i> c --> вот так."))
    srt, vtt = read_srt(as_srt(speech)), read_vtt(as_vtt(speech))
    assert [cue[:2] for cue in srt] == [cue[:2] for cue in vtt]
    assert "a < b & b > c" in " ".join(" ".join(lines) for *_, lines in vtt)
    assert as_srt(speech).count("-->") == len(srt)


def test_sentences_begin_their_own_subtitle():
    cues = read_srt(as_srt(written(final(SPEECH, word_s=0.6))))
    texts = [" ".join(lines) for *_, lines in cues]
    assert texts[0] == "Добрый день, коллеги."
    assert any(text.startswith("Начнём с того,") for text in texts)


def test_a_pause_within_an_utterance_ends_a_subtitle():
    early, late = final("раз два"), final("три", start_s=10.0)
    joined = Final(
        utterance=0, start=0, end=late.end, text="раз два три", raw="", language="ru",
        words=[*early.words, *late.words],
    )  # fmt: skip
    assert [cue.lines for cue in subtitles([joined], sample_rate=RATE)] == [("раз два",), ("три",)]


def test_a_short_word_stays_on_screen_long_enough_but_never_into_the_next():
    finals = [
        final("Да.", word_s=0.2),
        final("Нет.", start_s=0.5, word_s=0.2, utterance=1),
        final("Ага.", start_s=9.0, word_s=0.2, utterance=2),
    ]
    cues = subtitles(finals, sample_rate=RATE)
    assert [(cue.start_s, cue.end_s) for cue in cues] == [(0.0, 0.5), (0.5, 1.333), (9.0, 9.833)]


@given(
    st.lists(
        st.tuples(
            st.lists(
                st.text(st.characters(categories=("L", "P", "N")), min_size=1, max_size=60),
                min_size=1,
                max_size=60,
            ),
            st.floats(0.01, 3.0),
            st.floats(0.0, 2.0),
            st.booleans(),
        ),
        max_size=4,
    )
)
def test_any_speech_makes_subtitles_that_can_be_read_and_lose_no_letter(utterances):
    finals, at = [], 0.0
    for number, (words, word_s, gap_s, times) in enumerate(utterances):
        said = final(
            " ".join(words), start_s=at, word_s=word_s, gap_s=gap_s, utterance=number, times=times
        )
        finals.append(said)
        at = said.end / RATE + 0.5
    cues = subtitles(finals, sample_rate=RATE)
    letters = "".join("".join(cue.lines) for cue in cues).replace(" ", "")
    assert letters == "".join("".join(f.text.split()) for f in finals)
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= LINE_CHARACTERS for line in cue.lines)
        assert 0 < cue.end_s - cue.start_s <= LONGEST_S + 1e-9
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(cues))


def test_txt_is_a_line_for_each_utterance_that_has_words():
    silence = final("", start_s=5.0, utterance=1)
    assert as_txt(written(final("Раз."), silence, final("Два.", start_s=9.0))) == "Раз.\nДва.\n"


def test_json_has_the_text_the_words_and_their_seconds():
    document = json.loads(as_json(written(final("Раз два."))))
    assert (document["source"], document["text"]) == ("совещание.mp3", "Раз два.")
    (utterance,) = document["utterances"]
    assert (utterance["raw"], utterance["language"]) == ("раз два.", "ru")
    assert utterance["words"][1] == {
        "start_s": 0.5, "end_s": 0.9, "text": "два.", "probability": 0.9,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_silence_is_written_without_inventing_anything(name):
    text = FORMATS[name](written())
    assert text in ("", "WEBVTT\n") or json.loads(text)["utterances"] == []

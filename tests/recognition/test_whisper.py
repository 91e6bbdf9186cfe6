"""The engine with real weights on real speech."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jiwer
import numpy as np
import pytest

from tests.recognition.windows import climb, job, request
from tests.whisper_base import whisper_base_folder
from workers.contract.audio import WINDOW_LIMIT_SAMPLES
from workers.contract.engine import Again, Plan
from workers.contract.requests import Hypothesis, Priority, Profile
from workers.devices import parse_device
from workers.recognition.alignment import SAMPLES_PER_POSITION
from workers.recognition.lengths import token_cap, window_for
from workers.recognition.whisper import WhisperEngine

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]


def by_bucket(referenced, *, group_size):
    """Up to three clips a bucket, beginning with the fullest buckets."""
    buckets = {}
    for spoken in sorted(referenced, key=lambda spoken: spoken.name):
        buckets.setdefault(window_for(len(spoken.samples)), []).append(spoken)
    return {
        window: clips[:: max(1, len(clips) // group_size)][:group_size]
        for window, clips in buckets.items()
    }


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("beam", "group", "least"), [(1, 4, 12), (5, 2, 6)])
def test_the_text_of_a_window_does_not_depend_on_its_company(
    engine, referenced, beam, group, least
):
    compared = 0
    # Every other length of window: all of them take minutes.
    for window, clips in [*by_bucket(referenced, group_size=group).items()][::2]:
        jobs = [
            job(request(spoken.samples, name=spoken.name, language=spoken.language), beam=beam)
            for spoken in clips
        ]
        together = engine.recognise(jobs)
        alone = [engine.recognise([one])[0] for one in jobs]
        assert [texts(outcome) for outcome in together] == [texts(outcome) for outcome in alone], (
            f"window of {window / 16_000} s"
        )
        compared += len(jobs)
    assert compared >= least


def texts(outcome):
    hypothesis = outcome.best if isinstance(outcome, Again) else outcome
    return type(outcome).__name__, hypothesis.text, hypothesis.language


@pytest.mark.shared
def test_every_window_of_a_batch_is_heard_in_its_own_language(engine, clip):
    russian = clip("speech_ru/misc_small/tk1.flac")
    english = clip("speech_en/librivox_ss_0920.flac")
    shared = Plan(window_samples=max(window_for(len(russian)), window_for(len(english))))
    jobs = [
        job(request(russian, name="named ru", language="ru"), plan=shared),
        job(request(english, name="detected en", language=None), plan=shared),
        job(request(russian, name="detected ru", language=None), plan=shared),
        job(request(english, name="named en", language="en"), plan=shared),
    ]

    outcomes = engine.recognise(jobs)

    assert [outcome.request for outcome in outcomes] == [one.request.id for one in jobs]
    assert [outcome.language for outcome in outcomes] == ["ru", "en", "ru", "en"]
    assert outcomes[1].text == outcomes[3].text
    assert outcomes[0].text == outcomes[2].text
    assert "respectable" in outcomes[1].text.lower()
    assert outcomes[0].language_probability == 1.0
    assert 0.5 < outcomes[1].language_probability < 1.0


@pytest.mark.shared
def test_a_language_the_model_does_not_know_is_detected(engine, clip):
    outcome = engine.recognise(
        [job(request(clip("speech_en/librivox_ss_0920.flac"), language="tlh"))]
    )[0]

    assert outcome.language == "en"


@pytest.mark.shared
def test_prompts_of_different_length_share_a_batch_and_change_nothing_for_others(engine, clip):
    speech = clip("speech_en/librivox_ss_0920.flac")
    plain = request(speech, name="plain", language="en")
    hinted = request(speech, name="hinted", language="en", terms=("Dashwood", "Norland"))

    alone = engine.recognise([job(plain)])[0]
    together = engine.recognise([job(plain), job(hinted)])

    assert together[0].text == alone.text
    assert "norland" not in together[1].text.lower()
    assert "respectable" in together[1].text.lower()


@pytest.mark.shared
def test_an_engine_knows_how_large_its_model_is(engine):
    weights = (whisper_base_folder() / "model.bin").stat().st_size

    assert weights < engine.description.size_bytes < weights * 1.1


def test_terms_change_how_a_name_is_spelled(engine, clip):
    speech = clip("speech_en/librivox_ss_0870.flac")  # «… Mr. John Dashwood had then leisure …»
    heard = climb(engine, job(request(speech, language="en", terms=("Mr. Jon Dashwoode",))))[0]

    assert "Dashwoode" in heard.text


@pytest.mark.shared
def test_words_follow_the_speech_and_join_to_the_text(engine, referenced):
    clips = [spoken for spoken in referenced if 4.0 < len(spoken.samples) / 16_000 < 12.0][::12]
    assert len(clips) >= 5
    for spoken in clips:
        wanted = request(spoken.samples, language=spoken.language, words=True)
        heard, _ = climb(engine, job(wanted))

        assert [word.text for word in heard.words] == heard.text.split()
        edges = [edge for word in heard.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= len(spoken.samples)
        assert all(0.0 <= word.probability <= 1.0 for word in heard.words)
        level = np.abs(spoken.samples)
        loud = np.flatnonzero(level > 0.1 * level.max())
        slack = 25 * SAMPLES_PER_POSITION  # half a second
        assert heard.words[0].end >= loud[0]
        assert heard.words[-1].end <= loud[-1] + 2 * slack
        assert heard.words[-1].end >= loud[-1] - 2 * slack


@pytest.mark.shared
def test_a_word_after_silence_is_timed_after_it(engine, clip):
    speech = clip("speech_en/librivox_ss_0920.flac")
    silence = np.zeros(3 * 16_000, np.float32)

    shifted, _ = climb(
        engine, job(request(np.concatenate((silence, speech)), language="en", words=True))
    )

    assert shifted.words[0].end > len(silence)
    assert shifted.words[0].start > len(silence) - 16_000


@pytest.mark.shared
def test_no_window_writes_more_tokens_than_its_cap(engine, clip):
    rng = np.random.default_rng(0)
    noise = clip("noise/sb_noise5.flac")
    vocabulary = engine._vocabulary
    for seconds in (0.3, 1.0, 3.0, 8.0):
        start = int(rng.integers(0, len(noise) - seconds * 16_000))
        piece = noise[start : start + int(seconds * 16_000)]
        outcome = engine.recognise([job(request(piece, language="en", priority=Priority.PARTIAL))])[
            0
        ]

        assert len(vocabulary.encode(" " + outcome.text)) <= token_cap(len(piece)) + 1


@pytest.mark.shared
def test_the_answer_is_the_same_from_two_threads_at_once(engine, referenced):
    clips = [spoken for spoken in referenced if len(spoken.samples) < 3 * 16_000][:16]
    jobs = [
        job(
            request(spoken.samples, name=spoken.name, language=spoken.language),
            plan=Plan(window_samples=96_000),
        )
        for spoken in clips
    ]
    alone = [texts(engine.recognise([one])[0]) for one in jobs]

    with ThreadPoolExecutor(2) as threads:
        halves = list(threads.map(engine.recognise, [jobs[:8], jobs[8:]] * 2))

    assert [texts(outcome) for half in halves for outcome in half] == alone * 2


def plain(text):
    kept = "".join(mark if mark.isalnum() else " " for mark in text.lower().replace("ё", "е"))
    return " ".join(kept.split())


def preview_of(spoken, *, draft=""):
    wanted = request(
        spoken.samples,
        name=spoken.name,
        language=spoken.language,
        priority=Priority.PARTIAL,
    )
    return job(replace(wanted, draft=draft))


@pytest.fixture(scope="module")
def previewed(referenced):
    """Real clips of a preview's length, few enough to decode in several ways."""
    fitting = [clip for clip in referenced if 3.0 < len(clip.samples) / 16_000 < 10.0]
    clips = sorted(fitting, key=lambda spoken: spoken.name)
    return clips[:: max(1, len(clips) // 16)][:16]


@pytest.mark.shared
@pytest.mark.slow
def test_previews_of_whole_clips_are_nearly_as_right_as_finals(engine, previewed):
    spoken = [plain(clip.text) for clip in previewed]
    finals = [
        climb(engine, job(request(clip.samples, language=clip.language)))[0] for clip in previewed
    ]
    previews = [engine.recognise([preview_of(clip)])[0] for clip in previewed]

    of_finals = jiwer.wer(spoken, [plain(heard.text) for heard in finals])
    of_previews = jiwer.wer(spoken, [plain(heard.text) for heard in previews])
    assert of_finals < 0.3
    assert of_previews < of_finals + 0.1


@pytest.mark.shared
@pytest.mark.parametrize("kind", ["what was said", "half of it", "what nobody said"])
def test_a_preview_says_the_same_with_a_draft(engine, previewed, kind):
    clips = previewed[:6]
    free = [engine.recognise([preview_of(clip)])[0].text for clip in clips]
    drafts = {
        "what was said": free,
        "half of it": [text[: len(text) // 2] for text in free],
        "what nobody said": [f"{' '.join(text.split()[:2])} крокодилы летят" for text in free],
    }[kind]

    drafted = [
        engine.recognise([preview_of(clip, draft=draft)])[0].text
        for clip, draft in zip(clips, drafts, strict=True)
    ]

    assert "крокодил" not in " ".join(drafted).lower()
    assert jiwer.wer([plain(text) for text in free], [plain(text) for text in drafted]) < 0.1


@pytest.mark.shared
@pytest.mark.parametrize(
    "draft", ["<|endoftext|>", "<|nospeech|><|ru|>", "\0", "🦜" * 200, " ", "слово " * 400]
)
def test_a_strange_draft_does_no_harm(engine, previewed, draft):
    clip = previewed[0]
    free = engine.recognise([preview_of(clip)])[0].text
    begun = " ".join(free.split()[:1])

    for strange in (draft, f"{begun}{draft}", f"{begun} {draft}"):
        drafted = engine.recognise([preview_of(clip, draft=strange)])[0].text
        assert jiwer.wer(plain(free), plain(drafted)) < 0.2


@pytest.mark.shared
def test_a_draft_changes_nothing_in_a_text_that_stays(engine, previewed):
    for clip in previewed[:4]:
        wanted = request(clip.samples, language=clip.language)
        drafted = replace(wanted, draft="крокодилы летят над рекой")

        assert texts(engine.recognise([job(drafted)])[0]) == texts(
            engine.recognise([job(wanted)])[0]
        )


@pytest.mark.shared
def test_previews_of_people_with_terms_share_a_batch_with_others(engine, previewed):
    clips = previewed[:3]
    window = max(preview_of(clip).plan.window_samples for clip in clips)
    jobs = [
        replace(one, plan=replace(one.plan, window_samples=window))
        for one in map(preview_of, clips)
    ]
    terms = tuple(f"Староконюшенный переулок {number}" for number in range(30))
    hinted = replace(jobs[0].request, id="hinted", profile=Profile(terms=terms))

    together = engine.recognise([*jobs, replace(jobs[0], request=hinted)])

    alone = [engine.recognise([one])[0] for one in jobs]
    assert [outcome.text for outcome in together[:3]] == [outcome.text for outcome in alone]
    assert together[3].request == "hinted"
    assert jiwer.wer(plain(together[0].text), plain(together[3].text)) < 0.5


@pytest.mark.shared
def test_a_model_asked_for_in_single_precision_writes_previews_too(previewed):
    exact = WhisperEngine.load(
        whisper_base_folder(), device="cpu", compute_type="float32", lanes=1, beam=1
    )
    clip = previewed[1]

    heard = exact.recognise([preview_of(clip, draft="крокодилы")])[0]

    assert jiwer.wer(plain(clip.text), plain(heard.text)) < 0.5


def test_jobs_of_different_plans_are_refused(engine):
    wanted = request(np.zeros(16_000))
    one = job(wanted)
    other = replace(one, plan=replace(one.plan, beam=3))

    with pytest.raises(ValueError, match="equal plans"):
        engine.recognise([one, other])


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(1),
        np.ones(160),
        np.full(16_000, np.nan),
        np.full(16_000, np.inf),
        np.ones(32_000),
        np.clip(np.random.default_rng(0).standard_normal(32_000) * 9, -1, 1),
        np.tile([1.0, -1.0], 24_000),
        np.random.default_rng(0).standard_normal(WINDOW_LIMIT_SAMPLES) * 1e-4,
    ],
    ids=["one sample", "10 ms", "NaN", "infinity", "direct current", "clipped", "nyquist", "hush"],
)
def test_degenerate_audio_gets_an_empty_answer(engine, samples):
    heard, _ = climb(engine, job(request(samples, language=None, words=True)))

    assert isinstance(heard, Hypothesis)
    assert (heard.text, heard.words) == ("", ())


def test_a_silent_window_in_a_batch_does_not_disturb_its_neighbours(engine):
    outcomes = engine.recognise(
        [job(request(np.zeros(16_000), name=name)) for name in ("first", "second")]
    )

    assert [outcome.request for outcome in outcomes] == ["first", "second"]
    assert [outcome.filtered for outcome in outcomes] == ["silence", "silence"]


def test_the_engine_says_what_it_is(engine):
    described = engine.description

    assert (described.device, described.compute_type, described.lanes) == ("cpu", "int8_float32", 2)
    assert {"ru", "en", "uk", "kk"} <= set(described.languages)


@pytest.mark.parametrize("device", ["", "gpu", "cpu:1", "cuda:x", "cuda:-1"])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(ValueError, match="device"):
        parse_device(device)


def test_devices_are_a_kind_and_an_index():
    assert [parse_device(device) for device in ("cpu", "cuda", "cuda:3")] == [
        ("cpu", 0),
        ("cuda", 0),
        ("cuda", 3),
    ]


def test_no_lanes_means_one_a_core():
    engine = WhisperEngine.load(
        whisper_base_folder(), device="cpu", compute_type="int8", lanes=0, beam=1
    )

    assert engine.description.lanes == len(os.sched_getaffinity(0))

"""Nothing said, nothing written: sounds without speech through the real model, and speech beside them."""

import numpy as np
import pytest
from faster_whisper.vad import get_speech_timestamps

from tests.recognition.windows import climb, job, request
from workers.contract.engine import Again, Job
from workers.recognition.lengths import first_plan

pytestmark = [pytest.mark.model, pytest.mark.timeout(900)]

RATE = 16_000
TERMS = ("Кубернетес", "Иннополис", "AlfaVoice")


def pink(rng, samples, power):
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / RATE)
    frequencies[0] = 1.0
    noise = np.fft.irfft(spectrum / frequencies ** (power / 2), samples)
    return noise / np.abs(noise).max()


def generated(seconds=6):
    rng = np.random.default_rng(11)
    samples = seconds * RATE
    time_s = np.arange(samples) / RATE
    clicks = np.zeros(samples)
    for place in rng.integers(0, samples - 200, 3 * seconds):
        clicks[place : place + 200] += rng.standard_normal(200) * np.exp(-np.arange(200) / 40)
    return {
        "digital zero": np.zeros(samples),
        "dither": rng.integers(-1, 2, samples) / 32768,
        "direct current": np.full(samples, 0.5),
        "50 Hz hum": 0.1 * np.sin(2 * np.pi * 50 * time_s)
        + 0.05 * np.sin(2 * np.pi * 150 * time_s)
        + 0.002 * rng.standard_normal(samples),
        "hiss": 0.02 * rng.standard_normal(samples),
        "pink noise": 0.2 * pink(rng, samples, 1),
        "rumble": 0.3 * pink(rng, samples, 2),
        "clipped noise": np.clip(3 * rng.standard_normal(samples), -1, 1),
        "clicks": 0.4 * clicks,
        "keys in a room": 0.4 * clicks + 0.001 * rng.standard_normal(samples),
        "breath": 0.15 * pink(rng, samples, 1) * np.clip(np.sin(2 * np.pi * 0.3 * time_s), 0, 1),
        "beeps": 0.2 * np.sin(2 * np.pi * 440 * time_s) * (np.sin(2 * np.pi * time_s) > 0),
    }


def windows_of(samples, seconds=8):
    return [
        samples[start : start + seconds * RATE]
        for start in range(0, len(samples), seconds * RATE)
        if len(samples) - start > RATE
    ]


def speech_in(samples):
    """What Silero lets through, as the session would cut it: with 200 ms around."""
    found = get_speech_timestamps(np.asarray(samples, np.float32))
    margin = RATE // 5
    return [samples[max(0, part["start"] - margin) : part["end"] + margin] for part in found]


def written(engine, samples, language, terms):
    return climb(engine, job(request(samples, language=language, terms=terms)))[0].text


@pytest.mark.slow
@pytest.mark.parametrize("kind", generated(1))
@pytest.mark.parametrize("terms", [(), TERMS], ids=["no terms", "terms"])
def test_nothing_is_written_on_generated_sounds_without_any_voice_detection(engine, kind, terms):
    samples = generated()[kind]

    assert [written(engine, samples, language, terms) for language in ("ru", "en")] == ["", ""]


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "sb_noise1",
        "sb_noise2",
        "sb_noise3",
        "sb_noise4",
        "sb_noise5",
        "music_macroform-cold_day",
        "music_manolo_camp-morning_coffee",
    ],
)
def test_nothing_is_written_on_recorded_noise_and_music_behind_voice_detection(engine, clip, name):
    passed = [part for whole in windows_of(clip(f"noise/{name}.flac")) for part in speech_in(whole)]

    texts = [
        written(engine, part, language, terms)
        for part in passed
        for language in ("ru", "en")
        for terms in ((), TERMS)
    ]

    assert [text for text in texts if text] == []


@pytest.mark.shared
@pytest.mark.slow
def test_changed_last_bits_of_a_noise_make_no_text_of_it(engine, clip):
    # Where a sum is rounded can turn what base makes of noise from nothing into a loop: twice in these eight times.
    (part,) = [
        part for whole in windows_of(clip("noise/sb_noise5.flac")) for part in speech_in(whole)
    ]
    changed = [
        part + np.random.default_rng(seed).integers(-1, 2, len(part)) / 32768 for seed in range(8)
    ]

    texts = [written(engine, samples, "ru", TERMS) for samples in changed]

    assert [text for text in texts if text] == []


@pytest.mark.shared
@pytest.mark.slow
def test_little_is_written_on_recorded_noise_and_music_without_voice_detection(
    engine, recordings, clip
):
    texts = []
    for name in sorted(path.name for path in (recordings / "noise").glob("*.flac")):
        if name.startswith(("rir", "babble")):
            continue
        for window in windows_of(clip(f"noise/{name}"))[:2]:
            texts += [written(engine, window, language, ()) for language in ("ru", "en")]

    assert len(texts) >= 24
    assert sum(bool(text) for text in texts) <= 2


@pytest.mark.shared
@pytest.mark.slow
def test_no_recording_of_speech_loses_its_text(engine, referenced):
    # Every fourth one, of all voices: all of them take minutes, and `benchmarks.recogniser` hears them all.
    referenced = referenced[::4]
    assert len(referenced) >= 30
    jobs = [
        job(request(spoken.samples, name=spoken.name, language=spoken.language))
        for spoken in referenced
    ]
    answers = {}
    while jobs:
        plan = jobs[0].plan
        batch = [one for one in jobs if one.plan == plan][:8]
        jobs = [one for one in jobs if one not in batch]
        for one, outcome in zip(batch, engine.recognise(batch), strict=True):
            if isinstance(outcome, Again):
                jobs.append(
                    Job(
                        request=one.request,
                        plan=outcome.plan,
                        best=outcome.best,
                        place=outcome.place,
                    )
                )
            else:
                answers[outcome.request] = outcome

    assert len(answers) == len(referenced)
    dropped = {name: answer.filtered for name, answer in answers.items() if answer.filtered}
    assert dropped == {}
    assert [name for name, answer in answers.items() if not answer.text] == []


@pytest.mark.shared
def test_a_window_too_tight_for_its_speech_is_decoded_again_and_stops_looping(engine, clip):
    # With a margin of half a second Whisper base repeats «19» to the end of its tokens.
    wanted = request(clip("speech_ru/asterisk_ivr/digits__h-19.flac"))
    plan = first_plan(wanted, beam=1)
    tight = Job(request=wanted, plan=type(plan)(window_samples=2 * RATE))

    heard, again = climb(engine, tight)

    assert again[0].reason in {"token_cap", "compression", "repetition"}
    assert again[0].plan.window_samples == 30 * RATE
    assert "19" in heard.text
    assert len(heard.text.split()) <= 3

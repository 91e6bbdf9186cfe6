"""Decoding with drafts: every token on a small random model, texts on real weights."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recognition.small_whisper import (
    CONTROL,
    END,
    POSITIONS,
    ROUNDING,
    START,
    VOCABULARY,
    heard,
    reference_scores,
)
from tests.whisper_base import whisper_base_folder
from workers.recognition.alignment import text_tokens
from workers.recognition.features import LogMel
from workers.recognition.greedy import GreedyDecoder
from workers.recognition.lengths import preview_window_for, token_cap
from workers.recognition.model import WhisperModel
from workers.recognition.prompts import decoder_prompt
from workers.recognition.vocabulary import Vocabulary

PROMPT = [START, 1, 2]


@pytest.fixture(scope="module")
def small_decoder(network):
    return GreedyDecoder(network)


def assert_greedy(weights, encoded, prompt, written, cap):
    """Every token is, but for rounding, the likeliest of the allowed ones after those before."""
    assert 0 <= len(written.tokens) <= cap
    ending = [] if len(written.tokens) == cap else [END]
    scores = reference_scores(weights, encoded, [*prompt, *written.tokens])[len(prompt) - 1 :]
    scores[:, list(CONTROL.never)] = -np.inf
    scores[0, list(CONTROL.never_first)] = -np.inf
    for place, token in enumerate([*written.tokens, *ending]):
        assert scores[place, token] > scores[place].max() - 2 * ROUNDING, (place, token)
    assert END not in written.tokens
    assert written.log_probability <= 0.0
    assert 0.0 <= written.no_speech_probability <= 1.0


tokens_of_any_kind = st.lists(st.integers(-3, VOCABULARY + 3), max_size=90)


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 70), tokens_of_any_kind, st.integers(0, 70)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_the_draft_the_text_is_the_same_and_the_likeliest(small, small_decoder, windows):
    """A draft here is a right beginning, which gets it looked at, and then anything."""
    encoded = [heard(number) for number, *_ in windows]
    caps = [cap for _, cap, _, _ in windows]
    prompts = [PROMPT] * len(windows)
    free = small_decoder.decode(encoded, prompts, caps=caps, drafts=[[]] * len(windows))
    drafts = [
        one.tokens[:right] + wrong for one, (_, _, wrong, right) in zip(free, windows, strict=True)
    ]

    drafted = small_decoder.decode(encoded, prompts, caps=caps, drafts=drafts)

    for one, again, row, cap in zip(free, drafted, encoded, caps, strict=True):
        assert_greedy(small.weights, row, PROMPT, one, cap)
        assert replace(again, passes=0) == replace(one, passes=0)  # to the last bit
        assert again.passes <= len(one.tokens) + 1


def test_a_right_draft_is_checked_in_few_passes(small_decoder):
    encoded = [heard(number) for number in range(12)]
    prompts, caps = [PROMPT] * 12, [60] * 12
    free = small_decoder.decode(encoded, prompts, caps=caps, drafts=[[]] * 12)

    drafted = [
        small_decoder.decode([row], [PROMPT], caps=[60], drafts=[one.tokens])[0]
        for row, one in zip(encoded, free, strict=True)
    ]

    assert sum(len(one.tokens) for one in free) > 200
    for one, again in zip(free, drafted, strict=True):
        # The prompt, the draft in passes of up to 32 tokens, and what follows its last token.
        assert again.passes <= 1 + -(-len(one.tokens) // 32)
        assert replace(again, passes=0) == replace(one, passes=0)


@pytest.mark.parametrize("cap", [1, 2, 3])
@pytest.mark.parametrize("draft", [[], [4] * 50])
def test_a_small_cap_is_kept(small_decoder, cap, draft):
    encoded = [heard(number) for number in range(4)]
    free = small_decoder.decode(encoded, [PROMPT] * 4, caps=[30] * 4, drafts=[[]] * 4)
    drafts = [one.tokens[:1] + draft for one in free]

    written = small_decoder.decode(encoded, [PROMPT] * 4, caps=[cap] * 4, drafts=drafts)

    assert [one.tokens for one in written] == [one.tokens[:cap] for one in free]


@pytest.mark.parametrize("draft", [[], [4] * 500])
def test_no_text_goes_beyond_the_positions_of_the_model(small, small_decoder, draft):
    """A prompt as long as one with a person's terms leaves room for little."""
    prompt = [2] * 67 + PROMPT
    for length in (len(prompt), POSITIONS - 1, POSITIONS):
        long_prompt = [2] * (length - len(prompt)) + prompt
        encoded = [heard(number) for number in range(3)]
        (first, *_) = small_decoder.decode([encoded[0]], [long_prompt], caps=[1], drafts=[[]])

        written = small_decoder.decode(
            encoded, [long_prompt] * 3, caps=[224] * 3, drafts=[first.tokens + draft, [], []]
        )

        room = POSITIONS - length + 1
        for row, one in zip(encoded, written, strict=True):
            assert len(one.tokens) <= room
            # What is written last has no position and cannot be scored.
            tokens = one.tokens[: room - 1]
            scores = reference_scores(small.weights, row, [*long_prompt, *tokens])
            assert scores.shape == (length + len(tokens), VOCABULARY)
            assert not set(one.tokens) & {END, *CONTROL.never}


@pytest.mark.parametrize(
    ("prompts", "caps"),
    [
        ([[1, 2, 3], PROMPT], [5, 5]),
        ([PROMPT, [*PROMPT, 2]], [5, 5]),
        ([PROMPT, PROMPT], [5, 0]),
        ([[START] * (POSITIONS + 1)] * 2, [5, 5]),
        ([PROMPT, PROMPT], [5]),
    ],
    ids=["no start", "unequal", "no cap", "too long", "caps missing"],
)
def test_what_cannot_be_decoded_is_refused(small_decoder, prompts, caps):
    with pytest.raises(ValueError):  # noqa: PT011 - the last is the language's own
        small_decoder.decode([heard(0), heard(1)], prompts, caps=caps, drafts=[[], []])


# Real weights and real speech.

CLIPS = 8


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.load(whisper_base_folder())


@pytest.fixture(scope="module")
def decoder(vocabulary):
    return GreedyDecoder.load(
        whisper_base_folder(),
        start=vocabulary.start,
        end=vocabulary.end,
        no_speech=vocabulary.no_speech,
    )


class Speech:
    """Clips that share a window: encoder output, prompts and caps."""

    def __init__(self, vocabulary, clips):
        model = WhisperModel.load(
            whisper_base_folder(), vocabulary, device="cpu", compute_type="int8", lanes=1
        )
        window = preview_window_for(max(len(clip.samples) for clip in clips))
        log_mel = LogMel(n_mels=model.n_mels)
        features = [log_mel.window(clip.samples, window_samples=window) for clip in clips]
        self.encoded = list(np.asarray(model.encode(features)))
        self.prompts = [decoder_prompt(clip.language, [], vocabulary) for clip in clips]
        self.caps = [token_cap(len(clip.samples)) for clip in clips]

    def write(self, decoder, drafts):
        """One by one, as previews mostly are."""
        return [
            decoder.decode([row], [prompt], caps=[cap], drafts=[draft])[0]
            for row, prompt, cap, draft in zip(
                self.encoded, self.prompts, self.caps, drafts, strict=True
            )
        ]


@pytest.fixture(scope="module")
def speech(vocabulary, referenced):
    fitting = [clip for clip in referenced if 5.0 < len(clip.samples) / 16_000 < 9.0]
    clips = sorted(fitting, key=lambda clip: clip.name)[:: max(1, len(fitting) // CLIPS)][:CLIPS]
    assert len(clips) == CLIPS
    return Speech(vocabulary, clips)


@pytest.fixture(scope="module")
def free(decoder, speech):
    return speech.write(decoder, [[]] * CLIPS)


def said(written):
    """Everything but what it cost, to the last bit."""
    return [
        (
            replace(one, passes=0, listening=None),
            one.listening and (one.listening.probabilities, one.listening.shares.tobytes()),
        )
        for one in written
    ]


@pytest.mark.model
@pytest.mark.shared
def test_a_right_draft_gives_the_same_text_in_a_fraction_of_the_passes(
    decoder, vocabulary, speech, free
):
    drafted = speech.write(decoder, [one.tokens for one in free])

    assert said(drafted) == said(free)
    assert sum(one.passes for one in drafted) < 0.4 * sum(one.passes for one in free)


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.parametrize("right", [1, 4, 10])
def test_words_of_a_wrong_draft_never_get_into_the_text(decoder, vocabulary, speech, free, right):
    nobody_said = text_tokens("крокодилы и пингвины letztendlich крокодилы", vocabulary)

    drafted = speech.write(decoder, [one.tokens[:right] + nobody_said for one in free])

    assert said(drafted) == said(free)


@pytest.mark.model
@pytest.mark.shared
@pytest.mark.parametrize("kind", ["other speech", "cut short", "too long", "nonsense", "the end"])
def test_a_bad_draft_changes_nothing(decoder, vocabulary, speech, free, kind):
    rng = np.random.default_rng(0)
    drafts = []
    for number, one in enumerate(free):
        other = free[(number + 1) % CLIPS].tokens
        drafts.append(
            {
                "other speech": one.tokens[:2] + other,
                "cut short": one.tokens[: len(one.tokens) // 2],
                "too long": one.tokens + other * 20,
                "nonsense": one.tokens[:3] + rng.integers(-9, 60_000, 60).tolist(),
                "the end": [*one.tokens[:3], vocabulary.end, *one.tokens[3:]],
            }[kind]
        )

    drafted = speech.write(decoder, drafts)

    assert said(drafted) == said(free)


@pytest.mark.model
@pytest.mark.shared
def test_without_drafts_a_window_does_not_depend_on_its_company(decoder, speech, free):
    for first in range(0, CLIPS, 4):
        rows = slice(first, first + 4)
        together = decoder.decode(
            speech.encoded[rows],
            speech.prompts[rows],
            caps=speech.caps[rows],
            drafts=[[]] * 4,
        )
        assert said(together) == said(free[rows])


@pytest.mark.model
@pytest.mark.shared
def test_drafts_in_a_batch_are_each_for_their_own_window(decoder, vocabulary, speech, free):
    drafts = [
        one.tokens if number % 2 else one.tokens[:2] + text_tokens("крокодилы", vocabulary)
        for number, one in enumerate(free)
    ]

    together = decoder.decode(speech.encoded, speech.prompts, caps=speech.caps, drafts=drafts)

    assert said(together) == said(free)
    right = range(1, CLIPS, 2)
    assert sum(together[row].passes for row in right) < 0.6 * sum(free[row].passes for row in right)


@pytest.mark.model
@pytest.mark.shared
def test_two_threads_at_once_write_what_one_writes(decoder, speech, free):
    drafts = [one.tokens[:5] for one in free]
    alone = speech.write(decoder, drafts)

    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: speech.write(decoder, drafts), range(2)))

    assert [said(one) for one in both] == [said(alone)] * 2


@pytest.mark.model
@pytest.mark.shared
def test_caps_and_suppressed_tokens_are_kept(decoder, vocabulary, speech, free):
    caps = [1, 2, 3, 5, 8, 13, 21, 34]
    drafts = [one.tokens * 9 for one in free]

    written = decoder.decode(speech.encoded, speech.prompts, caps=caps, drafts=drafts)

    assert all(len(one.tokens) <= cap for one, cap in zip(written, caps, strict=True))
    said = {token for one in written + free for token in one.tokens}
    forbidden = {vocabulary.start, vocabulary.end, vocabulary.previous, vocabulary.no_speech}
    brackets = {vocabulary.encode(mark)[0] for mark in ("♪", "[", "(", "<", "{")}
    assert not said & (forbidden | brackets)

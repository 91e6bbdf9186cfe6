"""How long the encoder's input is, and how many tokens a window may have.

Whisper pads everything to 30 s; the encoder's attention then costs eight times as much as on the
10 s that were said. Here the input is the audio plus a margin of silence, in buckets, because
only inputs of equal length can share a batch (CTranslate2 has no mask for encoder positions):

    |<------- audio ------->|<- margin >= 2 s ->|<- up to the next bucket ->|
    0 s                                                          at most 30 s

The plan follows from the request alone, never from what else waits: the same audio gives the same
text in any company.
"""

from typing import Final

from workers.contract.audio import SAMPLE_RATE_HZ, WINDOW_LIMIT_SAMPLES, samples_in, seconds
from workers.contract.engine import Plan
from workers.contract.requests import Priority, Request

MARGIN_S: Final = 2.0
"""Silence after the audio. With less, Whisper more often fails to end and loops; see below."""

SHORTEST_S: Final = 6.0
"""The shortest input."""

BUCKET_S: Final = 2.0
"""Distance of the buckets. Coarser ones encode more silence, finer ones make smaller batches."""

# Chosen on 2026-11-21 on one half of the recordings (139 clips, `benchmarks.speech.halves`), Whisper
# base, int8, beam 1, out of 46 combinations: word error rate of the real clips after fallback, of
# the synthetic ones, windows decoded again, and encoder time relative to the first row.
#
#     shortest  margin  buckets     real   synthetic   again   cost
#        6 s     1.5 s    0.5 s    18.2 %    23.5 %       2    1.00
#        6 s     1.5 s    2.0 s    17.5 %    19.6 %       2    1.04
#        6 s     2.0 s    2.0 s    17.1 %    17.9 %       2    1.08
#        4 s     1.5 s    0.5 s    18.1 %    23.2 %       7    1.13
#        8 s     2.0 s    1.0 s    17.7 %    21.4 %       2    1.15
#        always 30 s               18.0 %    20.0 %       1    5.4
#
# The 95 % interval of such a difference is about 2 points: no rule is worse than 30 s beyond chance.

BUCKETS_SAMPLES: Final = tuple(
    samples_in(SHORTEST_S + BUCKET_S * step)
    for step in range(1 + round((seconds(WINDOW_LIMIT_SAMPLES) - SHORTEST_S) / BUCKET_S))
)
"""Every encoder input of texts that stay, in samples, ascending."""

PREVIEW_MARGIN_S: Final = 1.5
PREVIEW_SHORTEST_S: Final = 4.0
PREVIEW_BUCKET_S: Final = 1.0
"""The same for previews: a fifth less to encode. More of them fail to end (5 of those 139 clips, 2
with the rule above); their guard cuts them, and the next one replaces them."""

TOKENS_PER_SECOND: Final = 10.0
TOKENS_AT_LEAST: Final = 10
"""The cap is 10 a second plus 10: the fastest honest speech measured is 6.8 tokens a second, and
a cap of 4 a second cut Russian (performance notes, section 2)."""

TOKENS_LIMIT: Final = 224
"""Whisper's own limit: half of the decoder's 448 positions."""


def first_plan(request: Request, *, beam: int) -> Plan:
    """Give the plan a new request starts with.

    Args:
        request: the window.
        beam: width for finals, files and speculative finals, which become finals; partials are
            decoded greedily, because they are replaced within a second.
    """
    if request.priority is Priority.PARTIAL:
        return Plan(window_samples=preview_window_for(request.samples), preview=True)
    return Plan(window_samples=window_for(request.samples), beam=beam)


def window_for(samples: int) -> int:
    """Give the encoder input, in samples, for audio of `samples` samples."""
    wanted = samples + samples_in(MARGIN_S)
    return next((bucket for bucket in BUCKETS_SAMPLES if bucket >= wanted), WINDOW_LIMIT_SAMPLES)


def preview_window_for(samples: int) -> int:
    """Give the encoder input, in samples, for a preview of `samples` samples."""
    bucket = samples_in(PREVIEW_BUCKET_S)
    wanted = max(samples_in(PREVIEW_SHORTEST_S), samples + samples_in(PREVIEW_MARGIN_S))
    return min(WINDOW_LIMIT_SAMPLES, -(-wanted // bucket) * bucket)


def token_cap(samples: int) -> int:
    """Give the most tokens honest speech of `samples` samples can have, 10 to 224."""
    return min(TOKENS_LIMIT, TOKENS_AT_LEAST + int(TOKENS_PER_SECOND * seconds(samples)))


def audio_frames(samples: int) -> int:
    """Give the 10 ms feature frames that hold audio, at least 2: CTranslate2 divides by it."""
    return max(2, samples * 100 // SAMPLE_RATE_HZ)

"""Finalisation of one person at a time on an idle server, with and without speculation."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.alfavoice import AlfaVoice
from benchmarks.figures import Row, nearest_rank
from benchmarks.load import Rules, speak, warm_up
from benchmarks.machine import Watch
from benchmarks.probing import Campaign
from benchmarks.running import running
from benchmarks.takes import Take

RELEASE_AFTER_S: Final = 0.4
"""Between the last word and the release of the key, where speculation has its chance: people let
go after they stopped speaking. Our choice; without speculation the key goes up with the last sample."""
PAUSE_S: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleCase:
    """One way to release the key."""

    name: str
    contestant: AlfaVoice
    trailing_silence_s: float


CASES: Final = (
    IdleCase(
        name="without speculation",
        contestant=AlfaVoice(changes={"SPECULATION_SILENCE_MS": "0"}),
        trailing_silence_s=0.0,
    ),
    IdleCase(
        name=f"with speculation, key released {RELEASE_AFTER_S:g} s after the recording",
        contestant=AlfaVoice(),
        trailing_silence_s=RELEASE_AFTER_S,
    ),
)


async def measure_idle(campaign: Campaign, case: IdleCase, *, takes: int) -> dict[str, Any]:
    """Speak `takes` clips one after the other and give the latencies from the key's release."""
    chosen = random.Random(campaign.terms.seed).sample(list(campaign.clips), takes)
    laid_out: list[Take] = []
    start = 0.0
    for number, clip in enumerate(chosen):
        laid_out.append(Take(number=number, clip=clip, starts_s=start, counted=True))
        start += clip.duration_s + case.trailing_silence_s + PAUSE_S
    case.contestant.install()
    async with running(case.contestant, model=campaign.model, beam=campaign.terms.beam) as server:
        await warm_up(server, campaign.clips, campaign.audio)
        with Watch(server.pid) as watch:
            rows, _ = await speak(
                server,
                laid_out,
                campaign.audio,
                Rules(partials=False, trailing_silence_s=case.trailing_silence_s),
            )
            usage = watch.usage()
    return {
        **_figures(rows),
        "mean_clip_s": round(sum(clip.duration_s for clip in chosen) / takes, 2),
        "trailing_silence_s": case.trailing_silence_s,
        "settings": case.contestant.settings,
        "usage": asdict(usage),
        "rows": [asdict(row) for row in rows],
    }


def _figures(rows: Sequence[Row]) -> dict[str, float | int | None]:
    latencies = [row.latency_s for row in rows if row.latency_s is not None]
    return {
        "takes": len(rows),
        "served": len(latencies),
        "p50_s": nearest_rank(latencies, 50),
        "p95_s": nearest_rank(latencies, 95),
        "max_s": max(latencies, default=None),
    }

"""Passages through the whole server: its socket, its recogniser, its text pipeline, its database."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.alfavoice import AlfaVoice, installed_model
from benchmarks.running import running
from benchmarks.text_passages import LANGUAGE, Passage
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions
from service.dictation.composition import composed
from workers.contract.audio import pcm16_from_samples

AT_ONCE: Final = 3
"""Sessions side by side: enough that the recogniser always has something to do on a few cores."""
PATIENCE_S: Final = 300.0
"""For one passage, spoken as fast as the server takes it; more is a fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A passage and what the server made of it: both texts are of the same recognition."""

    passage: str
    group: str
    seconds: float
    reference: str
    marks: bool
    """Whether marks of the reference are scored."""
    case: bool
    """Whether its case is."""
    utterances: int
    raw: str
    """As recognised: `raw` of the finals."""
    text: str
    """As typed: `text` of the finals."""
    stored: str
    """As history has it, with the sentences that pauses cut joined."""


async def recognised(
    passages: Sequence[Passage],
    *,
    address: str = "",
    settings: Mapping[str, str] | None = None,
    beam: int = 1,
    note: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Speak passages to a server, with the project's own client, as fast as it takes them.

    Args:
        passages: each is a session of its own.
        address: `host:port` of a server that runs already; empty: one is started on Whisper base.
        settings: of the server that is started, without their prefix.
        beam: of the server that is started.
        note: told how far it is.

    Returns:
        One row a passage, in order.
    """
    server = AlfaVoice(changes=settings or {}, address=address)
    places = asyncio.Semaphore(AT_ONCE)
    over = 0
    async with running(server, model=installed_model(), beam=beam) as running_server:
        options = StreamOptions(
            server=f"ws://{address or f'127.0.0.1:{running_server.port}'}",
            language=LANGUAGE,
            partials=False,
            client="alfavoice-benchmark",
        )

        async def speak(passage: Passage) -> Row:
            nonlocal over
            async with places:
                row = await _spoken(passage, options)
            over += 1
            if over % 20 == 0 or over == len(passages):
                note(f"{over} of {len(passages)}")
            return row

        async with asyncio.TaskGroup() as stage:
            tasks = [stage.create_task(speak(passage)) for passage in passages]
    return [task.result() for task in tasks]


async def _spoken(passage: Passage, options: StreamOptions) -> Row:
    source = HeldAudio(pcm16_from_samples(passage.samples))
    async with asyncio.timeout(PATIENCE_S):
        heard = await Stream(source, options).run()
    return Row(
        passage=passage.name,
        group=passage.group,
        seconds=round(passage.duration_s, 2),
        reference=passage.reference,
        marks=passage.marks,
        case=passage.case,
        utterances=len(heard.finals),
        raw=" ".join(final.raw for final in heard.finals if final.raw),
        text=composed(heard.finals),
        stored=heard.done.text,
    )

"""A whole file transcribed: section after section, as one list of finals."""

from collections.abc import Callable
from dataclasses import dataclass

from service.client.events import StreamEvent, Timing
from service.client.sections import Section, moved, settled
from service.client.stream import AudioSource, Stream, StreamOptions
from service.dictation.wire import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTranscript:
    """All that was said in a file."""

    finals: tuple[Final, ...]
    """In order, numbered through, positions in samples from the start of the file."""
    samples: int
    timings: tuple[Timing, ...]
    """One a section."""


async def transcribe_source(
    source: AudioSource,
    options: StreamOptions,
    *,
    show: Callable[[StreamEvent], None] = lambda _: None,
    begin_section: Callable[[float], None] = lambda _: None,
    finals: list[Final] | None = None,
) -> FileTranscript:
    """Stream a source of any length and wait until all of it is stored.

    Args:
        source: the audio.
        options: where to, and how.
        show: called for every event; positions count from the start of the section.
        begin_section: called before each section with its start in seconds.
        finals: grows by what is ready, and has it also when this fails or is cancelled.

    Raises:
        ServiceError: as `Stream.run`.
    """
    finals = [] if finals is None else finals
    timings: list[Timing] = []
    first = 0
    while True:
        section = Section(source, first=first, sample_rate=options.sample_rate)
        begin_section(first / options.sample_rate)
        stream, before = Stream(section, options, show=show), len(finals)
        try:
            transcription = await stream.run()
        finally:
            finals += [
                moved(final, samples=first, utterances=before) for final in settled(stream.finals)
            ]
        timings.append(transcription.timing)
        first += transcription.samples
        if section.is_last:
            return FileTranscript(finals=tuple(finals), samples=first, timings=tuple(timings))

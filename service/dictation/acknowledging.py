"""When a client is told how far its audio came, and from where it may forget it."""

from typing import Final

from service.dictation.audio import IncomingAudio
from service.dictation.wire import Ack
from workers.contract.audio import SAMPLE_RATE_HZ

INTERVAL_SAMPLES: Final = SAMPLE_RATE_HZ // 2
"""Acknowledge received audio every half second of it."""


class Acknowledging:
    """What was said last to the client of one session; positions never fall."""

    def __init__(self, audio: IncomingAudio) -> None:
        self._audio = audio
        self._received = audio.received
        self._stored = 0

    def stored(self, settled: int) -> int:
        """Give the position up to which the client may have been told to forget its audio.

        Args:
            settled: as of `due`.
        """
        return max(self._stored, min(self._audio.wire_position(settled), self._audio.received))

    def due(self, settled: int, *, force: bool = False) -> Ack | None:
        """Give the message that is due, if any.

        Args:
            settled: 16 kHz position before which all is stored, or silence for good.
            force: also if little is new.
        """
        received, stored = self._audio.received, self.stored(settled)
        step = self._audio.wire_position(INTERVAL_SAMPLES)
        if not (force or received - self._received >= step or stored - self._stored >= step):
            return None
        self._received, self._stored = received, stored
        return Ack(received=received, stored=stored)

"""The microphone, where there is one: PortAudio through `sounddevice`, an optional package.

The device is opened at its own rate: many refuse 16 kHz, and the server resamples anyway.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from service.problems import ServiceError

BLOCK_MS: Final = 100
FIRST_SAMPLES_S: Final = 5.0
"""A device that opened and gives nothing for so long is muted by the system or dead."""
HIGHEST_RATE_HZ: Final = 48_000
"""What the protocol takes; devices at 96 or 192 kHz can do this too."""


class MicrophoneMissing(ServiceError):
    """There is nothing to record with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An input device."""

    name: str
    sample_rate: int  # hertz at which it is opened


def find_microphone(wanted: str | None = None) -> Device:
    """Find the default input device, or the one whose number or part of a name is given.

    Raises:
        MicrophoneMissing: `microphone.not_installed`, `microphone.no_portaudio` or
            `microphone.missing`.
    """
    sound = _sounddevice()
    try:
        found = sound.query_devices(_named(wanted), kind="input")
    except (sound.PortAudioError, ValueError) as exc:
        raise MicrophoneMissing("microphone.missing", "no microphone was found") from exc
    rate = min(int(found["default_samplerate"]), HIGHEST_RATE_HZ)
    return Device(name=str(found["name"]), sample_rate=rate)


@asynccontextmanager
async def recording(
    device: Device, deliver: Callable[[bytes], None], *, wanted: str | None = None
) -> AsyncIterator[None]:
    """Record while the context is open; it opens when the first samples have come.

    Args:
        device: from `find_microphone`.
        deliver: called in the event loop with PCM16 mono of about 100 ms.
        wanted: as given to `find_microphone`.

    Raises:
        MicrophoneMissing: `microphone.missing` or `microphone.silent`.
    """
    sound = _sounddevice()
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()

    def take(pcm: bytes) -> None:
        heard.set()
        deliver(pcm)

    def on_audio(block: Any, _frames: int, _time: Any, _status: Any) -> None:  # noqa: ANN401
        # PortAudio's own thread: nothing but handing over may happen here.
        loop.call_soon_threadsafe(take, bytes(block))

    try:
        stream = sound.RawInputStream(
            samplerate=device.sample_rate,
            blocksize=device.sample_rate * BLOCK_MS // 1000,
            device=_named(wanted),
            channels=1,
            dtype="int16",
            callback=on_audio,
        )
    except (sound.PortAudioError, ValueError) as exc:
        raise MicrophoneMissing("microphone.missing", "the microphone cannot be opened") from exc
    with stream:
        try:
            async with asyncio.timeout(FIRST_SAMPLES_S):
                await heard.wait()
        except TimeoutError:
            raise MicrophoneMissing(
                "microphone.silent", "the microphone is open but gives no sound"
            ) from None
        yield


def _named(wanted: str | None) -> str | int | None:
    return int(wanted) if wanted is not None and wanted.isdecimal() else wanted


def _sounddevice() -> Any:  # noqa: ANN401 - an untyped package
    try:
        import sounddevice  # noqa: PLC0415 - optional
    except ImportError as exc:
        raise MicrophoneMissing(
            "microphone.not_installed", "install the extra: alfavoice[microphone]"
        ) from exc
    except OSError as exc:  # the package is there, the library is not
        raise MicrophoneMissing("microphone.no_portaudio", "install PortAudio") from exc
    return sounddevice

"""Protocol `alfavoice.v1`: the messages of `/v1/stream`, decoded and encoded, nothing decided.

Client text messages and all server messages are JSON objects with a `type`; client binary messages
are audio. Positions (`received`, `stored`, `start`, `end`, `resume_from`, `samples`) count samples
at the rate the client named in `start`. Unknown fields are ignored, so that a newer client can
speak to an older server; unknown types are an error.

The golden messages in tests/vectors/stream_v1.json pin every one of them, and tests/vectors also
holds the list of error codes.
"""

from enum import IntEnum
from typing import Annotated, Literal, TypeAlias
from typing import Final as Const

import msgspec
from msgspec import Meta

from service.problems import ProtocolError

SUBPROTOCOL: Const = "alfavoice.v1"
ELSEWHERE: Const = "AlfaVoice-Elsewhere"
"""Header of a connection that is to come to another service than the one before: a number that was
not sent yet. By it a proxy before several services (deploy/nginx) chooses."""

MAX_TEXT_BYTES: Const = 16 * 1024
"""Longest client text message. `start` with its context stays far below."""
MAX_AUDIO_BYTES: Const = 512 * 1024
"""Longest binary message: 2.7 s of 96 kB/s audio (48 kHz) is normal, 5 s is the limit."""

SessionId = Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]
Position = Annotated[int, Meta(ge=0, le=2**53)]
ShortText = Annotated[str, Meta(max_length=200)]


class CloseCode(IntEnum):
    """WebSocket close codes of the protocol (RFC 6455 section 7.4 and our 44xx)."""

    NORMAL = 1000
    DRAINING = 1001
    MESSAGE_TOO_BIG = 1009
    INTERNAL = 1011
    OVERLOADED = 1013
    PROTOCOL_ERROR = 4400
    UNAUTHORISED = 4401
    FORBIDDEN = 4403
    IDLE = 4408
    TAKEN_OVER = 4409
    TOO_MANY_SESSIONS = 4429


class AudioFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What the binary messages carry."""

    encoding: Literal["pcm_s16le", "opus"] = "pcm_s16le"
    """`opus`: each binary message is one Opus packet (RFC 6716), mono."""
    sample_rate: Annotated[int, Meta(ge=8_000, le=48_000)] = 16_000
    """Hertz. Also the unit of every position in this session; for Opus 8, 12, 16, 24 or 48 kHz."""


class ClientProgram(msgspec.Struct, frozen=True, kw_only=True):
    """Which program speaks, for the operator's statistics."""

    name: ShortText = ""
    version: ShortText = ""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where the text will go."""

    app: ShortText | None = None
    """Name of the application that has the focus."""
    terms: Annotated[list[ShortText], Meta(max_length=200)] = []
    """The user's own words, most important first: hints to the recogniser."""


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Open a session, or resume one after a drop."""

    session: SessionId | None = None
    """Chosen by the client (a UUIDv7 is a good choice) or left to the server."""
    resume_from: Position | None = None
    """The first sample the client still has. Present when resuming."""
    audio: AudioFormat = AudioFormat()
    language: Annotated[str, Meta(max_length=8)] = "auto"
    """ISO 639-1 code, or `auto`."""
    partials: bool = True
    words: bool = True
    """Whether finals carry word times (one more decoder pass per utterance)."""
    client: ClientProgram = ClientProgram()
    context: Context = Context()


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag="finish"):
    """Key up: finalise everything, store it, answer `done`."""

    samples: Position | None = None
    """How many samples were sent in all; checked when given."""


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """Forget the session and everything said in it."""


class MarkerRequest(msgspec.Struct, frozen=True, kw_only=True, tag="marker"):
    """Ask to be told when all audio sent before this message is in a final."""

    id: ShortText


ClientMessage: TypeAlias = Start | Finish | Cancel | MarkerRequest


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the server will take in this session."""

    max_message_bytes: int
    max_session_s: float
    idle_s: float
    """Silence on the socket after which it is closed (4408); the session waits for a resume."""
    resume_s: float
    """How long a session outlives its socket."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """Send audio from sample `received`."""

    session: str
    received: int
    limits: Limits


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag="ack"):
    """Audio up to `received` arrived; audio before `stored` need not be kept any more."""

    received: int
    stored: int


class Partial(msgspec.Struct, frozen=True, kw_only=True, tag="partial"):
    """What is heard so far; replaces the previous partial of that utterance."""

    utterance: int
    revision: int
    start: int
    stable: str
    """Grows only, within one utterance."""
    tail: str
    """May still change. The text to show is `stable` followed by `tail`."""


class WordTime(msgspec.Struct, frozen=True, kw_only=True):
    """A word of a final."""

    text: str
    start: int
    end: int
    probability: float


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a final that only the client can fill."""

    name: Literal["clipboard", "cursor"]
    """`clipboard`: insert what is in the clipboard; `cursor`: leave the cursor there."""
    offset: int
    """Code points of `text` before it."""


class Final(msgspec.Struct, frozen=True, kw_only=True, tag="final"):
    """The text of a closed utterance; never changes.

    The text of the session grows by it so: `erase` code points go from its end, then, unless it is
    empty, `glue` is put there, then `text`. An empty `text` brings no glue.
    """

    utterance: int
    start: int
    end: int
    text: str
    raw: str
    """As recognised, before the text pipeline."""
    words: list[WordTime]
    language: str
    glue: str = " "
    erase: int = 0
    places: list[Place] = []


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """Everything is stored; the client may forget the audio."""

    transcript: str
    text: str
    """As the history has it: sentences that pauses had cut are whole."""
    audio_seconds: float
    finalisation_ms: float
    """From the arrival of `finish` to this message."""


class MarkerReached(msgspec.Struct, frozen=True, kw_only=True, tag="marker"):
    """All audio sent before the marker is in a final."""

    id: str


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag="heartbeat"):
    """The server is alive, has `received` samples, and its queue is `queue_ms` behind."""

    received: int
    queue_ms: float


class ErrorMessage(msgspec.Struct, frozen=True, kw_only=True, tag="error", omit_defaults=True):
    """What went wrong and what to do. The socket closes after it unless said otherwise."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | None = None


ServerMessage: TypeAlias = (
    Ready | Ack | Partial | Final | Done | MarkerReached | Heartbeat | ErrorMessage
)

_decode_client = msgspec.json.Decoder(ClientMessage).decode
_decode_server = msgspec.json.Decoder(ServerMessage).decode
_encode = msgspec.json.Encoder().encode


def decode_client(text: str | bytes) -> ClientMessage:
    """Decode one client text message.

    Raises:
        ProtocolError: `protocol.message_too_long` or `protocol.invalid_message`, naming the field.
    """
    if len(text.encode() if isinstance(text, str) else text) > MAX_TEXT_BYTES:
        raise ProtocolError("protocol.message_too_long", f"text messages end at {MAX_TEXT_BYTES} B")
    try:
        message: ClientMessage = _decode_client(text)
    except msgspec.ValidationError as exc:
        raise ProtocolError("protocol.invalid_message", f"message refused: {exc}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProtocolError("protocol.invalid_message", "message is not a JSON object") from exc
    return message


def decode_server(text: str | bytes) -> ServerMessage:
    """Decode one server message, for clients written in Python.

    Raises:
        ProtocolError: the server speaks something else than this protocol.
    """
    try:
        message: ServerMessage = _decode_server(text)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise ProtocolError("protocol.invalid_message", f"server message refused: {exc}") from exc
    return message


def encode(message: ServerMessage | ClientMessage) -> str:
    """Encode a message of either side as JSON text."""
    return _encode(message).decode()

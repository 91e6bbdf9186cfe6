"""The port to traces: what happened to one utterance, stage by stage, told after it happened.

A trace is told by ids and times only. Figures are lengths, counts, and names out of closed sets;
speech, texts, tokens, and names of people or devices have no place in them.

    Context ──► Request.trace ──► wherever it is recognised ──► stages of the same trace
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

StageName = Literal[
    "utterance",  # all of it: from the first sample of speech to being stored
    "speech",  # somebody speaks
    "endpointing",  # from the last sample of speech to the final being asked for
    "queue",  # until its first batch
    "batch",  # windows of several utterances recognised together; a trace of its own
    "recognise",  # the part of an utterance in a batch
    "finishing",  # the text pipeline
    "sending",  # from the answer to the message: until it is its turn
    "storing",  # until it is in the database
]
Context = str
"""W3C Trace Context, `traceparent`: 00-<trace, 32 hex>-<span, 16 hex>-01. Empty: not traced."""
Figures = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Something that took time. Times are monotonic seconds of the process that tells it."""

    name: StageName
    began: float
    ended: float
    context: Context = ""
    """Its own, where others refer to it; empty: whichever."""
    parent: Context = ""
    """What it is part of; empty: a trace begins with it."""
    links: tuple[Context, ...] = ()
    """What else it belongs to."""
    figures: Figures = field(default_factory=dict)
    failed: str = ""
    """Code of what went wrong."""


class Traces(Protocol):
    """Where stages are told."""

    def context(self) -> Context:
        """Give the context of a new trace."""
        ...

    def tell(self, stage: Stage) -> None:
        """Take a stage; costs the caller nothing that waits, and never fails."""
        ...

"""`Traces` for an OpenTelemetry collector: OTLP, protobuf over HTTP. Needs the extra `traces`.

Stages are told when they are over, so nothing is open in between that a broken session could leave
behind. Sending is done by a thread of the SDK; what is more than its queue holds is let go.

Further variables of OpenTelemetry are minded by its SDK: OTEL_EXPORTER_OTLP_HEADERS,
OTEL_EXPORTER_OTLP_CERTIFICATE, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
"""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from opentelemetry import trace as otel
from opentelemetry.context import Context as OtelContext
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from workers.contract.traces import Context, Stage

PATH: Final = "/v1/traces"
SEND_TIMEOUT_S: Final = 5.0
MOST_WAITING: Final = 4096
"""Stages; some 500 utterances."""
MOST_AT_ONCE: Final = 1024
SEND_EVERY_MS: Final = 2_000
_SCOPE: Final = "alfavoice"
_NANO: Final = 1_000_000_000
_SET_ANEW_NS: Final = _NANO // 10
"""Less is how long we were kept between asking one clock and the other."""


class _Ids(RandomIdGenerator):
    """Random ids, but for the next span those that others know already."""

    preset: otel.SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.preset.trace_id if self.preset else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return self.preset.span_id if self.preset else super().generate_span_id()


class OtlpTraces:
    """Sends stages to a collector. Use it from one thread."""

    def __init__(self, url: str, *, role: str, clock: Callable[[], float]) -> None:
        """Begin; nothing is sent yet.

        Args:
            url: base URL of the collector.
            role: `service` or `worker`.
            clock: monotonic seconds, that of the stages.
        """
        self._clock = clock
        self._ahead_ns = time.time_ns() - round(clock() * _NANO)
        self._ids = _Ids()
        exporter = OTLPSpanExporter(
            endpoint=url.rstrip("/") + PATH,
            timeout=SEND_TIMEOUT_S,
            max_request_size=4 * 1024 * 1024,
        )
        named = Resource(
            {
                SERVICE_NAME: "alfavoice" if role == "service" else f"alfavoice-{role}",
                SERVICE_VERSION: version("alfavoice"),
            }
        )
        self._provider = TracerProvider(
            id_generator=self._ids,
            sampler=ALWAYS_ON,
            # Not `Resource.create`: what others detect may name the machine and its people.
            resource=named.merge(OTELResourceDetector().detect()),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=MOST_WAITING,
                max_export_batch_size=MOST_AT_ONCE,
                schedule_delay_millis=SEND_EVERY_MS,
            )
        )
        self._tracer = self._provider.get_tracer(_SCOPE)

    def context(self) -> Context:
        """Give the context of a new trace."""
        trace, span = self._ids.generate_trace_id(), self._ids.generate_span_id()
        return f"00-{trace:032x}-{span:016x}-01"

    def tell(self, stage: Stage) -> None:
        """Take a stage."""
        parent, own = read_context(stage.parent), read_context(stage.context)
        links = [otel.Link(link) for each in stage.links if (link := read_context(each))]
        within = OtelContext()
        if parent is not None:
            within = otel.set_span_in_context(otel.NonRecordingSpan(parent), within)
        wall_ns = self._wall_ns()
        self._ids.preset = own
        try:
            span = self._tracer.start_span(
                stage.name,
                context=within,
                links=links,
                attributes={f"{_SCOPE}.{name}": value for name, value in stage.figures.items()},
                start_time=wall_ns + round(stage.began * _NANO),
            )
        finally:
            self._ids.preset = None
        if stage.failed:
            span.set_attribute("error.type", stage.failed)
            span.set_status(otel.StatusCode.ERROR)
        span.end(wall_ns + round(max(stage.began, stage.ended) * _NANO))

    def _wall_ns(self) -> int:
        """Give what the wall's clock is ahead of ours; the same for all, until it was set anew."""
        now = time.time_ns() - round(self._clock() * _NANO)
        if abs(now - self._ahead_ns) > _SET_ANEW_NS:
            self._ahead_ns = now
        return self._ahead_ns

    def close(self) -> None:
        """Send what waits, and stop. Blocks."""
        self._provider.shutdown()


def read_context(context: Context) -> otel.SpanContext | None:
    """Read a `traceparent`; None where it is none, as it may come from another program."""
    parts = context.split("-")
    if [len(part) for part in parts] != [2, 32, 16, 2]:
        return None
    try:
        trace, span = int(parts[1], 16), int(parts[2], 16)
    except ValueError:
        return None
    read = otel.SpanContext(trace, span, is_remote=True, trace_flags=otel.TraceFlags(1))
    return read if read.is_valid else None

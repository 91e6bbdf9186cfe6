"""Recording and alert rules of Prometheus, made of the thresholds.

Objectives are watched as the Google SRE workbook, chapter 5, says ("Multiwindow, Multi-Burn-Rate
Alerts"): a long window that says it matters and a short one that says it still goes on.

Metrics are the server's own (`alfavoice_…`) but for three exporters, whose usual names are used:
`node_…` of node_exporter, `probe_…` of blackbox_exporter, `DCGM_…` of NVIDIA's dcgm-exporter. A rule
about an exporter that is not there has no data and stays silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from monitoring.thresholds import Burn, Limit, Objective, Thresholds, minutes_of
from monitoring.yaml_text import Plain

DISKS: Final = (
    'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|vfat",mountpoint!~"/run/.*|/var/lib/docker/.*"'
)
"""Labels of the file systems that can fill up for good."""
WRONG_PASSWORDS: Final = 'code=~"auth.wrong_credentials|auth.too_many_attempts"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A query whose answer is kept as a metric of its own."""

    name: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert rule. Two of the same name differ in severity and share a heading of the runbook."""

    name: str
    severity: str
    """`page`: wake somebody; `ticket`: in working hours."""
    query: str
    lasting: str
    summary: str
    """One sentence for who is called; Prometheus fills in `$value` and `$labels`."""
    limit: str
    """What must be passed, for the table of the documentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """What an objective counts: queries with `{window}` to fill in."""

    ratio: str
    bad: str
    summary: str


def shares(thresholds: Thresholds) -> dict[str, _Share]:
    """Give what the objectives count, by their names in the thresholds."""
    fast = f'alfavoice_finalisation_seconds_bucket{{le="{thresholds.slow_after_s}"}}'
    every = "alfavoice_finalisation_seconds_count"
    ended, given_up = "alfavoice_sessions_ended_total", "alfavoice_utterances_given_up_total"
    failed = f'{ended}{{how="failed"}}'
    return {
        "text_slow": _Share(
            ratio=f"1 - sum(rate({fast}[{{window}}])) / sum(rate({every}[{{window}}]))",
            bad=f"sum(increase({every}[{{window}}])) - sum(increase({fast}[{{window}}]))",
            summary=f"{{{{ $value | humanizePercentage }}}} of the texts took longer than "
            f"{thresholds.slow_after_s:g} s after the key was released.",
        ),
        "sessions_lost": _Share(
            ratio=f"sum(rate({failed}[{{window}}])) / sum(rate({ended}[{{window}}]))",
            bad=f"sum(increase({failed}[{{window}}]))",
            summary="{{ $value | humanizePercentage }} of the sessions broke in the server.",
        ),
        "utterances_given_up": _Share(
            ratio=f"sum(rate({given_up}[{{window}}])) / (sum(rate({given_up}[{{window}}])) "
            "+ sum(rate(alfavoice_utterances_total[{window}])))",
            bad=f"sum(increase({given_up}[{{window}}]))",
            summary="{{ $value | humanizePercentage }} of the utterances could not be recognised.",
        ),
    }


def records(thresholds: Thresholds) -> list[Record]:
    """Give the recording rules."""
    ratios = [
        Record(name=_ratio(name, window), query=_filled(share.ratio, window))
        for name, share in shares(thresholds).items()
        for window in thresholds.windows
    ]
    return [
        *ratios,
        Record(
            name="alfavoice:final_queue_seconds:p95_5m",
            query=_quantile(0.95, "alfavoice_final_queue_seconds", by="le"),
        ),
        Record(
            name="alfavoice:event_loop_lag_seconds:p99_5m",
            query=_quantile(0.99, "alfavoice_event_loop_lag_seconds", by="instance, le"),
        ),
        Record(
            name="alfavoice:lanes_busy:ratio_5m",
            query="avg_over_time(alfavoice_busy_lanes[5m]) / (alfavoice_ready_lanes > 0)",
        ),
    ]


def alerts(thresholds: Thresholds) -> list[Alert]:
    """Give every alert rule."""
    return [
        *_burning(thresholds),
        *_of_the_queue(thresholds),
        *_of_what_must_be_there(thresholds),
        *_of_recordings_and_texts(thresholds),
        *_of_the_machine(thresholds),
    ]


def rules_document(thresholds: Thresholds) -> dict[str, Plain]:
    """Give `rules.yml` as plain values."""
    recording: list[Plain] = [{"record": r.name, "expr": r.query} for r in records(thresholds)]
    alerting: list[Plain] = [_plain(alert, thresholds) for alert in alerts(thresholds)]
    return {
        "groups": [
            {"name": "alfavoice-records", "rules": recording},
            {"name": "alfavoice-alerts", "rules": alerting},
        ]
    }


def heading_of(alert: Alert) -> str:
    """Give the anchor of an alert's heading in the runbook."""
    return alert.name.lower()


def _plain(alert: Alert, thresholds: Thresholds) -> dict[str, Plain]:
    return {
        "alert": alert.name,
        "expr": alert.query,
        **({} if minutes_of(alert.lasting) == 0 else {"for": alert.lasting}),
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "runbook_url": f"{thresholds.runbook}#{heading_of(alert)}",
        },
    }


def _ratio(name: str, window: str) -> str:
    return f"alfavoice:{name}:ratio_rate{window}"


def _filled(query: str, window: str) -> str:
    return query.replace("{window}", window)


def _quantile(share: float, histogram: str, *, by: str) -> str:
    return f"histogram_quantile({share}, sum by ({by}) (rate({histogram}_bucket[5m])))"


def _burning(thresholds: Thresholds) -> list[Alert]:
    names = {
        "text_slow": "AlfaVoiceTextSlow",
        "sessions_lost": "AlfaVoiceSessionsLost",
        "utterances_given_up": "AlfaVoiceUtterancesGivenUp",
    }
    found = []
    for name, share in shares(thresholds).items():
        objective = thresholds.objectives[name]
        for severity, each in groupby(thresholds.burns, key=lambda burn: burn.severity):
            pairs = list(each)
            found.append(
                Alert(
                    name=names[name],
                    severity=severity,
                    query=" or ".join(_burn(name, share, objective, burn) for burn in pairs),
                    lasting="0m",
                    summary=share.summary,
                    limit=" or ".join(
                        f"over {_percent(burn.rate * objective.budget)} in {burn.long} and {burn.short}"
                        for burn in pairs
                    )
                    + f", at least {objective.least_bad}",
                )
            )
    return found


def _burn(name: str, share: _Share, objective: Objective, burn: Burn) -> str:
    limit = f"{burn.rate:g} * {objective.budget:g}"
    return (
        "(\n"
        f"  {_ratio(name, burn.long)} > {limit}\n"
        f"  and {_ratio(name, burn.short)} > {limit}\n"
        f"  and {_filled(share.bad, burn.long)} >= {objective.least_bad}\n"
        ")"
    )


def _of_the_queue(thresholds: Thresholds) -> Sequence[Alert]:
    wait, refused = thresholds.limits["final_wait_s"], thresholds.limits["refused_per_minute"]
    late = thresholds.limits["event_loop_late_s"]
    full = 'alfavoice_sessions_refused_total{code=~"server.full|server.overloaded"}'
    return (
        Alert(
            name="AlfaVoiceFinalsWait",
            severity="page",
            query=f"alfavoice:final_queue_seconds:p95_5m > {wait.value:g}",
            lasting=wait.lasting,
            summary="Finals wait {{ $value | humanizeDuration }} for the recogniser (p95).",
            limit=f"p95 over {wait.value:g} s",
        ),
        Alert(
            name="AlfaVoicePeopleRefused",
            severity="page",
            query=f"60 * sum(rate({full}[5m])) > {refused.value:g}",
            lasting=refused.lasting,
            summary="{{ $value | humanize }} new sessions a minute are refused: no room.",
            limit=f"over {refused.value:g} a minute",
        ),
        Alert(
            name="AlfaVoiceEventLoopLate",
            severity="ticket",
            query=f"alfavoice:event_loop_lag_seconds:p99_5m > {late.value:g}",
            lasting=late.lasting,
            summary="{{ $labels.instance }} answers everybody {{ $value | humanizeDuration }} late (p99).",
            limit=f"p99 over {late.value:g} s",
        ),
    )


def _of_what_must_be_there(thresholds: Thresholds) -> Sequence[Alert]:
    limits, up = thresholds.limits, f'up{{job="{thresholds.job}"}}'
    restarts = limits["engine_restarts"]
    return (
        Alert(
            name="AlfaVoiceServerDown",
            severity="page",
            query=f"{up} == 0 or absent({up})",
            lasting=limits["server_down"].lasting,
            summary="{{ $labels.instance }} does not answer Prometheus.",
            limit="does not answer",
        ),
        Alert(
            name="AlfaVoiceDatabaseAway",
            severity="page",
            query='alfavoice_not_ready{reason="store"} == 1',
            lasting=limits["database_away"].lasting,
            summary="{{ $labels.instance }} cannot reach its database.",
            limit="does not answer",
        ),
        Alert(
            name="AlfaVoiceRecogniserAway",
            severity="page",
            query="sum(alfavoice_ready_lanes) == 0",
            lasting=limits["recogniser_away"].lasting,
            summary="No recogniser anywhere is ready: nobody gets text.",
            limit="none ready anywhere",
        ),
        Alert(
            name="AlfaVoiceRecogniserAway",
            severity="ticket",
            # Of workers on other machines a service counts the lanes that it hears of.
            query="alfavoice_ready_lanes == 0\n"
            "or alfavoice_ready_lanes < max_over_time(alfavoice_ready_lanes[1h])",
            lasting=limits["recogniser_away"].lasting,
            summary="{{ $labels.instance }} has {{ $value }} lanes of recognisers ready: some are away.",
            limit="fewer lanes ready than within the last hour, or none",
        ),
        Alert(
            name="AlfaVoiceEngineRestarts",
            severity="ticket",
            # A worker on a machine of its own counts those of its own.
            query=f"increase(alfavoice_engine_restarts[30m]) >= {restarts.value:g}\n"
            f"or increase(alfavoice_worker_engine_restarts[30m]) >= {restarts.value:g}",
            lasting=restarts.lasting,
            summary="A recogniser of {{ $labels.instance }} died {{ $value | humanize }} times in half an hour.",
            limit=f"{restarts.value:g} in 30m",
        ),
        Alert(
            name="AlfaVoiceWorkerAway",
            severity="ticket",
            query=f'up{{job="{thresholds.worker_job}"}} == 0\nor alfavoice_worker_nats_connected == 0',
            lasting=limits["worker_down"].lasting,
            summary="Worker {{ $labels.instance }} does not answer, or has no connection to NATS.",
            limit="does not answer, or is not connected to NATS",
        ),
    )


def _of_recordings_and_texts(thresholds: Thresholds) -> Sequence[Alert]:
    limits = thresholds.limits
    failing, raw, wrong = (
        limits[name] for name in ("recordings_failed", "texts_left_raw", "wrong_passwords")
    )
    # Where workers finish the texts, they count them.
    left = "alfavoice_texts_left_raw_total|alfavoice_worker_texts_left_raw_total"
    jobs = "alfavoice_recording_jobs_total"
    failed = f'sum(increase({jobs}{{outcome="failed"}}[1h]))'
    given = 'sum(rate(alfavoice_answers_total{kind!="partial",result="recognised"}[15m]))'
    return (
        Alert(
            name="AlfaVoiceRecordingsFailing",
            severity="ticket",
            query=f'{failed} / sum(increase({jobs}{{outcome=~"done|failed"}}[1h])) > {failing.value:g}\n'
            f"and {failed} >= {failing.least_bad}",
            lasting=failing.lasting,
            summary="{{ $value | humanizePercentage }} of the recordings of an hour failed.",
            limit=f"over {_percent(failing.value)} in 1h, at least {failing.least_bad}",
        ),
        Alert(
            name="AlfaVoiceTextsLeftRaw",
            severity="ticket",
            query=f'sum(rate({{__name__=~"{left}"}}[15m])) / {given} > {raw.value:g}',
            lasting=raw.lasting,
            summary="{{ $value | humanizePercentage }} of the finals come without punctuation and numbers.",
            limit=f"over {_percent(raw.value)} in 15m",
        ),
        Alert(
            name="AlfaVoicePasswordsGuessed",
            severity="ticket",
            query=f"sum(increase(alfavoice_request_errors_total{{{WRONG_PASSWORDS}}}[15m])) > {wrong.value:g}",
            lasting=wrong.lasting,
            summary="{{ $value | humanize }} sign-ins were refused in a quarter of an hour.",
            limit=f"over {wrong.value:g} in 15m",
        ),
    )


def _of_the_machine(thresholds: Thresholds) -> Sequence[Alert]:
    limits, memory = thresholds.limits, thresholds.limits["gpu_memory"]
    used = "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"
    own = "alfavoice_worker_gpu_memory_used_bytes / alfavoice_worker_gpu_memory_bytes"
    free = f"node_filesystem_avail_bytes{{{DISKS}}} / node_filesystem_size_bytes{{{DISKS}}}"
    days = "(probe_ssl_earliest_cert_expiry - time()) / 86400"

    def below(
        name: str, *, severity: str, query: str, limit: Limit, summary: str, told: str
    ) -> Alert:
        return Alert(
            name=name,
            severity=severity,
            query=f"{query} < {limit.value:g}",
            lasting=limit.lasting,
            summary=summary,
            limit=told,
        )

    return (
        Alert(
            name="AlfaVoiceGpuMemoryFull",
            severity="ticket",
            # Of workers without dcgm-exporter beside them, their own.
            query=f"{used} > {memory.value:g}\nor {own} > {memory.value:g}",
            lasting=memory.lasting,
            summary="{{ $value | humanizePercentage }} of the memory of GPU {{ $labels.gpu }} is in use.",
            limit=f"over {_percent(memory.value)} in use",
        ),
        *(
            below(
                "AlfaVoiceCertificateEnding",
                severity=severity,
                query=days,
                limit=limits[name],
                summary="The certificate of {{ $labels.instance }} ends in {{ $value | humanize }} days.",
                told=f"fewer than {limits[name].value:g} days left",
            )
            for severity, name in (
                ("page", "certificate_days_page"),
                ("ticket", "certificate_days"),
            )
        ),
        *(
            below(
                "AlfaVoiceDiskFilling",
                severity=severity,
                query=free,
                limit=limits[name],
                summary="{{ $labels.mountpoint }} of {{ $labels.instance }} has {{ $value | humanizePercentage }} free.",
                told=f"less than {_percent(limits[name].value)} free",
            )
            for severity, name in (("page", "disk_free_page"), ("ticket", "disk_free"))
        ),
    )


def _percent(share: float) -> str:
    return f"{share * 100:g} %"

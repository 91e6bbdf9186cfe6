"""The four dashboards, two of which are here. Every query is run against a real server by a test."""

from typing import Final

from monitoring.live_dashboards import experience, queue
from monitoring.panels import Dashboard, Panel
from monitoring.queries import one, rate
from monitoring.rules import DISKS, WRONG_PASSWORDS
from monitoring.thresholds import Thresholds

NODE: Final = "node_exporter"
BLACKBOX: Final = "blackbox_exporter"


def dashboards(thresholds: Thresholds) -> list[Dashboard]:
    """Give all four."""
    return [
        experience(thresholds),
        queue(thresholds),
        _storage(thresholds),
        _security(thresholds),
    ]


def _storage(t: Thresholds) -> Dashboard:
    jobs = "alfavoice_recording_jobs_total"
    free = f"node_filesystem_avail_bytes{{{DISKS}}}"
    return Dashboard(
        slug="storage",
        title="storage and recordings",
        panels=(
            Panel(
                title="Attempts at recordings, a minute",
                says="`again`: the server was in the way, it is tried later; `failed`: given up.",
                queries=one(f"60 * {rate(jobs, by='outcome')}", "{{outcome}}"),
                is_stacked=True,
            ),
            Panel(
                title="Recordings that fail",
                says="Share of an hour. People upload broken files, so it is seldom nothing.",
                # Nothing done and nothing failed is no failure.
                queries=one(
                    f'sum(increase({jobs}{{outcome="failed"}}[1h])) / '
                    f'clamp_min(sum(increase({jobs}{{outcome=~"done|failed"}}[1h])), 1)',
                    "failed",
                ),
                unit="percentunit",
                limit=t.limits["recordings_failed"].value,
            ),
            Panel(
                title="Recordings turned into text",
                says="Seconds of audio whose transcript was stored, a second.",
                queries=one(rate("alfavoice_recordings_transcribed_seconds_total"), "audio"),
            ),
            Panel(
                title="Recordings received",
                says="In uploads.",
                queries=one(rate("alfavoice_recordings_received_bytes_total"), "audio"),
                unit="Bps",
            ),
            Panel(
                title="Database away",
                says="1: this server cannot reach it; people keep their audio until it is back.",
                queries=one(
                    'max by (instance) (alfavoice_not_ready{reason="store"})', "{{instance}}"
                ),
                limit=1,
            ),
            Panel(
                title="Disks free",
                says="Below the lower limit somebody is called; a full disk stops the database.",
                queries=one(
                    f"{free} / node_filesystem_size_bytes{{{DISKS}}}", "{{instance}} {{mountpoint}}"
                ),
                unit="percentunit",
                limit=t.limits["disk_free"].value,
                limit_is_lowest=True,
                exporter=NODE,
            ),
            Panel(
                title="Disks in four days",
                says="What is free then if the last day goes on; at 0 the disk is full.",
                queries=one(
                    f"clamp_min(predict_linear({free}[1d], 4 * 86400), 0)",
                    "{{instance}} {{mountpoint}}",
                ),
                unit="bytes",
                exporter=NODE,
            ),
            Panel(
                title="Memory of the server",
                says="Without the recogniser processes. It should not grow from day to day.",
                queries=one(f'process_resident_memory_bytes{{job="{t.job}"}}', "{{instance}}"),
                unit="bytes",
            ),
            Panel(
                title="Open files of the server",
                says="Share of what it may open; sockets count.",
                queries=one(
                    f'process_open_fds{{job="{t.job}"}} / process_max_fds{{job="{t.job}"}}',
                    "{{instance}}",
                ),
                unit="percentunit",
            ),
        ),
    )


def _security(t: Thresholds) -> Dashboard:
    errors = "alfavoice_request_errors_total"
    without_right = f'{errors}{{code=~"auth.*|account.*"}}'
    not_understood = f'{errors}{{code=~"request.*"}}'
    days = t.limits["certificate_days"].value
    return Dashboard(
        slug="security",
        title="security",
        across=2,
        panels=(
            Panel(
                title="Sign-ins refused in a quarter of an hour",
                says="Wrong passwords, and attempts refused because there were many. At the line: somebody guesses.",
                queries=one(
                    f"sum by (code) (increase({errors}{{{WRONG_PASSWORDS}}}[15m]))", "{{code}}"
                ),
                limit=t.limits["wrong_passwords"].value,
                is_stacked=True,
            ),
            Panel(
                title="Requests without a right, a minute",
                says="Ended sign-ins and lacking rights. Many at once: a client that is not signed in any more, or somebody who tries.",
                queries=one(f"60 * {rate(without_right, by='code')}", "{{code}}"),
                is_stacked=True,
            ),
            Panel(
                title="Requests that were not understood, a minute",
                says="Wrong forms, sizes and addresses: a broken client, or somebody who looks around.",
                queries=one(f"60 * {rate(not_understood, by='code')}", "{{code}}"),
                is_stacked=True,
            ),
            Panel(
                title="Sessions refused, a minute",
                says="By the code that the client got.",
                queries=one(
                    f"60 * {rate('alfavoice_sessions_refused_total', by='code')}", "{{code}}"
                ),
                is_stacked=True,
            ),
            Panel(
                title="All errors, a minute",
                says="`server.failed` is a fault of this program.",
                queries=one(f"60 * {rate(errors, by='code')}", "{{code}}"),
                is_stacked=True,
            ),
            Panel(
                title="Days until certificates end",
                says="Below the line one was not renewed.",
                queries=one("(probe_ssl_earliest_cert_expiry - time()) / 86400", "{{instance}}"),
                limit=days,
                limit_is_lowest=True,
                exporter=BLACKBOX,
            ),
        ),
    )

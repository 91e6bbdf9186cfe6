"""Unit tests of the alerts for `promtool test rules`, made of the thresholds.

Every case is a healthy hour and a half with something changed, and names every alert that fires in
it: an alert that fires beside the one that is meant fails the case just as one that stays silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from monitoring.thresholds import Thresholds, minutes_of
from monitoring.yaml_text import Plain

_MINUTES: Final = 90
_FIRING: Final = 'group by (alertname, severity) (ALERTS{alertstate="firing"})'
_INSTANCE: Final = 'instance="server:8765",job="alfavoice"'
_DAY_S: Final = 86_400

Series = Mapping[str, str]
"""Values by series, as promtool writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What fires when something is not as it should be."""

    name: str
    changed: Series = field(default_factory=dict)
    """Instead of the healthy series of the same names, or besides them."""
    firing: frozenset[tuple[str, str]] = frozenset()
    """Name and severity."""


def cases(t: Thresholds) -> list[Case]:
    """Give every case."""
    return [
        Case(name="everything is as it should be"),
        *_slow(t),
        *_lost(t),
        *_queue(t),
        *_away(t),
        *_recordings_and_texts(t),
        *_machine(t),
    ]


def rule_tests_document(thresholds: Thresholds) -> dict[str, Plain]:
    """Give `rules_test.yml` as plain values."""
    tests: list[Plain] = [_test(case, healthy(thresholds)) for case in cases(thresholds)]
    return {"rule_files": ["rules.yml"], "evaluation_interval": "2m", "tests": tests}


def healthy(t: Thresholds) -> dict[str, str]:
    """Give an hour and a half in which nothing is wrong, every minute."""
    slow = f'le="{t.slow_after_s}"'
    return {
        _own("up"): _steady(1),
        _own("alfavoice_finalisation_seconds_bucket", slow): _growing(99),
        _own("alfavoice_finalisation_seconds_count"): _growing(100),
        _own("alfavoice_sessions_ended_total", 'how="finished"'): _growing(100),
        _own("alfavoice_sessions_ended_total", 'how="failed"'): _steady(0),
        _own("alfavoice_utterances_total", 'outcome="text"'): _growing(200),
        _own("alfavoice_utterances_given_up_total"): _steady(0),
        _own("alfavoice_final_queue_seconds_bucket", 'le="0.1"'): _growing(200),
        _own("alfavoice_final_queue_seconds_bucket", 'le="30.0"'): _growing(200),
        _own("alfavoice_final_queue_seconds_bucket", 'le="+Inf"'): _growing(200),
        _own("alfavoice_sessions_refused_total", 'code="server.full"'): _steady(0),
        _own("alfavoice_event_loop_lag_seconds_bucket", 'le="0.01"'): _growing(1200),
        _own("alfavoice_event_loop_lag_seconds_bucket", 'le="1.0"'): _growing(1200),
        _own("alfavoice_event_loop_lag_seconds_bucket", 'le="+Inf"'): _growing(1200),
        _own("alfavoice_not_ready", 'reason="store"'): _steady(0),
        _own("alfavoice_ready_lanes"): _steady(2),
        _own("alfavoice_engine_restarts"): _steady(1),
        _worker("up", t): _steady(1),
        _worker("alfavoice_worker_engine_restarts", t): _steady(1),
        _worker("alfavoice_worker_nats_connected", t): _steady(1),
        _worker("alfavoice_worker_texts_left_raw_total", t): _steady(0),
        _own("alfavoice_recording_jobs_total", 'outcome="done"'): _growing(2),
        _own("alfavoice_recording_jobs_total", 'outcome="failed"'): _steady(1),
        _own("alfavoice_texts_left_raw_total"): _steady(0),
        _own("alfavoice_answers_total", 'kind="final",result="recognised"'): _growing(200),
        _own("alfavoice_request_errors_total", 'code="auth.wrong_credentials"'): _growing(1),
        'DCGM_FI_DEV_FB_USED{gpu="0"}': _steady(40_000),
        'DCGM_FI_DEV_FB_FREE{gpu="0"}': _steady(40_000),
        'probe_ssl_earliest_cert_expiry{instance="https://speech"}': _steady(60 * _DAY_S),
        'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': _steady(50),
        'node_filesystem_size_bytes{fstype="ext4",mountpoint="/"}': _steady(100),
        # A tmpfs that is full on purpose: not a disk.
        'node_filesystem_avail_bytes{fstype="tmpfs",mountpoint="/run"}': _steady(0),
        'node_filesystem_size_bytes{fstype="tmpfs",mountpoint="/run"}': _steady(100),
    }


def _own(name: str, labels: str = "") -> str:
    return f"{name}{{{_INSTANCE}{',' if labels else ''}{labels}}}"


def _worker(name: str, t: Thresholds) -> str:
    return f'{name}{{instance="worker:9764",job="{t.worker_job}"}}'


def _steady(value: float) -> str:
    return f"{value:g}x{_MINUTES}" if value < 1e6 else f"{value:.0f}x{_MINUTES}"


def _growing(each_minute: float) -> str:
    return f"0+{each_minute:g}x{_MINUTES}"


def _fired(*alerts: str) -> frozenset[tuple[str, str]]:
    pairs = (alert.rpartition(" ") for alert in alerts)
    return frozenset((f"AlfaVoice{name}", severity) for name, _, severity in pairs)


def _slow(t: Thresholds) -> list[Case]:
    fast = _own("alfavoice_finalisation_seconds_bucket", f'le="{t.slow_after_s}"')
    every = _own("alfavoice_finalisation_seconds_count")
    objective = t.objectives["text_slow"]
    ticket, page, _ = sorted(burn.rate * objective.budget for burn in t.burns)
    burst = 5
    return [
        Case(
            name="most texts are slow",
            changed={fast: _growing(100 * (1 - page) / 2)},
            firing=_fired("TextSlow page", "TextSlow ticket"),
        ),
        Case(
            name="somewhat more texts are slow than may be",
            changed={fast: _growing(100 * (1 - (ticket + page) / 2))},
            firing=_fired("TextSlow ticket"),
        ),
        Case(
            name="every text was slow for a while, long enough ago that nobody need wake up",
            changed={
                fast: f"0+100x30 3000+0x{burst * 5} {3000 + 100}+100x{_MINUTES - 32 - burst * 5}"
            },
            firing=_fired("TextSlow ticket"),
        ),
        Case(
            name="at night two of three texts are slow",
            changed={fast: f"0+0x{_MINUTES - 10} 0 1x9", every: f"0x{_MINUTES - 10} 1 2 3x8"},
        ),
    ]


def _lost(t: Thresholds) -> list[Case]:
    failed = _own("alfavoice_sessions_ended_total", 'how="failed"')
    given_up = _own("alfavoice_utterances_given_up_total")
    found = []
    for name, counter, objective, each_minute in (
        ("SessionsLost", failed, t.objectives["sessions_lost"], 100),
        ("UtterancesGivenUp", given_up, t.objectives["utterances_given_up"], 200),
    ):
        ticket, page, urgent = sorted(burn.rate * objective.budget for burn in t.burns)
        found += [
            Case(
                name=f"{name}: many",
                changed={counter: _growing(2 * each_minute * urgent)},
                firing=_fired(f"{name} page", f"{name} ticket"),
            ),
            Case(
                name=f"{name}: a few, all the time",
                changed={counter: _growing(each_minute * (ticket + page) / 2)},
                firing=_fired(f"{name} ticket"),
            ),
            Case(
                name=f"{name}: one in a crowd",
                changed={counter: f"0x{_MINUTES - 2} 1 1"},
            ),
        ]
    return found


def _queue(t: Thresholds) -> list[Case]:
    refused = t.limits["refused_per_minute"]
    full = _own("alfavoice_sessions_refused_total", 'code="server.full"')
    return [
        Case(
            name="finals wait long for the recogniser",
            changed={_own("alfavoice_final_queue_seconds_bucket", 'le="0.1"'): _growing(20)},
            firing=_fired("FinalsWait page"),
        ),
        Case(
            name="people are refused because there is no room",
            changed={full: _growing(2 * refused.value)},
            firing=_fired("PeopleRefused page"),
        ),
        Case(
            name="one person was refused once",
            changed={full: f"0x{_MINUTES - 3} 1 1 1"},
        ),
        Case(
            name="the event loop is late",
            changed={_own("alfavoice_event_loop_lag_seconds_bucket", 'le="0.01"'): _growing(600)},
            firing=_fired("EventLoopLate ticket"),
        ),
    ]


def _away(t: Thresholds) -> list[Case]:
    lanes, up = _own("alfavoice_ready_lanes"), _own("up")
    second = lanes.replace("server:8765", "second:8765")
    restarts = t.limits["engine_restarts"].value
    lasting = minutes_of(t.limits["server_down"].lasting)
    return [
        Case(
            name="a server does not answer",
            changed={up: f"1x{_MINUTES - 4 - lasting} {_ending(0, lasting + 3)}"},
            firing=_fired("ServerDown page"),
        ),
        Case(
            name="a server was restarted",
            changed={up: f"1x{_MINUTES - 1} 0"},
        ),
        Case(
            name="no server is scraped at all",
            changed={up: "_"},
            firing=_fired("ServerDown page"),
        ),
        Case(
            name="the database is away",
            changed={_own("alfavoice_not_ready", 'reason="store"'): _steady(1)},
            firing=_fired("DatabaseAway page"),
        ),
        Case(
            name="the only recogniser is dead",
            changed={lanes: _steady(0)},
            firing=_fired("RecogniserAway page", "RecogniserAway ticket"),
        ),
        Case(
            name="one recogniser of two is dead",
            changed={second: _steady(0)},
            firing=_fired("RecogniserAway ticket"),
        ),
        Case(
            name="a worker that a service heard of is gone",
            changed={lanes: f"4x{_MINUTES - 20} 2x19"},
            firing=_fired("RecogniserAway ticket"),
        ),
        Case(
            name="a worker was added",
            changed={lanes: f"2x{_MINUTES - 20} 4x19"},
        ),
        Case(
            name="a recogniser dies again and again",
            changed={_own("alfavoice_engine_restarts"): _growing(restarts / 10)},
            firing=_fired("EngineRestarts ticket"),
        ),
        Case(
            name="a recogniser died once",
            changed={_own("alfavoice_engine_restarts"): f"1x{_MINUTES - 5} 2x4"},
        ),
        Case(
            name="a recogniser of a worker dies again and again",
            changed={_worker("alfavoice_worker_engine_restarts", t): _growing(restarts / 10)},
            firing=_fired("EngineRestarts ticket"),
        ),
        Case(
            name="a worker does not answer",
            changed={_worker("up", t): _steady(0)},
            firing=_fired("WorkerAway ticket"),
        ),
        Case(
            name="a worker has lost NATS",
            changed={_worker("alfavoice_worker_nats_connected", t): _steady(0)},
            firing=_fired("WorkerAway ticket"),
        ),
        Case(
            name="a worker was restarted",
            changed={_worker("up", t): f"1x{_MINUTES - 2} 0 1"},
        ),
    ]


def _recordings_and_texts(t: Thresholds) -> list[Case]:
    failed = _own("alfavoice_recording_jobs_total", 'outcome="failed"')
    raw, wrong = t.limits["texts_left_raw"], t.limits["wrong_passwords"]
    return [
        Case(
            name="recordings fail",
            changed={failed: _growing(2)},
            firing=_fired("RecordingsFailing ticket"),
        ),
        Case(
            name="one broken file was uploaded and nothing else",
            changed={
                failed: f"0x{_MINUTES - 20} 1x19",
                _own("alfavoice_recording_jobs_total", 'outcome="done"'): _steady(0),
            },
        ),
        Case(
            name="finals come as they were recognised",
            changed={_own("alfavoice_texts_left_raw_total"): _growing(200 * 2 * raw.value)},
            firing=_fired("TextsLeftRaw ticket"),
        ),
        Case(
            name="finals come from a worker as they were recognised",
            changed={
                _worker("alfavoice_worker_texts_left_raw_total", t): _growing(400 * raw.value)
            },
            firing=_fired("TextsLeftRaw ticket"),
        ),
        Case(
            name="somebody guesses passwords",
            changed={
                _own("alfavoice_request_errors_total", 'code="auth.too_many_attempts"'): _growing(
                    2 * wrong.value / 15
                )
            },
            firing=_fired("PasswordsGuessed ticket"),
        ),
    ]


def _machine(t: Thresholds) -> list[Case]:
    ends = 'probe_ssl_earliest_cert_expiry{instance="https://speech"}'
    free = 'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}'
    days = t.limits["certificate_days"].value, t.limits["certificate_days_page"].value
    shares = t.limits["disk_free"].value, t.limits["disk_free_page"].value
    found = [
        Case(
            name="the memory of a GPU is full",
            changed={'DCGM_FI_DEV_FB_FREE{gpu="0"}': _steady(0)},
            firing=_fired("GpuMemoryFull ticket"),
        ),
        Case(
            name="the memory of a worker's GPU is full",
            changed={
                'alfavoice_worker_gpu_memory_bytes{gpu="0"}': _steady(80_000),
                'alfavoice_worker_gpu_memory_used_bytes{gpu="0"}': _steady(79_000),
            },
            firing=_fired("GpuMemoryFull ticket"),
        ),
    ]
    for name, series, (early, late), unit in (
        ("CertificateEnding", ends, days, _DAY_S),
        ("DiskFilling", free, shares, 100),
    ):
        found += [
            Case(
                name=f"{name}: some time is left",
                changed={series: _steady((early + late) / 2 * unit)},
                firing=_fired(f"{name} ticket"),
            ),
            Case(
                name=f"{name}: hardly any time is left",
                changed={series: _steady(late / 2 * unit)},
                firing=_fired(f"{name} ticket", f"{name} page"),
            ),
        ]
    return found


def _ending(value: int, minutes: int) -> str:
    return " ".join([str(value)] * minutes)


def _test(case: Case, series: Mapping[str, str]) -> Plain:
    values = {**series, **case.changed}
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [{"series": each, "values": v} for each, v in values.items()],
        "promql_expr_test": [
            {
                "expr": _FIRING,
                "eval_time": f"{_MINUTES}m",
                "exp_samples": [
                    {"labels": f'{{alertname="{name}", severity="{severity}"}}', "value": 1}
                    for name, severity in sorted(case.firing)
                ],
            }
        ],
    }

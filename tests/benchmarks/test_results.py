"""Results on disk and as tables."""

import pytest

from benchmarks.burst import broken_promises, lags
from benchmarks.figures import summarise
from benchmarks.machine import Usage
from benchmarks.results import Condition, Probe, ResultsFile, error_rates, first_hypotheses
from benchmarks.tables import capacity_table, probe_table

USAGE = Usage(
    seconds=60.0,
    server_cores=1.5,
    client_cores=0.1,
    other_cores=0.0,
    steal_cores=0.0,
    server_rss_mb=500.0,
    server_pss_mb=400.0,
    load_1m=1.5,
)


@pytest.fixture
def probe(row):
    def make(
        talkers, *, contestant="AlfaVoice", latency_s=0.5, stopped_early=False, texts=("раз",)
    ):
        rows = [
            row(
                take=number, clip=f"festvox_nsh/{number}.flac", latency_s=latency_s, hypothesis=text
            )
            for number, text in enumerate(texts)
        ]
        condition = Condition(
            contestant=contestant,
            beam=1,
            partials=False,
            shape="dictation",
            talkers=talkers,
            seed=1,
            counted_s=45.0,
        )
        return Probe(
            condition=condition,
            summary=summarise(rows),
            usage=USAGE,
            stopped_early=stopped_early,
            settings="",
            versions={},
            rows=rows,
        )

    return make


def test_a_run_that_was_cut_off_finds_its_probes_again(tmp_path, probe):
    first = ResultsFile(tmp_path / "capacity.json")
    first.note("not_measured", "peer", "does not start")
    first.add(probe(4))
    first.add(probe(8))

    again = ResultsFile(tmp_path / "capacity.json")

    assert again.probes == [probe(4), probe(8)]
    assert again.find(probe(8).condition) == probe(8)
    assert again.find(probe(16).condition) is None
    assert again.content["not_measured"] == {"peer": "does not start"}
    assert ResultsFile(tmp_path / "capacity.json", fresh=True).probes == []


def test_a_repeated_probe_replaces_the_older_one(tmp_path, probe):
    results = ResultsFile(tmp_path / "capacity.json")

    results.add(probe(4, latency_s=3.0))
    results.add(probe(4, latency_s=0.3))

    assert [each.summary.latency_p95_s for each in results.probes] == [0.3]


def test_capacity_ends_below_the_first_load_that_failed(probe):
    probes = [probe(8), probe(16, latency_s=1.5), probe(32, latency_s=0.9)]

    lines = capacity_table(probes).splitlines()

    assert lines[2] == "| AlfaVoice | 1 | dictation | finals | 8 | 32 |"


def test_a_load_that_was_given_up_is_not_held_and_shows_a_lower_bound(probe):
    probes = [probe(2, contestant="peer", latency_s=0.4, stopped_early=True)]

    assert capacity_table(probes).splitlines()[2].endswith("| 0 | 0 |")
    assert "p95 ≥ 5" in probe_table(probes)
    assert "0.40" not in probe_table(probes)


def test_word_errors_count_each_clip_once(probe, clips):
    probes = [probe(4, texts=["раз два три", "раз"]), probe(8, texts=["мимо", "раз два три"])]
    texts = first_hypotheses(probes)

    rate, count = error_rates(texts, {clip.name: clip for clip in clips})["festvox"]

    assert count == 2
    assert rate == pytest.approx(100 * 2 / 6)


METRICS = """\
# TYPE alfavoice_event_loop_lag_seconds histogram
alfavoice_event_loop_lag_seconds_bucket{le="0.05"} 90
alfavoice_event_loop_lag_seconds_bucket{le="0.1"} 97
alfavoice_event_loop_lag_seconds_bucket{le="+Inf"} 100
alfavoice_event_loop_lag_seconds_count 100
alfavoice_event_loop_lag_seconds_sum 1
# TYPE alfavoice_event_loop_lag_max_seconds gauge
alfavoice_event_loop_lag_max_seconds 0.35
"""


def test_lags_are_read_from_the_servers_metrics():
    longest, over = lags(METRICS)

    assert longest == 0.35
    assert (over[0.05], over[0.1]) == (10, 3)


def test_a_burst_breaks_its_promise_by_loss_by_a_curt_refusal_and_by_a_blocked_loop(row):
    text = row()
    refused = row(outcome="refused", latency_s=None, detail="5000")
    curt = row(outcome="refused", latency_s=None)
    lost = row(outcome="timeout", latency_s=None)

    assert broken_promises([text, refused], sessions=2, lags_over_limit=0) == []
    assert len(broken_promises([curt, lost], sessions=3, lags_over_limit=1)) == 3

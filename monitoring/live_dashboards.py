"""The two dashboards of live dictation: what people experience, and the queue and GPUs behind it."""

from typing import Final

from monitoring.panels import Dashboard, Panel, Query
from monitoring.queries import one, quantile, quantiles, rate
from monitoring.thresholds import Thresholds

DCGM: Final = "NVIDIA's dcgm-exporter"


def experience(t: Thresholds) -> Dashboard:
    """Give what people see of it: how long they wait, and whether anything is lost."""
    burns = [
        Query(
            promql=f"alfavoice:{name}:ratio_rate1h / {objective.budget:g}",
            legend=name.replace("_", " "),
        )
        for name, objective in t.objectives.items()
    ]
    fastest = max(burn.rate for burn in t.burns)
    return Dashboard(
        slug="experience",
        title="what people experience",
        panels=(
            Panel(
                title="From the key released to the text",
                says="From `finish` to `done`, stored.",
                queries=quantiles("alfavoice_finalisation_seconds"),
                unit="s",
                limit=t.slow_after_s,
            ),
            Panel(
                title=f"Texts slower than {t.slow_after_s:g} s",
                says="Share of an hour; the line is what may be, over thirty days.",
                queries=one("alfavoice:text_slow:ratio_rate1h", "slow"),
                unit="percentunit",
                limit=t.objectives["text_slow"].budget,
            ),
            Panel(
                title="How fast the budgets are spent",
                says="1 spends them in thirty days; at the line somebody is called.",
                queries=tuple(burns),
                limit=fastest,
            ),
            Panel(
                title="People",
                says="Sessions alive and sockets open; the difference are people whose network is away.",
                queries=(
                    Query(promql="sum(alfavoice_sessions_open)", legend="sessions"),
                    Query(promql="sum(alfavoice_sockets_open)", legend="sockets"),
                ),
            ),
            Panel(
                title="How sessions end, a minute",
                says="`failed` is the server's fault; `expired`: nobody came back; `drained`: a restart.",
                queries=one(f"60 * {rate('alfavoice_sessions_ended_total', by='how')}", "{{how}}"),
                is_stacked=True,
            ),
            Panel(
                title="How sessions begin, a minute",
                says="Many `resumed` are a bad network or a proxy that cuts sockets.",
                queries=one(
                    f"60 * {rate('alfavoice_sessions_started_total', by='how')}", "{{how}}"
                ),
                is_stacked=True,
            ),
            Panel(
                title="Sessions refused, a minute",
                says="`server.full` and `server.overloaded` are want of machines.",
                queries=one(
                    f"60 * {rate('alfavoice_sessions_refused_total', by='code')}", "{{code}}"
                ),
                limit=t.limits["refused_per_minute"].value,
                is_stacked=True,
            ),
            Panel(
                title="Utterances, a minute",
                says="`filtered`: what the recogniser made up of noise. Given up must be none.",
                queries=(
                    Query(
                        promql=f"60 * {rate('alfavoice_utterances_total', by='outcome')}",
                        legend="{{outcome}}",
                    ),
                    Query(
                        promql=f"60 * {rate('alfavoice_utterances_given_up_total')}",
                        legend="given up",
                    ),
                ),
                is_stacked=True,
            ),
            Panel(
                title="Speech at once",
                says="Seconds of speech that became text, a second: how many people speak.",
                queries=one(rate("alfavoice_audio_recognised_seconds_total"), "speech"),
            ),
            Panel(
                title="Length of utterances",
                says="Longer ones take longer.",
                queries=quantiles("alfavoice_utterance_seconds"),
                unit="s",
            ),
            Panel(
                title="Partials shown, a second",
                says="None although people speak: the server sheds them, there is too much work.",
                queries=one(rate("alfavoice_partials_total"), "partials"),
            ),
            Panel(
                title="Finals left as recognised, a minute",
                says="The text pipeline failed or took too long.",
                queries=(
                    Query(promql=f"60 * {rate('alfavoice_texts_left_raw_total')}", legend="raw"),
                    Query(
                        promql=f"60 * {rate('alfavoice_worker_texts_left_raw_total')}",
                        legend="raw, of workers",
                    ),
                ),
            ),
        ),
    )


def queue(t: Thresholds) -> Dashboard:
    """Give what waits for the recogniser, and what the recogniser does."""
    memory = "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)"
    own = "alfavoice_worker_gpu_memory_used_bytes / alfavoice_worker_gpu_memory_bytes"
    return Dashboard(
        slug="queue",
        title="queue and GPUs",
        panels=(
            Panel(
                title="Finals wait for the recogniser",
                says="From asking for a final to the start of its batch.",
                queries=(
                    *quantiles("alfavoice_final_queue_seconds"),
                    Query(promql="alfavoice:final_queue_seconds:p95_5m", legend="p95 of 5 minutes"),
                ),
                unit="s",
                limit=t.limits["final_wait_s"].value,
            ),
            Panel(
                title="Requests waiting",
                says="Partials and files may wait, finals should not.",
                queries=one("sum by (kind) (alfavoice_waiting_requests)", "{{kind}}"),
                is_stacked=True,
            ),
            Panel(
                title="Waiting, by kind (p95)",
                says="Until the start of the first batch.",
                queries=one(quantile(0.95, "alfavoice_queue_seconds", by="kind"), "{{kind}}"),
                unit="s",
            ),
            Panel(
                title="Lanes at work",
                says="Of those that a service hears of, in five minutes; workers on other machines are shared, "
                "so add the services up. At 1 more work means longer waiting.",
                queries=one("alfavoice:lanes_busy:ratio_5m", "{{instance}}"),
                unit="percentunit",
                is_stacked=True,
            ),
            Panel(
                title="Lanes ready",
                says="By service; 0: it has no recogniser. Fewer than before: a worker is away.",
                queries=one("sum by (instance) (alfavoice_ready_lanes)", "{{instance}}"),
            ),
            Panel(
                title="Recogniser processes started again",
                says="In half an hour.",
                queries=tuple(
                    Query(
                        promql=f"sum by (instance) (increase({metric}[30m]))", legend="{{instance}}"
                    )
                    for metric in ("alfavoice_engine_restarts", "alfavoice_worker_engine_restarts")
                ),
                limit=t.limits["engine_restarts"].value,
            ),
            Panel(
                title="Lanes of workers at work",
                says="Batches at this moment, by worker on a machine of its own.",
                queries=one("alfavoice_worker_busy_lanes", "{{instance}}"),
                is_stacked=True,
            ),
            Panel(
                title="Speech recognised by workers",
                says="Seconds of audio a second, partials and second passes included.",
                queries=one(
                    rate("alfavoice_worker_audio_seconds_total", by="instance"), "{{instance}}"
                ),
                is_stacked=True,
            ),
            Panel(
                title="Windows in a batch",
                says="Mean. More together is more speech a second, and longer waiting for each.",
                queries=one(
                    f"{rate('alfavoice_batch_windows_sum', by='kind')} / "
                    f"{rate('alfavoice_batch_windows_count', by='kind')}",
                    "{{kind}}",
                ),
            ),
            Panel(
                title="Time of a batch (p95)",
                says="By what it is for.",
                queries=one(
                    quantile(0.95, "alfavoice_batch_recognise_seconds", by="kind"), "{{kind}}"
                ),
                unit="s",
            ),
            Panel(
                title="Real-time factor",
                says="Seconds of work for a second of speech.",
                queries=quantiles("alfavoice_batch_real_time_factor_ratio"),
            ),
            Panel(
                title="Answers, a second",
                says="`recognised`, or the code of what went wrong.",
                queries=one(
                    rate("alfavoice_answers_total", by="kind, result"), "{{kind}} {{result}}"
                ),
                is_stacked=True,
            ),
            Panel(
                title="Second passes and broken batches, a minute",
                says="Second passes cost time; a broken batch is an engine that failed.",
                queries=(
                    Query(
                        promql=f"60 * {rate('alfavoice_repeated_windows_total')}",
                        legend="second passes",
                    ),
                    Query(promql=f"60 * {rate('alfavoice_broken_batches_total')}", legend="broken"),
                ),
            ),
            Panel(
                title="Time of the text pipeline",
                says="For the finals of a batch.",
                queries=(
                    *quantiles("alfavoice_text_seconds"),
                    Query(
                        promql=quantile(0.95, "alfavoice_worker_text_seconds"),
                        legend="p95 of workers",
                    ),
                ),
                unit="s",
            ),
            Panel(
                title="Memory of GPUs in use",
                says="The recogniser keeps what a batch once needed.",
                queries=(
                    Query(promql=memory, legend="{{Hostname}} GPU {{gpu}}"),
                    Query(promql=own, legend="{{instance}} GPU {{gpu}}"),
                ),
                unit="percentunit",
                limit=t.limits["gpu_memory"].value,
                exporter=DCGM,
            ),
            Panel(
                title="GPUs at work",
                says="Share of time in which a kernel ran.",
                queries=one("DCGM_FI_DEV_GPU_UTIL", "{{Hostname}} GPU {{gpu}}"),
                unit="percent",
                exporter=DCGM,
            ),
            Panel(
                title="Event loop late (p99)",
                says="Everybody connected to this server waits so long for every reply.",
                queries=one("alfavoice:event_loop_lag_seconds:p99_5m", "{{instance}}"),
                unit="s",
                limit=t.limits["event_loop_late_s"].value,
            ),
        ),
    )

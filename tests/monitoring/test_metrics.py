"""What alerts need of the metrics themselves."""

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from service.operations.health import health_routes
from service.operations.metrics import DictationMetrics
from service.operations.problem_json import install_problem_answers
from service.problems import RequestRefused
from service.recordings.metrics import RecordingMetrics


async def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://server")


async def test_metrics_say_that_the_database_is_away_and_back() -> None:
    registry, answers = CollectorRegistry(), iter([False, True])

    async def store() -> bool:
        return next(answers)

    app = FastAPI()
    app.include_router(health_routes(probes={"store": store}, registry=registry, version="1"))
    async with await client_of(app) as http:
        away = (await http.get("/metrics")).text
        back = (await http.get("/metrics")).text

    assert 'alfavoice_not_ready{reason="store"} 1.0' in away
    assert 'alfavoice_not_ready{reason="store"} 0.0' in back


async def test_errors_are_counted_by_code_and_by_nothing_that_was_sent() -> None:
    registry = CollectorRegistry()
    app = FastAPI()
    install_problem_answers(app, registry)

    class Said(BaseModel):
        number: int

    @app.post("/refused")
    async def refused() -> None:
        raise RequestRefused("auth.wrong_credentials", "no", status=401)

    @app.post("/broken")
    async def broken() -> None:
        raise ZeroDivisionError

    @app.post("/said")
    async def said(_: Said) -> None:
        """Take a number."""

    async with await client_of(app) as http:
        for path in ("/refused", "/refused", "/broken", "/said", "/not/here"):
            await http.post(path, json={"number": "secret"})

    counted = {
        sample.labels["code"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "alfavoice_request_errors_total"
    }
    assert counted == {
        "auth.wrong_credentials": 2,
        "server.failed": 1,
        "request.invalid": 1,
        "request.not_found": 1,
    }


def test_the_first_failure_is_seen_to_be_one_more_than_none() -> None:
    registry = CollectorRegistry()
    DictationMetrics(registry)
    RecordingMetrics(registry)

    for name, labels in (
        ("alfavoice_sessions_ended_total", {"how": "failed"}),
        ("alfavoice_sessions_refused_total", {"code": "server.full"}),
        ("alfavoice_recording_jobs_total", {"outcome": "failed"}),
    ):
        assert registry.get_sample_value(name, labels) == 0

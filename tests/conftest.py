"""Settings of all tests: hypothesis profiles, and no leftovers of the person's own set-up."""

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=100)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

for name in [name for name in os.environ if name.startswith("ALFAVOICE_")]:
    if name not in {
        "ALFAVOICE_SHARED",
        "ALFAVOICE_TEST_CACHE",
        "ALFAVOICE_REQUIRE",
        "ALFAVOICE_CLIENT_PROGRAM",
        "ALFAVOICE_ARTEFACTS",
    }:
        del os.environ[name]
os.environ.pop("DATABASE_URL", None)
os.environ["ALFAVOICE_ENV_FILE"] = os.devnull  # nor of the .env in this folder

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: the programs that tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRED_MARKERS = [name for name in os.environ.get("ALFAVOICE_REQUIRE", "").split(",") if name]
"""Markers whose tests may not skip here: what they need is promised to be there (see .ci/run)."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    missing = [name for name in REQUIRED_MARKERS if item.get_closest_marker(name)]
    if item.get_closest_marker("root") and os.geteuid() != 0:
        missing = []  # nobody promised that
    if missing and report.skipped and not hasattr(report, "wasxfail"):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{why}, but ALFAVOICE_REQUIRE promises: {', '.join(missing)}"
    return report

"""An error is logged with where it happened, and without what was in the variables there."""

import logging

import pytest
import structlog

from service.operations.logs import configure_logs


@pytest.fixture(autouse=True)
def logs_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail() -> None:
    hypothesis_text = "секретные слова"
    raise RuntimeError(str(len(hypothesis_text)))


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("logger", ["uvicorn.error", "asyncio"])
def test_a_traceback_names_the_place_and_shows_no_variables(capfd, form, logger) -> None:
    configure_logs(form, "info")
    try:
        fail()
    except RuntimeError:
        logging.getLogger(logger).exception("went wrong")
        structlog.get_logger().exception("went_wrong")

    written = capfd.readouterr().err
    assert written.count("in fail") == 2
    assert "секретные" not in written
    assert "\\u0441" not in written

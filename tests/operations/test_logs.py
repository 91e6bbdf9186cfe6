"""An error is logged with where it happened, and without what was in the variables there."""

import asyncio
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
    assert_is_silent_of_speech(written)


def assert_is_silent_of_speech(written: str) -> None:
    assert "секретные" not in written
    assert "\\u0441" not in written
    assert "\\xd1" not in written


def break_with_speech() -> None:
    """As validators, databases and groups do: what was said is in the words of the exception."""
    try:
        int("секретные слова")
    except ValueError as exc:
        raise ExceptionGroup("секретные слова", [KeyError("секретные слова"), exc]) from exc


@pytest.mark.parametrize("form", ["console", "json"])
def test_the_words_of_an_exception_reach_no_log(capfd, form) -> None:
    configure_logs(form, "info")
    try:
        break_with_speech()
    except ExceptionGroup as exc:
        for logger in ("uvicorn.error", "asyncio", "websockets.server"):
            logging.getLogger(logger).exception("went wrong")
        structlog.get_logger().exception("went_wrong")
        structlog.get_logger().error("went_wrong", exc_info=exc, stack_info=True)

    written = capfd.readouterr().err
    assert written.count("in break_with_speech") == 15
    assert "KeyError" in written
    assert_is_silent_of_speech(written)


@pytest.mark.parametrize("form", ["console", "json"])
async def test_the_event_loop_tells_nothing_of_what_a_task_or_callback_held(capfd, form) -> None:
    configure_logs(form, "info")
    loop = asyncio.get_running_loop()

    async def fail_with_speech() -> None:
        raise ValueError("секретные слова")

    def refuse(_: str) -> None:
        raise ValueError("секретные слова")

    task = loop.create_task(fail_with_speech())
    await asyncio.wait([task])
    loop.call_exception_handler({"message": "nobody asked", "exception": ValueError("секретные")})
    loop.call_exception_handler({"message": "nobody asked", "future": task})
    loop.call_soon(refuse, "секретные слова")
    await asyncio.sleep(0)
    task.exception()

    written = capfd.readouterr().err
    assert written.count("nobody asked") == 2
    assert "in refuse" in written
    assert_is_silent_of_speech(written)

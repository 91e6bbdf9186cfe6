"""An error said to a person: one line in their language, with the code to look up."""

from collections.abc import Mapping

from models.errors import ModelError
from service.language import Language
from service.problems import ServiceError
from workers.contract.errors import WorkerError

Expected = ServiceError | ModelError | WorkerError


def expected_failure(error: BaseException) -> Expected | None:
    """Find the error we raise on purpose in `error`, also inside a task group's."""
    if isinstance(error, Expected):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if found := expected_failure(inner):
                return found
    return None


def explain(error: Expected, language: Language) -> str:
    """Say what happened and what to do.

    The catalogue has a sentence for the codes people meet, `error.<code>`; the others are said in
    the words of the error itself.
    """
    details: Mapping[str, object] = getattr(error, "details", {})
    key = f"error.{error.code}"
    what = language.text(key, message=str(error), **details) if key in language else str(error)
    return language.text("cli.failed", what=what, code=error.code)

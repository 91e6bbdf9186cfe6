"""An error said to a person: one line in their language, with the code to look up."""

from collections.abc import Mapping

from models.errors import ModelError, NoSource
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

    The catalogue has a sentence for the codes people meet, `error.<code>`, or several, each with
    why at its end (`error.<code>_<why>`); the others are said in the words of the error itself.
    """
    details: Mapping[str, object] = getattr(error, "details", {})
    if isinstance(error, NoSource):  # each source's own reason, once, in the same language
        reasons = dict.fromkeys(_what(failure, language) for failure in error.failures)
        details = {**details, "reasons": "; ".join(reasons)}
    return language.text("cli.failed", what=_sentence(error, language, details), code=error.code)


def _what(error: Expected, language: Language) -> str:
    return _sentence(error, language, getattr(error, "details", {}))


def _sentence(error: Expected, language: Language, details: Mapping[str, object]) -> str:
    key = f"error.{error.code}_{details.get('why')}"
    if key not in language:
        key = f"error.{error.code}"
    if key not in language:
        return str(error)
    try:
        return language.text(key, message=str(error), **details)
    except KeyError:  # the same code without the details that the sentence is about
        return str(error)

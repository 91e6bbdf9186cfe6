"""Finished text out of recognised text: every step in its order, for many utterances at once.

    recognised ─► terms ─► fillers ─► punctuation ─► numbers ─► commands ─► snippets ─► profanity ─► style

Each step takes a row of tokens and gives one; it can be switched off for a person, and tells what it
changed. Only punctuation needs a model, and labels the utterances of everybody in one call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from workers.contract.finishing import Finished, Finishing, Moment, Person, Step, Taken
from workers.text.commands.obeying import obey
from workers.text.fillers import leave_out_fillers
from workers.text.letters import capitalised
from workers.text.merging.merge import CAREFUL
from workers.text.merging.thresholds import Thresholds
from workers.text.numbers.rules import write_numbers
from workers.text.profanity import mask_profanity
from workers.text.punctuation import punctuated
from workers.text.restarts import leave_out_restarts
from workers.text.rubert.labels import Punctuator
from workers.text.snippets import Triggers, expand, placed
from workers.text.snippets import indexed as triggers_of
from workers.text.styles import styled
from workers.text.terms.dictionary import Dictionary
from workers.text.terms.dictionary import indexed as terms_of
from workers.text.terms.writing import write_terms
from workers.text.tokens import Token, as_words, written

_RUSSIAN: Final = frozenset({"ru", None})
"""Languages whose numbers and marks we know; None: not known, and then the script decides."""


class Wishes:
    """How one person wants their texts, with their terms and snippets indexed: make it once."""

    def __init__(
        self,
        wanted: Finishing,
        *,
        terms: Dictionary | None = None,
        triggers: Triggers | None = None,
    ) -> None:
        """Take what a person wants.

        Args:
            wanted: all of it.
            terms: the index of its terms, if it is known already.
            triggers: the index of its snippets, likewise.
        """
        self.wanted: Final = wanted
        self.terms: Final = terms_of(wanted.terms) if terms is None else terms
        self.triggers: Final = triggers_of(wanted.snippets) if triggers is None else triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A text as recognised, and what is to be made of it."""

    tokens: tuple[Token, ...]
    language: str | None = None
    """ISO 639-1; None: not known."""
    wishes: Wishes


@dataclass(slots=True, kw_only=True)
class _Work:
    """An utterance on its way."""

    utterance: Utterance
    moment_of: Callable[[Person], Moment]
    tokens: tuple[Token, ...]
    steps: list[Taken]
    undo: int = 0
    undo_sentences: int = 0
    sticks: bool = False
    withheld: str = ""
    first: tuple[str, str] = ("", "")
    """The first word as punctuation wrote it, and as it would be inside a sentence."""

    def wants(self, step: Step) -> bool:
        wanted = self.utterance.wishes.wanted
        return step in wanted.steps and wanted.style != "raw"

    def take(self, step: Step, tokens: tuple[Token, ...]) -> None:
        self.steps.append(Taken(step=step, before=written(self.tokens), after=written(tokens)))
        self.tokens = tokens


_Change: TypeAlias = Callable[[_Work], tuple[Token, ...]]


def finished(
    utterances: Sequence[Utterance],
    punctuator: Punctuator | None = None,
    limits: Thresholds = CAREFUL,
    *,
    moment_of: Callable[[Person], Moment] = lambda person: Moment(name=person.name),
) -> list[Finished]:
    """Finish texts; those of one call share the model's batches, and nothing else.

    Args:
        utterances: of one person or of many.
        punctuator: None: no model is installed; marks are only repaired.
        limits: how sure the model has to be.
        moment_of: says what the date, the time and the name in a snippet are for a person, now; as given, no
            day and no hour is known, and both stay empty.
    """
    all_work = [
        _Work(utterance=one, moment_of=moment_of, tokens=one.tokens, steps=[]) for one in utterances
    ]
    for step in Step:
        wanting = [work for work in all_work if work.tokens and work.wants(step)]
        if step is Step.PUNCTUATION:
            _punctuate([work for work in wanting if _is_russian(work)], punctuator, limits)
            continue
        for work in wanting:
            work.take(step, _CHANGES[step](work))
    return [_result(work) for work in all_work]


def _punctuate(
    all_work: Sequence[_Work], punctuator: Punctuator | None, limits: Thresholds
) -> None:
    rows = punctuated([work.tokens for work in all_work], punctuator, limits)
    for work, row in zip(all_work, rows, strict=True):
        work.take(Step.PUNCTUATION, row.tokens)
        work.first = row.tokens[0].word, row.inside


def _is_russian(work: _Work) -> bool:
    return work.utterance.language in _RUSSIAN


def _write_terms(work: _Work) -> tuple[Token, ...]:
    return write_terms(work.tokens, work.utterance.wishes.terms, work.utterance.language)


def _leave_out(work: _Work) -> tuple[Token, ...]:
    return leave_out_restarts(leave_out_fillers(work.tokens, work.utterance.language))


def _write_numbers(work: _Work) -> tuple[Token, ...]:
    return write_numbers(work.tokens) if _is_russian(work) else work.tokens


def _obey(work: _Work) -> tuple[Token, ...]:
    obeyed = obey(work.tokens, work.utterance.wishes.wanted.commands_off)
    work.undo, work.undo_sentences = obeyed.undo, obeyed.undo_sentences
    work.sticks = obeyed.sticks
    return obeyed.tokens


def _style(work: _Work) -> tuple[Token, ...]:
    tokens = styled(work.tokens, work.utterance.wishes.wanted.style)
    if work.tokens[-1].trail.count(".") > tokens[-1].trail.count("."):
        work.withheld = "."
    return tokens


def _expand(work: _Work) -> tuple[Token, ...]:
    wishes = work.utterance.wishes
    if not wishes.triggers.by_first:
        return work.tokens
    return expand(work.tokens, wishes.triggers, work.moment_of(wishes.wanted.person))


_CHANGES: Final[dict[Step, _Change]] = {
    Step.TERMS: _write_terms,
    Step.FILLERS: _leave_out,
    Step.NUMBERS: _write_numbers,
    Step.COMMANDS: _obey,
    Step.SNIPPETS: _expand,
    Step.PROFANITY: lambda work: mask_profanity(work.tokens),
    Step.STYLE: _style,
}


def _small_inside(work: _Work) -> bool:
    """Whether the first word is still that of punctuation, and a capital for its place only."""
    shown, inside = work.first
    if not work.tokens or work.tokens[0].lead or work.tokens[0].word != shown:
        return False
    return shown == capitalised(inside) != inside


def _result(work: _Work) -> Finished:
    text, markers = placed(written(work.tokens))
    return Finished(
        text=text,
        words=as_words(work.tokens),
        steps=tuple(
            replace(taken, before=placed(taken.before)[0], after=placed(taken.after)[0])
            for taken in work.steps
        ),
        undo=work.undo,
        undo_sentences=work.undo_sentences,
        sticks=work.sticks,
        withheld=work.withheld,
        small_inside=_small_inside(work),
        markers=markers,
    )

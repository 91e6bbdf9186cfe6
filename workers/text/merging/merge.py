"""Merge the model's labels with the recogniser's text: what is missing is added, little is changed.

The words never change, only their case; quotes, brackets, dashes and marks inside words stay. What
the recogniser wrote itself (ends of sentences, commas, names) stays unless the model is as sure as
`Thresholds` asks, and some marks stay whatever it says (`settled`). A text of a recogniser that writes
neither marks nor case takes them from the model. A text whose words are mostly not in Cyrillic letters
is given back as it is.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Final

from workers.text.frequent import FREQUENT
from workers.text.merging.confidence import (
    chosen_case,
    chosen_mark,
    end_probability,
    small_probability,
)
from workers.text.merging.letters import Case, Script, case_of, in_case, script_of
from workers.text.merging.marks import (
    ENDS,
    ends_for_certain,
    mark_of,
    may_change,
    may_end,
    tidied,
    with_mark,
)
from workers.text.merging.settled import (
    EVERY,
    allowed_marks,
    command_words,
    is_numeral,
    is_ordinal,
    paired,
)
from workers.text.merging.thresholds import Thresholds
from workers.text.rubert.labels import WordLabels
from workers.text.tokens import Token

CAREFUL: Final = Thresholds()
_NEVER: Final = 2.0
"""No probability is as high."""
_NO_NAME: Final = 0.9
"""How likely the first word of a text must be small for no name to be lost where it goes on with a sentence: of 83
names in three sentences each 2 were taken for words, at 0.6 it were 21 (2026-11-22)."""
_LONGEST_UNMARKED: Final = 10
"""A recogniser that writes marks writes one in so many words; a text of more without any comes from another,
which may know names all the same. Our choice."""


def is_for_the_model(tokens: Sequence[Token]) -> bool:
    """Whether at least half of the words that have letters have Cyrillic ones, and there is one."""
    scripts = [script_of(token.word) for token in tokens]
    cyrillic = scripts.count(Script.CYRILLIC)
    return cyrillic > 0 and cyrillic >= scripts.count(Script.OTHER)


def is_bare(tokens: Sequence[Token]) -> bool:
    """Whether the recogniser wrote no mark, and no capital but those of names."""
    if any(token.lead or token.trail for token in tokens):
        return False
    return len(tokens) > _LONGEST_UNMARKED or not any(
        token.word != token.word.lower() and not token.is_spelt for token in tokens
    )


def merge(
    tokens: Sequence[Token],
    labels: Sequence[WordLabels] | None,
    limits: Thresholds = CAREFUL,
) -> tuple[Token, ...]:
    """Merge labels into a text.

    Args:
        tokens: the recogniser's text.
        labels: one for each token; None: there is no model, and only blanks before marks, marks
            written twice and small letters after the end of a sentence are repaired.
        limits: how sure the model has to be.

    Returns:
        As many tokens, with the same words but for their case.

    Raises:
        ValueError: there are more or fewer labels than tokens.
    """
    if labels is not None and len(labels) != len(tokens):
        raise ValueError(f"{len(tokens)} words and labels for {len(labels)}")
    if not is_for_the_model(tokens):
        return tuple(tokens)
    bare = is_bare(tokens)
    if labels is None and bare:
        return tuple(tokens)  # a capital alone would stand in the middle of what is dictated on
    tidy = [replace(token, trail=tidied(token.trail)) for token in tokens]
    known = _known(tidy, labels)
    marked = _with_marks(tidy, known, None if bare else limits)
    return tuple(_with_cases(tidy, marked, known, None if bare else limits))


def first_inside(
    tokens: Sequence[Token], labels: Sequence[WordLabels] | None, limits: Thresholds = CAREFUL
) -> str:
    """Give the first word as it is written where the text goes on with a sentence: «на вокзал».

    One that the recogniser began small is small there: the model may want a capital for the place only. Where the
    recogniser writes no capitals at all, that is so for frequent words; any other may be a name.

    Args:
        tokens: as of `merge`; of none the word is empty.
        labels: as of `merge`.
        limits: as of `merge`.
    """
    first = tokens[0] if tokens else Token("")
    label = _known(tokens[:1], labels and labels[:1])[0] if tokens else None
    if is_for_the_model(tokens) and case_of(first.word) is Case.SMALL and is_bare(tokens):
        wants_capital = label is not None and first.key not in FREQUENT
        return _first(first, label, None, before=".").word if wants_capital else first.word
    if not is_for_the_model(tokens) or case_of(first.word) is Case.SMALL:
        return first.word
    sure = replace(limits, small_after_open=max(limits.small_after_open, _NO_NAME))
    return _first(first, label, sure, before="").word


def _known(tokens: Sequence[Token], labels: Sequence[WordLabels] | None) -> list[WordLabels | None]:
    """Give the labels that can be believed: of Cyrillic words and of others that stand among them."""
    if labels is None:
        return [None] * len(tokens)
    scripts = [script_of(token.word) for token in tokens]
    before = _nearest(scripts)
    after = _nearest(scripts[::-1])[::-1]
    return [
        label
        if script is Script.CYRILLIC or {left, right} <= {Script.CYRILLIC, Script.NONE}
        else None
        for label, script, left, right in zip(labels, scripts, before, after, strict=True)
    ]


def _nearest(scripts: Sequence[Script]) -> list[Script]:
    """Give for each word the script of the last word with letters before it; NONE: there is none."""
    nearest: list[Script] = []
    last = Script.NONE
    for script in scripts:
        nearest.append(last)
        if script is not Script.NONE:
            last = script
    return nearest


def _with_marks(
    tokens: Sequence[Token], known: Sequence[WordLabels | None], limits: Thresholds | None
) -> list[Token]:
    marked: list[Token] = []
    allowed = allowed_marks(tokens, bare=limits is None)
    for place, (token, label) in enumerate(zip(tokens, known, strict=True)):
        if label is None:
            marked.append(token)
            continue
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        label_after = known[place + 1] if following is not None else None
        marked.append(
            remarked(token, following, label, label_after, limits, allowed=allowed[place])
        )
    return paired(tokens, marked)


def remarked(
    token: Token,
    following: Token | None,
    label: WordLabels,
    label_after: WordLabels | None,
    limits: Thresholds | None,
    *,
    allowed: Set[str] = EVERY,
) -> Token:
    """Give a token with the mark that the recogniser and the model agree on.

    Args:
        token: with the recogniser's mark.
        following: the next word; None: the text ends here.
        label: of the word.
        label_after: of the next; None: it has none that can be believed.
        limits: None: the likeliest mark stands.
        allowed: marks that may stand there instead.
    """
    if not may_change(token, following):
        return token
    written = mark_of(token.trail)
    small_after = None
    if following is not None and label_after is not None and _can_be_small(following):
        small_after = small_probability(label_after)
    chosen = chosen_mark(written, label, limits, small_after=small_after, is_last=following is None)
    if chosen == written or chosen not in allowed:
        return token
    return replace(token, trail=with_mark(token.trail, chosen))


def _can_be_small(token: Token) -> bool:
    return script_of(token.word) is Script.CYRILLIC and case_of(token.word) in {
        Case.SMALL,
        Case.TITLE,
    }


def _with_cases(
    written: Sequence[Token],
    marked: Sequence[Token],
    known: Sequence[WordLabels | None],
    limits: Thresholds | None,
) -> list[Token]:
    cased: list[Token] = []
    said = command_words(written)
    for place, (token, label) in enumerate(zip(marked, known, strict=True)):
        if place == 0:
            cased.append(_first(token, label, limits, before="."))
            continue
        cased.append(
            recased(
                token,
                None if place in said or _is_small_number(token) else label,
                limits,
                before=marked[place - 1],
                began=may_end(written[place - 1]),
                label_before=known[place - 1],
            )
        )
    return cased


def _is_small_number(token: Token) -> bool:
    """Whether a word is a cardinal, which no name begins with: it gets no capital inside a sentence."""
    return case_of(token.word) is Case.SMALL and is_numeral(token) and not is_ordinal(token)


def _first(
    token: Token, label: WordLabels | None, limits: Thresholds | None, *, before: str
) -> Token:
    """Give the first word in its case after a mark that is not of this text."""
    nothing = Token("", trail=before)
    return recased(token, label, limits, before=nothing, began=True, label_before=None)


def recased(
    token: Token,
    label: WordLabels | None,
    limits: Thresholds | None,
    *,
    before: Token,
    began: bool,
    label_before: WordLabels | None,
) -> Token:
    """Give a token in the case that its place and the model ask for.

    Args:
        token: in the recogniser's case.
        label: of the word; None: it has none that can be believed.
        limits: None: the likeliest case stands.
        before: the token before it, with its new mark.
        began: whether the recogniser took the word for the first of a sentence.
        label_before: of the token before it.
    """
    script = script_of(token.word)
    now = case_of(token.word)
    begins = ends_for_certain(before)
    if begins and script is Script.CYRILLIC:
        if label is not None and now is not Case.CAPITALS and not token.is_spelt:
            token = _as_abbreviation(token, script, label, limits)
        if case_of(token.word) is Case.SMALL:
            token = replace(token, word=in_case(token.word, Case.TITLE))
        return token
    if label is None or token.is_spelt:
        return token
    may_begin = begins or may_end(before) or ":" in before.trail or bool(token.lead)
    wanted = _NEVER  # a capital is in its place, or it is a name
    if began and not may_begin and limits is not None:
        wanted = limits.small_after_open
    word = chosen_case(
        token.word,
        script,
        label,
        limits,
        ended_before=0.0 if begins or label_before is None else end_probability(label_before),
        after_mark=bool(before.trail) and mark_of(before.trail) not in ENDS,
        capital_wanted=wanted,
    )
    return token if word == token.word else replace(token, word=word)


def _as_abbreviation(
    token: Token, script: Script, label: WordLabels, limits: Thresholds | None
) -> Token:
    """Give the first word of a sentence in capitals if that is what the model wants of it."""
    word = chosen_case(
        token.word, script, label, limits, ended_before=0.0, after_mark=False, capital_wanted=_NEVER
    )
    return replace(token, word=word) if case_of(word) is Case.CAPITALS else token

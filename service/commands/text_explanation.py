"""What each step did to a text, as a person reads it: on standard error, for the text is elsewhere.

числа
  − встреча «двадцать пятого января»        the changed words stand out
  + встреча «25 января»
Без изменений: ваши слова, стиль
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from service.language import Language

if TYPE_CHECKING:
    from service.finishing.messages import FinishedText, StepTaken

_BESIDE: Final = 6
"""Words shown on each side of a change."""
_SIGNS: Final = str.maketrans({"\n": " ⏎ ", "\t": " ⇥ "})
_GONE: Final = "bold red"
_NEW: Final = "bold green"


def explain_steps(done: "FinishedText", language: Language) -> None:
    """Show which step did what, and with which model."""
    say = language.text
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print()
    changing = [step for step in done.steps if step.before != step.after]
    for step in changing:
        console.print(Text(say(f"text.step.{step.name}"), style="bold"))
        for line in _compared(step):
            console.print(line)
    idle = [say(f"text.step.{step.name}") for step in done.steps if step not in changing]
    if idle:
        console.print(Text(say("text.idle", steps=", ".join(idle)), style="dim"))
    if not done.steps:
        console.print(Text(say("text.no_steps"), style="dim"))
    for marker in done.markers:
        console.print(say(f"text.marker.{marker.name}", offset=marker.offset), markup=False)
    with_model = done.punctuator is not None
    key = "text.punctuator" if with_model else "text.no_punctuator"
    console.print(Text(say(key, name=done.punctuator), style="dim"))


def _compared(step: "StepTaken") -> Iterator[Text]:
    """Give two lines: what was, and what is."""
    before, after = _words(step.before), _words(step.after)
    changes = SequenceMatcher(None, before, after).get_opcodes()
    gone = [(start, end) for tag, start, end, _, _ in changes if tag != "equal"]
    new = [(start, end) for tag, _, _, start, end in changes if tag != "equal"]
    yield _line("−", before, _GONE, gone)
    yield _line("+", after, _NEW, new)


def _words(text: str) -> list[str]:
    """Cut at blanks only: «25 000» with its no-break space is one word."""
    return [word for word in text.translate(_SIGNS).split(" ") if word]


def _line(sign: str, words: Sequence[str], style: str, changed: Sequence[tuple[int, int]]) -> Text:
    """Write words in a line, the changed ones in a style, and leave out what is far from any change."""
    near = {
        place
        for start, end in changed
        for place in range(max(0, start - _BESIDE), min(len(words), end + _BESIDE))
    } or set(range(len(words)))
    styled = {place for start, end in changed for place in range(start, end)}
    line = Text(f"  {sign} ", style="dim")
    skipped = False
    for place, word in enumerate(words):
        if place not in near:
            skipped = True
            continue
        if skipped:
            line.append("… ")
            skipped = False
        line.append(word, style=style if place in styled else "not dim")
        line.append(" ")
    if skipped:
        line.append("…")
    line.rstrip()
    return line

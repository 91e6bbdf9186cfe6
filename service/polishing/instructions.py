"""What may be asked of the model: the named wishes, and how an honest answer to each looks.

The words here are said to the model, not to people; a person reads the titles of the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Tongue: TypeAlias = Literal["ru", "en"]
"""The language in which the model is spoken to."""


class Instruction(StrEnum):
    """A wish that has a name."""

    EMAIL = "email"
    SHORTER = "shorter"
    FORMAL = "formal"
    LIST = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A wish as the model is told it, and the lengths that its answer may have."""

    told: Mapping[Tongue, str]
    most_times: float
    """The longest answer is so many times as long as the text …"""
    most_more: int = 0
    """… and so many letters more. What goes beyond is not what was asked for."""
    least_times: float = 0.0
    """The shortest, of texts of `SHORT` letters and more: less has lost what was said."""


SHORT: Final = 200
"""Letters; below them a rewritten text may be of any shortness: «ну, в общем, да» is «Да»."""

_TASKS: Final[Mapping[Instruction, Task]] = MappingProxyType(
    {
        Instruction.EMAIL: Task(
            told={
                "ru": (
                    "Сделай из текста электронное письмо: приветствие, абзацы, вежливое окончание. "
                    "Без темы письма. Имена ставь, только если они есть в тексте."
                ),
                "en": (
                    "Make an e-mail of the text: a greeting, paragraphs, a polite close. "
                    "No subject line. Write names only where the text has them."
                ),
            },
            most_times=2,
            most_more=400,
            least_times=0.25,
        ),
        Instruction.SHORTER: Task(
            told={
                "ru": "Сократи текст, сохранив всё важное: факты, имена, числа, сроки, просьбы.",
                "en": "Shorten the text. Keep all that matters: facts, names, numbers, dates, requests.",
            },
            most_times=1,
            most_more=10,  # a mark at the end of what was short already
        ),
        Instruction.FORMAL: Task(
            told={
                "ru": "Перепиши текст деловым языком: вежливо, без разговорных слов, на «вы».",
                "en": "Rewrite the text in formal language: polite, with no colloquial words.",
            },
            most_times=2,
            most_more=200,
            least_times=0.25,
        ),
        Instruction.LIST: Task(
            told={
                "ru": "Сделай из текста список: каждый пункт с новой строки и начинается с «- ».",
                "en": "Make a list of the text: each item on a line of its own that begins with “- ”.",
            },
            most_times=2,
            most_more=200,
            least_times=0.25,
        ),
    }
)


def task_of(instruction: str) -> Task:
    """Give the task of a named wish; any other words are the wish themselves."""
    named = {wish.value: task for wish, task in _TASKS.items()}
    if instruction in named:
        return named[instruction]
    # Somebody may ask for a translation or for a whole letter made of a line.
    return Task(told={"ru": instruction, "en": instruction}, most_times=4, most_more=2000)

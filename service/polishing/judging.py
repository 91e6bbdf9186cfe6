"""What of a model's answer is the text that was asked for, if anything.

A person pastes what comes back without reading it twice, so whatever is doubtful is not taken: they
keep what they said.
"""

import re
from typing import Final

import msgspec

from service.polishing.instructions import SHORT
from service.polishing.outcomes import NotPolished, Outcome
from service.polishing.prompting import Chat

_THOUGHTS: Final = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
"""What models that reason write first, where their server does not take it out."""
_FENCE: Final = re.compile(r"```[\w-]*\n(.*)\n```", re.DOTALL)
_CONTROLS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Of C0 and C1 all but tab and line feed, and what turns the direction of letters: a terminal or an
editor that the text goes to would obey them (Boucher and Anderson, 2021, CVE-2021-42574). And
halves of surrogate pairs, which are no letters."""
_TALK: Final = re.compile(
    r"(?:конечно|разумеется|хорошо|готово|вот|ниже|sure|certainly|of course|okay|here(?:'s|’s| is| are))"
    r"\b[^\n]{0,120}:\s*(?:\n|$)"
    r"|(?:конечно|разумеется|хорошо|готово|sure|certainly|of course|okay)\W{1,3}"
    r"(?:вот|ниже|here(?:'s|’s| is| are))\b[^\n:]{0,80}:",
    re.IGNORECASE,
)
"""A beginning that announces the text: «Вот письмо:» on a line, «Конечно! Вот письмо: …» on any."""
_EXCUSE: Final = re.compile(
    r"(?:(?:извините|простите|к сожалению|sorry|i(?:'|’)m sorry|i am sorry|unfortunately)\b[^\n]{0,20}?)?"
    r"\b(?:я не могу|не могу (?:помочь|выполнить)|как (?:языковая модель|ии)\b|я\W{1,3}(?:языковая модель|ии)\b"
    r"|i can(?:no|'|’)t\b|as an ai\b|as a language model\b|i(?:'|’)m an ai\b)",
    re.IGNORECASE,
)


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


def judge(answer: bytes, chat: Chat) -> str:
    """Give the rewritten text of a chat completion.

    Args:
        answer: the body of the response, of bounded size.
        chat: what was asked.

    Raises:
        NotPolished: the text stays as it was, and why.
    """
    try:
        choices = msgspec.json.decode(answer, type=_Completion).choices
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise NotPolished(Outcome.UNREADABLE) from None
    if not choices:
        raise NotPolished(Outcome.EMPTY)
    choice = choices[0]
    if choice.finish_reason == "length":
        raise NotPolished(Outcome.CUT_SHORT)
    if choice.finish_reason == "content_filter":
        raise NotPolished(Outcome.REFUSED)
    text = _unwrapped(choice.message.content or "", chat)
    if fault := _fault(text, chat):
        raise NotPolished(fault)
    return text


def _unwrapped(said: str, chat: Chat) -> str:
    """Take away what models put around a text although they are asked not to."""
    text = said.replace("\r\n", "\n")
    if found := _THOUGHTS.match(text):
        text = text[found.end() :]
    text = text.strip().removeprefix(chat.mark).removesuffix(chat.mark).strip()
    fenced = _FENCE.fullmatch(text)
    return fenced[1].strip() if fenced and "```" not in chat.text else text


def _fault(text: str, chat: Chat) -> Outcome | None:
    task, length = chat.task, len(chat.text)
    if not text:
        return Outcome.EMPTY
    if set(_CONTROLS.findall(text)) - set(chat.text):
        return Outcome.UNREADABLE
    if len(text) > task.most_times * length + task.most_more:
        return Outcome.TOO_LONG
    if length >= SHORT and len(text) < task.least_times * length:
        return Outcome.TOO_SHORT
    if chat.mark in text or text.startswith("<think") or _chats(text, chat.text):
        return Outcome.CHATTING
    return None


def _chats(text: str, said: str) -> bool:
    """Tell a model's own talk from a text that begins like it because the person did."""
    for beginning in (_TALK, _EXCUSE):
        if beginning.match(text) and not beginning.match(said.lstrip()):
            return True
    return False

"""What Whisper learned from subtitles and writes when nobody speaks.

Three kinds, by how likely a person is to say them: credits of subtitle makers (nobody), captions
of sounds in capitals (nobody), and closing phrases of videos (anybody). The lists come from what
Whisper base wrote on silence, hum, noises and music here (2026-11-21, 448 windows) and from
reports against openai/whisper, whisper.cpp (issues 1724, 1881) and faster-whisper.
"""

import re
from typing import Final

_NAME: Final = r" \w(?: \w)?(?: \w{3,})?"
"""One or two initials and perhaps a surname; «нужен нам к пятнице» is no name."""

_KNOWN: Final = r"(?:dimatorzok|дима ?торжок|dima ?torzok|симон|алексей дубровский)"

_CREDITS: Final = re.compile(
    r"(?:"
    rf"редактор\w* субтитров{_NAME}(?: корректор\w*{_NAME})?"
    rf"|корректор\w*{_NAME}"
    r"|субтитры (?:с?делал[аи]?|создава?л[аи]?|подогнал[аи]?|добавил[аи]?|подготовил[аи]?)"
    rf"(?: {_KNOWN}|{_NAME})"
    r"|субтитры (?:предоставил|от) (?:сообществ\w+ )?(?:amara org|dimatorzok|симон)"
    r"|субтитры сообщества amara org"
    rf"|{_KNOWN}"
    r"|(?:subtitles?|captions?|subtitled|closed captions?) (?:made |created )?by(?: the)?"
    r"(?: \w+){1,5}"
    r"|(?:translated|transcribed) by \w+(?: \w+){0,2}"
    r"|transcription by castingwords|transcript emily beynon"
    r")"
)

_CLOSINGS: Final = re.compile(
    r"(?:"
    r"продолжение следует"
    r"|(?:большое )?спасибо(?: (?:всем )?(?:за (?:просмотр|внимание|субтитры|поддержку)|вам))?"
    r"|(?:не забудьте )?(?:подписывайтесь|подпишитесь|подписаться) на (?:наш |мой )?канал"
    r"|ставьте лайки?(?: и)?(?: подписывайтесь(?: на (?:наш |мой )?канал)?)?"
    r"|(?:всем )?(?:пока|до свидания|до новых встреч|удачи)"
    r"|до (?:новых )?встречи?(?: в следующ\w+ (?:видео|выпуске|раз))?"
    r"|с вами был\w* \w+(?: \w+)?"
    r"|thank you(?: (?:so|very) much)?(?: for (?:watching|listening))?"
    r"|thanks(?: for (?:watching|listening))?"
    r"|(?:please )?(?:like and )?subscribe(?: to (?:my|our|the) channel)?"
    r"|see you(?: (?:next time|later|again|in the next (?:video|one)))?"
    r"|bye(?: bye)?|the end|to be continued|you|so|okay|oh|hmm"
    r")"
)

_SOUNDS: Final = re.compile(
    r"музык|аплодисмент|смех|смеется|звон|шум|стук|выстрел|гудок|сигнал|крик|плач|вздох|кашель|лай"
    r"|пение|поет|песн|тишин|свист|взрыв|гром|шаги|music|applau|laugh|beep|silence|noise|singing"
    r"|cough|sigh|ringing|bell|whistl|static"
)


def plain(text: str) -> str:
    """Lower case, ё as е, marks as single blanks."""
    return " ".join(re.findall(r"\w+", text.lower().replace("ё", "е")))


def is_credit(text: str) -> bool:
    """Say whether the whole text is a credit of subtitle makers, perhaps several times."""
    return _only(_CREDITS, text)


def is_closing(text: str) -> bool:
    """Say whether the whole text is a video's closing phrase, perhaps several times."""
    return _only(_CLOSINGS, text)


def is_sound(text: str) -> bool:
    """Say whether the text is a caption of a sound: «СПОКОЙНАЯ МУЗЫКА», "APPLAUSE"."""
    return text.isupper() and _SOUNDS.search(plain(text)) is not None


def without_last_credit(text: str) -> str:
    """Cut a credit off the end of a longer text, if it stands as sentences of its own."""
    ends = [match.end() for match in re.finditer(r"[.!?…]+\s+", text)]
    for end in ends:
        if is_credit(text[end:]):
            return text[:end].rstrip()
    return text


def _only(phrase: re.Pattern[str], text: str) -> bool:
    said = plain(text)
    return bool(said) and re.fullmatch(rf"{phrase.pattern}(?: {phrase.pattern})*", said) is not None

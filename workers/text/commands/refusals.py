"""The words beside a command phrase that show that it means what it says.

Small letters, ё as е. They count only where nothing sets the phrase off from them.
"""

import re
from collections.abc import Mapping
from typing import Final

from workers.text.commands.table import Effect
from workers.text.frequent import PREPOSITIONS

_DETERMINERS: Final = frozenset(
    "эта эту этот это та тот то одна один одно вторая второй второе первая первый первое последняя "
    "последний последнее моя мой мое твоя твой твое наша наш наше ваша ваш ваше своя свой свое "
    "какая какой какое такая такой такое каждая каждый каждое любая любой любое другая другой "
    "другое большой простой пустой сама сам само лишняя лишний лишнее его ее их данная очередная где вот".split()
)
_THERE_IS: Final = frozenset(
    "ставится ставятся ставилась есть нужна нужен нужно нужны стоит стояла стоял стояло была был было будет быть "
    "появилась появился появилось осталась остался осталось пропала пропущена пропущен пропущено "
    "отсутствует имеется находится называется означает забыл забыла забыли добавь добавьте "
    "добавить добавил убери уберите убрать начни начните начать начинается вставь вставьте "
    "вставить сделай сделайте сделать требуется нажми нажмите нажать открой создай создать "
    "поставлена проставлена нарисована отмечена убрана добавлена добавлен добавляется создана создан создается открывается входит содержится "
    "содержатся используется рисует нарисуй символ знак слово кнопка клавиша клавишу команда".split()
)
_BEFORE_NOUNS: Final = (
    _DETERMINERS
    | _THERE_IS
    | frozenset("и или не ни а как же через здесь там тут только уже еще".split())
)
_PASSIVE: Final = re.compile(r"\w+(?:[еия]тся|лась|ана|ена|ята)")
"""«Создаётся новая строка»."""
_BREAKS: Final = frozenset({Effect.BREAK, Effect.ITEM})
_MODALS: Final = frozenset(
    "надо нужно можно нельзя чтобы не как где забыл забыла забыли следует пришлось придется должен "
    "должна должны хочу хочешь хочет хотел хотела хотели могу может мог могла могли смог смогла смогли сможет "
    "забудь забудьте удалось удастся успел успела успели решил решила решили просил просила попросил попросила "
    "прошу велел велела и или пора осталось ошибка например сначала".split()
)
"""An infinitive that something is done with follows them."""
_WRITES: Final = re.compile(
    r"(?:на|за|по|пере|до)?пи(?:с(?!ьм)|ш)\w*|(?:на|пере)?печата\w*|набра\w*|набир\w*|выдел\w*|начина\w*|"
    r"(?:по|рас|про|вы)?став(?:и|л|я|ь|ь?те|ка)\w*|(?:на)?рис(?:у|ов)\w*|ор(?:ал|ет|ут|и|ать)\w?|крич\w*|сплошн\w*"
)
_ENGLISH_BEFORE: Final = frozenset(
    "a an the this that each every another any no one some first last next my your our their his "
    "her its of in on at with for by to and or from before after add use insert put is was are be "
    "new missing entire whole same begin start create".split()
)
_ENGLISH_AFTER: Final = frozenset(
    "of is was are were in on for to and or at from with after before between by as that which "
    "separated character characters symbol symbols key here there will would can".split()
)
_AFTER: Final = frozenset(
    "в во на с со и или не ни для от из между перед после при по над под к ко о об есть была был "
    "было будет стоит ставится ставят нужна нужен нужно нужны означает находится называется "
    "начинается начинаются появилась появился лишняя лишний лишнее где который которая которое "
    "которые же ли бы должна должен должно может потерялась пропала".split()
)
_GOES_ON: Final = frozenset("и или не ни где который которая которое которые".split())
"""Before these a comma stands: in a text in which others are said they tell against none."""
_AFTER_POINT: Final = re.compile(
    r"(?:зрения|отсчета|доступа|роста|невозврата|продаж|опоры|входа|выхода|сборки|встречи|росы|"
    r"вызова|старта|финиша|обзора|выдачи|приема|сбора|максимума|минимума|перегиба|прямой|плоскости|"
    r"общепита|торговли|это|ру|ком|рф|com|ru|org|net|[а-яa-z]|\d.*|\w+(?:ния|ости|ства|ции))"
)
RELATIVES: Final = frozenset(
    "где куда откуда которая которую которой которое который котором которого что".split()
)
"""«Точка, где…»: a comma before these does not set a phrase off."""
IDIOMS_BEFORE: Final = frozenset("и все нет да хватит конец баста никаких".split())
"""«И точка», «Всё, точка»."""

_AGREES: Final[Mapping[str, re.Pattern[str]]] = {
    "feminine": re.compile(r"\w+(?:ая|яя)"),
    "masculine": re.compile(r"\w+(?:ый|ий)"),
    "neuter": re.compile(r"\w+(?:ое|ее)"),
}
_NO_ADJECTIVES: Final = frozenset(
    "следующее далее более менее скорее быстрее позднее ранее".split()
)
GENDERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        "точка запятая новая табуляция скобка открывающая закрывающая".split(), "feminine"
    ),
    **dict.fromkeys(
        "дефис пробел абзац вопросительный восклицательный знак новый следующий смайлик "
        "грустный".split(),
        "masculine",
    ),
    **dict.fromkeys("двоеточие тире многоточие".split(), "neuter"),
}
_VERBAL: Final = frozenset("открыть открой закрыть закрой кавычки".split())
_QUESTIONS: Final = frozenset({"вопросительный", "знак"})
_ASKING: Final = frozenset("где как тут там здесь это".split())


def refuses_before(word: str, key: str, phrase: str, effect: Effect, *, begins: bool) -> bool:
    """Whether the word before shows that a phrase is no command.

    Args:
        word: as it is written.
        key: as rules look for it.
        phrase: first word of the phrase.
        effect: of the command.
        begins: whether a sentence begins with the word.
    """
    if phrase.isascii():
        return key in _ENGLISH_BEFORE or key.endswith(("'s", "’s"))
    if effect in (Effect.CAPITALS, Effect.CAPITAL) or phrase == "слитно":
        return key in {"и", "или", "не"} - ({"не"} if phrase == "слитно" else set()) or bool(
            _WRITES.fullmatch(key)
        )
    if phrase in _VERBAL:
        return key in _MODALS
    if phrase in _QUESTIONS and not begins and key in _ASKING:
        return False  # «Ты где, вопросительный знак»
    return _governs(key if begins else word, key, phrase, effect)


def _governs(word: str, key: str, phrase: str, effect: Effect) -> bool:
    """Whether the noun that a phrase begins with belongs to the word before it."""
    gender = GENDERS.get(phrase)
    if key in _BEFORE_NOUNS:
        return True
    if gender != "feminine" and _WRITES.fullmatch(key):
        return True  # «напиши дефис»; but «напиши запятая» is no Russian
    if effect in _BREAKS and _PASSIVE.fullmatch(key):
        return True
    if key in PREPOSITIONS:
        return effect is not Effect.JOIN or key in {"через", "без", "вместо", "после", "перед"}
    agrees = _AGREES.get(gender or "")
    return (
        agrees is not None
        and word == word.lower()
        and key not in _NO_ADJECTIVES
        and bool(agrees.fullmatch(key))
    )


def may_go_on(key: str, following: str) -> bool:
    """Whether a comma may stand before a word, not being talked of: «запятая который», no «запятая не нужна»."""
    return key in _GOES_ON and following not in _AFTER - _GOES_ON


def refuses_after(word: str, key: str, phrase: str, effect: Effect) -> bool:
    """Whether the word after shows that a phrase is no command; arguments as of `refuses_before`."""
    if phrase.isascii():
        return key in _ENGLISH_AFTER
    if effect in (Effect.CAPITALS, Effect.CAPITAL) or phrase == "слитно":
        return key in {"не", "или"} or bool(_WRITES.fullmatch(key))
    if effect is Effect.JOIN:  # «Ростов дефис на дефис Дону»
        return key in _AFTER - PREPOSITIONS or key in {"между", "а"}
    if effect is Effect.OPEN or phrase in {"закрыть", "закрой"}:  # any other word may follow these
        return key in {"и", "или", "перед", "после"}
    if phrase == "точка" and _AFTER_POINT.fullmatch(key):
        return key not in {"я", "а", "у"} or (word.isupper() and key != "я")
    return key in _AFTER

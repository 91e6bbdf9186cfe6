"""Whether a word can be what a number counts: «пять кабинетов», but not «кабинет пять закрыт».

Told by the endings alone: 2, 3 and 4 take the genitive singular, the others the genitive plural.
"""

from typing import Final

NO_NOUNS: Final = frozenset(
    "в во на и по у с со к ко от до а но или для за из не это то я мы он она они что где как так "
    "там тут здесь был была было были будет нет есть мне тебе ему ей нам вам им его их нас вас "
    "тоже уже еще завтра сегодня вчера когда если потом после перед при без через либо да ли же "
    "бы ты вы пока чтобы потому поэтому под над об про мой твой наш ваш сам".split()
)
"""Words that nothing counts."""
_STATES: Final = "открыт закрыт занят свободен готов пуст нужен".split()
_OF_A_FEW: Final = ("а", "я", "ы", "и", "ых", "их")
_OF_MANY: Final = ("ов", "ев", "ей", "ых", "их")
_OF_VERBS: Final = (
    "ет", "ит", "ют", "ут", "ат", "ят", "ть", "сь", "ся", "ем", "им", "ешь", "ишь", "л", "ом",
    "ам", "ах", "ям", "ях", "ий", "ый", "ой", "ай", "уй",
)  # fmt: skip
"""Also of cases that are not counted."""
MANY: Final = frozenset(
    "лет минут монет газет ракет конфет сигарет анкет котлет билет тем проблем схем систем "
    "ламп школ стран чел колл человек раз штук машин страниц недель секунд тонн попыток коробок "
    "упаковок бутылок книг паллет строк задач минуток".split()
)
"""Genitives that nothing else can be, or that end like verbs."""
_VOWELS: Final = frozenset("аеиоуыэюя")


def can_be_counted(value: int, word: str) -> bool:
    """Tell whether a word in small letters can be counted by a cardinal of this value.

    Args:
        value: 0 or more.
        word: what follows the numeral; "" if nothing does.
    """
    if not word or word in NO_NOUNS or word in _STATES or not word.isalpha():
        return False
    if 1 < value % 10 < 5 and takes_singular(value):
        return word.endswith(_OF_A_FEW)
    if word in MANY or word.endswith(_OF_MANY):
        return True
    return word[-1] not in _VOWELS and not word.endswith(_OF_VERBS)


def takes_singular(value: int) -> bool:
    """Tell whether a cardinal is followed by a singular: «21 метр», «4 метра», but «5 метров»."""
    return 1 <= value % 10 <= 4 and not 11 <= value % 100 <= 14


def is_one_of(form: str, noun: str) -> bool:
    """Tell whether a form of «один» is said of a noun: «один рубль», not «одному рубль»."""
    ends = _ENDS_AFTER_ONE.get(form)
    return ends is None or noun.endswith(ends)


_ENDS_AFTER_ONE: Final = {
    "один": (*"бвгджзклмнпрстфхцчшщйь", "евро", "тенге", "песо"),
    "одна": ("а", "я", "ь"),
    "одно": ("о", "е"),
    "одну": ("у", "ю", "ь"),
    "одного": ("а", "я", "евро"),
    "одному": ("у", "ю", "евро"),
    "одним": ("м", "евро"),
    "одном": ("е", "и", "евро"),
    "одной": ("ы", "и", "е", "й"),
}

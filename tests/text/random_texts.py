"""Texts that nobody says, and some that somebody might: seeded, so that a failure comes again."""

import random

SAID = (
    "я ты он это и в на по за что не как бы ну вот э-э мм ммм эм а-а-а значит типа короче в общем "
    "завтра встреча кабинет номер дом код версия телефон договор Иван Николай Пётр царь код "
    "новая строка абзац точка запятая двоеточие тире дефис кавычки открыть закрыть скобку капсом "
    "конец капса слитно удали последнее слово предложение отмени смайлик табуляция многоточие "
    "вопросительный знак с большой буквы новый пункт new line comma period scratch that um uh "
    "один два две три пять семь девять десять двенадцать двадцать тридцать сорок девяносто сто "
    "двести пятьсот тысяча тысяч миллион миллиона миллиардов первый второго третьем пятое "
    "двадцатых сотая целых десятых половиной полтора ноль нуль плюс рублей процентов метров "
    "километр часов минут января года веке утра вечера до или из от между дробь двадцать-тридцать "
    "кубернетес гитхабе альфавойсом кубер нетес моя почта подпись адрес Kubernetes API hello the "
    "блять хуйня ё Ёлка при-приходи п-п-пойдём 25 3,5 1 000 №5 C++ don't ул. т. е. А. С."
).split()
MARKS = list(".,!?…:;—–-\"'«»„“”‘’()[]{}<>*/\\|@#$%^&_=+~`")
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🇷🇺", "❤️", "👍🏽", "1️⃣", "🏴‍☠️"]
RIGHT_TO_LEFT = ["שלום", "مرحبا", "\u202eабв\u202c", "\u200fслово\u200e", "٣٤٥", "\u2067x\u2069"]
ODD_LETTERS = [*"ßẞıİſKµŉǅﬃΐςΣ²½Ⅻ٣०ǰ", "е\u0301", "и\u0306", "а" + "\u0300" * 40]
ODD_BLANKS = [
    "\u00a0",
    "\u202f",
    "\u2009",
    "\u3000",
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\u2028",
    "\x85",
]
NONCHARACTERS = ["\ufdd0", "\ufdd1", "\ufffe", "\uffff", "\U0010ffff", "\ud800", "\udfff"]


def random_text(rng: random.Random) -> str:
    """Make a text of one of the kinds, short as utterances are, or empty."""
    return rng.choice(KINDS)(rng)


def _speech(rng: random.Random) -> str:
    words = [_cased(rng, rng.choice(SAID)) for _ in range(rng.randrange(18))]
    return " ".join(word + _mark(rng, 0.15) for word in words)


def _marked(rng: random.Random) -> str:
    words = [_mark(rng, 0.4) + rng.choice(SAID) + _mark(rng, 0.6) for _ in range(rng.randrange(16))]
    return rng.choice(["", " ", "\n", "\t "]).join(words)


def _mixture(rng: random.Random) -> str:
    pools = (SAID, MARKS, EMOJI, RIGHT_TO_LEFT, ODD_LETTERS, ODD_BLANKS, NONCHARACTERS)
    parts = [rng.choice(rng.choice(pools)) for _ in range(rng.randrange(24))]
    return "".join(part + rng.choice(["", " ", " ", "\n"]) for part in parts)


def _controls(rng: random.Random) -> str:
    return "".join(
        rng.choice(SAID) + chr(rng.choice([rng.randrange(32), 127, rng.randrange(128, 160)]))
        for _ in range(rng.randrange(16))
    )


def _broken_bytes(rng: random.Random) -> str:
    whole = bytearray(_speech(rng).encode())
    for _ in range(rng.randrange(1, 12)):
        if whole:
            whole[rng.randrange(len(whole))] = rng.randrange(256)
    return whole.decode("utf-8", "surrogateescape")


def _any_letters(rng: random.Random) -> str:
    return "".join(
        rng.choice([chr(rng.randrange(0x110000)), chr(rng.randrange(0x3000)), " "])
        for _ in range(rng.randrange(50))
    )


def _nested(rng: random.Random) -> str:
    depth = rng.randrange(1, 60)
    opening, closing = rng.choice(["«»", "()", "“”", "„“", '""', "[]", "''"])
    text = f"{opening * depth}{_speech(rng)}{closing * rng.choice([depth, depth - 1, 0])}"
    return text if rng.random() < 0.5 else text.replace(" ", f" {opening}").replace(",", closing)


def _the_same(rng: random.Random) -> str:
    phrase = " ".join(rng.choice(SAID) for _ in range(rng.randrange(1, 5)))
    return rng.choice([" ", ", ", ". ", " - ", "-", "\n"]).join([phrase] * rng.randrange(1, 12))


def _one_word(rng: random.Random) -> str:
    return rng.choice([*SAID, "а", "ё-", "1", "W", "²", "м-", "при-"]) * rng.choice([1, 7, 61, 201])


KINDS = (
    _speech, _speech, _speech, _marked, _mixture, _controls, _broken_bytes, _any_letters, _nested,
    _the_same, _one_word,
)  # fmt: skip


def _cased(rng: random.Random, word: str) -> str:
    return rng.choice([word, word, word, word.capitalize(), word.upper()])


def _mark(rng: random.Random, share: float) -> str:
    return rng.choice(MARKS) * rng.choice([1, 1, 3]) if rng.random() < share else ""


ENDLESS = {
    "words without a mark": "мы поехали на вокзал и там долго ждали поезда ",
    "numbers": "сто двадцать три миллиона сорок пять тысяч один два три пятый ",
    "digits said one by one": "один два три четыре пять ",
    "ordinals": "двадцать первый, тридцать второго и ",
    "one number": "двадцать ",
    "scales": "тысяч миллионов миллиард ",
    "written digits": "8 912 123 45 67 плюс 7 ",
    "commas said": "запятая ",
    "commas said after words": "слово запятая ",
    "full stops said": "точка. ",
    "mixed commands": "привет, новая строка, тире, открыть скобку, закрыть скобку, пробел. ",
    "opened and never closed": "открыть кавычки, открыть скобку, капсом ",
    "marks said together": "вопросительный знак ",
    "closed": "закрыть кавычки. закрыть скобку. ",
    "joined": "а дефис б слитно ",
    "line ends": "новая строка. новый абзац. новый пункт. ",
    "deletions": "слово. Удали последнее слово. Отмени. ",
    "fillers": "э-э, ну вот, как бы, мм, значит, ",
    "stumbles": "я я я и и в в город в город ",
    "stammers": "п-п-п-приходи при- ",
    "terms": "кубер нетес кубернетеса гитхаб альфавойсом эй пи ай ",
    "snippets": "моя почта ",
    "quotes": "«слово „слово “слово (слово ",
    "marks alone": "— , . … ",
    "one mark": "- ",
    "obscene words": "блять-блять хуйня ",
    "emoji": "😀 👩‍👩‍👧‍👦 ",
    "right to left": "שלום مرحبا ",
    "greetings": "Здравствуйте С уважением, ",
}
"""What is said over and over, by what it is."""
LONG_WORDS = (
    "а", "ё", "W", "1", "²", "٣", "а-", "при-", "м", "э-", "-а", "а.", "«а", "е\u0301", "😀", "'",
    "двадцать", "двадцать-", "блять-", "точка", "\ud800", "\x00",
)  # fmt: skip
"""What 5,000 letters without a blank are made of."""

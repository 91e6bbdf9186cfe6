"""Capital letters of single words, and whether a word is Cyrillic or Latin."""


def capitalised(word: str) -> str:
    """Begin a word with a capital letter; «iPhone» and «3-й» stay as they are."""
    first, rest = word[:1], word[1:]
    large = first.upper()
    if not _is_same(first, large) or any(letter.isupper() for letter in rest):
        return word
    return large + rest


def lowered(word: str) -> str:
    """Begin a word with a small letter; «МИД» and «GitHub» stay as they are."""
    first, rest = word[:1], word[1:]
    small = first.lower()
    if not _is_same(first, small) or any(letter.isupper() for letter in rest):
        return word
    return small + rest


def is_title(word: str) -> bool:
    """Whether a word has a capital letter at its beginning only."""
    return word[:1].isupper() and not any(letter.isupper() for letter in word[1:])


def is_cyrillic(word: str) -> bool:
    """Whether a word has Cyrillic letters and no Latin ones."""
    return any("а" <= letter <= "я" or letter == "ё" for letter in word.lower()) and not has_latin(
        word
    )


def has_latin(word: str) -> bool:
    """Whether a word has a letter of the English alphabet."""
    return any("a" <= letter <= "z" for letter in word.lower())


def _is_same(letter: str, other: str) -> bool:
    """Whether two are one letter in another case: «ı» in capitals is «I», and that is another one."""
    return len(other) == 1 and letter.casefold() == other.casefold()

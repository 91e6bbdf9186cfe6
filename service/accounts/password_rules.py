"""Which passwords are refused: too short, or among the first that anybody would try.

Length is what counts (NIST SP 800-63B); no letter is demanded or forbidden. Against lists of leaked
passwords stand a few rules that find what they have in common: one thing repeated, a walk over the
keyboard, or nothing but common words with digits around them, also typed in the other layout or with
digits for letters.
"""

import re
from importlib import resources
from itertools import pairwise
from typing import Final

from service.accounts.passwords import MAX_LETTERS, normalised
from service.problems import RequestRefused

MIN_LETTERS: Final = 10
_LEAST_DIFFERENT: Final = 5
_MOST_WORDS: Final = 4
_OWN_PART: Final = 4
"""Letters of a password besides its common words that make it one's own."""
_REPEATED: Final = re.compile(r"(.{1,8}?)\1+.{0,3}", re.DOTALL)
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
_LATIN_KEYS: Final = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
_RUSSIAN_KEYS: Final = "йцукенгшщзхъфывапролджэячсмитьбюё"
_TO_RUSSIAN: Final = str.maketrans(_LATIN_KEYS, _RUSSIAN_KEYS)
_WALKS: Final = tuple(
    walk + walk[::-1]
    for walk in (
        "1234567890-=",
        "01234567890",
        "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
        "йцукенгшщзхъфывапролджэячсмитьбю.",
        "qazwsxedcrfvtgbyhnujmikolp",
        "йфяцычувскамепинртгоьшлбщдюзжэхъ",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "1q2w3e4r5t6y7u8i9o0p",
        "1й2ц3у4к5е6н7г8ш9щ0з",
        "q1w2e3r4t5y6u7i8o9p0",
        "abcdefghijklmnopqrstuvwxyz",
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    )
)
_SHORTEST_WALK: Final = 4


class PasswordRules:
    """Knows the common words; made once."""

    def __init__(self) -> None:
        text = (resources.files("service.accounts") / "common_passwords.txt").read_text("utf-8")
        self._words = frozenset(
            word for line in text.splitlines() if not line.startswith("#") for word in line.split()
        )
        self._longest = max(map(len, self._words))

    def check(self, password: str, *, login: str, name: str = "") -> str:
        """Give the password if it may be used.

        Raises:
            RequestRefused: `account.weak_password`, saying why.
        """
        normal = normalised(password)
        if len(normal) < MIN_LETTERS:
            raise _refused(f"it has fewer than {MIN_LETTERS} letters")
        if len(normal) > MAX_LETTERS:
            raise _refused(f"it has more than {MAX_LETTERS} letters")
        own = {part for part in re.split(r"[\W_]+", f"{login} {name}".lower()) if len(part) > 2}
        if self.is_common(normal, own=frozenset(own)):
            raise _refused("it is among the first that anybody would try")
        return password

    def is_common(self, password: str, *, own: frozenset[str] = frozenset()) -> bool:
        """Whether it is made of nothing but what everybody uses.

        Args:
            password: normalised.
            own: words that belong to the person, in lower case: login, name.
        """
        lower = password.lower()
        if len(set(lower)) < _LEAST_DIFFERENT or _REPEATED.fullmatch(lower):
            return True
        words = self._words | own
        return any(
            self._own_letters(spelling, words) < _OWN_PART
            for spelling in {lower, lower.translate(_LEET), lower.translate(_TO_RUSSIAN)}
        )

    def _own_letters(self, text: str, words: frozenset[str]) -> int:
        """Count the letters left when common words, walks, years and punctuation are taken out."""
        longest = max(self._longest, *map(len, words))
        fewest = [(0, 0)]  # for each prefix: letters of one's own, and common words taken out
        for end in range(1, len(text) + 1):
            letters, taken = fewest[end - 1]
            own = 0 if text[end - 1].isdigit() or not text[end - 1].isalnum() else 1
            best = (letters + own, taken)
            for start in range(max(0, end - longest), end - 2):
                part = text[start:end]
                if part in words or _is_walk(part):
                    before, used = fewest[start]
                    if used < _MOST_WORDS:
                        best = min(best, (before, used + 1))
            fewest.append(best)
        digits = len(re.findall(r"\d", text))
        # Digits are one's own where there are many and they are no run: a number nobody knows.
        return fewest[-1][0] + max(0, digits - 8) * (not _is_mostly_walk(text))


def _is_walk(part: str) -> bool:
    return len(part) >= _SHORTEST_WALK and any(part in walk for walk in _WALKS)


def _is_mostly_walk(text: str) -> bool:
    steps = sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(text))
    return steps * 2 > len(text)


def _refused(why: str) -> RequestRefused:
    return RequestRefused(
        "account.weak_password",
        f"this password cannot be used: {why}. Three or four words that do not belong together "
        "are easy to remember and hard to guess",
        status=422,
    )

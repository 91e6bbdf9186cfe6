"""Plural forms of Russian and English, as CLDR has them (unicode.org/cldr, cardinal rules).

Only whole numbers need forms here: a fraction takes `few` in Russian («1,5 часа») and `other` in
English.
"""


def russian_form(count: float) -> str:
    """Give the form Russian uses after `count`: `one` (1 файл), `few` (2 файла), `many` (5 файлов)."""
    if count != int(count):
        return "few"
    last, last_two = abs(int(count)) % 10, abs(int(count)) % 100
    if last == 1 and last_two != 11:
        return "one"
    if last in (2, 3, 4) and last_two not in (12, 13, 14):
        return "few"
    return "many"


def english_form(count: float) -> str:
    """Give the form English uses after `count`: `one` (1 file) or `other` (2 files)."""
    return "one" if count == 1 else "other"

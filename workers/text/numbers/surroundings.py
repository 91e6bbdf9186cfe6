"""The words beside a number that say what it counts or names.

Small letters, ё as е. Forms are spelt out by their endings, so that «метро» is not «метр».
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

_HARD: Final = " а у ом е ы ов ам ами ах"
_SOFT: Final = "ь я ю ем е и ей ям ями ях"
_FEMININE: Final = "а ы е у ой ою  ам ами ах"


def _forms(stems: str, endings: str) -> Iterable[str]:
    return (stem + ending for stem in stems.split() for ending in endings.split(" "))


ZEROS: Final = frozenset(("ноль", "нуль"))
ONE_AND_A_HALF: Final = frozenset("полтора полторы полутора".split())
MONTHS: Final = frozenset(
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
)
YEARS: Final = frozenset("год года году годом годе годы годов годам годами годах".split())
CENTURIES: Final = frozenset(
    "век века веку веком веке веков векам веками веках "
    "столетие столетия столетию столетием столетии столетий "
    "тысячелетие тысячелетия тысячелетию тысячелетием тысячелетии".split()
)
PERCENT: Final = frozenset(_forms("процент", _HARD))
_HARD_MEASURES: Final = (
    "доллар цент процент килограмм грамм миллиграмм метр километр сантиметр миллиметр литр "
    "миллилитр гектар байт килобайт мегабайт гигабайт терабайт бит мегабит гигабит ватт киловатт "
    "мегаватт вольт ампер герц мегагерц гигагерц градус балл пиксел центнер фунт дюйм фут карат"
)
_SOFT_MEASURES: Final = "рубл пиксел юан"
_FEMININE_MEASURES: Final = "тонн секунд минут миллисекунд гривн йен крон лир"
_KOPECKS: Final = "копейка копейки копейке копейку копейкой копеек копейкам копейками копейках"
_MILES: Final = "миля мили миль милям милями"
HOURS: Final = frozenset("час часа часов часам часами часах".split())
_CALORIES: Final = "калория калории калорий"
MEASURES: Final = frozenset(
    [
        *_forms(_HARD_MEASURES, _HARD),
        *_forms(_SOFT_MEASURES, _SOFT),
        *_forms(_FEMININE_MEASURES, _FEMININE),
        *f"{_KOPECKS} {_MILES} {_CALORIES} евро тенге песо".split(),
        *HOURS,
    ]
)
"""Before these a number is written in digits, however small."""
GENITIVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{
            stem + ending: stem + genitive
            for stems, endings, genitive in (
                (f"{_HARD_MEASURES} миллион миллиард триллион раз пункт человек", _HARD, "а"),
                (_SOFT_MEASURES, _SOFT, "я"),
                (f"{_FEMININE_MEASURES} страниц", _FEMININE, "ы"),
                ("тысяч", " а е у ей ам ами ах и", "и"),
                ("месяц", " а у ем е ы ев ам ами ах", "а"),
                ("недел", "ь я ю е и ей ям ями ях", "и"),
                ("год", " а у ом ов ам ами ах", "а"),
            )
            for stem in stems.split()
            for ending in endings.split(" ")
        },
        **dict.fromkeys(_KOPECKS.split(), "копейки"),
        **dict.fromkeys(_MILES.split(), "мили"),
        **dict.fromkeys(_CALORIES.split(), "калории"),
        **dict.fromkeys(HOURS, "часа"),
        **dict.fromkeys("день дня дню дней дням днями днях".split(), "дня"),
        **dict.fromkeys("лет летам".split(), "года"),
    }
)
"""The genitive singular of what decimals count, by its other forms: «5,5 часа», «10,5 года»."""
BY_MEASURE: Final = ("квадратн", "кубическ", "погонн", "американск", "лошадин")
"""How adjectives begin that stand between a number and a measure."""
UNHURRIED: Final = frozenset("час часа минута минуту минуты минуте секунда секунду секунды".split())
"""«Один час», «одну минуту»: with «один» these stay words."""

_HOUSES: Final = "кабинет корпус офис подъезд этаж вагон поезд автобус троллейбус зал"
_PARTS: Final = (
    "номер рейс пункт параграф раздел вариант урок том шаг стих билет маршрут терминал выход "
    "сезон выпуск ряд канал столик"
)
_ROOMS: Final = "квартир комнат палат касс платформ школ групп"
_SHEETS: Final = "глав страниц строк таблиц"
GENITIVE_LABELS: Final = frozenset(
    [*_forms(f"{_HOUSES} {_PARTS}", "а"), *_forms(f"{_ROOMS} {_SHEETS}", "ы")]
)
"""Before 2, 3 or 4 these mean "about so many", unless a preposition stands before them."""
PLACES: Final = frozenset(
    [
        *_forms(f"{_HOUSES} дом", " у ом е"),
        *_forms(_ROOMS, "а е у ой"),
        *"аудитория аудитории аудиторию трамвай трамвае".split(),
    ]
)
"""One can be alone in them: «остался в доме один»."""
LABELS: Final = frozenset(
    [
        *PLACES,
        *GENITIVE_LABELS,
        *_forms(_PARTS, " у ом е"),
        *_forms(_SHEETS, "а е у ой"),
        *"версия версии версию версией статья статьи статье статью часть части уровень".split(),
        *"задание задании упражнение упражнении приложение приложении строение поле место".split(),
        *"серия серии серию рисунок рисунке участок участке таблица окно код".split(),
    ]
)
"""After these a number is a name and written in digits, however small."""
LABELS_OF_MANY: Final = frozenset(
    [
        *_forms("кабинет корпус офис подъезд этаж вагон зал номер пункт билет", "ы и ов ам ами ах"),
        *_forms(f"{_ROOMS} {_SHEETS}", "ы и ам ами ах"),
        *"аудитории аудиторий дома коды кодов пароли артикулы индексы места окна столы".split(),
    ]
)
"""After these, digits said one by one are several names: «кабинеты два ноль пять и три ноль шесть»."""
NAMED_BY_DIGITS: Final = (
    "ошибк", "статус", "ответ", "отвеча", "вернул", "модел", "лот", "заказ", "боинг", "пежо", "http",
)  # fmt: skip
"""How words begin that are named by digits said one by one: «ошибка четыре ноль четыре»."""
VEHICLES: Final = frozenset(_forms("поезд автобус троллейбус", " а у ом е"))
"""After these «восемь ноль пять» is when they leave."""
OCCASIONS: Final = ("электричк", "подъем", "отбой", "звонок", "звонк", "сеанс")
"""How words begin that have a time of day."""
CALLS: Final = ("позвони", "звони", "набер", "набир", "вызови", "вызыва")
"""How words begin that ask for a telephone number."""
SCORES: Final = frozenset("счет счетом счета счете".split())
CODES: Final = frozenset(
    "код кода коду кодом пароль пин пинкод пин-код индекс номер артикул инн снилс огрн кпп бик "
    "серия добавочный цифры паспорт".split()
)
"""After these a row of numbers is one code."""
VERSIONS: Final = frozenset("версия версии версию версией".split())
AT: Final = frozenset("в во к ко до с со на около после примерно ровно".split())
"""Before a time of day."""
EVENTS: Final = frozenset(
    "начало конец сбор выезд отправление прибытие вылет встреча созвон прием запись время сегодня "
    "завтра послезавтра утром вечером днем ночью".split()
)
"""Before a time of day of two numbers."""
EXACT: Final = frozenset("в к ко".split())
"""After these two numbers are a time of day, unless what follows is plainly counted."""
DAYTIMES: Final = frozenset("утра вечера ночи дня".split())
MONARCHS: Final = tuple(
    "петр екатерин александр никола павел павл пий пия пию пием пие пии бенедикт климент людовик генрих карл иоанн иван елизавет филипп "
    "вильгельм фридрих наполеон георг яков анн василий васили мари франциск рамзес рамсес".split()
)
"""How the names of rulers begin that have numbers."""
TITLES: Final = ("цар", "импер", "корол", "папа", "папы", "папе", "султан")
"""How the words before such names begin."""
MOST_OF_RULERS: Final = 23
SHARES: Final = frozenset("часть части частью частей доля доли долю долей долях долями".split())
"""«Десятая часть» is no ordinal."""
NEGATIONS: Final = frozenset(("ни",))
PREPOSITIONS: Final = frozenset(
    "из до от около без более менее свыше больше меньше старше младше после к ко о об на в во с со "
    "по при за над под перед для у между среди порядка ради".split()
)

"""A session as it is stored."""

from service.dictation.transcripts import SessionOrigin, StoredFinal, StoredWord

ORIGIN = SessionOrigin(language="ru", sample_rate=48_000, client="tests 1", app="Редактор")
FIRST = StoredFinal(
    utterance=0,
    start=0,
    end=32_000,
    text="Купить хлеб.",
    raw="купить хлеб",
    language="ru",
    words=(
        StoredWord(text="Купить", start=160, end=9_600, probability=0.98),
        StoredWord(text="хлеб.", start=9_600, end=30_000, probability=0.5),
    ),
)
SECOND = StoredFinal(
    utterance=1, start=32_000, end=64_000, text="И \\u0000 «сыр».", raw="", language="ru"
)

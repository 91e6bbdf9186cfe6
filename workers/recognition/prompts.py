"""What the decoder reads before it writes: the user's terms, then the task.

    <|startofprev|> term, term, term <|startoftranscript|><|ru|><|transcribe|><|notimestamps|>

Terms are hints only: Whisper takes them for text said just before. They cost decoder work and can
leak into the output of a silent window, so they are few, and `hallucination` drops their echo.
"""

from collections.abc import Sequence
from typing import Final

from workers.recognition.vocabulary import Vocabulary

TERM_TOKENS: Final = 64
"""Most tokens the terms of one user may take: about 20 Russian terms. Whisper allows 223, but every
token is a column of every decoder step's attention, and long lists leak more (faster-whisper issue
1356)."""


def term_tokens(terms: Sequence[str], vocabulary: Vocabulary) -> list[int]:
    """Encode the terms that fit, in order; a term is taken whole or not at all.

    Returns:
        0 to `TERM_TOKENS` tokens, without `<|startofprev|>`.
    """
    tokens: list[int] = []
    for term in terms:
        spoken = " ".join(term.split())
        if not spoken:
            continue
        addition = vocabulary.encode(f", {spoken}" if tokens else f" {spoken}")
        if any(token >= vocabulary.end for token in addition):
            continue  # a term that spells a control token must not become one
        if len(tokens) + len(addition) > TERM_TOKENS:
            break
        tokens += addition
    return tokens


def start_sequence(language: str | None, vocabulary: Vocabulary) -> list[int]:
    """Give the control tokens of a transcription; None for a model of one language."""
    if language is None:
        return [vocabulary.start]
    return [vocabulary.start, vocabulary.language(language), vocabulary.transcribe]


def decoder_prompt(language: str | None, terms: Sequence[int], vocabulary: Vocabulary) -> list[int]:
    """Give everything the decoder reads first; without terms there is no previous text at all."""
    previous = [vocabulary.previous, *terms] if terms else []
    return [*previous, *start_sequence(language, vocabulary), vocabulary.no_timestamps]

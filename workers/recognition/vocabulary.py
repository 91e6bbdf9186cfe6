"""Whisper's vocabulary: its control tokens, text to tokens and back, words as groups of tokens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

_WITHOUT_SPACES: Final = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without blanks between words; every readable token group is a word there."""

_UNFINISHED: Final = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTokens:
    """A word as decoded, with its leading blank, and how many tokens it took."""

    text: str
    tokens: int


class Vocabulary:
    """The tokenizer of one Whisper model; read-only, safe to share by threads."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.end = self._id("<|endoftext|>")
        self.start = self._id("<|startoftranscript|>")
        self.previous = self._id("<|startofprev|>")
        self.transcribe = self._id("<|transcribe|>")
        self.no_timestamps = self._id("<|notimestamps|>")
        self.no_speech = self._find("<|nospeech|>") or self._find("<|nocaptions|>")
        """None in vocabularies that lack it."""
        self._languages = self._find_languages()

    @classmethod
    def load(cls, model_dir: Path) -> "Vocabulary":
        """Read `tokenizer.json` of a model folder."""
        return cls(Tokenizer.from_file(str(model_dir / "tokenizer.json")))

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes (and Whisper's few longer ones) the model has a token for."""
        return tuple(self._languages)

    def language(self, code: str) -> int:
        """Give the token of a language the model knows."""
        return self._languages[code]

    def encode(self, text: str) -> list[int]:
        """Give the tokens of plain text, without control tokens."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, tokens: list[int]) -> str:
        """Give the text of tokens as decoded, control tokens left out."""
        text: str = self._tokenizer.decode([token for token in tokens if token < self.end])
        return text

    def split_words(self, tokens: list[int], *, language: str) -> list[WordTokens]:
        """Group text tokens into words; the words' texts joined are the decoded text.

        In languages written with blanks a word starts at a blank and nowhere else, so words match
        `text.split()` one to one: marks stay with the word they touch («слово,» is one word) and
        a dash between blanks is one of its own.
        """
        words: list[WordTokens] = []
        for piece in self._readable_pieces(tokens):
            blank = not piece.text.strip()
            starts = piece.text[:1].isspace() or language in _WITHOUT_SPACES
            if words and (blank or not starts):
                last = words[-1]
                words[-1] = WordTokens(
                    text=last.text + piece.text, tokens=last.tokens + piece.tokens
                )
            else:
                words.append(piece)
        return words

    def _readable_pieces(self, tokens: list[int]) -> list[WordTokens]:
        """Join byte-level tokens until they make whole characters; a broken tail stays as it is."""
        pieces: list[WordTokens] = []
        pending: list[int] = []
        for token in tokens:
            pending.append(token)
            text = self.decode(pending)
            if not text.endswith(_UNFINISHED) and text:
                pieces.append(WordTokens(text=text, tokens=len(pending)))
                pending = []
        if pending:
            pieces.append(WordTokens(text=self.decode(pending), tokens=len(pending)))
        return pieces

    def _find(self, token: str) -> int | None:
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def _id(self, token: str) -> int:
        found = self._find(token)
        if found is None:
            raise ValueError(f"this is not a Whisper tokenizer: it has no {token}")
        return found

    def _find_languages(self) -> dict[str, int]:
        """Read the languages from their place in the vocabulary: after the start, before tasks."""
        found: dict[str, int] = {}
        for token in range(self.start + 1, self._id("<|translate|>")):
            name = self._tokenizer.id_to_token(token)
            if name is not None:
                found[name.removeprefix("<|").removesuffix("|>")] = token
        return found

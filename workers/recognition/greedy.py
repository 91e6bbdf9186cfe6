"""Greedy decoding on a CPU: many windows at once, each with a draft of what it may say.

    prompt ─► first token ─► draft checked, many tokens a pass ─► the rest, a token a pass
              (b, prompt)      (b, up to 32)                        (b, 1)

A draft is what an earlier look at the same speech gave: the last partial. As far as it is what the
decoder would have written anyway it is accepted; where it differs, the decoder's own word stands,
and stepping begins. So a draft changes what a text costs, never what it says (after Leviathan et al.
2023, "Fast inference from transformers via speculative decoding", for the greedy case), and not a
bit of its numbers either, as long as the network `is_exact`.

Every window ends by itself: at its end token or its own cap. Once half of a batch has ended, the
rest goes on as a smaller one.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from workers.recognition.alignment import Listening
from workers.recognition.converted import UnreadableModel, read_model
from workers.recognition.decoder_network import (
    Chosen,
    ControlTokens,
    DecoderNetwork,
    Floats,
    Integers,
)

_LEAST: Final = 1e-38
"""The smallest probability, so that its logarithm exists."""

_DRAFT_TOKENS: Final = 32
"""Most tokens a row reads in one pass of its draft: a pass costs 6 ms and 1.1 ms a token (one core
of a Zen 3, 2026-11-21), so that a second one is hardly felt."""
_PASS_TOKENS: Final = 64
"""Most tokens all rows of a batch read in such a pass together: scores of the whole vocabulary are
kept for each, 0.6 MB of Whisper base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one window says."""

    tokens: list[int]
    log_probability: float  # of all tokens and, if it was reached, of the end
    no_speech_probability: float  # 0.0 to 1.0
    passes: int  # of the decoder, from its first token to its last
    listening: Listening | None = None
    """Where it listened; None: nobody asked, the model does not tell, or the text ended at its cap."""


class GreedyDecoder:
    """A decoder with its weights; may be called from several threads, each using one core."""

    def __init__(self, network: DecoderNetwork) -> None:
        """Write with this network."""
        self._network = network
        self.is_exact = network.is_exact()
        """Whether a draft never changes a bit of what is written, on this CPU."""

    @classmethod
    def load(cls, model_dir: Path, *, start: int, end: int, no_speech: int) -> "GreedyDecoder":
        """Build the decoder of a converted Whisper model. Takes a second for Whisper base.

        Raises:
            UnreadableModel: its form is not known here; CTranslate2's own decoder remains.
        """
        try:
            model = read_model(model_dir / "model.bin")
            config = json.loads((model_dir / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:  # the message of either would name the path or quote
            raise UnreadableModel(f"it cannot be read: {type(exc).__name__}") from exc
        control = ControlTokens(
            start=start,
            end=end,
            no_speech=no_speech,
            never=_suppressed(config, "suppress_ids"),
            never_first=_suppressed(config, "suppress_ids_begin"),
        )
        return cls(DecoderNetwork(model, control, _timing_heads(config)))

    def decode(
        self,
        encoded: Sequence[Floats],
        prompts: Sequence[Sequence[int]],
        *,
        caps: Sequence[int],
        drafts: Sequence[Sequence[int]],
        listens: bool = True,
    ) -> list[Written]:
        """Write out windows of equal length with equally long prompts.

        Args:
            encoded: encoder output of each window, 1 or more, shape (positions, width).
            prompts: what the decoder reads first, with exactly one start token.
            caps: most tokens each window may have, 1 or more; the positions that the prompt leaves
                free are a limit too.
            drafts: what each window probably says; may be empty, wrong or too long.
            listens: whether to note where the decoder listens.

        Raises:
            ValueError: prompts differ in length, have no start token or fill every position; a cap
                is below 1.
        """
        control, size = self._network.control, self._network.size
        length = len(prompts[0])
        if any(len(prompt) != length or control.start not in prompt for prompt in prompts):
            raise ValueError("prompts must be equally long and have a start token")
        if length > size.positions or min(caps) < 1:
            raise ValueError("there is no room to write")
        windows = [
            _Window(
                # The last token written needs no position: it is never read.
                cap=min(cap, size.positions - length + 1),
                draft=tuple(takewhile(lambda token: 0 <= token < size.vocabulary, draft)),
            )
            for cap, draft in zip(caps, drafts, strict=True)
        ]
        batch = _Batch(self._network, encoded, np.array(prompts, np.int64), windows, listens)
        batch.read_prompts()
        while batch.going_on():
            batch.step()
        return [window.written() for window in windows]


class _Batch:
    """The windows of one call, and the caches of those still writing."""

    def __init__(
        self,
        network: DecoderNetwork,
        encoded: Sequence[Floats],
        prompts: Integers,
        windows: Sequence["_Window"],
        listens: bool,  # noqa: FBT001 - of one caller
    ) -> None:
        self._network = network
        self._listens = listens
        self._prompts = prompts
        self._rows = list(windows)  # whose each row of the caches is
        self._caches = network.remember(encoded)

    def read_prompts(self) -> None:
        """Read the prompts and choose every first token."""
        rows, length = self._prompts.shape
        control = self._network.control
        starts = np.argmax(self._prompts == control.start, axis=1)
        chosen = self._read(
            self._prompts,
            positions=np.tile(np.arange(length), (rows, 1)),
            places=np.stack([starts, np.full(rows, length - 1)], axis=1),
            first=True,
        )
        silence = chosen.shares(control.no_speech, place=0)
        listened = self._listened(chosen)
        for row, window in enumerate(self._rows):
            window.no_speech = float(silence[row])
            if listened is not None:
                window.listened.append(listened[row, :, starts[row] :])
            window.choose(chosen, row, 1, end=control.end)

    def going_on(self) -> bool:
        """Say whether a window still writes; let go of the ended ones once they are half of all."""
        going = [row for row, window in enumerate(self._rows) if not window.ended]
        if going and 2 * len(going) <= len(self._rows):
            self._rows = [self._rows[row] for row in going]
            self._caches = self._network.keep(self._caches, going)
        return bool(going)

    def step(self) -> None:
        """Read the last token of every window and what its draft proposes; choose what follows."""
        limit = max(1, min(_DRAFT_TOKENS, _PASS_TOKENS // len(self._rows)))
        proposals = [window.proposal(limit) for window in self._rows]
        width = max(map(len, proposals))
        offsets = np.tile(np.arange(width), (len(self._rows), 1))
        chosen = self._read(
            np.array([tokens + [0] * (width - len(tokens)) for tokens in proposals], np.int64),
            positions=self._next_positions() + offsets,
            places=offsets,
        )
        listened = self._listened(chosen)
        for row, (window, proposal) in enumerate(zip(self._rows, proposals, strict=True)):
            accepted = 0
            while accepted < len(proposal) and window.goes_on_with(proposal[accepted]):
                window.choose(chosen, row, accepted, end=self._network.control.end)
                accepted += 1
            if listened is not None and accepted:
                window.listened.append(listened[row, :, :accepted])
            # What was read beyond, and the padding, is overwritten before anything looks at it.

    def _listened(self, chosen: Chosen) -> Floats | None:
        """Give where each row listened, (rows, timing heads, n, positions), if that is wanted."""
        if chosen.listened is None or not self._listens:
            return None
        listened: Floats = chosen.listened.numpy()
        return listened

    def _next_positions(self) -> Integers:
        """Give the position of each row's last token, shape (rows, 1)."""
        prompt = self._prompts.shape[1]
        return np.array([[prompt + len(window.tokens) - 1] for window in self._rows], np.int64)

    def _read(
        self, tokens: Integers, *, positions: Integers, places: Integers, first: bool = False
    ) -> Chosen:
        """Read the same number of tokens in every row, shape (rows, n), each seeing those before."""
        for window in self._rows:
            window.passes += not window.ended
        chosen, self._caches = self._network.read(
            tokens, self._caches, positions=positions, places=places, first=first
        )
        return chosen


@dataclass(slots=True, kw_only=True)
class _Window:
    """One window while it is being written."""

    cap: int
    draft: tuple[int, ...]
    tokens: list[int] = field(default_factory=list)
    """Chosen; all but the last have been read by the decoder."""
    probabilities: list[float] = field(default_factory=list)
    """Of the tokens and, if it was reached, of the end."""
    listened: list[Floats] = field(default_factory=list)
    """Of the tokens read, from the start token on: (timing heads, tokens, positions)."""
    no_speech: float = 0.0
    passes: int = 0
    ended: bool = False

    def choose(self, chosen: Chosen, row: int, place: int, *, end: int) -> None:
        """Take the token after one that was read."""
        token = int(chosen.best[row, place])
        self.probabilities.append(float(chosen.probability[row, place]))
        if token == end:
            self.ended = True
            return
        self.tokens.append(token)
        self.ended = len(self.tokens) >= self.cap

    def proposal(self, limit: int) -> list[int]:
        """Give what to read next: the last token and, while all is as drafted, more of the draft.

        Looking for the place where a draft fits again later on saves a fifth of the passes and no
        time: the wider passes cost as much (measured 2026-11-21 on 155 previews).
        """
        if self.ended:
            return []
        written = len(self.tokens)
        if self.draft[:written] != tuple(self.tokens):
            return self.tokens[-1:]
        # Reading the token before the last that the cap allows gives that last one.
        return list(self.draft[written - 1 : min(written - 1 + limit, self.cap - 1)])

    def goes_on_with(self, token: int) -> bool:
        """Whether a token that was read ahead is the one chosen last."""
        return not self.ended and self.tokens[-1] == token

    def written(self) -> Written:
        """Give what it says."""
        return Written(
            tokens=self.tokens,
            log_probability=sum(math.log(max(one, _LEAST)) for one in self.probabilities),
            no_speech_probability=self.no_speech,
            passes=self.passes,
            listening=self._listening(),
        )

    def _listening(self) -> Listening | None:
        shares = np.concatenate(self.listened, axis=1) if self.listened else None
        if shares is None or len(self.probabilities) == len(self.tokens):
            return None  # the last token was never read
        return Listening(
            tokens=tuple(self.tokens),
            probabilities=tuple(self.probabilities[:-1]),
            shares=shares,
        )


def _timing_heads(config: Any) -> list[tuple[int, int]]:  # noqa: ANN401
    """Read which heads follow the speech; none where the converter did not know."""
    listed = (config.get("alignment_heads") or []) if isinstance(config, dict) else []
    try:
        return [(int(layer), int(head)) for layer, head in listed]
    except (TypeError, ValueError):
        raise UnreadableModel("alignment_heads of config.json is no list of pairs") from None


def _suppressed(config: Any, name: str) -> tuple[int, ...]:  # noqa: ANN401
    """Read a list of tokens; a model that has none suppresses none."""
    listed = (config.get(name) or []) if isinstance(config, dict) else None
    if not isinstance(listed, list) or not all(type(token) is int for token in listed):
        raise UnreadableModel(f"{name} of config.json is no list of tokens")
    return tuple(listed)

"""People's dictionaries and snippets, taken off what is sent and put back where it arrives.

Who sends keeps what it took off, by digest, and is asked for what the other side has not seen.
The same vocabulary comes back as the same tuples, which the text pipeline keeps an index of.
"""

import hashlib
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from workers.contract import codec
from workers.contract.finishing import Finishing
from workers.queues.nats.messages import Vocabulary

MOST_THINGS: Final = 200_000
"""Terms and snippets kept, of all people together: about 40 MB of usual ones."""
_EMPTY: Final = Vocabulary(terms=(), snippets=())


class Vocabularies:
    """Vocabularies by digest; those used longest ago go first."""

    def __init__(self, *, most_things: int = MOST_THINGS) -> None:
        self._most_things = most_things
        self._kept: OrderedDict[str, Vocabulary] = OrderedDict()
        self._digests: OrderedDict[tuple[int, int], tuple[Vocabulary, str]] = OrderedDict()
        self._things = 0

    def get(self, digest: str) -> Vocabulary | None:
        """Give what is behind a digest; None: it is not kept."""
        if not digest:
            return _EMPTY
        found = self._kept.get(digest)
        if found is not None:
            self._kept.move_to_end(digest)
        return found

    def keep(self, digest: str, vocabulary: Vocabulary) -> None:
        """Keep a vocabulary; larger ones than all room there is are kept alone."""
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return
        self._kept[digest] = vocabulary
        self._things += _things(vocabulary)
        while self._things > self._most_things and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._things -= _things(gone)

    def take_off(self, finishing: Finishing) -> tuple[Finishing, str]:
        """Give wishes without their vocabulary, and the digest by which that is kept."""
        vocabulary = Vocabulary(terms=finishing.terms, snippets=finishing.snippets)
        if not _things(vocabulary):
            return finishing, ""
        digest = self._digest(vocabulary)
        self.keep(digest, vocabulary)
        return replace(finishing, terms=(), snippets=()), digest

    def _digest(self, vocabulary: Vocabulary) -> str:
        # By identity: a dictionary of 5,000 terms is not encoded again for each window. The tuples
        # are held here, so no others can have their ids.
        key = id(vocabulary.terms), id(vocabulary.snippets)
        known = self._digests.get(key)
        if known is not None:
            self._digests.move_to_end(key)
            return known[1]
        digest = hashlib.sha256(codec.encode(vocabulary)).hexdigest()
        self._digests[key] = vocabulary, digest
        while len(self._digests) > 256:
            self._digests.popitem(last=False)
        return digest


def put_back(finishing: Finishing, vocabulary: Vocabulary) -> Finishing:
    """Give wishes with their vocabulary."""
    return replace(finishing, terms=vocabulary.terms, snippets=vocabulary.snippets)


def _things(vocabulary: Vocabulary) -> int:
    return len(vocabulary.terms) + len(vocabulary.snippets)

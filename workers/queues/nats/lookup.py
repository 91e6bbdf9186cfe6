"""The worker's way to vocabularies it has not seen: asked for once, at the service that has them."""

from typing import Final

from workers.contract import codec
from workers.queues.nats.link import Link, LinkFailed
from workers.queues.nats.messages import Ask, Vocabulary, answered, peer
from workers.queues.nats.vocabularies import Vocabularies

ASK_S: Final = 5.0
"""For a dictionary of 5,000 terms to come, about 0.5 MB."""


class Lookup:
    """Finds vocabularies by digest, kept or asked for."""

    def __init__(self, link: Link, kept: Vocabularies) -> None:
        self._link = link
        self._kept = kept

    async def find(self, service: str, digest: str) -> Vocabulary:
        """Give what is behind a digest of a service.

        Raises:
            LinkFailed: it is not kept here and the service did not give it.
        """
        kept = self._kept.get(digest)
        if kept is not None:
            return kept
        message = codec.encode(Ask(digest=digest))
        said = await self._link.ask(peer(service), message, timeout_s=ASK_S)
        found = answered(said)
        if not isinstance(found, Vocabulary):
            raise LinkFailed("the service has no such vocabulary any more")
        self._kept.keep(digest, found)
        return self._kept.get(digest) or found

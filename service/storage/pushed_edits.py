"""Edits of transcripts that a client pushed: each done once, and never over what it had not seen.

Unlike fields of items, the text of a transcript is not merged: an edit made of an older text than the
stored one is refused, and stays with its writer. Favourites, deletes and restores take no text away:
the last to come counts.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from service.library.merging import MergeRefused, Outcome
from service.library.words import stems, words_of
from service.storage.encryption.keys import UserCipher, UserKeys
from service.storage.items import Answer, Done
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("sync")
_items: Final = statements("items")
_history: Final = statements("history")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditText:
    """Give a transcript another text."""

    text: str | None  # None: as it was said
    seen: int | None  # when the text it was made of was edited, ms since 1970; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFavourite:
    """Say whether it is a favourite."""

    is_favourite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDeleted:
    """Delete it, or restore it."""

    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptEdit:
    """One operation on a transcript."""

    operation: UUID
    id: UUID
    what: EditText | SetFavourite | SetDeleted


class PushedEdits:
    """Does edits of transcripts."""

    def __init__(self, postgres: Postgres, keys: UserKeys) -> None:
        self._postgres = postgres
        self._keys = keys

    async def edit(self, user: UUID, edit: TranscriptEdit) -> Answer:
        """Do one edit, unless it was done before.

        Raises:
            StoreUnavailable: the database does not answer; do it again.
        """
        cipher = await self._keys.of(user)
        sealed, words, found_by = None, 0, list[int]()
        if isinstance(edit.what, EditText) and edit.what.text is not None:
            text = edit.what.text
            sealed = cipher.seal("transcripts", "edited", edit.id, text.encode())
            words = len(words_of(text))
            found_by = await asyncio.to_thread(partial(_blind_stems, cipher, text))

        async def work(connection: Connection) -> Answer:
            for done in await connection.fetch(_items["done"], [edit.operation]):
                return Done(outcome=Outcome(done["outcome"]))
            row = await connection.fetchrow(_history["lock"], edit.id)
            if row is None:
                return MergeRefused("request.not_found", "there is no such transcript")
            match edit.what:
                case EditText(text=text, seen=seen):
                    edited_at = await connection.fetchval(_sql["edited_at"], edit.id)
                    stored = None if edited_at is None else int(edited_at.timestamp() * 1000)
                    if stored != seen:
                        return MergeRefused(
                            "library.changed", "it was edited in the meantime: pull, then decide"
                        )
                    if text is None:
                        await connection.execute(_history["revert"], edit.id)
                    else:
                        utterances = row["utterances"] or 0
                        await connection.execute(
                            _history["edit"], edit.id, sealed, utterances, words, found_by
                        )
                case SetFavourite(is_favourite=is_favourite):
                    await connection.execute(_history["favour"], edit.id, is_favourite)
                case SetDeleted(is_deleted=is_deleted):
                    name = "delete" if is_deleted else "restore"
                    await connection.execute(_history[name], [edit.id])
            await connection.execute(_items["record_done"], user, edit.operation, Outcome.APPLIED)
            return Done(outcome=Outcome.APPLIED)

        return await self._postgres.call_as(user, work)


def _blind_stems(cipher: UserCipher, text: str) -> list[int]:
    return sorted(cipher.blind(stem) for stem in stems(text))

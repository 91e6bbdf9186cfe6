"""How two devices' writes of one small thing become one: per field, the last writer's.

Pure. An item (note, snippet, term, preferences) is a set of fields, each with the time and the
writer of its value:

    device A   title@10                  title@10 ┐
    device B             text@12  ──►    text@12  ┘ both stay: other fields
    device C   text@11                   lost to text@12; of a note it is kept in `conflicts`

- A later time wins; at the same time the greater writer id wins.
- Times are milliseconds since 1970-01-01 UTC of the writer's clock, with two corrections, after
  Kulkarni et al., "Logical Physical Clocks" (2014): a writer that had `seen` the stored value is
  later than it whatever its clock says, and no time is more than 60 s ahead of ours.
- A value that its writer's opponent had not seen when it lost is kept, where it is text of a note.
- A delete wins over fields not later than it. It never wins over a note whose newest words its
  writer had not seen. An edit later than the delete brings the item back, and must carry all fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

AHEAD_MS: Final = 60_000
"""How far a client's clock may be ahead: more is cut, so that it cannot win for ever."""
MOST_CONFLICTS: Final = 20
"""Lost texts kept of one item until the person settles them."""
LONGEST_CONFLICTS: Final = 400_000
"""Letters of them together."""
MOST_FIELDS: Final = 300
"""Fields of one item; only preferences, which keep what newer clients wrote, come near it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stamp:
    """When a value was written, and by whom; the greater one wins."""

    at: int  # ms since 1970-01-01 UTC
    writer: str  # id of the device, key or user


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A field's value as stored."""

    value: Any
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A text that lost against another that its writer had not seen."""

    id: str
    field: str
    value: str
    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an item that is not deleted holds."""

    fields: Mapping[str, Written] = field(default_factory=dict)
    conflicts: tuple[Lost, ...] = ()

    @property
    def newest(self) -> Stamp:
        """The stamp of the field written last."""
        return max((one.stamp for one in self.fields.values()), default=Stamp(at=0, writer=""))

    def value(self, name: str, default: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Give a field's value."""
        found = self.fields.get(name)
        return default if found is None else found.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What stays of a deleted item."""

    stamp: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldWrite:
    """A value on its way in."""

    value: Any
    at: int | None = None
    """The writer's clock; None: now."""
    seen: int | None = None
    """Time of the stored value that the writer knew. With no `at`: whatever is stored was known."""


class Outcome(StrEnum):
    """What became of a write."""

    APPLIED = "applied"
    """It is stored as sent."""
    MERGED = "merged"
    """Some fields were written later by somebody else, and stayed: pull."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What differs between kinds of items."""

    whole: frozenset[str] = frozenset()
    """Fields that must all be written to make an item, or to bring a deleted one back."""
    kept: frozenset[str] = frozenset()
    """Text fields whose losing values are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The result of a merge."""

    contents: Contents | Tombstone
    outcome: Outcome = Outcome.APPLIED


class MergeRefused(Exception):
    """A write cannot be merged; `code` says why. Nothing was changed, the writer keeps its value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def merge_write(
    stored: Contents | Tombstone | None,
    writes: Mapping[str, FieldWrite],
    rules: Rules,
    *,
    writer: str,
    now_ms: int,
    lost_id: str,
) -> Merged:
    """Merge a write of some fields into an item.

    Args:
        stored: as it is; None: there is none yet.
        writes: by name of the field.
        rules: of the item's kind.
        writer: id of the device, key or user.
        now_ms: our clock.
        lost_id: begins the ids of texts that lose; unique to this write.

    Raises:
        MergeRefused: `library.deleted`, `library.incomplete`, `library.full`,
            `library.too_many_conflicts`.
    """
    if not isinstance(stored, Contents) and not rules.whole <= writes.keys():
        raise MergeRefused("library.incomplete", "it is not there: send all its fields to make it")
    if stored is None:
        stored = Contents()
    if isinstance(stored, Tombstone):
        return _revive(stored, writes, writer=writer, now_ms=now_ms)
    fields = dict(stored.fields)
    conflicts = list(stored.conflicts)
    outcome = Outcome.APPLIED
    for name, write in writes.items():
        old = fields.get(name)
        stamp = Stamp(at=_time(write, old, now_ms), writer=writer)
        new = Written(value=write.value, stamp=stamp)
        if old is None:
            fields[name] = new
            continue
        wins = stamp >= old.stamp
        if wins:
            fields[name] = new
        else:
            outcome = Outcome.MERGED
        if name in rules.kept and not _knew(write, old, writer):
            loser, winner = (old, new) if wins else (new, old)
            lost = Lost(id=f"{lost_id}-{name}", field=name, value=loser.value, stamp=loser.stamp)
            if loser.value not in ("", winner.value) and not _has(conflicts, lost):
                conflicts.append(lost)
    if len(fields) > MOST_FIELDS:
        raise MergeRefused("library.full", f"there are {MOST_FIELDS} keys already")
    if len(conflicts) > len(stored.conflicts):
        _check_bounds(conflicts)
    return Merged(contents=Contents(fields=fields, conflicts=tuple(conflicts)), outcome=outcome)


def merge_delete(
    stored: Contents | Tombstone | None,
    write: FieldWrite,
    rules: Rules,
    *,
    writer: str,
    now_ms: int,
) -> Merged | None:
    """Merge a delete into an item.

    Args:
        stored: as it is; None: there is none.
        write: its times; the value is of no meaning. `seen` is the newest time of all fields known.
        rules: of the item's kind.
        writer: id of the device, key or user.
        now_ms: our clock.

    Returns:
        None where there is nothing to do.

    Raises:
        MergeRefused: `library.changed`, it was written later, or has words the writer never saw.
    """
    if not isinstance(stored, Contents):
        return None
    newest = stored.newest
    stamp = Stamp(at=_time(write, Written(value=None, stamp=newest), now_ms), writer=writer)
    unseen_words = write.seen is not None and any(
        stored.fields[name].value
        and stored.fields[name].stamp.at > write.seen
        and stored.fields[name].stamp.writer != writer
        for name in rules.kept & stored.fields.keys()
    )
    if stamp < newest or unseen_words:
        raise MergeRefused(
            "library.changed", "it was changed in the meantime: pull, then delete it if still meant"
        )
    return Merged(contents=Tombstone(stamp=stamp))


def merge_copy(
    stored: Contents | Tombstone | None, copy: Contents, *, now_ms: int
) -> Merged | None:
    """Merge a copy of an item, as an archive has it, into what is here.

    Args:
        stored: as it is; None: there is none.
        copy: with the stamps that it had.
        now_ms: our clock; no stamp gets further ahead of it than any other.

    Returns:
        None where there is nothing to do: what was deleted here stays deleted.

    Raises:
        MergeRefused: `library.full`, `library.too_many_conflicts`.
    """
    if isinstance(stored, Tombstone):
        return None
    fields = {} if stored is None else dict(stored.fields)
    conflicts = [] if stored is None else list(stored.conflicts)
    for name, one in copy.fields.items():
        stamp = replace(one.stamp, at=min(one.stamp.at, now_ms + AHEAD_MS))
        if name not in fields or stamp > fields[name].stamp:
            fields[name] = replace(one, stamp=stamp)
    conflicts += [lost for lost in copy.conflicts if not _has(conflicts, lost)]
    if len(fields) > MOST_FIELDS:
        raise MergeRefused("library.full", f"there are {MOST_FIELDS} keys already")
    _check_bounds(conflicts)
    return Merged(contents=Contents(fields=fields, conflicts=tuple(conflicts)))


def settle(contents: Contents, lost: Sequence[str]) -> Contents:
    """Take texts out of the conflicts: the person has seen to them.

    Args:
        contents: of the item.
        lost: ids of the texts; unknown ones are no error.
    """
    return replace(
        contents, conflicts=tuple(one for one in contents.conflicts if one.id not in set(lost))
    )


def _revive(
    tombstone: Tombstone,
    writes: Mapping[str, FieldWrite],
    *,
    writer: str,
    now_ms: int,
) -> Merged:
    dead = Written(value=None, stamp=tombstone.stamp)
    fields = {
        name: Written(value=write.value, stamp=Stamp(at=_time(write, dead, now_ms), writer=writer))
        for name, write in writes.items()
    }
    contents = Contents(fields=fields)
    if contents.newest < tombstone.stamp:
        raise MergeRefused("library.deleted", "it was deleted later than this was written")
    return Merged(contents=contents)


def _time(write: FieldWrite, old: Written | None, now_ms: int) -> int:
    stored = -1 if old is None else old.stamp.at
    if write.at is None:
        return max(now_ms, stored + 1)
    at = min(write.at, now_ms + AHEAD_MS)
    return at if write.seen is None else max(at, min(write.seen, stored) + 1)


def _knew(write: FieldWrite, old: Written, writer: str) -> bool:
    if old.stamp.writer == writer:
        return True
    return write.at is None if write.seen is None else write.seen >= old.stamp.at


def _has(conflicts: Sequence[Lost], lost: Lost) -> bool:
    return any((one.field, one.value) == (lost.field, lost.value) for one in conflicts)


def _check_bounds(conflicts: Sequence[Lost]) -> None:
    letters = sum(len(one.value) for one in conflicts)
    if len(conflicts) > MOST_CONFLICTS or letters > LONGEST_CONFLICTS:
        raise MergeRefused(
            "library.too_many_conflicts", "settle what is in conflict first; nothing was changed"
        )

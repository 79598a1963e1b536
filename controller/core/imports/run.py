"""A run's state: folded from its journal, one status byte and one fingerprint an item, chunks only while open.

Everything but `lost` is derived from records, so that what a restart reads is what was true before it. A word on an
item counts only from the chunk that holds it now: what was retried or sent again is no business of its earlier calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import assert_never

from controller.api.batchimport import SHOWN_FAILURES, Totals
from controller.core.imports.items import fingerprint
from controller.core.imports.records import (
    Answered,
    Attempt,
    Cancelled,
    Chunk,
    Means,
    Planned,
    Record,
    Turned,
    Verdicts,
    ranges_of,
)


class Fate(IntEnum):
    """What is known of an item, as a byte."""

    UNSENT = 0
    SENT = 1  # in a chunk that was planned, and not told of yet
    SUCCEEDED = 2
    FAILED = 3
    UNKNOWN = 4
    CANCELLED = 5


@dataclass(slots=True)
class OpenChunk:
    """A chunk with items that nobody told of for good yet, and those of them only that are its own still.

    `answered_at` is None while nothing on record shows that its call was taken: an answer, or a message.
    """

    chunk: Chunk
    planned_at: datetime
    answered_at: datetime | None = None


@dataclass(slots=True)
class RunState:
    """Not thread-safe: whoever changes it holds the run's lock.

    Attributes:
        fingerprints: Of each item's URI, in the order of the frozen content.
        fates: A `Fate` an item.
        open: Chunks with an item SENT or UNKNOWN, by number. An item is in at most one of them.
        lost: Numbers of open chunks that were planned by somebody who did not record an answer: after a crash, or
            after a call that timed out. Set by whoever finds it out (`forget_calls`, `lose`), not by a record.
        failures: The first failures, by index.
        token: The last retry's, or what stood in the spec when the run began.
    """

    fingerprints: array[int]
    fates: bytearray = field(init=False)
    open: dict[int, OpenChunk] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    failures: dict[int, str] = field(default_factory=dict)
    next_chunk: int = 0
    token: str = ""
    attempts: int = 1
    cancelled: bool = False
    resent: int = 0
    _counts: list[int] = field(init=False)
    _cursor: int = 0

    def __post_init__(self) -> None:
        self.fates = bytearray(len(self.fingerprints))
        self._counts = [len(self.fates), 0, 0, 0, 0, 0]

    def count(self, fate: Fate) -> int:
        """How many items have that fate."""
        return self._counts[fate]

    @property
    def settled(self) -> bool:
        """Every item has its verdict."""
        return not (self._counts[Fate.UNSENT] or self._counts[Fate.SENT])

    def totals(self, skipped: int = 0) -> Totals:
        """The counts as the status shows them."""
        done = [self._counts[fate] for fate in (Fate.SUCCEEDED, Fate.FAILED, Fate.UNKNOWN)]
        return Totals(
            items=len(self.fates),
            skipped=skipped,
            submitted=sum(done),
            succeeded=done[0],
            failed=done[1],
            unknown=done[2],
            cancelled=self._counts[Fate.CANCELLED],
            resent=self.resent,
        )

    def unsent(self, limit: int) -> list[int]:
        """The first items that are still to be sent, in order."""
        found: list[int] = []
        at = self.fates.find(Fate.UNSENT, self._cursor)
        self._cursor = at if at >= 0 else len(self.fates)
        while at >= 0 and len(found) < limit:
            found.append(at)
            at = self.fates.find(Fate.UNSENT, at + 1)
        return found

    def indices(self, fate: Fate) -> Iterator[int]:
        """Every item with that fate, in order."""
        at = self.fates.find(fate)
        while at >= 0:
            yield at
            at = self.fates.find(fate, at + 1)

    def awaited(self, chunk: Chunk) -> list[int]:
        """The items of a chunk that nobody told of for good yet."""
        return [index for index in items_of(chunk) if self.fates[index] in {Fate.SENT, Fate.UNKNOWN}]

    def find(self, chunk: Chunk, uris: Sequence[str]) -> list[int | None]:
        """Which item of a chunk each URI is; None for one that the chunk does not hold."""
        by_fingerprint = {self.fingerprints[index]: index for index in items_of(chunk)}
        return [by_fingerprint.get(fingerprint(uri)) for uri in uris]

    def forget_calls(self) -> None:
        """This process has just begun: the answer to every call that has none on record is lost."""
        self.lost |= {number for number, one in self.open.items() if one.answered_at is None}

    def lose(self, number: int) -> None:
        """Nobody can tell whether the call of an open chunk took effect."""
        if number in self.open:
            self.lost.add(number)

    def apply(self, record: Record) -> None:
        """Fold the next record of the journal.

        Raises:
            ValueError: it cannot be of this run's journal, or not at this place.
        """
        match record:
            case Planned(at, chunks, again):
                self._plan(at, chunks, again)
            case Answered(number, at):
                self._take(number, at)
            case Turned(number):
                self._reopen(number)
            case Attempt(token):
                self._retry(token)
            case Cancelled():
                self.cancelled = True
                for index in list(self.indices(Fate.UNSENT)):
                    self._set(index, Fate.CANCELLED)
            case Verdicts():
                self._judge(record)
            case _:
                assert_never(record)

    def _judge(self, record: Verdicts) -> None:
        """The first word on an item counts; only unknown gives way to more."""
        known = self.open.get(record.chunk)
        if known is None:
            return
        if record.by == "message" and known.answered_at is None:
            self._take(record.chunk, record.at)  # IMM speaks of the call, so it was taken
        mine = set(self.awaited(known.chunk))
        for index in mine.intersection(index for first, end in record.succeeded for index in range(first, end)):
            self._set(index, Fate.SUCCEEDED)
            mine.remove(index)
        for index, error in record.failed:
            if index in mine:
                self._set(index, Fate.FAILED)
                mine.remove(index)
                if len(self.failures) < SHOWN_FAILURES:
                    self.failures[index] = error
        for index in mine.intersection(record.unknown):
            self._set(index, Fate.UNKNOWN)
        if not mine:
            self._close(record.chunk)

    def _take(self, number: int, at: datetime) -> None:
        self.lost.discard(number)
        if number in self.open:
            self.open[number].answered_at = at

    def _plan(self, at: datetime, chunks: Sequence[Chunk], again: Sequence[int]) -> None:
        for number in again:
            known = self.open.get(number)
            if known is not None:
                self.resent += sum(self.fates[index] == Fate.SENT for index in items_of(known.chunk))
                self._reopen(number)
        for chunk in chunks:
            self._check(chunk)
            self.next_chunk = chunk.number + 1
            held = [index for index in items_of(chunk) if self.fates[index] == Fate.UNSENT]
            for index in held:
                self._set(index, Fate.SENT)
            if held:
                own = chunk if len(held) == chunk.size else Chunk(chunk.number, chunk.means, ranges_of(held))
                self.open[chunk.number] = OpenChunk(own, at)

    def _check(self, chunk: Chunk) -> None:
        within = all(0 <= first < end <= len(self.fates) for first, end in chunk.ranges)
        if chunk.number < self.next_chunk or not within:
            raise ValueError(
                f"chunk {chunk.number} with items {chunk.ranges} cannot follow chunk {self.next_chunk - 1} of a run of "
                f"{len(self.fates)} items: the journal is not that of this run, or was changed"
            )

    def _reopen(self, number: int) -> None:
        known = self.open.get(number)
        if known is None:
            return
        for index in items_of(known.chunk):
            if self.fates[index] == Fate.SENT:
                self._set(index, Fate.CANCELLED if self.cancelled else Fate.UNSENT)
        self._close(number)

    def _retry(self, token: str) -> None:
        if token == self.token:
            return
        self.token, self.attempts, self.cancelled = token, self.attempts + 1, False
        for fate in (Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED):
            for index in list(self.indices(fate)):
                self._set(index, Fate.UNSENT)
        self.failures.clear()
        for number, one in list(self.open.items()):
            kept = ranges_of(index for index in items_of(one.chunk) if self.fates[index] == Fate.SENT)
            if kept:
                one.chunk = Chunk(number, one.chunk.means, kept)
            else:
                self._close(number)

    def _set(self, index: int, fate: Fate) -> None:
        self._counts[self.fates[index]] -= 1
        self._counts[fate] += 1
        self.fates[index] = fate
        if fate == Fate.UNSENT:
            self._cursor = min(self._cursor, index)

    def _close(self, number: int) -> None:
        self.open.pop(number, None)
        self.lost.discard(number)


def items_of(chunk: Chunk) -> Iterator[int]:
    """The indices a chunk holds, in order."""
    for first, end in chunk.ranges:
        yield from range(first, end)


def awaits_messages(chunk: Chunk) -> bool:
    """Whether its results come by message; the other means answer themselves."""
    return chunk.means is Means.INDEX

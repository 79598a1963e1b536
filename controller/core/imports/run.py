"""A run's state: folded from its journal, one status byte and one fingerprint an item, chunks only while open.

Everything but `lost` is derived from records, so that what a restart reads is what was true before it. A word on an
item counts only from the chunk that holds it now: what was retried or sent again is no business of its earlier calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from controller.api.batchimport import Totals
from controller.core.imports.fates import Fate, Fates
from controller.core.imports.items import fingerprint
from controller.core.imports.records import (
    Answered,
    Attempt,
    Cancelled,
    Chunk,
    Means,
    Paused,
    Planned,
    Record,
    Resumed,
    TaskOver,
    TaskTold,
    Turned,
    Unknowable,
    Uploaded,
    Verdicts,
    ranges_of,
)
from controller.core.imports.tasks import TaskState
from controller.core.imports.verdicts import tell_call, tell_task

__all__ = ["Fate", "OpenChunk", "RunState", "awaits_messages", "items_of"]


@dataclass(slots=True)
class OpenChunk:
    """A chunk with items that nobody told of for good yet, and those of them only that are its own still.

    Attributes:
        answered_at: None while nothing on record shows that its call was taken: an answer, or a message.
        planned: The record that it stands in, of a TASK chunk.
        task: The id that the answer to a TASK chunk gave it.
    """

    chunk: Chunk
    planned_at: datetime
    answered_at: datetime | None = None
    planned: Planned | None = None
    task: int | None = None


@dataclass(slots=True)
class RunState:
    """Not thread-safe: whoever changes it holds the run's lock.

    Attributes:
        fingerprints: Of each item's URI, in the order of the frozen content.
        open: Chunks with an item SENT or UNKNOWN, by number. An item is in at most one of them.
        lost: Numbers of open chunks that were planned by somebody who did not record an answer: after a crash, or
            after a call that timed out. Set by whoever finds it out (`forget_calls`, `lose`), not by a record.
        failures: The first failures, by index.
        token: The last retry's; empty before the first.
        tokens: Each retry's.
        attempts: Which attempt this is, counted from 1.
        manifest_etag: Of this attempt's manifest; empty while it is not uploaded.
        last_task: What is on record of the task that was submitted last, open or not.
        unknowable: Why it can never be known what became of a task's rest, a `Reason`'s value; empty where it can.
        paused: How long the object was suspended, without a suspension that lasts; that began at `paused_since`.
    """

    fingerprints: array[int]
    open: dict[int, OpenChunk] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    failures: dict[int, str] = field(default_factory=dict)
    next_chunk: int = 0
    token: str = ""
    tokens: set[str] = field(default_factory=set)
    attempts: int = 1
    cancelled: bool = False
    resent: int = 0
    manifest_etag: str = ""
    last_task: TaskTold | None = None
    unknowable: str = ""
    paused: timedelta = timedelta()
    paused_since: datetime | None = None
    _fates: Fates = field(init=False)
    _tasks: set[int] = field(default_factory=set)  # open TASK chunks: one at most, unless the journal is no good

    def __post_init__(self) -> None:
        self._fates = Fates(len(self.fingerprints))

    @property
    def fates(self) -> bytearray:
        """A `Fate` an item, to be read."""
        return self._fates.marks

    @property
    def task_chunk(self) -> int | None:
        """The number of the open TASK chunk: nothing is submitted while there is one."""
        return min(self._tasks, default=None)

    @property
    def task(self) -> int | None:
        """Its task's id; None while no answer is on record."""
        return None if self.task_chunk is None else self.open[self.task_chunk].task

    @property
    def planned(self) -> Planned | None:
        """The record that it was planned by."""
        return None if self.task_chunk is None else self.open[self.task_chunk].planned

    def paused_for(self, now: datetime) -> timedelta:
        """How long the object was suspended since the run began, up to now."""
        return self.paused + (max(now - self.paused_since, timedelta()) if self.paused_since else timedelta())

    def count(self, fate: Fate) -> int:
        """How many items have that fate."""
        return self._fates.count(fate)

    @property
    def settled(self) -> bool:
        """Every item has its verdict."""
        return not (self.count(Fate.UNSENT) or self.count(Fate.SENT))

    def totals(self, skipped: int = 0, unchecked: int = 0) -> Totals:
        """The counts as the status shows them."""
        done = [self.count(fate) for fate in (Fate.SUCCEEDED, Fate.FAILED, Fate.UNKNOWN)]
        return Totals(
            items=len(self.fates),
            skipped=skipped,
            unchecked=unchecked,
            submitted=sum(done),
            succeeded=done[0],
            failed=done[1],
            unknown=done[2],
            cancelled=self.count(Fate.CANCELLED),
            resent=self.resent,
        )

    def unsent(self, limit: int) -> list[int]:
        """The first items that are still to be sent, in order."""
        return self._fates.first_unsent(limit)

    def whole(self) -> Chunk:
        """Everything unsent as the one TASK chunk that an attempt is."""
        return Chunk(self.next_chunk, Means.TASK, self._fates.ranges(Fate.UNSENT))

    def indices(self, fate: Fate) -> Iterator[int]:
        """Every item with that fate, in order."""
        return self._fates.indices(fate)

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
            case Planned():
                self._plan(record)
            case Answered(number, at, event):
                self._take(number, at, event)
            case Turned(number):
                self._reopen(number)
            case Attempt(token):
                self._retry(token)
            case Cancelled():
                self.cancelled = True
                self._fates.turn_all(Fate.UNSENT, Fate.CANCELLED)
            case Verdicts():
                self._judge(record)
            case Uploaded() | TaskOver():
                self._learn(record)
            case Unknowable(number, _, why):
                self._give_up(number, why)
            case Paused() | Resumed():
                self._keep_time(record)
            case _:
                assert_never(record)

    def _judge(self, record: Verdicts) -> None:
        known = self.open.get(record.chunk)
        if known is None:
            return
        if known.chunk.means is Means.TASK:
            told = tell_task(self._fates, self.failures, known.chunk, record)
        else:
            if record.by == "message" and known.answered_at is None:
                self._take(record.chunk, record.at, "")  # IMM speaks of the call, so it was taken
            told = tell_call(self._fates, self.failures, self.awaited(known.chunk), record)
        if told:
            self._close(record.chunk)

    def _learn(self, record: Uploaded | TaskOver) -> None:
        if isinstance(record, Uploaded):
            self.manifest_etag = record.etag
        else:
            self.last_task = record.task

    def _keep_time(self, record: Paused | Resumed) -> None:
        if isinstance(record, Resumed):
            self.paused, self.paused_since = self.paused_for(record.at), None
        elif self.paused_since is None:
            self.paused_since = record.at

    def _give_up(self, number: int, why: str) -> None:
        known = self.open.get(number)
        if known is not None and known.chunk.means is Means.TASK:
            self._fates.turn(Fate.SENT, Fate.UNKNOWN, known.chunk.ranges)
            self.unknowable = why
            self._close(number)

    def _take(self, number: int, at: datetime, event: str) -> None:
        self.lost.discard(number)
        if number in self.open:
            one = self.open[number]
            one.answered_at = at
            if number in self._tasks and event.isdecimal():
                one.task = int(event)
                self.last_task = TaskTold(one.task, TaskState.PROCESSING, submitted_at=at)

    def _plan(self, record: Planned) -> None:
        for number in record.again:
            known = self.open.get(number)
            if known is not None:
                self.resent += self._fates.among(Fate.SENT, known.chunk.ranges)
                self._reopen(number)
        for chunk in record.chunks:
            self._check(chunk)
            self.next_chunk = chunk.number + 1
            own = self._unsent_of(chunk)
            if own.ranges:
                self._fates.turn(Fate.UNSENT, Fate.SENT, own.ranges)
                task = chunk.means is Means.TASK
                self.open[chunk.number] = OpenChunk(own, record.at, planned=record if task else None)
                if task:
                    self._tasks.add(chunk.number)

    def _unsent_of(self, chunk: Chunk) -> Chunk:
        """A chunk without what others hold or told of: a race of a message and a plan may have it."""
        if self._fates.among(Fate.UNSENT, chunk.ranges) == chunk.size:
            return chunk
        held = ranges_of(index for index in items_of(chunk) if self.fates[index] == Fate.UNSENT)
        return Chunk(chunk.number, chunk.means, held)

    def _check(self, chunk: Chunk) -> None:
        within_run = all(0 <= first < end <= len(self.fates) for first, end in chunk.ranges)
        if chunk.number < self.next_chunk or not within_run:
            raise ValueError(
                f"chunk {chunk.number} with items {chunk.ranges} cannot follow chunk {self.next_chunk - 1} of a run of "
                f"{len(self.fates)} items: the journal is not that of this run, or was changed"
            )

    def _reopen(self, number: int) -> None:
        known = self.open.get(number)
        if known is not None:
            self._fates.turn(Fate.SENT, Fate.CANCELLED if self.cancelled else Fate.UNSENT, known.chunk.ranges)
            self._close(number)

    def _retry(self, token: str) -> None:
        if token == self.token:
            return
        self.token, self.attempts, self.cancelled = token, self.attempts + 1, False
        self.tokens.add(token)
        self.manifest_etag = self.unknowable = ""
        for fate in (Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED):
            self._fates.turn_all(fate, Fate.UNSENT)
        self.failures.clear()
        for number, one in list(self.open.items()):
            kept = ranges_of(index for index in items_of(one.chunk) if self.fates[index] == Fate.SENT)
            if kept:
                one.chunk = Chunk(number, one.chunk.means, kept)
            else:
                self._close(number)

    def _close(self, number: int) -> None:
        self.open.pop(number, None)
        self.lost.discard(number)
        self._tasks.discard(number)


def items_of(chunk: Chunk) -> Iterator[int]:
    """The indices a chunk holds, in order."""
    for first, end in chunk.ranges:
        yield from range(first, end)


def awaits_messages(chunk: Chunk) -> bool:
    """Whether its results come by message; the other means answer themselves."""
    return chunk.means is Means.INDEX

"""A run that is loaded: its state in memory, and the journal that everything goes into first.

Whatever is recorded is stored, and only then folded into the state from there, so what a restart reads is what this
process believes.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controller.api.batchimport import FailedItem, Totals
from controller.cloud.ports import CALL_TIMEOUT, OssPort
from controller.core.imports.documents import RunEnd, RunRecord
from controller.core.imports.job import ObservedRun
from controller.core.imports.records import Chunk, Means, Record
from controller.core.imports.run import Fate, OpenChunk, RunState, awaits_messages
from controller.reconcile.imports.journal import Journal
from controller.reconcile.imports.parts import Parts
from controller.reconcile.imports.pursuit import Pursuit

if TYPE_CHECKING:
    from controller.reconcile.imports.report import Report

WORD = timedelta(seconds=CALL_TIMEOUT)
Owner = tuple[str, str]  # namespace and name of the BatchImport


@dataclass(eq=False)
class Run:
    """A run that is being worked off.

    Attributes:
        id: The run id.
        bucket: The work bucket.
        record: What was written before anything was sent.
        state: Folded from the journal; read and changed under `lock`.
        end: The verdict that is on record, if any.
        owed: Records that are true and could not be stored yet: they go first into the next segment.
        existing: Of files that are sent next, whether the dataset holds them already, where that was asked for.
        asked: Lost chunks that the dataset was asked for, so that what is left of them may be sent again.
        shown: The first lines of the report, once it is written or read.
        names: URIs of the failures that the status shows, each read once.
        refused: The last call met a refusal that a person has to mend: one chunk is tried before many are.
        pursuit: Of its batch task, where it is one of Image Search.
        report: That is being written, of a run in which every item has its verdict.
    """

    id: str
    bucket: str
    record: RunRecord
    state: RunState
    journal: Journal
    parts: Parts
    end: RunEnd | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    owed: list[Record] = field(default_factory=list)
    existing: dict[str, bool] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    shown: list[FailedItem] | None = None
    names: dict[int, str] = field(default_factory=dict)
    refused: bool = False
    pursuit: Pursuit = field(default_factory=Pursuit)
    report: Report | None = None

    @property
    def target(self) -> Owner:
        """Whose it is: namespace and name of the BatchImport."""
        return self.record.namespace, self.record.name

    @property
    def totals(self) -> Totals:
        """The counts so far."""
        with self.lock:
            return self.state.totals(self.record.skipped, self.record.unchecked)

    @property
    def token(self) -> str:
        """The last retry's; where there was none, what stood in the spec when the run began."""
        return self.state.token or self.record.token

    @property
    def tokens(self) -> frozenset[str]:
        """Each that was one, and what stood in the spec when the run began: none of them is a new retry."""
        return frozenset({self.record.token, *self.state.tokens})

    @property
    def concluded(self) -> bool:
        """Whether the verdict on record says what the journal says."""
        with self.lock:
            end = self.end
            return end is not None and self.state.settled and end.says(self.totals, self.token) and not self.owed

    def use(self, oss: OssPort) -> None:
        """Go on with these rights: keys are renewed while a run lasts."""
        self.journal.oss = self.parts.oss = oss

    def note(self, records: Sequence[Record]) -> None:
        """Store records, and before them what is owed; they are folded into the state when this returns.

        Raises:
            controller.cloud.errors.CloudError: as `Journal.append`; what was owed still is.
        """
        with self.lock:
            owed, self.owed = self.owed, []
        try:
            self.journal.append([*owed, *records])
        except BaseException:
            with self.lock:
                self.owed = owed + self.owed
            raise

    def owe(self, records: Sequence[Record]) -> None:
        """Have records stored with the next ones."""
        with self.lock:
            self.owed.extend(records)

    def fold(self, records: Sequence[Record]) -> None:
        """What the journal tells of each segment."""
        with self.lock:
            for record in records:
                self.state.apply(record)
            self.asked &= self.state.lost

    def lose(self, number: int) -> None:
        """Nobody can tell whether a chunk took effect."""
        with self.lock:
            if number in self.state.open:
                self.state.lost.add(number)

    def sent(self, chunk: Chunk) -> bool:
        """Whether items of a chunk have no verdict at all yet. The caller holds `lock`."""
        return any(self.state.fates.find(Fate.SENT, first, end) >= 0 for first, end in chunk.ranges)

    def observe(self, timeout: timedelta, now: datetime, *, window: int) -> ObservedRun:
        """What decisions rest on; an answer is overdue `timeout` after its call was answered.

        Once as many chunks are lost as may be on their way at a time, nothing is sent before they are found out: so a
        crash or an outage never leaves more than that to be sent again.
        """
        with self.lock:
            state = self.state
            calls = [(n, one) for n, one in sorted(state.open.items()) if one.chunk.means is not Means.TASK]
            waiting = [(n, one) for n, one in calls if self.sent(one.chunk)]
            due = {n: one.answered_at + timeout for n, one in waiting if one.answered_at is not None}
            lost = {n: _lost_for_good(one) for n, one in waiting if n in state.lost}
            return ObservedRun(
                totals=self.totals,
                unsent=state.count(Fate.UNSENT),
                sent=state.count(Fate.SENT),
                lost=tuple(n for n, when in lost.items() if when <= now),
                overdue=tuple(n for n, when in due.items() if when <= now),
                next_due=min((when for when in (*due.values(), *lost.values()) if when > now), default=None),
                started_at=self.record.started_at,
                cancelled=state.cancelled,
                token=self.token,
                tokens=self.tokens,
                concluded=self.concluded,
                holder="",
                asked=tuple(sorted(self.asked & state.lost)),
                full=len(state.lost) >= window,
                unknowable=state.unknowable,
                paused=state.paused_since is not None,
                paused_for=state.paused_for(now),
                chunk=state.task_chunk,
                task=state.task,
            )

    def open_chunks(self, numbers: Collection[int]) -> list[OpenChunk]:
        """Those of the chunks that are open still."""
        with self.lock:
            return [self.state.open[number] for number in numbers if number in self.state.open]


def _lost_for_good(one: OpenChunk) -> datetime:
    """When to ask for what a call without an answer did: it may still be at work, and its messages on their way.

    Sending at once would have the files read, and billed, twice.
    """
    return one.planned_at + WORD if awaits_messages(one.chunk) else one.planned_at

"""What a run's journal holds, one JSON line a record. A record is never changed, only followed by another.

`Planned` stands before any of its chunks leaves, then what was answered, then what became of each file. The order is
one for all of them, because what a record means depends on those before it (`controller.core.imports.run`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

Range = tuple[int, int]  # first item, and the one after the last


class Means(StrEnum):
    """The call that a chunk is."""

    INDEX = "index"  # BatchIndexFileMeta: answered by messages
    UPDATE = "update"  # BatchUpdateFileMeta: answers itself
    DELETE = "delete"  # BatchDeleteFileMeta: answers itself
    TASK = "task"  # IncreaseInstance: one batch task of Image Search, for all that an attempt sends


class Chunk(msgspec.Struct, frozen=True, omit_defaults=True):
    """The items of one call. Its number is unique in the run; a chunk that is sent again gets another."""

    number: int
    means: Means
    ranges: tuple[Range, ...]

    @property
    def size(self) -> int:
        """How many items it holds."""
        return sum(end - first for first, end in self.ranges)


class Planned(msgspec.Struct, frozen=True, tag="planned", omit_defaults=True):
    """These chunks are about to be sent. Nobody knows what those in `again` did: what is left of them is sent anew.

    Of a TASK chunk, which stands alone: `listed` are the ids of all tasks that the instance's list had for the same
    bucket and path, and `etag` is the manifest that is to be submitted.
    """

    at: datetime
    chunks: tuple[Chunk, ...]
    again: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    etag: str = ""


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """The cloud took a chunk. For one that answers itself the verdicts stand before it.

    `event` is IMM's event id, or the id of the task that a TASK chunk became.
    """

    chunk: int
    at: datetime
    event: str = ""


class Turned(msgspec.Struct, frozen=True, tag="turned", omit_defaults=True):
    """A chunk certainly took no effect (throttled, not sent, too long): its items are unsent again."""

    chunk: int
    why: str = ""


class Attempt(msgspec.Struct, frozen=True, tag="attempt"):
    """A retry: everything failed, unknown or cancelled is unsent again. `token` is spec.retry.failedItems."""

    token: str
    at: datetime


class TaskTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a task: `state` is a `tasks.TaskState` of this package, `message` the service's own words."""

    id: int
    state: str
    message: str = ""
    submitted_at: datetime | None = None


class TaskOver(msgspec.Struct, frozen=True, tag="over"):
    """The task of a TASK chunk is at its end: who comes later cannot see that of the verdicts."""

    chunk: int
    at: datetime
    task: TaskTold


class Cancelled(msgspec.Struct, frozen=True, tag="cancelled"):
    """The deadline passed: nothing more is sent, what is unsent is cancelled."""

    at: datetime


class Verdicts(msgspec.Struct, frozen=True, tag="verdicts", omit_defaults=True):
    """What became of items of a chunk: `succeeded` by ranges, `failed` with the reason of each, `unknown`.

    `by` says who told: a message, the answer itself, the dataset when it was asked, an ended task of Image Search. What
    an ended task leaves in part, because there is much of it, is told by several of these. `failed_ranges` is for a
    task, whose every line may have failed for one reason: each reason once, with the items that failed for it.
    """

    chunk: int
    at: datetime
    by: Literal["message", "answer", "dataset", "task"]
    succeeded: tuple[Range, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
    unknown: tuple[int, ...] = ()
    cancelled: tuple[Range, ...] = ()  # of a task that was stopped: never worked off
    failed_ranges: tuple[tuple[str, tuple[Range, ...]], ...] = ()


class Uploaded(msgspec.Struct, frozen=True, tag="uploaded"):
    """This attempt's manifest lies in its place: so many lines, with this ETag."""

    at: datetime
    etag: str
    lines: int


class Unknowable(msgspec.Struct, frozen=True, tag="unknowable"):
    """What became of the rest of a TASK chunk can never be known. `why` is a `controller.core.reasons.Reason`.

    It is ManifestChanged, ReportUnreadable or ReportExpired. `words` say the particulars, for people.
    """

    chunk: int
    at: datetime
    why: str
    words: str = ""


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """The object was suspended: from here on spec.deadline stands still."""

    at: datetime


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The object is suspended no more."""

    at: datetime


Record = (
    Planned | Answered | Turned | TaskOver | Attempt | Cancelled | Verdicts | Uploaded | Unknowable | Paused | Resumed
)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


def encode(records: Iterable[Record]) -> bytes:
    """A segment of the journal."""
    return _encoder.encode_lines(list(records))  # msgspec 0.22 never lets go of any other iterable


def decode(segment: bytes) -> list[Record]:
    """The records of a segment.

    Raises:
        msgspec.DecodeError: it is none that this version wrote.
    """
    return _decoder.decode_lines(segment)


def ranges_of(indices: Iterable[int]) -> tuple[Range, ...]:
    """Ascending indices as ranges."""
    found: list[Range] = []
    for index in indices:
        if found and found[-1][1] == index:
            found[-1] = found[-1][0], index + 1
        else:
            found.append((index, index + 1))
    return tuple(found)


def within(ranges: Sequence[Range], others: Sequence[Range]) -> Iterator[Range]:
    """What of the first lies in the second, both ascending and without overlaps: by bisection, as each may be long."""
    for first, end in ranges:
        at = max(bisect_right(others, first, key=_first) - 1, 0)
        while at < len(others) and others[at][0] < end:
            start, stop = max(first, others[at][0]), min(end, others[at][1])
            if start < stop:
                yield start, stop
            at += 1


def _first(one: Range) -> int:
    return one[0]

"""A run's journal in the work bucket: one sequence of objects, each created with forbid-overwrite.

A record counts from the moment its segment is stored, and is folded into the run's state in that very order. Threads
that append at the same time share one segment: whoever comes first writes for all who wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from controller.cloud.errors import CloudError, Conflict
from controller.cloud.ports import OssPort
from controller.core.imports.identity import segment_key
from controller.core.imports.records import Record, decode, encode
from controller.reconcile.imports.stored import RecordUnreadable

LARGEST_SEGMENT = 64 * 1024 * 1024  # bytes that are read of one; what a wave or a batch of messages writes is far less
SHARED = 512  # records that one segment takes from waiting threads, before the rest gets the next one
READ_AHEAD = 64  # segments that are fetched together, at most
BEYOND = 4  # segments that are asked for after the last: if one is there, the last is none, and some are missing
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class JournalTaken(Conflict):
    """Another process writes this journal, which only one that leads now may: read it again before going on."""


@dataclass(slots=True)
class _Entry:
    """What one thread appends, and how that ended."""

    records: Sequence[Record]
    done: bool = False
    error: BaseException | None = None


class Journal:
    """The writing end. Safe to share between threads.

    Args:
        oss: Whose work bucket it is; may be replaced as keys are renewed.
        bucket: The work bucket.
        run: The run id.
        first_free: The number of the next segment.
        fold: Told the records of each segment once it is stored, in order, before any of their writers goes on.
    """

    def __init__(
        self,
        oss: OssPort,
        bucket: str,
        run: str,
        first_free: int,
        fold: Callable[[Sequence[Record]], None] = lambda _records: None,
    ) -> None:
        self.oss = oss
        self.broken = False
        self._bucket = bucket
        self._run = run
        self._next = first_free
        self.fold = fold
        self._turn = threading.Condition()
        self._waiting: list[_Entry] = []
        self._writing = False

    def append(self, records: Sequence[Record]) -> None:
        """Store records; they are durable and folded when this returns.

        Raises:
            JournalTaken: another process wrote this segment.
            controller.cloud.errors.CloudError: they are not stored. Where nobody can tell, `broken` is set: nothing
                more is appended here, and what is stored has to be read again.
        """
        if not records:
            return
        mine = _Entry(records)
        with self._turn:
            self._waiting.append(mine)
        while not self._ended(mine):
            self._write(self._take())
        if mine.error is not None:
            raise mine.error

    def _ended(self, mine: _Entry) -> bool:
        """Wait until it is written by another thread, or this one is to write; whether it is written."""
        with self._turn:
            self._turn.wait_for(lambda: mine.done or not self._writing)
            self._writing = self._writing or not mine.done
            return mine.done

    def _take(self) -> list[_Entry]:
        """What goes into the next segment."""
        with self._turn:
            taken, size = 0, 0
            while taken < len(self._waiting) and (not taken or size + len(self._waiting[taken].records) <= SHARED):
                size += len(self._waiting[taken].records)
                taken += 1
            batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
            return batch

    def _write(self, batch: list[_Entry]) -> None:
        error: BaseException | None = None
        try:
            records = [record for entry in batch for record in entry.records]
            self._store(encode(records))
            self.fold(records)
        except CloudError as failure:
            error = failure
        except BaseException as failure:
            self.broken, error = True, failure
            raise
        finally:
            with self._turn:
                for entry in batch:
                    entry.done, entry.error = True, error
                self._writing = False
                self._turn.notify_all()

    def _store(self, data: bytes) -> None:
        key = segment_key(self._run, self._next)
        if self.broken:
            raise JournalTaken("oss:PutObject", f"what {key} holds is not certain; the journal is read again")
        try:
            self._put(key, data)
        except CloudError as error:
            if not error.may_have_taken_effect:
                raise
            # It is there or not; a second put tells, as it meets the first one's object.
            self.broken = True
            self._put(key, data)
            self.broken = False
        self._next += 1

    def _put(self, key: str, data: bytes) -> None:
        try:
            self.oss.put_new(self._bucket, key, data)
        except Conflict as conflict:
            self.broken = True
            stored = self.oss.get_object(self._bucket, key, largest=len(data) + 1)
            if stored != data:
                raise JournalTaken(
                    conflict.operation,
                    f"oss://{self._bucket}/{key} was written by another process; the journal is read again",
                    code=conflict.code,
                    request_id=conflict.request_id,
                ) from conflict
            self.broken = False


def read_segments(oss: OssPort, bucket: str, run: str, each: Each = map) -> Iterator[list[Record]]:
    """The records of each segment in order, a few segments in memory at a time.

    Segments are asked for by their numbers, a longer stretch each time, until one is not there: so it takes no right to
    list a bucket that holds other teams' records, too.

    Raises:
        RecordUnreadable: a segment is missing, or is none that this version can read.
        controller.cloud.errors.CloudError: the work bucket did not answer.
    """
    asked, stretch = 0, BEYOND
    end: int | None = None
    while end is None or asked <= end + BEYOND:
        numbers = range(asked, asked + stretch)
        keys = [segment_key(run, number) for number in numbers]
        for number, key, data in zip(numbers, keys, each(lambda key: _get(oss, bucket, key), keys), strict=True):
            if data is None:
                end = number if end is None else end
            elif end is not None:
                where = f"oss://{bucket}/{segment_key(run, end)}"
                raise RecordUnreadable("oss:GetObject", f"{where} is missing, and later ones are there: restore it")
            else:
                yield _decoded(f"oss://{bucket}/{key}", data)
        asked += stretch
        stretch = min(READ_AHEAD, stretch * 2) if end is None else BEYOND


def _get(oss: OssPort, bucket: str, key: str) -> bytes | None:
    return oss.get_object(bucket, key, largest=LARGEST_SEGMENT)


def _decoded(where: str, data: bytes) -> list[Record]:
    try:
        return decode(data)
    except msgspec.DecodeError as error:
        words = f"{where} is no segment that this version can read ({error}): restore it as it was written"
        raise RecordUnreadable("oss:GetObject", words) from error

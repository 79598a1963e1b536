"""What a verdict does to the fates of a chunk: of a call the first word counts, of a batch task the only one."""

from __future__ import annotations

from controller.api.batchimport import SHOWN_FAILURES
from controller.core.imports.fates import Fate, Fates
from controller.core.imports.records import Chunk, Range, Verdicts, within


def tell_call(fates: Fates, failures: dict[int, str], awaited: list[int], record: Verdicts) -> bool:
    """Fold what is told of a chunk's `awaited` items, SENT or UNKNOWN; whether nothing of it is awaited any more.

    The first word on an item counts; only unknown gives way to more.
    """
    mine = set(awaited)
    for index in mine.intersection(index for first, end in record.succeeded for index in range(first, end)):
        fates.set(index, Fate.SUCCEEDED)
        mine.remove(index)
    for index, error in record.failed:
        if index in mine:
            _fail(fates, failures, index, error)
            mine.remove(index)
    for index in mine.intersection(record.unknown):
        fates.set(index, Fate.UNKNOWN)
    return not mine


def tell_task(fates: Fates, failures: dict[int, str], chunk: Chunk, record: Verdicts) -> bool:
    """The same of a batch task, by ranges. Nothing ever tells more of it: what is unknown stays so."""
    fates.turn(Fate.SENT, Fate.SUCCEEDED, within(record.succeeded, chunk.ranges))
    fates.turn(Fate.SENT, Fate.CANCELLED, within(record.cancelled, chunk.ranges))
    for index, error in record.failed:
        if _awaits(fates, index, chunk):
            _fail(fates, failures, index, error)
    for error, ranges in record.failed_ranges:
        mine = list(within(ranges, chunk.ranges))
        _show(fates, failures, mine, error)
        fates.turn(Fate.SENT, Fate.FAILED, mine)
    for index in record.unknown:
        if _awaits(fates, index, chunk):
            fates.set(index, Fate.UNKNOWN)
    return not fates.among(Fate.SENT, chunk.ranges)


def _awaits(fates: Fates, index: int, chunk: Chunk) -> bool:
    return any(within(((index, index + 1),), chunk.ranges)) and fates.marks[index] == Fate.SENT


def _fail(fates: Fates, failures: dict[int, str], index: int, error: str) -> None:
    fates.set(index, Fate.FAILED)
    if len(failures) < SHOWN_FAILURES:
        failures[index] = error


def _show(fates: Fates, failures: dict[int, str], ranges: list[Range], error: str) -> None:
    """Keep the first of those that are about to fail."""
    for first, end in ranges:
        at = fates.marks.find(Fate.SENT, first, end)
        while at >= 0:
            if len(failures) >= SHOWN_FAILURES:
                return
            failures[at] = error
            at = fates.marks.find(Fate.SENT, at + 1, end)

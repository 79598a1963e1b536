"""The one submit of an attempt, by law 4, and the look for one whose answer was lost.

What the list holds is on record before the call leaves, so that a task which is not in it is ours. The manifest is
looked at before and after the call: a batch of what nobody checked is never taken for the one that was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.cloud.errors import CloudError, InstanceBusy, Throttled
from controller.cloud.ports import ImageSearchPort, OssPort, ReportPort
from controller.cloud.trace import told
from controller.core.facts import TaskFacts
from controller.core.imports.identity import parse_callback
from controller.core.imports.records import Answered, Planned, Turned, Unknowable
from controller.core.imports.tasks import TaskState, candidates, doubt, state_of
from controller.core.reasons import Reason
from controller.reconcile.imports.boards import walk
from controller.reconcile.imports.manifest import expected_etag, manifest_key
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.tallies import tallies

INCREASE = "imagesearch:IncreaseInstance"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counter:
    """Where a run's batches are handed in.

    Attributes:
        callback: The address that is called when a task is over; None without one.
    """

    search: ImageSearchPort
    oss: OssPort
    reports: ReportPort
    callback: str | None
    now: Callable[[], datetime]


def submit(run: Run, counter: Counter) -> int | None:
    """Hand this attempt in, at most once; the task's id, or None where it was turned away.

    Raises:
        controller.cloud.errors.CloudError: it did not get through. On record is whether it certainly took no effect.
    """
    record, etag = run.record, expected_etag(run)
    listed = walk(counter.search, record.instance, record.bucket, record.path)
    with run.lock:
        chunk = run.state.whole()
        first = run.state.attempts == 1
    # A call that two look-ups did not find may take effect all the same: then its task has our address.
    ours = [one.id for one in listed if first and _calls_us(one.callback, run)]
    known = tuple(one.id for one in listed if one.id not in ours)
    run.note([Planned(counter.now(), (chunk,), listed=known, etag=etag)])
    if ours:
        run.note([Answered(chunk.number, counter.now(), str(min(ours)))])
        return min(ours)
    head = counter.oss.head_object(record.bucket, manifest_key(record))
    if head is None or head.etag != etag:
        run.note([Turned(chunk.number, Reason.MANIFEST_CHANGED)])
        return None
    task = _increase(run, chunk.number, counter)
    if task is None:
        return None
    tallies.sent(run.target, chunk.size)
    _record(run, Answered(chunk.number, counter.now(), str(task)))
    confirm(run, counter, None)
    return task


def _increase(run: Run, chunk: int, counter: Counter) -> int | None:
    record = run.record
    try:
        task = counter.search.increase(record.instance, record.bucket, record.path, counter.callback)
    except CloudError as error:
        log.warning("run %s: its batch: %s", run.id, error)
        tallies.failed(run.target, error)
        if error.may_have_taken_effect:
            run.lose(chunk)
            raise
        _record(run, Turned(chunk, type(error).__name__))
        if isinstance(error, InstanceBusy | Throttled):  # some services refuse a second batch by the word for too many
            run.pursuit.turned_away(error.message, counter.now())
            return None
        raise
    run.pursuit.taken()
    sent = told(INCREASE)
    log.info("run %s is task %d [request id %s]", run.id, task, sent["requestId"], extra=sent)
    return task


def _record(run: Run, record: Answered | Turned) -> None:
    """It is true whether it can be stored now or not: else it goes first into what is stored next."""
    run.owe([record])
    run.note([])


def look_for(run: Run, chunk: int, counter: Counter) -> str:
    """Look for the task whose answer was lost; what is to be said where several may be it, else empty.

    Raises:
        controller.cloud.errors.CloudError: the list was not read to its end, so this was no look.
    """
    record, planned = run.record, run.state.planned
    if planned is None:
        return ""
    began = counter.now()
    listed = walk(counter.search, record.instance, record.bucket, record.path)
    found = candidates(planned, listed, run.id, record.bucket, record.path)
    if not found:
        run.pursuit.missed(began, counter.now())
        return ""
    run.note([Answered(chunk, counter.now(), str(found[0].id))])
    run.pursuit.settled()
    run.pursuit.taken()
    run.pursuit.facts = found[0]
    log.info("run %s is task %d, whose answer was lost", run.id, found[0].id)
    return doubt(found, run.id)


def give_up_looking(run: Run, chunk: int) -> None:
    """Nobody has the task: the submit certainly took no effect."""
    run.note([Turned(chunk, "Absent")])
    run.pursuit.settled()


def confirm(run: Run, counter: Counter, facts: TaskFacts | None) -> None:
    """See that the manifest is still the one that was submitted; else nobody knows what the task works on.

    Once when it was submitted, and once more when it is over, as the service may read it all the while. It may rightly
    be another one by then, or be gone: what counts is what was written before the task's end.

    Raises:
        controller.cloud.errors.CloudError: it could not be looked at.
    """
    planned, chunk, record = run.state.planned, run.state.task_chunk, run.record
    over = facts is not None and state_of(facts.status) is not TaskState.PROCESSING
    if planned is None or chunk is None or (run.pursuit.confirmed == chunk and not over):
        return
    head = counter.oss.head_object(record.bucket, manifest_key(record))
    ended = facts.modified_at if over and facts is not None else None
    changed = not over if head is None else head.etag != planned.etag
    if changed and head is not None and ended is not None and head.modified > ended.timestamp():
        changed = False
    if changed:
        where = f"oss://{record.bucket}/{manifest_key(record)}"
        words = f"{where} was written over or removed when task {run.state.task} was submitted, or while it ran"
        run.note([Unknowable(chunk, counter.now(), Reason.MANIFEST_CHANGED, words)])
    run.pursuit.confirmed = chunk


def _calls_us(address: str, run: Run) -> bool:
    found = parse_callback(address)
    return found is not None and (found.run, found.nonce) == (run.id, run.record.nonce)

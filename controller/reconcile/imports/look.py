"""What an import's pass rests on: the account, the dataset, the frozen content, and how far the run is.

The records are looked at only where the status does not say it all. A run that ended, without a file that is unknown,
costs no call ever again; one with such files is looked at once by each process, as a late word may have come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.api.batchimport import BatchImport, FailedItem, Totals
from controller.cloud.ports import OssPort
from controller.core.durations import span
from controller.core.imports.documents import RunEnd, RunRecord
from controller.core.imports.job import ObservedImport, ObservedRun, Resolution
from controller.core.imports.taskwords import NEVER_KNOWN
from controller.reconcile.context import Context
from controller.reconcile.imports.finish import read_shown
from controller.reconcile.imports.ground import Ground, question_of, watch_of
from controller.reconcile.imports.over import asks, has_ended
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.stored import read_end, read_record


@dataclass(frozen=True, slots=True)
class Ended:
    """The verdict on record of a run that is not loaded."""

    run: str
    record: RunRecord
    end: RunEnd
    shown: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, for decisions and for the status."""

    observed: ObservedImport
    run: Run | None = None  # loaded
    ended: Ended | None = None
    words: int = 0  # there were so many on the run before it was looked at


def look(known: Ground, context: Context) -> Look:
    """How far the run is.

    Raises:
        controller.cloud.errors.CloudError: the work bucket did not answer, or a record in it cannot be read.
    """
    if _status_says_it(known, context):
        return Look(_observed(known, None, _from_status(known.target)))
    if not known.bucket or not known.work:
        return Look(_observed(known, None, None))
    question = question_of(known, context)
    resolution = context.resolutions.find(question)
    if resolution is None or not resolution.run:
        return _without_records(known, resolution, context)
    return _at_the_run(known, resolution, question.oss, context)


def _watched(found: Look, known: Ground, context: Context) -> Look:
    """With the Image Search side, where the import has one."""
    watch = watch_of(known, context)
    if watch is None:
        return found
    return replace(found, observed=replace(found.observed, task=watch.look(found.run, found.observed.run)))


def _without_records(known: Ground, resolution: Resolution | None, context: Context) -> Look:
    """Records expire. What ended before that stays as the status has it, files that nobody told of included."""
    target = known.target
    if known.same and has_ended(target.status) and not asks(target.spec, target.status):
        return Look(_observed(known, resolution, _from_status(target)))
    return _watched(Look(_observed(known, resolution, None)), known, context)


def _at_the_run(known: Ground, resolution: Resolution, oss: OssPort, context: Context) -> Look:
    run = context.runs.find(resolution.run)
    if run is None:
        record = read_record(resolution.run, oss, known.bucket)
        if record is None:
            return _without_records(known, resolution, context)
        end = read_end(resolution.run, oss, known.bucket)
        theirs = record.cluster != context.cluster.uid()
        if end is None and theirs:
            return Look(_observed(known, resolution, _held(record)))
        if end is not None and not _may_go_on(known, resolution.run, end, context):
            shown = tuple(read_shown(resolution.run, end.totals, oss, known.bucket))
            ended = Ended(resolution.run, record, end, shown)
            return Look(_observed(known, resolution, _from_end(record, end)), ended=ended)
    words = context.runs.words(resolution.run)
    run = context.runs.open(resolution.run, oss, known.bucket)
    if run is None:
        return Look(_observed(known, resolution, None))
    if run.owed:
        run.note([])
    if run.concluded and run.shown is None:
        run.shown = read_shown(run.id, run.totals, oss, known.bucket)
    return _watched(Look(_observed(known, resolution, _seen(run, known, context)), run, words=words), known, context)


def again(before: Look, known: Ground, context: Context) -> Look:
    """After a step: what is in memory is enough where the run is loaded, but for an instance of Image Search.

    Raises:
        controller.cloud.errors.CloudError: as `look`.
    """
    run = before.run
    if run is None or context.runs.find(run.id) is not run:
        return look(known, context)
    return _watched(recalled(before, known, context), known, context)


def recalled(before: Look, known: Ground, context: Context) -> Look:
    """What is in memory of the run that was looked at, without a call."""
    run = before.run
    if run is None or run.journal.broken:
        return before
    words = context.runs.words(run.id)
    return replace(before, observed=replace(before.observed, run=_seen(run, known, context)), words=words)


def _seen(run: Run, known: Ground, context: Context) -> ObservedRun:
    return run.observe(span(known.target.spec.result_timeout), context.now(), window=context.import_workers)


def _may_go_on(known: Ground, run: str, end: RunEnd, context: Context) -> bool:
    """Whether an ended run has to be loaded: to be retried, or because a late word may have come."""
    retry = known.target.spec.retry
    if retry is not None and retry.failed_items not in {end.token, *end.tokens}:
        return True
    return bool(end.totals.unknown) and not context.runs.trusted(run)


def _status_says_it(known: Ground, context: Context) -> bool:
    target = known.target
    status = target.status
    if not (known.same and has_ended(status) and status.run and status.totals is not None):
        return False
    if known.session is None:
        return True
    return not asks(target.spec, status) and (not status.totals.unknown or context.runs.trusted(status.run))


def _observed(known: Ground, resolution: Resolution | None, run: ObservedRun | None) -> ObservedImport:
    return ObservedImport(
        needs=known.needs,
        work_bucket=known.bucket,
        topic=known.events.topic if known.events is not None else "",
        queue=known.events.queue if known.events is not None else "",
        work=known.work,
        resolution=resolution,
        run=run,
    )


def _from_status(target: BatchImport) -> ObservedRun:
    status = target.status
    if status.totals is None or status.started_at is None:
        raise RuntimeError("an ended run was looked for in a status that has none")
    reason = next((one.reason for one in status.conditions if one.type == "Ready"), "")
    unknowable = reason if reason in NEVER_KNOWN else ""
    return _over(status.totals, status.started_at, status.last_retry or "", unknowable)


def _from_end(record: RunRecord, end: RunEnd) -> ObservedRun:
    seen = _over(end.totals, record.started_at, end.token, end.unknowable)
    return replace(seen, tokens=frozenset(end.tokens))


def _over(totals: Totals, started_at: datetime, token: str, unknowable: str = "") -> ObservedRun:
    return ObservedRun(
        totals=totals,
        unsent=0,
        sent=0,
        lost=(),
        overdue=(),
        next_due=None,
        started_at=started_at,
        cancelled=bool(totals.cancelled),
        token=token,
        concluded=True,
        holder="",
        unknowable=unknowable,
    )


def _held(record: RunRecord) -> ObservedRun:
    holder = f"BatchImport {record.namespace}/{record.name} of another cluster (kube-system uid {record.cluster})"
    totals = Totals(items=record.items, skipped=record.skipped)
    return replace(_over(totals, record.started_at, ""), concluded=False, unsent=record.items, holder=holder)

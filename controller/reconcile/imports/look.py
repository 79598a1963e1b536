"""What an import's pass rests on: the account, the dataset, the frozen content, and how far the run is.

The records are looked at only where the status does not say it all. A run that ended, without a file that is unknown,
costs no call ever again; one with such files is looked at once by each process, as a late word may have come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.api.batchimport import BatchImport, FailedItem, Totals
from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.events import Events
from controller.cloud.limiter import Lane
from controller.cloud.ports import OssPort
from controller.core.dependency import Dependency
from controller.core.durations import span
from controller.core.imports.documents import RunEnd, RunRecord
from controller.core.imports.identity import resolution_hash, work_hash
from controller.core.imports.job import ObservedImport, ObservedRun, Resolution
from controller.reconcile.context import Context
from controller.reconcile.dependencies import account_of, dataset_of
from controller.reconcile.imports.finish import read_shown
from controller.reconcile.imports.over import asks, has_ended
from controller.reconcile.imports.resolve import Question
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.stored import read_end, read_record
from controller.reconcile.sessions import Session


@dataclass(frozen=True, slots=True)
class Ended:
    """The verdict on record of a run that is not loaded."""

    run: str
    record: RunRecord
    end: RunEnd
    shown: tuple[FailedItem, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """What does not change during a pass.

    Attributes:
        place: Account id and region; None while nobody knows them.
        project: Empty while the dataset is not known, as is `dataset`.
        work: Hash of the work fields; empty while something of it is not known.
        reading: What `status.work` is to be.
    """

    target: BatchImport
    session: Session | None
    needs: tuple[Dependency, ...]
    events: Events | None
    place: tuple[str, str] | None
    project: str
    dataset: str
    work: str
    reading: str

    @property
    def bucket(self) -> str:
        """The work bucket; empty without one, or without a session."""
        return (self.session.place.work_bucket or "") if self.session is not None else ""

    @property
    def same(self) -> bool:
        """Whether the status speaks of this very reading of this very work, or nobody can tell otherwise."""
        return not self.work or self.target.status.work == self.reading


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, for decisions and for the status."""

    observed: ObservedImport
    run: Run | None = None  # loaded
    ended: Ended | None = None
    words: int = 0  # there were so many on the run before it was looked at


def ground(target: BatchImport, context: Context) -> Ground:
    """Who and where; no call is made.

    Raises:
        controller.reconcile.dependencies.Postponed: the account has not signed in since the process began.
    """
    signed = account_of(target.metadata, target.spec.account_ref.name, context)
    account = context.objects.get(CloudAccount, target.metadata.namespace, target.spec.account_ref.name)
    needed, found = _dataset(target, context)
    known, named = target.status, target.spec.target.dataset
    project = named.project or (found.spec.project if found is not None else known.project) or ""
    dataset = named.name or (found.spec.name if found is not None else known.dataset) or ""
    place: tuple[str, str] | None = None
    if signed.session is not None:
        place = signed.session.caller.account_id, signed.session.place.region
    elif known.identity is not None:
        place = known.identity.account_id, known.identity.region
    work = _work(target, place, project, dataset) if place is not None and project and dataset else ""
    return Ground(
        target=target,
        session=signed.session,
        needs=(signed.dependency, *needed),
        events=account.spec.events if account is not None else None,
        place=place,
        project=project,
        dataset=dataset,
        work=work,
        reading=resolution_hash(work, target.spec.run_token) if work else "",
    )


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
        return _without_records(known, resolution)
    return _at_the_run(known, resolution, question.oss, context)


def _without_records(known: Ground, resolution: Resolution | None) -> Look:
    """Records expire. What ended before that stays as the status has it, files that nobody told of included."""
    target = known.target
    if known.same and has_ended(target.status) and not asks(target.spec, target.status):
        return Look(_observed(known, resolution, _from_status(target)))
    return Look(_observed(known, resolution, None))


def question_of(known: Ground, context: Context) -> Question:
    """What resolves the object's source."""
    if known.session is None:
        raise RuntimeError("a source is resolved with a session only")
    return Question(known.target, known.work, oss_of(known.session, context), known.session.place.region, known.bucket)


def oss_of(session: Session, context: Context) -> OssPort:
    """The work bucket's port; a batch never goes ahead of people's edits."""
    return context.clouds.oss(session.place, session.credentials, Lane.RESYNC)


def _at_the_run(known: Ground, resolution: Resolution, oss: OssPort, context: Context) -> Look:
    run = context.runs.find(resolution.run)
    if run is None:
        record = read_record(resolution.run, oss, known.bucket)
        if record is None:
            return _without_records(known, resolution)
        end = read_end(resolution.run, oss, known.bucket)
        theirs = record.cluster != context.cluster.uid()
        if end is None and theirs:
            return Look(_observed(known, resolution, _held(record)))
        if end is not None and not _may_go_on(known, resolution.run, end, context):
            shown = tuple(read_shown(resolution.run, oss, known.bucket))
            ended = Ended(resolution.run, record, end, shown)
            return Look(_observed(known, resolution, _from_end(record, end)), ended=ended)
    words = context.runs.words(resolution.run)
    run = context.runs.open(resolution.run, oss, known.bucket)
    if run is None:
        return Look(_observed(known, resolution, None))
    if run.owed:
        run.note([])
    if run.concluded and run.shown is None:
        run.shown = read_shown(run.id, oss, known.bucket)
    return Look(_observed(known, resolution, _seen(run, known, context)), run, words=words)


def again(before: Look, known: Ground, context: Context) -> Look:
    """After a step: what is in memory is enough where the run is loaded."""
    run = before.run
    if run is None or context.runs.find(run.id) is not run:
        return look(known, context)
    words = context.runs.words(run.id)
    observed = replace(before.observed, run=_seen(run, known, context))
    return replace(before, observed=observed, words=words)


def _seen(run: Run, known: Ground, context: Context) -> ObservedRun:
    return run.observe(span(known.target.spec.result_timeout), context.now(), window=context.import_workers)


def _may_go_on(known: Ground, run: str, end: RunEnd, context: Context) -> bool:
    """Whether an ended run has to be loaded: to be retried, or because a late word may have come."""
    retry = known.target.spec.retry
    if retry is not None and retry.failed_items != end.token:
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
    return _over(status.totals, status.started_at, status.last_retry or "")


def _from_end(record: RunRecord, end: RunEnd) -> ObservedRun:
    return _over(end.totals, record.started_at, end.token)


def _over(totals: Totals, started_at: datetime, token: str) -> ObservedRun:
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
    )


def _held(record: RunRecord) -> ObservedRun:
    holder = f"BatchImport {record.namespace}/{record.name} of another cluster (kube-system uid {record.cluster})"
    totals = Totals(items=record.items, skipped=record.skipped)
    return replace(_over(totals, record.started_at, ""), concluded=False, unsent=record.items, holder=holder)


def _dataset(target: BatchImport, context: Context) -> tuple[tuple[Dependency, ...], Dataset | None]:
    ref = target.spec.target.dataset.ref
    if ref is None:
        return (), None
    dependency, found = dataset_of(target.metadata, ref, context)
    return (dependency,), found


def _work(target: BatchImport, place: tuple[str, str], project: str, dataset: str) -> str:
    return work_hash(
        target.spec,
        account_id=place[0],
        region=place[1],
        namespace=target.metadata.namespace,
        name=target.metadata.name,
        project=project,
        dataset=dataset,
    )

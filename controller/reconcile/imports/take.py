"""Takes one step of an import, and tells people of the few that are news."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import assert_never

from controller.api.batchimport import OnExisting
from controller.cloud.errors import Conflict
from controller.cloud.limiter import Lane
from controller.cloud.trace import request_id_of
from controller.core.imports.documents import RunRecord, encode
from controller.core.imports.identity import callback_path, record_key
from controller.core.imports.job import (
    AskDataset,
    BeginRetry,
    CancelRest,
    Conclude,
    ResolveSource,
    SendAgain,
    SendChunks,
    Step,
    WriteRecord,
    end_phase,
)
from controller.core.imports.records import Attempt, Cancelled, Paused, Resumed
from controller.core.imports.steps import LookForTask, Pause, Resume, SubmitTask, TakeResult, TurnTask, UploadManifest
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.imports import finish, verify
from controller.reconcile.imports.calls import Target
from controller.reconcile.imports.feed import Feed
from controller.reconcile.imports.follow import TaskStep, follow
from controller.reconcile.imports.ground import Ground, oss_of, question_of
from controller.reconcile.imports.look import Look
from controller.reconcile.imports.parts import require_frozen
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.submit import Counter
from controller.reconcile.imports.watch import search_of
from controller.reconcile.report import with_request_id
from controller.reconcile.sessions import Session

PUT = "oss:PutObject"
log = logging.getLogger(__name__)


def take(step: Step, known: Ground, found: Look, context: Context, until: Callable[[], bool]) -> None:
    """Take a step, or as much of it as there is time for.

    Raises:
        controller.cloud.errors.CloudError: it did not get through; what it did is on record.
    """
    match step:
        case ResolveSource():
            context.resolutions.step(question_of(known, context), until, context.now())
        case WriteRecord():
            _begin(known, found, context)
        case BeginRetry() | CancelRest() | Pause() | Resume():
            _note(step, known, _run(found), context)
        case AskDataset(chunks, final):
            run, session = _run(found), _session(known)
            target, endpoint = _target(known, session, run, context), _endpoint(session)
            allowance = context.allowances.of(endpoint, target.topic, run.id, run.record)
            verify.ask(run, chunks, target, allowance, context.chunk_calls, until, final=final)
        case SendAgain(chunks):
            _feed(known, _run(found), context, until).send_again(chunks)
        case SendChunks():
            _feed(known, _run(found), context, until).send()
        case Conclude():
            _conclude(known, _run(found), context, until)
        case UploadManifest() | SubmitTask() | LookForTask() | TurnTask() | TakeResult():
            _follow(step, known, found, context, until)
        case _:
            assert_never(step)


def _note(step: BeginRetry | CancelRest | Pause | Resume, known: Ground, run: Run, context: Context) -> None:
    """What the journal alone has to know."""
    now = context.now()
    match step:
        case BeginRetry(token):
            run.note([Attempt(token, now)])
            _tell(known, Reason.RETRIED, f"what did not succeed is sent again, for token {token}", context)
        case CancelRest():
            run.note([Cancelled(now)])
            _tell(known, Reason.CANCELLED, "spec.deadline is over: what was not sent is cancelled", context)
        case Pause():
            run.note([Paused(now)])
        case Resume():
            run.note([Resumed(now)])
        case _:
            assert_never(step)


def _follow(step: TaskStep, known: Ground, found: Look, context: Context, until: Callable[[], bool]) -> None:
    seen, session = found.observed.task, _session(known)
    if seen is None:
        raise RuntimeError("a step of a task was decided without a look at its instance")
    oss = oss_of(session, context)
    run, reports = _run(found), context.clouds.reports(session.place, Lane.RESYNC)
    counter = Counter(search_of(session, context), oss, reports, _callback(run, context), context.now)
    said = follow(step, run, seen, counter, until)
    if isinstance(step, SubmitTask) and said:
        _tell(known, Reason.BEGUN, said, context)
    elif said:
        context.reporter.warn(known.target, Reason.CONFIRMING, said)


def _callback(run: Run, context: Context) -> str | None:
    """The address that is called when the task is over: nobody can guess it."""
    if context.callback_url is None:
        return None
    return f"{context.callback_url.rstrip('/')}{callback_path(run.id, run.record.nonce)}"


def _begin(known: Ground, found: Look, context: Context) -> None:
    """Write the run record. One that is there already is looked at next, whoever wrote it."""
    resolution, target, session = found.observed.resolution, known.target, _session(known)
    if resolution is None or known.place is None:
        raise RuntimeError("a run is begun only with what its source led to")
    question, named, pictures = question_of(known, context), target.spec.target.dataset, target.spec.target.image_search
    content = context.resolutions.record(question)
    if resolution.items:
        require_frozen(question.oss, known.bucket, content.content or resolution.run)
    record = RunRecord(
        cluster=context.cluster.uid(),
        namespace=target.metadata.namespace,
        name=target.metadata.name,
        work=known.work,
        account_id=known.place[0],
        region=known.place[1],
        project=known.project,
        dataset=known.dataset,
        on_existing=named.on_existing if named is not None else OnExisting.REINDEX,
        instance=pictures.instance_name if pictures is not None else "",
        bucket=pictures.bucket if pictures is not None else "",
        path=pictures.path if pictures is not None else "",
        content=content.content,
        source_etag=content.source_etag,
        unchecked=content.unchecked,
        items=resolution.items,
        skipped=resolution.skipped,
        digest=content.digest,
        nonce=secrets.token_hex(16),
        started_at=context.now().replace(microsecond=0),
        token=target.spec.retry.failed_items if target.spec.retry is not None else "",
    )
    try:
        oss_of(session, context).put_new(known.bucket, record_key(resolution.run), encode(record))
    except Conflict:
        log.info("run %s is on record already", resolution.run)
        return
    _tell(known, Reason.BEGUN, f"run {resolution.run} of {_counted(resolution.items, record)} begins", context)


def _conclude(known: Ground, run: Run, context: Context, until: Callable[[], bool]) -> None:
    now, phase_of = context.now().replace(microsecond=0), partial(end_phase, known.target.spec)
    end = finish.conclude(run, phase_of, now, until, context.chunk_calls.map)
    if end is None:
        return
    totals = end.totals
    said = (
        f"run {run.id} ended as {end.phase.value}: "
        f"{totals.succeeded} of {_counted(totals.items, run.record)} succeeded, "
        f"{totals.failed} failed, {totals.unknown} unknown, {totals.cancelled} cancelled"
    )
    _tell(known, Reason.ENDED, said, context)


def _counted(count: int, record: RunRecord) -> str:
    """In files, or in lines of a manifest."""
    return f"{count} {'line' if record.instance else 'file'}{'' if count == 1 else 's'}"


def _feed(known: Ground, run: Run, context: Context, until: Callable[[], bool]) -> Feed:
    session = _session(known)
    target, endpoint = _target(known, session, run, context), _endpoint(session)
    return Feed(
        run=run,
        target=target,
        allowance=lambda: context.allowances.of(endpoint, target.topic, run.id, run.record),
        halve=lambda used: context.allowances.halve(endpoint, used),
        executor=context.chunk_calls,
        window=context.import_workers,
        until=until,
    )


def _target(known: Ground, session: Session, run: Run, context: Context) -> Target:
    return Target(
        files=context.clouds.files(session.place, session.credentials, Lane.RESYNC),
        project=run.record.project,
        dataset=run.record.dataset,
        topic=known.events.topic if known.events is not None else "",
        now=context.now,
    )


def _endpoint(session: Session) -> tuple[str, str | None]:
    return session.place.region, session.place.imm


def _run(found: Look) -> Run:
    if found.run is None:
        raise RuntimeError("a step of a run was decided without the run")
    return found.run


def _session(known: Ground) -> Session:
    if known.session is None:
        raise RuntimeError("a step was decided without a session")
    return known.session


def _tell(known: Ground, reason: Reason, message: str, context: Context) -> None:
    said = with_request_id(message, request_id_of(PUT))
    log.info("BatchImport %s/%s: %s", known.target.metadata.namespace, known.target.metadata.name, said)
    context.reporter.event(known.target, reason, said)

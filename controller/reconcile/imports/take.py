"""Takes one step of an import, and tells people of the few that are news."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import assert_never

from controller.cloud.errors import Conflict
from controller.cloud.limiter import Lane
from controller.cloud.trace import request_id_of
from controller.core.imports.documents import RunRecord, encode
from controller.core.imports.identity import record_key
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
from controller.core.imports.records import Attempt, Cancelled
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.imports import finish, verify
from controller.reconcile.imports.calls import Target
from controller.reconcile.imports.feed import Feed
from controller.reconcile.imports.look import Ground, Look, oss_of, question_of
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.sources import require_frozen
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
        case BeginRetry(token):
            _run(found).note([Attempt(token, context.now())])
            _tell(known, Reason.RETRIED, f"what did not succeed is sent again, for token {token}", context)
        case CancelRest():
            _run(found).note([Cancelled(context.now())])
            _tell(known, Reason.CANCELLED, "spec.deadline is over: what was not sent is cancelled", context)
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
            _conclude(known, _run(found), context)
        case _:
            assert_never(step)


def _begin(known: Ground, found: Look, context: Context) -> None:
    """Write the run record. One that is there already is looked at next, whoever wrote it."""
    resolution, target, session = found.observed.resolution, known.target, _session(known)
    if resolution is None or known.place is None:
        raise RuntimeError("a run is begun only with what its source led to")
    question = question_of(known, context)
    if resolution.items:
        require_frozen(question.oss, known.bucket, resolution.run)
    record = RunRecord(
        cluster=context.cluster.uid(),
        namespace=target.metadata.namespace,
        name=target.metadata.name,
        work=known.work,
        account_id=known.place[0],
        region=known.place[1],
        project=known.project,
        dataset=known.dataset,
        on_existing=target.spec.target.dataset.on_existing,
        items=resolution.items,
        skipped=resolution.skipped,
        digest=context.resolutions.digest(question),
        nonce=secrets.token_hex(16),
        started_at=context.now().replace(microsecond=0),
        token=target.spec.retry.failed_items if target.spec.retry is not None else "",
    )
    try:
        oss_of(session, context).put_new(known.bucket, record_key(resolution.run), encode(record))
    except Conflict:
        log.info("run %s is on record already", resolution.run)
        return
    files = "1 file" if resolution.items == 1 else f"{resolution.items} files"
    _tell(known, Reason.BEGUN, f"run {resolution.run} of {files} begins", context)


def _conclude(known: Ground, run: Run, context: Context) -> None:
    totals = run.totals
    phase = end_phase(known.target.spec, totals)
    finish.conclude(run, phase, context.now().replace(microsecond=0), context.chunk_calls.map)
    said = (
        f"run {run.id} ended as {phase.value}: {totals.succeeded} of {totals.items} files succeeded, {totals.failed} "
        f"failed, {totals.unknown} unknown, {totals.cancelled} cancelled"
    )
    _tell(known, Reason.ENDED, said, context)


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

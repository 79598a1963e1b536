"""BatchImport: one pass, a bounded slice of its work. What to do is decided in `controller.core.imports.job`.

A pass looks, decides, takes one step and decides again, until there is nothing to do now or its time is over; then it
asks to be looked at again at once. So a run of hours never keeps a worker for longer than a slice, and an edit of the
object counts within one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.api.batchimport import BatchImport, BatchImportStatus, Phase
from controller.cloud.errors import CloudError, NotLeading, Retryable, Throttled
from controller.core.imports.job import Decision, decide
from controller.core.imports.steps import SendAgain, SendChunks, Step, SubmitTask, UploadManifest
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.context import Context, Outcome, resync_after
from controller.reconcile.dependencies import Postponed
from controller.reconcile.failures import verdict_of
from controller.reconcile.imports.gone import forget_run, let_go, submitted
from controller.reconcile.imports.ground import Ground, ground
from controller.reconcile.imports.look import Look, again, look, recalled
from controller.reconcile.imports.over import asks, has_ended
from controller.reconcile.imports.show import show
from controller.reconcile.imports.take import take
from controller.reconcile.refusals import heard
from controller.reconcile.report import PROGRESS_INTERVAL, summarize

SLICE = 2.0  # seconds
SOON = 1.0  # seconds until the next slice after one that met trouble and got on nevertheless
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reached:
    """How far a pass came.

    Attributes:
        decision: What is to be done next, or what did not get through.
        error: Why it did not.
        moved: Files were sent or told of all the same.
    """

    look: Look | None
    decision: Decision | None = None
    error: CloudError | None = None
    moved: bool = False


def reconcile_import(target: BatchImport, context: Context) -> Outcome:
    """Bring an import a slice further, and its status up to date. One that leaves owns nothing: it is let go of.

    Raises:
        controller.reconcile.ports.StaleObject: the object changed meanwhile; look again at the new one.
        controller.reconcile.ports.ObjectGone: the object is not there any more.
    """
    if target.metadata.deleting:
        let_go(target, context)
        return Outcome(gone=True)
    try:
        known = ground(target, context)
    except Postponed as postponed:
        return Outcome(look_again=postponed.look_again)
    mismatch = _another_account(known)
    if mismatch is not None:
        return _conclude(known, _Reached(None, Decision(target.status.phase, mismatch, None)), context)
    if not known.same and target.status.run is not None:
        forget_run(target.status.run, context)
    return _conclude(known, _advance(known, context, _slice()), context)


def _slice() -> Callable[[], bool]:
    ends = time.monotonic() + SLICE
    return lambda: time.monotonic() >= ends


def _advance(known: Ground, context: Context, until: Callable[[], bool]) -> _Reached:
    """Step by step, at least one."""
    found: Look | None = None
    first: Look | None = None
    decision: Decision | None = None
    phase, same = known.target.status.phase, known.same
    try:
        first = found = look(known, context)
        while True:
            decision = decide(known.target.spec, phase, found.observed, context.now(), same_run=same)
            if decision.step is None or _unnamed(decision.step, found, known):
                return _Reached(found, decision)
            phase, same = decision.phase, True
            take(decision.step, known, found, context, until)
            found = again(found, known, context)
            if until():
                decision = decide(known.target.spec, phase, found.observed, context.now(), same_run=True)
                return _Reached(found, decision)
    except CloudError as error:
        log.warning("BatchImport %s/%s: %s", known.target.metadata.namespace, known.target.metadata.name, error)
        found = recalled(found, known, context) if found is not None else None
        return _Reached(found, decision, error, moved=_moved(first, found))


def _unnamed(step: Step, found: Look, known: Ground) -> bool:
    """Whether a step would send what the stored status does not speak of: what is billed is always in the history."""
    resolution = found.observed.resolution
    sends = isinstance(step, SendChunks | SendAgain | UploadManifest | SubmitTask)
    return sends and resolution is not None and known.target.status.run != resolution.run


def _moved(first: Look | None, last: Look | None) -> bool:
    """Whether the run is not where it was: then an error is one call's, and the rest need not wait for long."""
    before, after = (one.observed.run if one is not None else None for one in (first, last))
    if before is None or after is None:
        return False
    return (before.unsent, before.sent) != (after.unsent, after.sent)


def _another_account(known: Ground) -> Verdict | None:
    """An import stays with the account that it began in."""
    identity, signed_in = known.target.status.identity, known.place
    if identity is None or signed_in is None or (identity.account_id, identity.region) == signed_in:
        return None
    return Verdict(
        Standing.STALLED,
        Reason.ACCOUNT_MISMATCH,
        f"it belongs to account {identity.account_id} in {identity.region}, and CloudAccount "
        f"{known.target.spec.account_ref.name} now signs in to {signed_in[0]} in {signed_in[1]}; let it sign in as "
        "before, or delete this object and make another for the other account",
    )


def _conclude(known: Ground, reached: _Reached, context: Context) -> Outcome:
    target, error, decision = known.target, reached.error, reached.decision
    if isinstance(error, NotLeading) and error.opens_in is None:
        return Outcome()  # another process leads, and its word counts
    pictures = target.spec.target.image_search is not None
    if pictures and isinstance(error, Throttled):
        error = None  # the limiter slows down, and nothing is wrong
        if decision is None:
            return Outcome(look_again=SOON)
        decision = replace(decision, step=None, verdict=replace(decision.verdict, look_again=SOON))
    verdict = verdict_of(error) if error is not None else decision.verdict if decision is not None else None
    if verdict is None:
        raise RuntimeError("a pass ended with neither a decision nor an error")
    verdict = heard(target, verdict, error, context)
    if pictures and _stands_back(known, verdict, error) and not _has_task(target, reached.look, context):
        context.turns.leave(target)
    phase: Phase | None = decision.phase if decision is not None else target.status.phase if known.same else None
    status = summarize(target, show(known, reached.look, phase), verdict, context.now())
    written = context.reporter.write(target, target.status, status, verdict)
    held_back = written is target and status != target.status
    if isinstance(error, NotLeading):
        return Outcome(look_again=error.opens_in)
    if isinstance(error, Retryable):
        return Outcome(look_again=SOON) if reached.moved else Outcome(failed=True)
    if error is None and decision is not None and decision.step is not None:
        return Outcome(look_again=0.0)
    if error is None and not held_back:
        _let_go(target, status, reached.look, context)
    looks = [resync_after(target.spec.resync_interval)]
    looks += [verdict.look_again] if verdict.look_again is not None else []
    looks += [PROGRESS_INTERVAL.total_seconds()] if held_back else []
    return Outcome(look_again=min(looks))


def _stands_back(known: Ground, verdict: Verdict, error: CloudError | None) -> bool:
    """Whether others need not wait: it cannot go on, has no account, or something of its own does not answer."""
    trouble = isinstance(error, Retryable) and not isinstance(error, NotLeading)
    return verdict.standing is not Standing.PROGRESSING or known.session is None or trouble


def _has_task(target: BatchImport, found: Look | None, context: Context) -> bool:
    """Whether a batch task is, or may be, at work: whose turn comes is seen when that is looked at."""
    if found is None:
        return submitted(target, context) is not None
    return found.observed.run is not None and found.observed.run.chunk is not None


def _let_go(target: BatchImport, status: BatchImportStatus, found: Look | None, context: Context) -> None:
    """Forget a run that ended: its status says it all, and a late word has it loaded again."""
    if found is None or not has_ended(status) or status.run is None or asks(target.spec, status):
        return
    if found.observed.run is not None and found.observed.run.concluded:
        if found.run is not None:
            context.runs.trust(status.run, found.words)
        context.runs.drop(status.run)

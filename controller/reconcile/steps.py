"""The one pass every managed kind goes through, whatever woke it: observe, plan, apply in order, report.

Actions change what was observed (`apply` returns the new observation), and planning goes on from there until nothing
is left to do. So the answer to a write is used at once, and a submit is only ever planned from an intent that this
pass wrote and the API server acknowledged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar, assert_never

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.kind import Kind
from controller.api.status import ManagedStatus
from controller.cloud.errors import CloudError, NotLeading, Retryable
from controller.cloud.fence import unfenced
from controller.cloud.trace import request_id_of, told
from controller.core.actions import (
    Action,
    ClaimOwnership,
    CloudAction,
    CreateBinding,
    CreateDataset,
    DeleteBinding,
    DeleteDataset,
    Hold,
    RecordIntent,
    Release,
    ReleaseOwnership,
    StandIn,
    UpdateDataset,
)
from controller.core.binding import ObservedBinding
from controller.core.dataset import ObservedDataset
from controller.core.intents import Ledger
from controller.core.plan import Plan, Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile import departures
from controller.reconcile.context import Context, Outcome, resync_after
from controller.reconcile.dependencies import Postponed
from controller.reconcile.failures import verdict_of
from controller.reconcile.leaving import with_stand_in, with_way_out
from controller.reconcile.ownership import settle
from controller.reconcile.refusals import heard
from controller.reconcile.report import PROGRESS_INTERVAL, announced, summarize, with_request_id
from controller.reconcile.standin import stand_in_manifest

MAX_STEPS = 8  # a pass that plans more often than this does not converge: a bug, reported as such
log = logging.getLogger(__name__)
PENDING = Verdict(Standing.PROGRESSING, Reason.CREATING, "")

Target = TypeVar("Target", Dataset, DatasetBinding)
Observed = TypeVar("Observed", ObservedDataset, ObservedBinding)

DONE: dict[type[CloudAction], Reason] = {
    CreateDataset: Reason.CREATED,
    UpdateDataset: Reason.UPDATED,
    DeleteDataset: Reason.DELETED,
    CreateBinding: Reason.CREATED,
    DeleteBinding: Reason.DELETED,
}


@dataclass(frozen=True, slots=True)
class Work(Generic[Target, Observed]):
    """What differs from kind to kind.

    Attributes:
        observe: Look at the world; raises CloudError.
        plan: Decide, purely.
        apply: Make one cloud call and return the observation as it is after it; raises CloudError.
        report: The kind's own status fields.
    """

    observe: Callable[[Target, Context], Observed]
    plan: Callable[[Target, Observed, datetime], Plan]
    apply: Callable[[CloudAction, Observed, Target, Context], Observed]
    report: Callable[[Target, Observed, Context], ManagedStatus]


@dataclass(frozen=True, slots=True)
class Reached(Generic[Target, Observed]):
    """How far a pass came."""

    target: Target
    observed: Observed
    verdict: Verdict
    released: bool = False
    error: CloudError | None = None


def reconcile(work: Work[Target, Observed], target: Target, context: Context) -> Outcome:
    """Bring one object a step closer to its spec, and its status up to date.

    Raises:
        controller.reconcile.ports.StaleObject: the object changed meanwhile; plan again from the new one.
        controller.reconcile.ports.ObjectGone: the object is not there any more.
    """
    try:
        observed = work.observe(target, context)
    except Postponed as postponed:
        return Outcome(look_again=postponed.look_again)
    except CloudError as error:
        log.warning("%s: %s", name_of(target), error)
        return _conclude(target, target.status, with_way_out(target, verdict_of(error)), error, context, target.status)
    reached = _advance(work, Reached(target, observed, PENDING), context)
    if reached.released:
        return Outcome(gone=True)
    if isinstance(reached.error, NotLeading) and reached.error.opens_in is None:
        return Outcome()  # another process leads, and its word counts
    status = work.report(reached.target, reached.observed, context)
    return _conclude(reached.target, status, reached.verdict, reached.error, context, target.status)


def _advance(
    work: Work[Target, Observed], reached: Reached[Target, Observed], context: Context
) -> Reached[Target, Observed]:
    """Plan and apply until there is nothing to do, an action fails, or the object is released."""
    done: tuple[Action, ...] = ()
    for _ in range(MAX_STEPS):
        plan = work.plan(reached.target, reached.observed, context.now())
        reached = replace(reached, verdict=plan.verdict)
        if plan.actions == done:  # none; or what was done does not show yet: the verdict says when to look again
            return reached
        for action in plan.actions:
            try:
                reached = _apply(work, action, reached, context)
            except CloudError as error:
                return _failed(reached, action, error)
            if reached.released:
                return reached
        done = plan.actions
    raise RuntimeError(f"{name_of(reached.target)} did not converge in {MAX_STEPS} steps; last: {reached.verdict}")


def _apply(
    work: Work[Target, Observed], action: Action, reached: Reached[Target, Observed], context: Context
) -> Reached[Target, Observed]:
    target, observed = reached.target, reached.observed
    match action:
        case Hold():
            return replace(reached, target=context.cluster.hold(target), observed=replace(observed, held=True))
        case Release(reason, message):
            if context.cluster.release(target):  # or the cache has not heard yet that it is gone: that was told before
                context.reporter.event(target, reason, message)
                log.log(departures.level(reason), "%s: %s (%s)", name_of(target), action.describe(), reason)
                departures.counts.add(target.kind(), reason)
            return replace(reached, released=True)
        case StandIn(name):
            there = context.cluster.stand_in(target, stand_in_manifest(target, name))
            return replace(reached, observed=replace(observed, leaving=with_stand_in(observed.leaving, there=there)))
        case RecordIntent(intent):
            noted = replace(observed, ledger=replace(observed.ledger, intent=intent, acknowledged=True))
            status = announced(target, work.report(target, noted, context), reached.verdict, context.now())
            # A note of what a look-up found is anybody's; an intent is only for who may submit it.
            with context.fence(intent.operation) if intent.absent_since is None else unfenced(intent.operation):
                return replace(reached, target=context.reporter.write_now(target, status), observed=noted)
        case ClaimOwnership() | ReleaseOwnership():
            found = settle(action, target, observed.claim, context)
            log.info("%s: %s: %s", name_of(target), action.describe(), found.holding)
            return replace(reached, observed=replace(observed, claim=found))
        case CreateDataset() | UpdateDataset() | DeleteDataset() | CreateBinding() | DeleteBinding():
            after = work.apply(action, observed, target, context)
            operation = f"imm:{type(action).__name__}"
            done = with_request_id(action.describe(), request_id_of(operation))
            log.info("%s: %s", name_of(target), done, extra=told(operation))
            context.reporter.event(target, DONE[type(action)], done)
            return replace(reached, observed=replace(after, ledger=_answered(action, after.ledger)))
        case _:
            assert_never(action)


def _answered(action: CloudAction, ledger: Ledger) -> Ledger:
    """An answered submit settles its intent, except that an update is remembered until it shows."""
    kept = ledger.intent if isinstance(action, UpdateDataset) else None
    return replace(ledger, intent=kept, acknowledged=False)


def _failed(reached: Reached[Target, Observed], action: Action, error: CloudError) -> Reached[Target, Observed]:
    """A refusal settles the intent too; a lost answer leaves it open, and a write of the intent itself leaves it."""
    log.warning("%s: %s failed: %s", name_of(reached.target), action.describe(), error)
    ledger = reached.observed.ledger
    kept = ledger.intent if error.may_have_taken_effect or not isinstance(action, CloudAction) else None
    observed = replace(reached.observed, ledger=replace(ledger, intent=kept, acknowledged=False))
    return replace(reached, observed=observed, verdict=with_way_out(reached.target, verdict_of(error)), error=error)


def _conclude(
    target: Target,
    status: ManagedStatus,
    verdict: Verdict,
    error: CloudError | None,
    context: Context,
    first: ManagedStatus,
) -> Outcome:
    """Report; `first` is the status the pass began with."""
    verdict = heard(target, verdict, error, context)
    status = summarize(target, status, verdict, context.now())
    written = context.reporter.write(target, target.status, status, verdict, first)
    held_back = written is target and status != target.status
    if written is not target and status.adopted and not target.status.adopted:
        context.reporter.event(target, Reason.ADOPTED, "it existed already in the cloud and is now kept by this object")
    if isinstance(error, NotLeading):
        return Outcome(look_again=error.opens_in)
    if isinstance(error, Retryable):
        return Outcome(failed=True)
    looks = [resync_after(target.spec.resync_interval)]
    looks += [verdict.look_again] if verdict.look_again is not None else []
    looks += [PROGRESS_INTERVAL.total_seconds()] if held_back else []
    return Outcome(look_again=min(looks))


def name_of(target: Kind) -> str:
    """Kind, namespace and name, as logs and messages have it."""
    return f"{target.kind()} {target.metadata.namespace}/{target.metadata.name}"

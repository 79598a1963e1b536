"""BatchImport as a job: what to do next, given what was observed, and what the status says of it.

One step at a time: whoever applies it observes again and asks for the next. The phases' table is in
`controller.core.imports.phases`, the words for people are in `controller.core.imports.words`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.api.batchimport import BatchImportSpec, OnInvalid, Phase, Totals
from controller.api.fields import Mode
from controller.core.dependency import waiting_for
from controller.core.durations import span
from controller.core.imports import words
from controller.core.imports.observed import ObservedImport, ObservedRun, Resolution
from controller.core.imports.phases import BEGUN, ENDED, TRANSITIONS, IllegalStep, advance, diagram
from controller.core.imports.steps import (
    AskDataset,
    BeginRetry,
    CancelRest,
    Conclude,
    ResolveSource,
    SendAgain,
    SendChunks,
    Step,
    WriteRecord,
)
from controller.core.plan import Plan, Standing, Verdict, acts, progressing, ready, stalled
from controller.core.reasons import Reason

__all__ = [
    "TRANSITIONS", "AskDataset", "BeginRetry", "CancelRest", "Conclude", "Decision", "IllegalStep", "ObservedImport",
    "ObservedRun", "Resolution", "ResolveSource", "SendAgain", "SendChunks", "Step", "WriteRecord", "advance", "decide",
    "diagram", "end_phase",
]  # fmt: skip

POLL = 30.0  # seconds until progress is shown again; a verdict usually comes first


@dataclass(frozen=True, slots=True)
class Decision:
    """The phase and verdict that hold until `step` is done; with no step there is nothing to do now."""

    phase: Phase | None
    verdict: Verdict
    step: Step | None


def decide(
    spec: BatchImportSpec, before: Phase | None, observed: ObservedImport, now: datetime, *, same_run: bool
) -> Decision:
    """One step, and what the status says.

    Args:
        spec: What is wanted.
        before: `status.phase`.
        observed: What the decision rests on.
        now: The moment.
        same_run: Whether `before` was said of the very work and reading that the spec stands for now, which is that
            `status.work` is `identity.resolution_hash(work, spec.runToken)`.

    Raises:
        IllegalStep: the phase cannot follow the one before, which is a defect.
    """
    known = before if same_run else None
    decided = _decide(spec, known, observed, now)
    if not acts(spec.mode, suspend=spec.suspend):
        decided = _hold_back(decided, spec, known, observed, now)
    advance(before, decided.phase, same_run=same_run)
    return decided


def _decide(spec: BatchImportSpec, known: Phase | None, observed: ObservedImport, now: datetime) -> Decision:
    run, resolution = observed.run, observed.resolution
    if run is not None and not run.holder and run.settled and run.concluded and not _retries(spec, run, now):
        return _ended(spec, run, now)
    blocked = _blocked(known, observed)
    if blocked is not None:
        return _stand(known, blocked)
    if resolution is None:
        return _step(Phase.RESOLVING, Reason.RESOLVING, words.READING, ResolveSource())
    if run is None:
        return _unbegun(spec, observed, resolution)
    if run.holder:
        phase = known if known in BEGUN else Phase.REJECTED
        message = words.taken(observed.work_bucket, resolution.run, run.holder)
        return _stand(phase, stalled(Reason.OWNERSHIP_CONFLICT, message))
    under_way = None if run.settled else _clear_up(spec, run, now) or _send(observed, resolution, run, now)
    return under_way or _settled(spec, known, run, now)


def _blocked(known: Phase | None, observed: ObservedImport) -> Plan | None:
    """Why nothing can be done, or nothing be known for certain."""
    wait = waiting_for(*observed.needs)
    if wait is not None:
        return wait
    if not observed.work_bucket:
        return stalled(Reason.WORK_BUCKET_MISSING, words.NO_WORK_BUCKET)
    if known in BEGUN and (observed.run is None or observed.resolution is None):
        return stalled(Reason.RUN_VANISHED, words.VANISHED)
    return None


def _unbegun(spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution) -> Decision:
    """Say no before anything is submitted, and so before anything is billed."""
    refusal: Plan | None = None
    if resolution.problem_count and (spec.on_invalid is OnInvalid.REJECT or not resolution.items):
        refusal = stalled(Reason.SOURCE_INVALID, words.wrong(spec, resolution))
    elif spec.max_items is not None and resolution.items > spec.max_items:
        refusal = stalled(Reason.TOO_MANY_ITEMS, words.too_many(resolution.items, spec.max_items))
    if refusal is not None:
        return _stand(Phase.REJECTED, refusal)
    if _lacks_events(observed, resolution):
        return _stand(Phase.RESOLVING, stalled(Reason.EVENTS_MISSING, words.NO_EVENTS))
    return _step(Phase.RESOLVING, Reason.SUBMITTING, words.BEGINNING, WriteRecord())


def _settled(spec: BatchImportSpec, known: Phase | None, run: ObservedRun, now: datetime) -> Decision:
    if spec.retry is not None and _retries(spec, run, now):
        return _step(Phase.SUBMITTING, Reason.SUBMITTING, words.RETRYING, BeginRetry(spec.retry.failed_items))
    phase = end_phase(spec, run.totals) if known in ENDED else Phase.WAITING
    return _step(phase, Reason.AWAITING_RESULTS, words.CONCLUDING, Conclude())


def _clear_up(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> Decision | None:
    """What comes before more is sent."""
    if _over(spec, run, now) and not run.cancelled:
        return _step(_sending(run), Reason.SUBMITTING, words.CANCELLING, CancelRest())
    unasked = tuple(number for number in run.lost if number not in run.asked)
    if unasked:
        return _step(_sending(run), Reason.CONFIRMING, words.CONFIRMING, AskDataset(unasked))
    given_up = {*run.overdue, *(run.lost if run.cancelled else ())}
    if given_up:
        return _step(
            _sending(run), Reason.AWAITING_RESULTS, words.ASKING, AskDataset(tuple(sorted(given_up)), final=True)
        )
    return None


def _send(observed: ObservedImport, resolution: Resolution, run: ObservedRun, now: datetime) -> Decision:
    if not (run.lost or run.unsent):
        return _stand(Phase.WAITING, progressing(Reason.AWAITING_RESULTS, words.WAITING, look_again=_until(run, now)))
    if _lacks_events(observed, resolution):
        return _stand(_sending(run), stalled(Reason.EVENTS_MISSING, words.NO_EVENTS, look_again=_until(run, now)))
    if run.full and not run.lost:
        wait = progressing(Reason.CONFIRMING, words.CONFIRMING, look_again=_until(run, now))
        return _stand(_sending(run), wait)
    step = SendAgain(run.lost) if run.lost else SendChunks()
    return _step(_sending(run), Reason.SUBMITTING, words.SENDING, step)


def _ended(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> Decision:
    phase = end_phase(spec, run.totals)
    late = _asks(spec, run) and _over(spec, run, now)
    message = words.end(spec, run.totals, complete=phase is Phase.COMPLETE, retry_is_late=late)
    return _stand(phase, ready(message) if phase is Phase.COMPLETE else stalled(Reason.PARTIALLY_FAILED, message))


def _hold_back(
    decided: Decision, spec: BatchImportSpec, known: Phase | None, observed: ObservedImport, now: datetime
) -> Decision:
    """What mode and suspension forbid is only told of. Reading the source is what DryRun is for."""
    step, run = decided.step, observed.run
    if step is None:
        return replace(decided, verdict=_paused(decided.verdict, ())) if spec.suspend else decided
    if isinstance(step, ResolveSource) and spec.mode is Mode.DRY_RUN and not spec.suspend:
        return decided
    shown = replace(decided, phase=known, step=None) if run is None else replace(decided, step=None)
    if run is not None and run.settled:
        shown = _ended(spec, run, now)
    if isinstance(step, Conclude) and not spec.suspend:
        return shown
    changes = words.changes(step, spec, observed)
    if spec.suspend:
        return replace(shown, verdict=_paused(shown.verdict, changes))
    held = Verdict(Standing.STALLED, Reason.PLANNED, words.held_back(spec.mode, changes), planned_changes=changes)
    return replace(shown, verdict=held)


def _paused(verdict: Verdict, changes: tuple[str, ...]) -> Verdict:
    return replace(verdict, suspended=True, planned_changes=changes, look_again=None)


def _sending(run: ObservedRun) -> Phase:
    return Phase.SUBMITTING if run.unsent or run.lost else Phase.WAITING


def end_phase(spec: BatchImportSpec, totals: Totals) -> Phase:
    """How a settled run ends: `spec.maxFailedItems` decides over all that did not succeed."""
    failed = totals.failed + totals.unknown + totals.cancelled
    return Phase.COMPLETE if failed <= spec.max_failed_items else Phase.FAILED


def _asks(spec: BatchImportSpec, run: ObservedRun) -> bool:
    return spec.retry is not None and spec.retry.failed_items != run.token


def _retries(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> bool:
    """A retry that the deadline would cancel at once is not begun: the failures' reasons would be lost for nothing."""
    return _asks(spec, run) and not _over(spec, run, now)


def _over(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> bool:
    return spec.deadline is not None and now >= run.started_at + span(spec.deadline)


def _lacks_events(observed: ObservedImport, resolution: Resolution) -> bool:
    """Only what is indexed is answered by messages."""
    return bool(resolution.adds) and not (observed.topic and observed.queue)


def _until(run: ObservedRun, now: datetime) -> float:
    due = (run.next_due - now).total_seconds() if run.next_due else POLL
    return min(max(due, 1.0), POLL)


def _stand(phase: Phase | None, plan: Plan) -> Decision:
    return Decision(phase, plan.verdict, None)


def _step(phase: Phase, reason: Reason, message: str, step: Step) -> Decision:
    return Decision(phase, progressing(reason, message, look_again=0.0).verdict, step)

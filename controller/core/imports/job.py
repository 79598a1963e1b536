"""BatchImport as a job: what to do next, given what was observed, and what the status says of it.

One step at a time: whoever applies it observes again and asks for the next. The phases' table is in
`controller.core.imports.phases`, the words for people are in `controller.core.imports.words`, what is of Image Search
alone in `controller.core.imports.taskjob`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from controller.api.batchimport import BatchImportSpec, OnInvalid, Phase
from controller.api.fields import Mode
from controller.core.dependency import waiting_for
from controller.core.imports import taskjob, words
from controller.core.imports.decision import Decision, stand, take
from controller.core.imports.limits import asks, end_phase, is_over, refused_retry, retries
from controller.core.imports.observed import ObservedImport, ObservedRun, Resolution
from controller.core.imports.phases import BEGUN, ENDED, TRANSITIONS, IllegalStep, advance, diagram
from controller.core.imports.steps import (
    AskDataset,
    BeginRetry,
    CancelRest,
    Conclude,
    Pause,
    ResolveSource,
    Resume,
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
    noted = _note_time(spec, known, observed)
    return replace(decided, step=noted) if noted is not None else decided


def _decide(spec: BatchImportSpec, known: Phase | None, observed: ObservedImport, now: datetime) -> Decision:
    run, resolution = observed.run, observed.resolution
    if run is not None and _is_ended(run) and not retries(spec, run, now):
        return _ended(spec, run, now)
    blocked = _blocked(known, observed)
    if blocked is not None:
        return stand(known, blocked)
    if run is None or resolution is None:
        return _unbegun(spec, observed)
    if run.holder:
        phase = known if known in BEGUN else Phase.REJECTED
        message = words.taken(observed.work_bucket, resolution.run, run.holder)
        return stand(phase, stalled(Reason.OWNERSHIP_CONFLICT, message))
    return _settled(spec, known, run, now) if run.settled else _under_way(spec, observed, resolution, run, now)


def _is_ended(run: ObservedRun) -> bool:
    return run.settled and run.concluded and not run.holder


def _note_time(spec: BatchImportSpec, known: Phase | None, observed: ObservedImport) -> Step | None:
    """Suspension is on record while it lasts, before anything else is done, so that the deadline stands still.

    Only in mode Apply: the others write nothing.
    """
    run = observed.run
    if run is None or run.holder or spec.mode is not Mode.APPLY or _blocked(known, observed) is not None:
        return None
    if spec.suspend:
        return Pause() if not (run.paused or run.settled) else None
    return Resume() if run.paused and not _is_ended(run) else None


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


def _unbegun(spec: BatchImportSpec, observed: ObservedImport) -> Decision:
    """Say no before anything is submitted, and so before anything is billed."""
    resolution, blocked = observed.resolution, taskjob.blocked(observed)
    if blocked is not None:
        return stand(Phase.RESOLVING, blocked)
    if resolution is None:
        return take(Phase.RESOLVING, Reason.RESOLVING, words.READING, ResolveSource())
    refusal = _refusal(spec, resolution)
    if refusal is not None:
        return stand(Phase.REJECTED, refusal)
    if _lacks_events(spec, observed, resolution):
        return stand(Phase.RESOLVING, stalled(Reason.EVENTS_MISSING, words.NO_EVENTS))
    return take(Phase.RESOLVING, Reason.SUBMITTING, words.BEGINNING, WriteRecord())


def _refusal(spec: BatchImportSpec, resolution: Resolution) -> Plan | None:
    if resolution.problem_count and (spec.on_invalid is OnInvalid.REJECT or not resolution.items):
        return stalled(Reason.SOURCE_INVALID, words.wrong(spec, resolution))
    if spec.max_items is not None and resolution.items > spec.max_items:
        return stalled(Reason.TOO_MANY_ITEMS, words.too_many(spec, resolution.items, spec.max_items))
    return taskjob.refuse(spec, resolution)


def _settled(spec: BatchImportSpec, known: Phase | None, run: ObservedRun, now: datetime) -> Decision:
    if spec.retry is not None and retries(spec, run, now):
        return take(Phase.SUBMITTING, Reason.SUBMITTING, words.RETRYING, BeginRetry(spec.retry.failed_items))
    phase = end_phase(spec, run.totals) if known in ENDED else Phase.WAITING
    return take(phase, Reason.AWAITING_RESULTS, words.CONCLUDING, Conclude())


def _under_way(
    spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution, run: ObservedRun, now: datetime
) -> Decision:
    if is_over(spec, run, now) and not run.cancelled:
        return take(_sending(run), Reason.SUBMITTING, words.CANCELLING, CancelRest())
    if spec.target.image_search is not None:
        return taskjob.decide(spec, observed, resolution, run, now)
    return _clear_up(run) or _send(spec, observed, resolution, run, now)


def _clear_up(run: ObservedRun) -> Decision | None:
    """What comes before more is sent."""
    unasked = tuple(number for number in run.lost if number not in run.asked)
    if unasked:
        return take(_sending(run), Reason.CONFIRMING, words.CONFIRMING, AskDataset(unasked))
    given_up = {*run.overdue, *(run.lost if run.cancelled else ())}
    if given_up:
        return take(
            _sending(run), Reason.AWAITING_RESULTS, words.ASKING, AskDataset(tuple(sorted(given_up)), final=True)
        )
    return None


def _send(
    spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution, run: ObservedRun, now: datetime
) -> Decision:
    if not (run.lost or run.unsent):
        return stand(Phase.WAITING, progressing(Reason.AWAITING_RESULTS, words.WAITING, look_again=_until(run, now)))
    if _lacks_events(spec, observed, resolution):
        return stand(_sending(run), stalled(Reason.EVENTS_MISSING, words.NO_EVENTS, look_again=_until(run, now)))
    if run.full and not run.lost:
        wait = progressing(Reason.CONFIRMING, words.CONFIRMING, look_again=_until(run, now))
        return stand(_sending(run), wait)
    step = SendAgain(run.lost) if run.lost else SendChunks()
    return take(_sending(run), Reason.SUBMITTING, words.SENDING, step)


def _ended(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> Decision:
    phase = end_phase(spec, run.totals)
    refused = refused_retry(spec, run, now) if asks(spec, run) else ""
    message = words.end(spec, run, complete=phase is Phase.COMPLETE, refused_retry=refused)
    reason = Reason(run.unknowable or Reason.PARTIALLY_FAILED)
    return stand(phase, ready(message) if phase is Phase.COMPLETE else stalled(reason, message))


def _hold_back(
    decided: Decision, spec: BatchImportSpec, known: Phase | None, observed: ObservedImport, now: datetime
) -> Decision:
    """What mode and suspension forbid is only told of."""
    step, run = decided.step, observed.run
    if step is None:
        return _at_rest(decided, run) if spec.suspend else decided
    if _changes_nothing(step, spec):
        return replace(decided, verdict=replace(decided.verdict, suspended=spec.suspend))
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


def _changes_nothing(step: Step, spec: BatchImportSpec) -> bool:
    """Reading the source is what DryRun is for; a task that was submitted is followed to its end in every mode.

    Its report is there for two hours only, and others wait for the instance.
    """
    if isinstance(step, ResolveSource):
        return spec.mode is Mode.DRY_RUN and not spec.suspend
    return isinstance(step, taskjob.FOLLOWS)


def _at_rest(decided: Decision, run: ObservedRun | None) -> Decision:
    """A task runs on all the same, and no message tells of its end: it is looked at as before."""
    look_again = decided.verdict.look_again if run is not None and run.chunk is not None else None
    return replace(decided, verdict=_paused(decided.verdict, (), look_again))


def _paused(verdict: Verdict, changes: tuple[str, ...], look_again: float | None = None) -> Verdict:
    return replace(verdict, suspended=True, planned_changes=changes, look_again=look_again)


def _sending(run: ObservedRun) -> Phase:
    return Phase.SUBMITTING if run.unsent or run.lost else Phase.WAITING


def _lacks_events(spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution) -> bool:
    """Only what is indexed into a dataset is answered by messages."""
    messages = spec.target.dataset is not None and resolution.adds > 0
    return messages and not (observed.topic and observed.queue)


def _until(run: ObservedRun, now: datetime) -> float:
    due = (run.next_due - now).total_seconds() if run.next_due else POLL
    return min(max(due, 1.0), POLL)

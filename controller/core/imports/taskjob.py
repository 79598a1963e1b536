"""The part of the job that is of Image Search: one batch task for each attempt, submitted exactly once, then followed.

While a TASK chunk is open nothing is submitted: it is looked for until its task is known, or until two complete lists,
spaced wider than a call may last, do not have it.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from controller.api.batchimport import BatchImportSpec, Phase
from controller.core.imports import taskwords
from controller.core.imports.decision import Decision, stand, take
from controller.core.imports.observed import ManifestState, ObservedImport, ObservedRun, ObservedTask, Resolution
from controller.core.imports.steps import LookForTask, SubmitTask, TakeResult, TurnTask, UploadManifest
from controller.core.imports.tasks import MOST_WAIT, PATIENCE, TaskState, state_of, wait
from controller.core.plan import Plan, progressing, stalled
from controller.core.reasons import Reason

LOOKS = 2  # complete look-ups without the task, before its submit took no effect
MEND_WAIT = 60.0  # seconds: what a person mends in the console nobody tells us of
FOLLOWS = (LookForTask, TurnTask, TakeResult)  # these submit nothing


def refuse(spec: BatchImportSpec, resolution: Resolution) -> Plan | None:
    """Why a run of that content is not begun, besides what goes for every source."""
    if spec.target.image_search is None:
        return None
    forbidden = _forbidden(spec, resolution)
    if forbidden is not None:
        return forbidden
    as_it_is = spec.source.manifest is None or resolution.source_etag or not resolution.items
    if not as_it_is and not spec.allow_manifest_replace:
        return stalled(Reason.MANIFEST_PROTECTED, taskwords.protected(spec, resolution))
    return None


def blocked(observed: ObservedImport) -> Plan | None:
    """Why nothing can be submitted into the instance as things are."""
    if observed.task is None or observed.task.refusal is None:
        return None
    reason, message = observed.task.refusal
    return stalled(reason, message, look_again=MEND_WAIT)


def decide(
    spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution, run: ObservedRun, now: datetime
) -> Decision:
    """The next step of a run that is on record and not settled."""
    task = observed.task
    if task is None:
        plan = progressing(Reason.SUBMITTING, taskwords.LOOKING, look_again=MOST_WAIT)
        return stand(Phase.WAITING if run.task is not None else Phase.SUBMITTING, plan)
    if run.chunk is None:
        return _submit(spec, observed, resolution, task)
    if run.task is None:
        return _look_for(task, run.chunk, now)
    return _follow(spec, observed, task, run.chunk, run.task, now)


def _look_for(task: ObservedTask, chunk: int, now: datetime) -> Decision:
    """A submit without an answer: it may have taken effect."""
    if task.looked >= LOOKS:
        return take(Phase.SUBMITTING, Reason.CONFIRMING, taskwords.TURNING, TurnTask(chunk))
    if task.look_at is not None and now < task.look_at:
        due = (task.look_at - now).total_seconds()
        return stand(Phase.SUBMITTING, progressing(Reason.CONFIRMING, taskwords.CONFIRMING, look_again=max(due, 1.0)))
    return take(Phase.SUBMITTING, Reason.CONFIRMING, taskwords.CONFIRMING, LookForTask(chunk))


def _follow(
    spec: BatchImportSpec, observed: ObservedImport, task: ObservedTask, chunk: int, number: int, now: datetime
) -> Decision:
    facts = task.facts
    lost = task.unclear_since is not None and now - task.unclear_since >= PATIENCE
    if facts is None:
        words = taskwords.unlisted(number, task.instance, lost=lost)
        look_again = MEND_WAIT if lost else MOST_WAIT
        plan = blocked(observed) or progressing(Reason.AWAITING_RESULTS, words, look_again=look_again)
        return stand(Phase.WAITING, plan)
    if state_of(facts.status) is not TaskState.PROCESSING:
        return take(Phase.WAITING, Reason.AWAITING_RESULTS, taskwords.TAKING, TakeResult(chunk))
    words = taskwords.running(facts, number, suspended=spec.suspend, lost=lost)
    return stand(Phase.WAITING, progressing(Reason.TASK_RUNNING, words, look_again=wait(facts.created_at, now)))


def _submit(spec: BatchImportSpec, observed: ObservedImport, resolution: Resolution, task: ObservedTask) -> Decision:
    """Everything that is unsent goes into one task. What stands in the way is said in the order of whose turn it is."""
    in_the_way = (
        blocked(observed) or _forbidden(spec, resolution) or _not_our_turn(task) or _by_manifest(spec, resolution, task)
    )
    if in_the_way is not None:
        return stand(Phase.SUBMITTING, in_the_way)
    if task.manifest is ManifestState.OURS or not task.upload:
        return take(Phase.SUBMITTING, Reason.SUBMITTING, taskwords.SUBMITTING, SubmitTask())
    return take(Phase.SUBMITTING, Reason.SUBMITTING, taskwords.UPLOADING, UploadManifest())


def _forbidden(spec: BatchImportSpec, resolution: Resolution) -> Plan | None:
    """Also of a run that has begun: the permission may have been taken back since."""
    if resolution.wide and not spec.allow_whole_product_delete:
        return stalled(Reason.WHOLE_PRODUCT_DELETE, taskwords.wide(resolution))
    return None


def _not_our_turn(task: ObservedTask) -> Plan | None:
    if task.ahead or task.busy:
        return _queue(taskwords.queued(task))
    return None


def _by_manifest(spec: BatchImportSpec, resolution: Resolution, task: ObservedTask) -> Plan | None:
    """What lies where the manifest belongs, and may be neither submitted nor replaced."""
    match task.manifest:
        case ManifestState.OURS:
            return None
        case ManifestState.HELD:
            return _queue(taskwords.held(spec, task))
        case ManifestState.FOREIGN | ManifestState.UNRECORDED:
            unrecorded = task.manifest is ManifestState.UNRECORDED
            words = taskwords.unrecorded(spec, task) if unrecorded else taskwords.foreign(spec)
            return _stop(Reason.MANIFEST_FOREIGN, words)
        case ManifestState.CHANGED:
            return _stop(Reason.MANIFEST_CHANGED, taskwords.changed(spec))
        case ManifestState.SOURCE:
            kept = task.upload and not task.may_replace
            return _stop(Reason.MANIFEST_PROTECTED, taskwords.protected(spec, resolution)) if kept else None
        case ManifestState.ABSENT | ManifestState.STALE:
            return None if task.upload else _stop(Reason.MANIFEST_CHANGED, taskwords.changed(spec))
        case _:
            assert_never(task.manifest)


def _queue(words: str) -> Plan:
    return progressing(Reason.QUEUED, words, look_again=MOST_WAIT)


def _stop(reason: Reason, words: str) -> Plan:
    return stalled(reason, words, look_again=MEND_WAIT)

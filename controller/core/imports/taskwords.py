"""What the status of an import into Image Search says to people, and what its refusals are.

The console's steps are those of the vendor's guide on batch operations.
"""

from __future__ import annotations

from typing import assert_never

from controller.api.batchimport import BatchImportSpec, ImageSearchImport, OnInvalid
from controller.api.bounds import cut
from controller.api.importsource import MANIFEST
from controller.core.facts import TaskFacts
from controller.core.imports.observed import ObservedTask, Resolution
from controller.core.imports.steps import (
    LookForTask,
    Pause,
    Resume,
    SubmitTask,
    TakeResult,
    TaskStep,
    TurnTask,
    UploadManifest,
)
from controller.core.imports.tasks import ABANDONED, is_known
from controller.core.reasons import Reason

MAX_WORDS = 300  # of somebody else, in one message
TAB = "in the Image Search console, on the Batch Operation tab of the instance"
LOOKING = "the instance, its tasks and the manifest are looked at before anything is submitted"
UPLOADING = "increment.meta is put into its place; nothing is submitted yet"
SUBMITTING = "the batch task is submitted"
CONFIRMING = (
    "the answer to the submit was lost; the instance's list of tasks is read twice, with a pause, before another"
)
TURNING = "two complete lists of the instance's tasks have none of this submit, so it took no effect"
TAKING = "the task is over; its result is read line by line"
RETRY_REPLACES = (
    "it would put a manifest of the failed lines in place of your increment.meta, which spec.allowManifestReplace does "
    "not allow: set it, and your own is kept in the work bucket first"
)
NEVER_KNOWN = {
    Reason.REPORT_EXPIRED: "the task's report was not fetched within the two hours that its address works",
    Reason.REPORT_UNREADABLE: "the task's report cannot be understood, or there is none",
    Reason.MANIFEST_CHANGED: "increment.meta was changed while it was submitted, and nobody knows which lines went in",
}


def instance_absent(target: ImageSearchImport, region: str) -> tuple[Reason, str]:
    """A refusal: there is no such instance."""
    return Reason.INSTANCE_NOT_FOUND, (
        f"no Image Search instance named {target.instance_name} is in {region}. The name is wanted, which the console "
        "shows, not the id (imagesearch-cn-…). Create it, or correct spec.target.imageSearch.instanceName"
    )


def wrong_region(target: ImageSearchImport, bucket_region: str, instance_region: str) -> tuple[Reason, str]:
    """A refusal: bucket and instance are apart."""
    return Reason.REGION_MISMATCH, (
        f"bucket {target.bucket} is in {bucket_region} and instance {target.instance_name} in {instance_region}: a "
        "batch operation reads its own region only. Copy the pictures into a bucket there"
    )


def wide(resolution: Resolution) -> str:
    """Whole products would go, and nobody allowed that."""
    lines = "1 line of the source has" if resolution.wide == 1 else f"{resolution.wide} lines of the source have"
    return (
        f"{lines} DELETE without PicName, which removes every picture of a product; nothing was submitted. Name the "
        "pictures, or set spec.allowWholeProductDelete"
    )


def queued(task: ObservedTask) -> str:
    """Others come first: one task of an instance runs at a time."""
    if task.ahead:
        who = f", {task.first} first" if task.first else ""
        before = "1 import comes" if task.ahead == 1 else f"{task.ahead} imports come"
        return f"{before} before this one into instance {task.instance}{who}; it goes on by itself"
    return cut(
        f"instance {task.instance} works on a task that no import of this operator made: {task.busy}. This one is the "
        f"first to follow, and goes on by itself. To go ahead of it, find that task {TAB}, click Cancel, then OK",
        1024,
    )


def held(spec: BatchImportSpec, task: ObservedTask) -> str:
    """Another run's manifest lies there."""
    return (
        f"{place(spec)} is the manifest of {cut(task.holder, MAX_WORDS) or 'another run'}, which is not over; this one "
        "follows it. If that run's object is gone for good, remove the manifest"
    )


def unrecorded(spec: BatchImportSpec, task: ObservedTask) -> str:
    """An import's manifest lies there, and nobody here knows that import."""
    return (
        f"{place(spec)} is marked as the manifest of {cut(task.holder, MAX_WORDS)}, and this work bucket has no record "
        "of it: they expired, or it is an operator's with another work bucket; nothing was submitted. Make sure that "
        "no import there is about to submit it, remove it, and request a reconcile. Once it has lain there for "
        f"{ABANDONED.days} days, and no object names that run, it is replaced without that"
    )


def foreign(spec: BatchImportSpec) -> str:
    """A manifest that no import wrote lies where one is to be written."""
    return (
        f"{place(spec)} is not of this operator, and is never overwritten; nothing was submitted. Move it away and "
        "request a reconcile, or import it itself with spec.source.manifest, or use another path"
    )


def changed(spec: BatchImportSpec) -> str:
    """What was checked is not what lies there."""
    if spec.source.manifest is not None:
        return (
            f"{place(spec)} is not as it was checked; nothing was submitted. Set spec.runToken to a new text to have "
            "it read and checked afresh, or put back what was there"
        )
    return (
        f"{place(spec)} is not as this import wrote it; nothing was submitted. Find out who writes there, remove it, "
        "and request a reconcile: it is written again"
    )


def protected(spec: BatchImportSpec, resolution: Resolution) -> str:
    """The user's own manifest does not go in as it is, and may not be replaced."""
    skipped = resolution.skipped
    without = f" without its {_count(skipped, 'wrong line')}" if skipped else ""
    mend = "correct it, set spec.runToken to a new text" if spec.on_invalid is OnInvalid.SKIP else "correct it"
    return (
        f"{place(spec)} can only go in{without}, and spec.allowManifestReplace does not allow to put another in its "
        f"place; nothing was submitted. Set it (your own is kept in the work bucket first), or {mend}. The checked "
        f"lines are those of the objects below {resolution.checked}, one after the other"
    )


def running(facts: TaskFacts, task: int, *, suspended: bool, lost: bool = False) -> str:
    """Submitted: nothing but the console stops it. It may be `lost` in a state that nobody knows."""
    out = _given_up(task) if lost else ""
    status = ""
    if not is_known(facts.status):
        status = f", in a state that this version does not know, {cut(facts.status, 64)!r}, and so for it under way"
    if suspended:
        return (
            f"task {task} was submitted before the suspension and runs on{status}. No API cancels it: {TAB}, find task "
            f"{task}, click Cancel, then OK. What is done until then stays done; its end is noticed and its result "
            f"read{out}"
        )
    return f"task {task} runs in Image Search{status}; its result is read when it is over{out}"


def unlisted(task: int, instance: str, *, lost: bool = False) -> str:
    """Its id is on record, and the list does not have it; after a while it may be `lost`."""
    return (
        f"task {task} was submitted and is not in the list of tasks of instance {instance}. It may show yet; look for "
        f"it {TAB}. It is looked for again, and nothing is submitted a second time{_given_up(task) if lost else ''}"
    )


def _given_up(task: int) -> str:
    """The way out where a list never tells of a task's end. Others do not wait for it."""
    return (
        f". If the console says that task {task} is over, or does not have it either, its result will never be known: "
        "delete this object, see what the instance holds, and import what is missing by one of another name"
    )


def never_known(why: str) -> str:
    """Why the unknown lines of a run stay so, and why it takes no retry. What to do instead."""
    known = NEVER_KNOWN[Reason(why)] if why in NEVER_KNOWN else "the task does not tell"
    return (
        f"{known}: to send the unknown lines again might import again what succeeded. See what the instance holds, "
        "then put what is missing into another BatchImport, or into the source with a new spec.runToken"
    )


def pictures(resolution: Resolution, spec: BatchImportSpec) -> list[str]:
    """What a run that is not begun would do, in lines: each of them may cost something."""
    adds, wide_lines, skipped = resolution.adds, resolution.wide, resolution.skipped
    deletes, unchecked, warned = resolution.deletes - wide_lines, resolution.unchecked, resolution.warning_count
    own = spec.source.manifest is not None and not resolution.source_etag
    first = f", the first: {cut(resolution.warnings[0], MAX_WORDS)}" if resolution.warnings else ""
    lines = (
        (adds, f"import {_count(adds, 'picture')} in one batch task"),
        (deletes, f"delete {_count(deletes, 'picture')}"),
        (wide_lines, f"delete every picture of {_count(wide_lines, 'product')}"),
        (adds, _overwrites(resolution)),
        (skipped, f"leave out {_count(skipped, 'wrong line')} of the source"),
        (unchecked, f"import {_count(unchecked, 'picture')} unchecked, as too little of each could be read"),
        (warned, f"go on in spite of {_count(warned, 'warning')}{first}"),
        (own, f"put a checked manifest in place of {place(spec)}"),
    )
    return [words for there, words in lines if there]


def task_changes(step: TaskStep, spec: BatchImportSpec, unsent: int) -> list[str]:
    """What a step of Image Search would do, in lines."""
    match step:
        case UploadManifest():
            return [f"write {place(spec)} and submit it as a batch task of {_count(unsent, 'line')}"]
        case SubmitTask():
            return [f"submit {place(spec)} as a batch task of {_count(unsent, 'line')}"]
        case LookForTask() | TurnTask() | TakeResult() | Pause() | Resume():
            return []  # what is never held back
        case _:
            assert_never(step)


def place(spec: BatchImportSpec) -> str:
    """Where the manifest lies."""
    target = spec.target.image_search
    if target is None:
        raise ValueError("only an import into Image Search has a manifest")
    return f"oss://{target.bucket}/{target.path}{MANIFEST}"


def _overwrites(resolution: Resolution) -> str:
    if resolution.existing is None:
        return "overwrite those of them that the instance holds already; how many was not looked up"
    return f"overwrite {_count(resolution.existing, 'picture')} that the instance holds already"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

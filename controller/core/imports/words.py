"""What an import's status says to people: what is the case, and the way out where there has to be one.

Nothing here counts while a run is under way, as each new message would be a write of the status: `status.totals`
counts.
"""

from __future__ import annotations

from controller.api.batchimport import BatchImportSpec, OnExisting, OnInvalid, Totals
from controller.api.bounds import cut
from controller.api.fields import Mode
from controller.core.imports.chunks import MAX_FILES
from controller.core.imports.identity import record_key
from controller.core.imports.observed import ObservedImport, ObservedRun, Resolution
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
from controller.core.imports.taskwords import never_known, pictures, task_changes
from controller.core.plan import MAX_MESSAGE

SHOWN = 3  # wrong lines in the message; the first ten are in status.failures
MAX_PROBLEM = 240

NO_WORK_BUCKET = (
    "the CloudAccount has no spec.workBucket, where a run is recorded before anything is sent; set it to a bucket of "
    "this account and region that never had versioning"
)
NO_EVENTS = (
    "the CloudAccount has no spec.events, where the results of indexed files arrive; set topic and queue. Nothing more "
    "is sent until then"
)
VANISHED = (
    "the records of this run are gone from the CloudAccount's spec.workBucket, so nobody can tell what was sent. "
    "Restore them, or delete this object and create it under another name to have every file sent, and billed, anew"
)
READING = "spec.source is read and checked; nothing is sent yet"
BEGINNING = "the source is frozen; the run record is about to be written"
SENDING = "files are being sent; status.totals counts their results"
CANCELLING = "spec.deadline is over; what was not sent is cancelled"
CONFIRMING = "the answer to a call was lost; the dataset is asked for its files before they are sent again"
ASKING = "results are overdue; the dataset is asked for these files"
WAITING = (
    "every file is sent; status.totals counts the results as they arrive, and after spec.resultTimeout the dataset is "
    "asked for what has none"
)
RETRYING = "what did not succeed is sent again"
NO_FILE = ". spec.source held none when it was read; once it does, set spec.runToken to a new text"
ALLOWED = ". spec.maxFailedItems allows that; status.report names those that did not succeed"
CONCLUDING = "every file has its verdict; the report is being written"


def taken(bucket: str, run: str, holder: str) -> str:
    """The run record is another cluster's."""
    return (
        f"run {run} is worked off by {holder}; nothing is sent for this object. Delete one of the two. If that cluster "
        f"is no more, remove oss://{bucket}/{record_key(run)} and request a reconcile: this object goes on where that "
        "one stopped"
    )


def wrong(spec: BatchImportSpec, found: Resolution) -> str:
    """The source is rejected. Skipping is a way out only where it leaves something."""
    first = "; ".join(cut(problem, MAX_PROBLEM) for problem in found.problems[:SHOWN])
    again = "" if spec.source.items else " and set spec.runToken to a new text, which has it read afresh"
    rest = "nothing was sent" if found.items else "nothing is left to send"
    skips = found.items and spec.on_invalid is OnInvalid.REJECT
    way_out = "; or set spec.onInvalid to Skip to leave such lines out" if skips else ""
    return cut(
        f"{_count(found.problem_count, 'problem')} in the source, and {rest}. Correct the source{again}{way_out}. "
        f"All of them: {found.report}. The first: {first}",
        MAX_MESSAGE,
    )


def too_many(spec: BatchImportSpec, items: int, most: int) -> str:
    """The source is longer than allowed."""
    return (
        f"the source holds {items} {_noun(spec)}s and spec.maxItems allows {most}; nothing was sent or billed. Raise "
        "maxItems to import them"
    )


def end(spec: BatchImportSpec, run: ObservedRun, *, complete: bool, refused_retry: str) -> str:
    """The verdict of a settled run. The four counts add up to the first."""
    totals = run.totals
    counted = (
        f"{_count(totals.items, _noun(spec))}: {totals.succeeded} succeeded, {totals.failed} failed, "
        f"{totals.unknown} unknown, {totals.cancelled} cancelled"
    )
    left_out = f"; left out of the source: {_count(totals.skipped, 'wrong line')}" if totals.skipped else ""
    late = f". spec.retry is not begun because {refused_retry}" if refused_retry else ""
    if complete:
        allowed = ALLOWED if totals.failed + totals.unknown + totals.cancelled else ""
        return f"{counted}{left_out}{'' if totals.items else NO_FILE}{allowed}{late}"
    if run.unknowable:
        told = "" if refused_retry else f". Unknown, as {never_known(run.unknowable)}"
        return cut(f"{counted}{left_out}{told}. status.report names them all{late}", MAX_MESSAGE)
    mend = "Mend the cause, raise spec.deadline" if totals.cancelled else "Mend the cause"
    return (
        f"{counted}{left_out}. spec.maxFailedItems allows {spec.max_failed_items} that did not succeed. "
        f"status.report names them all. {mend} and set spec.retry.failedItems to a new text to send them again, "
        f"or raise maxFailedItems to accept them{late}"
    )


def held_back(mode: Mode, changes: tuple[str, ...]) -> str:
    """Mode Observe or DryRun."""
    return cut(f"mode {mode.value} sends nothing; Apply would {'; '.join(changes)}", MAX_MESSAGE)


def changes(step: Step, spec: BatchImportSpec, observed: ObservedImport) -> tuple[str, ...]:
    """What Apply would do next, line by line, in files and calls."""
    match step:
        case ResolveSource():
            lines = [f"read and check spec.source, then send its {_noun(spec)}s"]
        case WriteRecord():
            lines = _work(spec, observed.resolution)
        case BeginRetry():
            lines = [f"send {_count(_unsuccessful(observed), _noun(spec))} again"]
        case SendChunks():
            lines = [f"send {_files(_unsent(observed))} in at least {_calls(_unsent(observed))}"]
        case CancelRest():
            lines = ["cancel what was not sent, as spec.deadline is over"]
        case AskDataset(chunks):
            lines = [f"ask the dataset for the files of {_count(len(chunks), 'call')}"]
        case SendAgain(chunks):
            lines = [f"send again what is left of {_count(len(chunks), 'call')}, whose answers were lost"]
        case Conclude():
            lines = ["write the report"]
        case _:
            lines = task_changes(step, spec, _unsent(observed))
    return tuple(lines)


def _unsent(observed: ObservedImport) -> int:
    return observed.run.unsent if observed.run is not None else 0


def _unsuccessful(observed: ObservedImport) -> int:
    totals = observed.run.totals if observed.run is not None else Totals()
    return totals.failed + totals.unknown + totals.cancelled


def _work(spec: BatchImportSpec, resolution: Resolution | None) -> list[str]:
    if resolution is None or not resolution.items:
        return [f"record a run of no {_noun(spec)}s"]
    if spec.target.dataset is None:
        return pictures(resolution, spec)
    adds, deletes, skipped = resolution.adds, resolution.deletes, resolution.skipped
    labels = spec.target.dataset.on_existing is OnExisting.UPDATE_LABELS
    only = "; of those that the dataset holds, only labels and CustomId are written" if labels else ""
    lines = [f"index {_files(adds)} in at least {_calls(adds)}{only}"] if adds else []
    lines += [f"delete the metadata of {_files(deletes)} in at least {_calls(deletes)}"] if deletes else []
    lines += [f"leave out {_count(skipped, 'wrong line')} of the source"] if skipped else []
    return lines


def _noun(spec: BatchImportSpec) -> str:
    return "file" if spec.target.dataset is not None else "line"


def _files(count: int) -> str:
    return _count(count, "file")


def _calls(files: int) -> str:
    """At least so many: the byte limit of a call may take more of them."""
    return _count(-(-files // MAX_FILES), "call")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

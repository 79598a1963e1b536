"""A batch task of Image Search: how far it is, in the words of whoever speaks of it, and which listed one is ours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from controller.core.facts import TaskFacts
from controller.core.imports.identity import parse_callback
from controller.core.imports.records import Planned, TaskTold

LEAST_WAIT, MOST_WAIT = 1.0, 15.0  # seconds between two looks at a task
PATIENCE = timedelta(minutes=15)  # a list may lag behind, but not for so long
ABANDONED = timedelta(days=7)  # from upload to submit it takes one queue, and no batch in it takes days


class TaskState(StrEnum):
    """How far a task is. Whatever is none of the others is taken for under way, never for an end."""

    PROCESSING = "Processing"
    SUCCEEDED = "Succeeded"  # the task; each line may have failed all the same
    FAILED = "Failed"
    STOPPED = "Stopped"  # somebody cancelled it in the console; what was done stays done


# The one table of the three vocabularies: what IncreaseInstance and IncreaseList say, a callback, and the console.
VOCABULARY: tuple[tuple[str, str, TaskState], ...] = (
    ("API", "PROCESSING", TaskState.PROCESSING),
    ("API", "SUCCESS", TaskState.SUCCEEDED),
    ("API", "FAIL", TaskState.FAILED),
    ("callback", "NORMAL", TaskState.SUCCEEDED),
    ("callback", "FAIL", TaskState.FAILED),
    ("console", "Processing", TaskState.PROCESSING),
    ("console", "Imported", TaskState.SUCCEEDED),
    ("console", "Stop", TaskState.STOPPED),
)
_STATES = {word.casefold(): state for _, word, state in VOCABULARY}


def state_of(status: str) -> TaskState:
    """The state that a word of any vocabulary stands for, in whatever case; one that nobody knows is in progress."""
    return _STATES.get(status.strip().casefold(), TaskState.PROCESSING)


def is_known(status: str) -> bool:
    """Whether the word is in the table. One that is not is to be logged."""
    return status.strip().casefold() in _STATES


def table() -> str:
    """The table for docs/manifest-rules.md."""
    rows = [f"| {who} | `{word}` | {state} |" for who, word, state in VOCABULARY]
    other = f"| any | anything else | {TaskState.PROCESSING}, and a line in the log |"
    return "\n".join(["| said by | word | `status.task.state` |", "| --- | --- | --- |", *rows, other]) + "\n"


def candidates(planned: Planned, listed: Iterable[TaskFacts], run: str, bucket: str, path: str) -> list[TaskFacts]:
    """Those of the listed tasks that the plan may have made, the likeliest first.

    It is one of this bucket and path that was not listed when it was planned: that list was read to its end, so its
    time says nothing. Only a callback address of another run excludes one; any other may be ours in another spelling.

    Args:
        planned: The record of the TASK chunk.
        listed: Every task of the instance, or at least of the bucket and path.
        run: The run id.
        bucket: Where the manifest lies.
        path: As spec.target.imageSearch.path: empty, or with a / at its end.
    """
    new = [
        one
        for one in listed
        if one.id not in planned.listed and (one.bucket, one.path) == (bucket, path) and not _names_another(one, run)
    ]
    oldest = datetime.max.replace(tzinfo=UTC)
    return sorted(new, key=lambda one: (not _names(one, run), one.created_at or oldest, one.id))


def doubt(found: list[TaskFacts], run: str) -> str:
    """Why the first of the `candidates` was taken for ours, where others may be; empty where none is."""
    if len(found) < 2:  # noqa: PLR2004 - one is no doubt
        return ""
    why = "its callback address names this run" if _names(found[0], run) else "it is the oldest that is new"
    others = ", ".join(str(one.id) for one in found[1:6])
    return (
        f"several new tasks are of this manifest; {found[0].id} is taken for the import's own, as {why}, not {others}. "
        "Submit nothing for this bucket and path in the console while an import works on it"
    )


def certainly_runs(facts: TaskFacts | None) -> bool:
    """Whether the list has the task, in a state that is known and no end."""
    return facts is not None and is_known(facts.status) and state_of(facts.status) is TaskState.PROCESSING


def told(facts: TaskFacts, known: TaskTold | None) -> TaskTold:
    """What a listing tells of a task; when it was submitted may be known from before."""
    submitted_at = facts.created_at or (known.submitted_at if known is not None else None)
    return TaskTold(facts.id, state_of(facts.status), facts.message, submitted_at)


def wait(made_at: datetime | None, now: datetime) -> float:
    """Seconds until a task is worth another look: a tenth of its age, within bounds."""
    age = (now - made_at).total_seconds() if made_at is not None else 0.0
    return min(max(age / 10, LEAST_WAIT), MOST_WAIT)


def _names(task: TaskFacts, run: str) -> bool:
    found = parse_callback(task.callback)
    return found is not None and found.run == run


def _names_another(task: TaskFacts, run: str) -> bool:
    found = parse_callback(task.callback)
    return found is not None and found.run != run

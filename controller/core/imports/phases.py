"""The job's one table: which phase may follow which, and why. docs/imports.md prints its diagram from here.

A status may lag behind the records by a crash, or be empty after a restore, so an edge is there for every phase that
the records may have reached meanwhile. What has begun never goes back to before its beginning.
"""

from __future__ import annotations

from controller.api.batchimport import Phase

BEGUN = frozenset({Phase.SUBMITTING, Phase.WAITING, Phase.COMPLETE, Phase.FAILED})  # a run record was written
ENDED = frozenset({Phase.COMPLETE, Phase.FAILED})
FOUND = "its run is on record already"
RETRY = "a new spec.retry.failedItems"
START = "[*]"


class IllegalStep(Exception):
    """A phase that cannot follow: a defect, never a state of the world."""


TRANSITIONS: dict[tuple[Phase | None, Phase], str] = {
    (None, Phase.RESOLVING): "a new object, or new work",
    (None, Phase.REJECTED): "refused before",
    (None, Phase.SUBMITTING): FOUND,
    (None, Phase.WAITING): FOUND,
    (None, Phase.COMPLETE): FOUND,
    (None, Phase.FAILED): FOUND,
    (Phase.RESOLVING, Phase.REJECTED): "the source is wrong or too long, or the run is another cluster's",
    (Phase.RESOLVING, Phase.SUBMITTING): "the run record is written",
    (Phase.RESOLVING, Phase.WAITING): FOUND,
    (Phase.RESOLVING, Phase.COMPLETE): FOUND,
    (Phase.RESOLVING, Phase.FAILED): FOUND,
    (Phase.REJECTED, Phase.RESOLVING): "what refused it was mended",
    (Phase.REJECTED, Phase.SUBMITTING): FOUND,
    (Phase.REJECTED, Phase.WAITING): FOUND,
    (Phase.REJECTED, Phase.COMPLETE): FOUND,
    (Phase.REJECTED, Phase.FAILED): FOUND,
    (Phase.SUBMITTING, Phase.WAITING): "everything is sent",
    (Phase.SUBMITTING, Phase.COMPLETE): "every file has its verdict",
    (Phase.SUBMITTING, Phase.FAILED): "more than spec.maxFailedItems did not succeed",
    (Phase.WAITING, Phase.SUBMITTING): "a call took no effect, or its answer was lost",
    (Phase.WAITING, Phase.COMPLETE): "every file has its verdict",
    (Phase.WAITING, Phase.FAILED): "more than spec.maxFailedItems did not succeed",
    (Phase.COMPLETE, Phase.FAILED): "spec.maxFailedItems was lowered",
    (Phase.COMPLETE, Phase.SUBMITTING): RETRY,
    (Phase.COMPLETE, Phase.WAITING): RETRY,
    (Phase.FAILED, Phase.COMPLETE): "spec.maxFailedItems was raised, or a late result came",
    (Phase.FAILED, Phase.SUBMITTING): RETRY,
    (Phase.FAILED, Phase.WAITING): RETRY,
}


def advance(before: Phase | None, after: Phase | None, *, same_run: bool) -> Phase | None:
    """The phase after `before`, which counts only where it was said of the same run.

    Raises:
        IllegalStep: the table has no such step.
    """
    known = before if same_run else None
    if after != known and (after is None or (known, after) not in TRANSITIONS):
        raise IllegalStep(f"a run that is {known or 'new'} cannot become {after or 'new'}")
    return after


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    edges = [f"    {before or START} --> {after}: {why}" for (before, after), why in TRANSITIONS.items()]
    return "\n".join(["stateDiagram-v2", *edges]) + "\n"

"""The status of an import, from what was found. What was found in the status itself stays as it is."""

from __future__ import annotations

from controller.api.batchimport import (
    HISTORY,
    SHOWN_FAILURES,
    SHOWN_WARNINGS,
    BatchImportStatus,
    FailedItem,
    PastRun,
    Phase,
    TaskStatus,
    Totals,
)
from controller.api.status import Identity
from controller.cloud.errors import CloudError
from controller.core.imports.identity import report_key
from controller.core.imports.job import Resolution
from controller.core.imports.phases import BEGUN
from controller.core.imports.tasks import told
from controller.reconcile.imports.finish import so_far
from controller.reconcile.imports.ground import Ground
from controller.reconcile.imports.look import Look
from controller.reconcile.imports.run import Run


def show(known: Ground, found: Look | None, phase: Phase | None) -> BatchImportStatus:
    """The kind's own fields; `found` is None where nothing could be looked at."""
    status = known.target.status if known.same else _of_new_work(known)
    changes: dict[str, object] = {"phase": phase}
    if known.place is not None and known.session is not None and status.identity is None:
        changes["identity"] = Identity(account_id=known.place[0], region=known.place[1])
    pictures = known.target.spec.target.image_search
    if known.work:
        named = {"instance": pictures.instance_name} if pictures is not None else _of_the_dataset(known)
        changes |= {"work": known.reading} | named
    if found is not None and found.observed.resolution is not None:
        changes |= _of_the_content(status, found, found.observed.resolution)
    if found is not None and (found.run is not None or found.ended is not None):
        changes |= _of_the_run(known, found)
    return status.model_copy(update=changes)


def _of_the_dataset(known: Ground) -> dict[str, str]:
    return {"project": known.project, "dataset": known.dataset}


def _of_new_work(known: Ground) -> BatchImportStatus:
    """Without the run that was worked off before, which goes into the history."""
    before = known.target.status
    history = list(before.history)
    if before.run is not None and before.phase is not None:
        past = PastRun(run=before.run, phase=before.phase, totals=before.totals or Totals(), ended_at=before.ended_at)
        history = [past, *(one for one in history if one.run != past.run)][:HISTORY]
    kept = {"identity": before.identity, "conditions": before.conditions, "history": history}
    return BatchImportStatus(**kept)


def _of_the_content(status: BatchImportStatus, found: Look, resolution: Resolution) -> dict[str, object]:
    run = found.observed.run
    if run is None and status.phase in BEGUN:
        return {}  # its records are gone: what the status says is all that is left
    return {
        "run": resolution.run if resolution.run and run is not None and not run.holder else None,
        "totals": run.totals if run is not None else _not_begun(resolution),
        "failures": _named(resolution.problems),
        "warnings": list(resolution.warnings[:SHOWN_WARNINGS]),
        "report": resolution.report or None,
        "history": [one for one in status.history if one.run != resolution.run],
    }


def _of_the_run(known: Ground, found: Look) -> dict[str, object]:
    run, ended, seen, resolution = found.run, found.ended, found.observed.run, found.observed.resolution
    if seen is None or resolution is None:
        return {}
    changes: dict[str, object] = {"started_at": seen.started_at, "last_retry": seen.token or None}
    if ended is not None:
        failures, changes["ended_at"] = list(ended.shown), ended.end.ended_at
    elif run is not None:
        done = run.end if seen.concluded else None
        failures = run.shown if done is not None and run.shown is not None else _so_far(known, run)
        changes["ended_at"] = done.ended_at if done is not None else None
    else:
        failures = []
    changes["failures"] = [*failures, *_named(resolution.problems)][:SHOWN_FAILURES]
    if (task := _task(found)) is not None:
        changes["task"] = task
    totals = seen.totals
    if seen.concluded and totals.failed + totals.unknown + totals.cancelled:
        changes["report"] = f"oss://{known.bucket}/{report_key(resolution.run)}"
    return changes


def _so_far(known: Ground, run: Run) -> list[FailedItem]:
    """What the status shows stays where the names could not be read: the verdicts are on record."""
    try:
        return so_far(run)
    except CloudError:
        return list(known.target.status.failures)


def _not_begun(resolution: Resolution) -> Totals:
    return Totals(items=resolution.items, skipped=resolution.skipped, unchecked=resolution.unchecked)


def _named(problems: tuple[str, ...]) -> list[FailedItem]:
    parted = [problem.partition(": ") for problem in problems]
    return [FailedItem(item=where, error=why) for where, _, why in parted]


def _task(found: Look) -> TaskStatus | None:
    """The last batch task: as it was listed, or as it is on record, where another process listed it."""
    run, ended = found.run, found.ended
    if run is None:
        known = ended.end.task if ended is not None else None
    else:
        with run.lock:
            known = run.state.last_task
        facts = run.pursuit.facts
        if facts is not None and known is not None and facts.id == known.id:
            known = told(facts, known)
    if known is None:
        return None
    submitted_at = known.submitted_at.replace(microsecond=0) if known.submitted_at is not None else None
    return TaskStatus(id=known.id, state=known.state, message=known.message or None, submitted_at=submitted_at)

"""What the spec lets a run do still: its deadline, its retry, how many lines may fail."""

from __future__ import annotations

from datetime import datetime

from controller.api.batchimport import BatchImportSpec, Phase, Totals
from controller.core.durations import span
from controller.core.imports import taskwords
from controller.core.imports.observed import ObservedRun

LATE = "spec.deadline is over: raise it, or leave it out"


def end_phase(spec: BatchImportSpec, totals: Totals) -> Phase:
    """How a settled run ends: `spec.maxFailedItems` decides over all that did not succeed."""
    failed = totals.failed + totals.unknown + totals.cancelled
    return Phase.COMPLETE if failed <= spec.max_failed_items else Phase.FAILED


def is_over(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> bool:
    """Whether spec.deadline passed. It stands still while the object is suspended."""
    return spec.deadline is not None and now >= run.started_at + span(spec.deadline) + run.paused_for


def asks(spec: BatchImportSpec, run: ObservedRun) -> bool:
    """Whether a retry is wanted that was not begun."""
    return spec.retry is not None and spec.retry.failed_items not in {run.token, *run.tokens}


def refused_retry(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> str:
    """Why the retry that is wanted is not begun; empty where it may be.

    One that the deadline would cancel at once loses the failures' reasons for nothing. One of lines of which nobody
    knows what became of them may send again what succeeded. One into a manifest of the user's own needs their consent.
    """
    if is_over(spec, run, now):
        return LATE
    if run.unknowable:
        return taskwords.never_known(run.unknowable)
    if spec.source.manifest is not None and not spec.allow_manifest_replace:
        return taskwords.RETRY_REPLACES
    return ""


def retries(spec: BatchImportSpec, run: ObservedRun, now: datetime) -> bool:
    """Whether a retry is to be begun."""
    return asks(spec, run) and not refused_retry(spec, run, now)

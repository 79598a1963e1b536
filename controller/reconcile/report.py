"""Status and events: written only when something changed (law 7)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

from controller.api.batchimport import BatchImportStatus
from controller.api.kind import Kind
from controller.api.status import Condition, ManagedStatus, Status, SteeredStatus
from controller.core.conditions import conditions
from controller.core.drift import in_words
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.drifts import counts, newly_drifted
from controller.reconcile.ports import AnyKind, Cluster

PROGRESS_INTERVAL = timedelta(seconds=30)
PROGRESS = {Reason.CREATING, Reason.INDEXING, Reason.SETTLING, Reason.DEPENDENCY_NOT_READY}
# An import makes thousands of calls: that one of them met trouble, and the next one not, is no news.
IMPORTING = {
    Reason.RESOLVING,
    Reason.SUBMITTING,
    Reason.AWAITING_RESULTS,
    Reason.CONFIRMING,
    Reason.QUEUED,
    Reason.TASK_RUNNING,
    Reason.THROTTLED,
    Reason.CLOUD_UNAVAILABLE,
}
AnyStatus = TypeVar("AnyStatus", bound=Status)
log = logging.getLogger(__name__)


def summarize(target: Kind, status: AnyStatus, verdict: Verdict, now: datetime) -> AnyStatus:
    """Complete a kind's own status fields with what every kind reports."""
    common: dict[str, object] = {
        "conditions": conditions(status.conditions, verdict, target.metadata.generation, now),
        "observed_generation": target.metadata.generation,
        "last_handled_reconcile_at": target.metadata.reconcile_requested_at,
    }
    if isinstance(status, SteeredStatus):
        common["planned_changes"] = list(verdict.planned_changes)
    if isinstance(status, ManagedStatus):
        common["drift"] = list(verdict.drift)
    return type(status).model_validate(dict(status) | common)  # which keeps every text and list to its bounds


def announced(target: Kind, status: AnyStatus, verdict: Verdict, now: datetime) -> AnyStatus:
    """The status that goes with an intent.

    What was refused is tried again at every resync. Until that is answered the refusal stands, or whoever watches
    would see Failed, InProgress and Failed again for ever; after an edit or a request it is another try.
    """
    after, meta = summarize(target, status, verdict, now), target.metadata
    asked = meta.reconcile_requested_at != target.status.last_handled_reconcile_at
    stands = any(c.type == "Stalled" and c.observed_generation == meta.generation for c in target.status.conditions)
    return after.model_copy(update={"conditions": target.status.conditions}) if stands and not asked else after


def with_request_id(message: str, request_id: str) -> str:
    """An event's message, which has the id that support asks for. A condition's never has: it would never settle."""
    return f"{message[:900]} [request id {request_id}]" if request_id else message


class Reporter:
    """Writes a status when it differs from the stored one, and an event when the object comes to a standstill."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._now = now
        self._lock = threading.Lock()
        self._written_at: dict[str, datetime] = {}

    def write(
        self, target: AnyKind, before: Status, after: Status, verdict: Verdict, first: Status | None = None
    ) -> AnyKind:
        """Bring the stored status up to date; mere progress is held back to one write in 30 s.

        That a figure is there at all, or is no more, is news. So is a standstill that `first`, the status the pass
        began with, does not tell of; None where the pass wrote no other.
        """
        if after == before or self._too_soon(target, before, after):
            return target
        written = self.write_now(target, after)
        drifted = newly_drifted(before, after)
        for one in drifted:
            counts.add(target.kind(), one.field)
        if drifted:
            reason = Reason.DRIFT_DETECTED.value
            self._cluster.emit(target, warning=True, reason=reason, message=in_words(drifted))
        elif (
            verdict.standing is Standing.STALLED
            and verdict.reason is not Reason.DRIFT_DETECTED
            and _reason((first or before).conditions) != verdict.reason
        ):
            message = with_request_id(verdict.message, verdict.request_id)
            self._cluster.emit(target, warning=True, reason=verdict.reason.value, message=message)
        return written

    def write_now(self, target: AnyKind, status: Status) -> AnyKind:
        """Write a status whatever it says: the intent before a submit."""
        written = self._cluster.write_status(target, status)
        with self._lock:
            self._written_at[target.metadata.uid] = self._now()
        return written

    def event(self, target: Kind, reason: Reason, message: str) -> None:
        """Record that something was done."""
        self._cluster.emit(target, warning=False, reason=reason.value, message=message)

    def warn(self, target: Kind, reason: Reason, message: str) -> None:
        """Record something that a person should change, though nothing waits for it."""
        self._cluster.emit(target, warning=True, reason=reason.value, message=message)

    def progress_due(self, target: Kind) -> bool:
        """Whether mere progress would be written now: this process wrote nothing on the object for 30 s."""
        with self._lock:
            last = self._written_at.get(target.metadata.uid)
        return last is None or self._now() - last >= PROGRESS_INTERVAL

    def keep(self, uids: Collection[str]) -> None:
        """Drop what is remembered of objects that are not among these."""
        with self._lock:
            self._written_at = {uid: at for uid, at in self._written_at.items() if uid in uids}

    def _too_soon(self, target: Kind, before: Status, after: Status) -> bool:
        if before.observed_generation != after.observed_generation:
            return False
        if before.last_handled_reconcile_at != after.last_handled_reconcile_at:
            return False
        if _shown(before) != _shown(after):
            return False
        if isinstance(before, BatchImportStatus) and isinstance(after, BatchImportStatus) and _is_news(before, after):
            return False
        if not _mere_figures(before, after) and not {
            _reason(before.conditions),
            _reason(after.conditions),
        } <= (IMPORTING if isinstance(after, BatchImportStatus) else PROGRESS):
            return False
        return not self.progress_due(target)


def _is_news(before: BatchImportStatus, after: BatchImportStatus) -> bool:
    """Another run, or another batch task, which whoever waits for the same instance reads of; or that it waits."""
    tasks = [one.task.id if one.task is not None else None for one in (before, after)]
    waits = [_reason(one.conditions) is Reason.QUEUED for one in (before, after)]
    return before.run != after.run or tasks[0] != tasks[1] or waits[0] != waits[1]


def _shown(status: Status) -> set[str]:
    """The figures that a status has, whatever they say."""
    if not isinstance(status, SteeredStatus):
        return set()
    return {name for name in status.figures if getattr(status, name) is not None}


def _mere_figures(before: Status, after: Status) -> bool:
    """Whether nothing differs but what only counts, a dataset's statistics for instance."""
    if not isinstance(before, SteeredStatus) or not isinstance(after, SteeredStatus):
        return False
    return after.model_copy(update={name: getattr(before, name) for name in after.figures}) == before


def _reason(conditions_: list[Condition]) -> Reason | None:
    ready = next((c for c in conditions_ if c.type == "Ready"), None)
    return Reason(ready.reason) if ready is not None and ready.reason in set(Reason) else None

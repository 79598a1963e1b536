"""Status and events: written only when something changed (law 7)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from controller.api.kind import Kind
from controller.api.status import Condition, ManagedStatus, Status
from controller.core.conditions import conditions
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.ports import AnyKind, Cluster

PROGRESS_INTERVAL = timedelta(seconds=30)
PROGRESS = {Reason.CREATING, Reason.INDEXING, Reason.SETTLING, Reason.DEPENDENCY_NOT_READY}
AnyStatus = TypeVar("AnyStatus", bound=Status)
log = logging.getLogger(__name__)


def summarize(target: Kind, status: AnyStatus, verdict: Verdict, now: datetime) -> AnyStatus:
    """Complete a kind's own status fields with what every kind reports."""
    common: dict[str, object] = {
        "conditions": conditions(status.conditions, verdict, target.metadata.generation, now),
        "observed_generation": target.metadata.generation,
        "last_handled_reconcile_at": target.metadata.reconcile_requested_at,
    }
    if isinstance(status, ManagedStatus):
        common["planned_changes"] = list(verdict.planned_changes)
    return status.model_copy(update=common)


class Reporter:
    """Writes a status when it differs from the stored one, and an event when the object comes to a standstill."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._now = now
        self._lock = threading.Lock()
        self._written_at: dict[str, datetime] = {}

    def write(self, target: AnyKind, before: Status, after: Status, verdict: Verdict) -> AnyKind:
        """Bring the stored status up to date; mere progress is held back to one write in 30 s."""
        if after == before or self._too_soon(target, before, after):
            return target
        written = self.write_now(target, after)
        if verdict.standing is Standing.STALLED and _reason(before.conditions) != verdict.reason:
            self._cluster.emit(target, warning=True, reason=verdict.reason.value, message=verdict.message)
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

    def forget(self, target: Kind) -> None:
        """Drop what is remembered of an object that is gone."""
        with self._lock:
            self._written_at.pop(target.metadata.uid, None)

    def _too_soon(self, target: Kind, before: Status, after: Status) -> bool:
        if before.observed_generation != after.observed_generation:
            return False
        if before.last_handled_reconcile_at != after.last_handled_reconcile_at:
            return False
        if not {_reason(before.conditions), _reason(after.conditions)} <= PROGRESS:
            return False
        with self._lock:
            last = self._written_at.get(target.metadata.uid)
        return last is not None and self._now() - last < PROGRESS_INTERVAL


def _reason(conditions_: list[Condition]) -> Reason | None:
    ready = next((c for c in conditions_ if c.type == "Ready"), None)
    return Reason(ready.reason) if ready is not None and ready.reason in set(Reason) else None

"""Drift as news: what was not there at the last report, for an event and for the metric of this process."""

from __future__ import annotations

import threading
from collections import Counter

from controller.api.status import Drift, ManagedStatus, Status


class DriftCounts:
    """Fields found to have drifted, by kind and field: both are words of the schema, so there are few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, field: str) -> None:
        """Count one field of one object that began to differ."""
        with self._lock:
            self._counts[kind, field] += 1

    def read(self) -> dict[tuple[str, str], int]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)


counts = DriftCounts()


def newly_drifted(before: Status, after: Status) -> list[Drift]:
    """What differs now, in a field that did not differ or to a value that is another one."""
    if not isinstance(before, ManagedStatus) or not isinstance(after, ManagedStatus):
        return []
    return [one for one in after.drift if one not in before.drift]

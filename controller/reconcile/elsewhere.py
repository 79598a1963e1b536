"""Which shard serves an object that is not in this one's cache, for the words of whoever refers to it.

One GET answers for everything that refers to the object, and for half a minute.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from controller.api.fields import DEFAULT_SHARD, SHARD
from controller.api.kind import Kind, Metadata
from controller.reconcile.ports import Cluster

KEPT = timedelta(seconds=30)
MOST = 10_000
Place = tuple[str, str, str]  # kind, namespace, name


class Elsewhere:
    """What was found out. Safe to share between threads; two that ask at once may both look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[Place, tuple[datetime, str | None]] = {}

    def words(self, kind: type[Kind], name: str, target: Metadata, cluster: Cluster, now: datetime) -> str:
        """That another shard serves what `target` refers to, and the way out; empty where none does."""
        shard = self._shard(kind, target.namespace, name, cluster, now)
        if shard is None or shard == target.shard:
            return ""
        return (
            f"{kind.kind()} {name} belongs to shard {shard or DEFAULT_SHARD} and this object to shard "
            f"{target.shard or DEFAULT_SHARD}: give both the same label {SHARD} (shard {DEFAULT_SHARD} has none), as "
            "one operator serves what refers to each other"
        )

    def _shard(self, kind: type[Kind], namespace: str, name: str, cluster: Cluster, now: datetime) -> str | None:
        place = kind.kind(), namespace, name
        with self._lock:
            known = self._found.get(place)
        if known is not None and now - known[0] < KEPT:
            return known[1]
        found = cluster.find(kind, namespace, name)
        shard = found.metadata.shard if found is not None else None
        with self._lock:
            if len(self._found) >= MOST:
                self._found.clear()
            self._found[place] = now, shard
        return shard

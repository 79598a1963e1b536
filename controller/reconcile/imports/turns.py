"""Who is next at an instance: it works on one batch at a time, and imports go in the order they were created.

What counts of an import is what its last pass in this process found, and before there was one, its status. Whoever is
first stays it until it is over or held back, so two threads never both find themselves first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from controller.api.batchimport import BatchImport, Phase
from controller.core.imports.tasks import TaskState
from controller.core.plan import acts
from controller.reconcile.imports.run import Owner
from controller.reconcile.ports import Objects
from controller.reconcile.rivals import instance_contest

Seat = tuple[str, str, str]  # account id, region, instance
Rank = tuple[bool, datetime, str, str]  # who runs comes first, then the older, then by name
ANSWERED = {Phase.SUBMITTING, Phase.WAITING}  # a run is on record, and it is not over
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turn:
    """How many imports come before this one, and which is first; nobody where it is this one."""

    ahead: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an import's last pass found: where it stands and its rank there; no seat where it does not stand."""

    seat: Seat | None
    rank: Rank


class Turns:
    """The queues of all instances. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: dict[Seat, Owner] = {}
        self._seen: dict[Owner, _Seen] = {}
        self._wakes: set[Owner] = set()

    def stand(self, seat: Seat, target: BatchImport, objects: Objects, *, running: bool) -> Turn:
        """An import is ready to submit, or its task runs: its place in the queue."""
        me = owner_of(target)
        with self._lock:
            self._seen[me] = _Seen(seat, _rank(target, running=running))
            queue = dict(self._queue(seat, objects)) | {me: self._seen[me].rank}
            first = self._first.get(seat)
            if running or first not in queue:
                first = me if running else min(queue, key=lambda owner: queue[owner])
                self._first[seat] = first
            if first == me:
                return Turn(0)
            ahead = sum(rank < queue[me] for owner, rank in queue.items() if owner not in {me, first})
            return Turn(ahead + 1, "/".join(first))

    def leave(self, target: BatchImport) -> None:
        """It is over, held back, refused or gone: whoever comes next is to be woken."""
        me = owner_of(target)
        with self._lock:
            seen = self._seen.get(me)
            self._seen[me] = _Seen(None, _rank(target, running=False))
            if seen is None or seen.seat is None or self._first.get(seen.seat) != me:
                return
            del self._first[seen.seat]
            waiting = {owner: one.rank for owner, one in self._seen.items() if one.seat == seen.seat}
            if waiting:
                self._wakes.add(min(waiting, key=lambda owner: waiting[owner]))

    def forget(self, owner: Owner) -> None:
        """The object is gone."""
        with self._lock:
            self._seen.pop(owner, None)
            for seat in [seat for seat, first in self._first.items() if first == owner]:
                del self._first[seat]

    def take_wakes(self) -> set[Owner]:
        """The imports whose turn came, each named once."""
        with self._lock:
            wakes, self._wakes = self._wakes, set()
            return wakes

    def _queue(self, seat: Seat, objects: Objects) -> Iterator[tuple[Owner, Rank]]:
        """The imports in the store that stand there. The caller holds the lock."""
        for other in objects.contenders(instance_contest(seat[2])):
            if not isinstance(other, BatchImport):
                continue
            seen = self._seen.get(owner_of(other))
            if seen is not None and seen.seat == seat:
                yield owner_of(other), seen.rank
            elif seen is None and _stands(other) and _is_at(other, seat):
                yield owner_of(other), _rank(other, running=_runs(other))


def owner_of(target: BatchImport) -> Owner:
    """Namespace and name."""
    return target.metadata.namespace, target.metadata.name


def _is_at(target: BatchImport, seat: Seat) -> bool:
    identity = target.status.identity
    return identity is not None and (identity.account_id, identity.region) == seat[:2]


def _stands(target: BatchImport) -> bool:
    """By its status: its task runs, or it waits and nothing holds it back."""
    if target.metadata.deleting or target.status.phase not in ANSWERED:
        return False
    stalled = any(one.type == "Stalled" and one.status == "True" for one in target.status.conditions)
    return _runs(target) or (acts(target.spec.mode, suspend=target.spec.suspend) and not stalled)


def _runs(target: BatchImport) -> bool:
    task = target.status.task
    return target.status.phase in ANSWERED and task is not None and task.state == TaskState.PROCESSING


def _rank(target: BatchImport, *, running: bool) -> Rank:
    meta = target.metadata
    return not running, meta.creation_timestamp or LAST, meta.namespace, meta.name

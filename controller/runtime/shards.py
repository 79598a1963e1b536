"""Which objects this operator serves, by their label, and a fence before those that it serves no more.

Two shards have two Leases, so neither's fence keeps out the other. What does is that an intent is written by
compare-and-swap: a label that moved before makes the write fail, and one that moves after it is seen here, before the
submit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from controller.api.fields import SHARD, shard_of
from controller.api.kind import Kind
from controller.cloud.errors import NotLeading
from controller.cloud.fence import Fence
from controller.cloud.imagesearch_errors import INCREASE
from controller.reconcile.context import Context, Outcome
from controller.reconcile.kinds import key_of, reconcile_object
from controller.reconcile.ports import Cluster
from controller.runtime.store import Store

# Whoever takes an object over submits after two look-ups 20 s apart, and a call may take effect for 15 s.
STALE = 4.0  # seconds into a pass from which on a submit first reads whose the object is
CREATES = "imm:Create"
SLOW = "the Kubernetes API took too long to say which shard serves the object; it goes on by itself"
MOVED = "the object is gone, or another shard serves it by now"


@dataclass(frozen=True, slots=True)
class Shard:
    """The objects of one operator, by the shard's name; the default one has none."""

    name: str = ""

    @property
    def selector(self) -> str:
        """What the API server is asked for. No selector says "without the label or with an empty one": then for all."""
        return f"{SHARD}={self.name}" if self.name else ""

    def serves(self, metadata: Mapping[str, Any]) -> bool:
        """Whether an object with this metadata is the operator's."""
        return shard_of(metadata.get("labels") or {}) == self.name


DEFAULT = Shard()


@dataclass(frozen=True, slots=True)
class _Pass:
    target: Kind
    began: float


_running: ContextVar[_Pass | None] = ContextVar("pass", default=None)


@contextmanager
def serving(target: Kind, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """What is sent here, and in threads that inherit the context, passes `OwnFence` in the object's name."""
    token = _running.set(_Pass(target, clock()))
    try:
        yield
    finally:
        _running.reset(token)


def serve(target: Kind, context: Context) -> Outcome:
    """One pass of an object."""
    with serving(target):
        return reconcile_object(target, context)


class OwnFence:
    """`controller.cloud.fence.Fence`: the leader's, and shut for a pass whose object this operator serves no more.

    The watch tells it within milliseconds. As nothing promises that, a submit that waited for long reads the object.
    """

    def __init__(
        self, leader: Fence, store: Store, cluster: Cluster, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._leader = leader
        self._store = store
        self._cluster = cluster
        self._clock = clock

    @contextmanager
    def __call__(self, operation: str) -> Iterator[None]:
        """Let a call through.

        Raises:
            controller.cloud.errors.NotLeading: another process leads, or another shard serves the object.
        """
        served = _running.get()
        if served is not None and self._may_be_late(operation, served):
            self._confirm(operation, served.target)
        with self._leader(operation):
            if served is not None and not _same(self._store.find(key_of(served.target)), served.target):
                raise NotLeading(operation, MOVED)
            yield

    def _may_be_late(self, operation: str, served: _Pass) -> bool:
        """An intent is younger than its pass, and was written to the object; a batch's is in the work bucket."""
        since = self._clock() - served.began
        return operation == INCREASE or (operation.startswith(CREATES) and since > STALE)

    def _confirm(self, operation: str, target: Kind) -> None:
        meta, began = target.metadata, self._clock()
        found = self._cluster.find(type(target), meta.namespace, meta.name)
        if self._clock() - began > STALE:
            raise NotLeading(operation, SLOW, opens_in=1.0)
        if not _same(found, target) or (found is not None and found.metadata.shard != meta.shard):
            raise NotLeading(operation, MOVED)


def _same(found: Kind | None, target: Kind) -> bool:
    return found is not None and found.metadata.uid == target.metadata.uid

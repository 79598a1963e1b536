"""Two operators of one cluster and one cloud, each with its own store and its own shard."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from controller.api.batchimport import BatchImport
from controller.api.fields import SHARD
from controller.cloud.fence import unfenced
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key, key_of, reconcile_object
from controller.reconcile.ports import StaleObject
from controller.reconcile.report import Reporter
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots
from controller.runtime.informer import Informer
from controller.runtime.queue import WorkQueue
from controller.runtime.shards import OwnFence, Shard, serving
from controller.runtime.store import Store
from tests.unit.operator_doubles import Crash, Fate, World


class Operator:
    """One shard's process. Its informer hears of everything before each pass, or when `watch` is called."""

    def __init__(self, world: World, shard: str) -> None:
        self.world, self.shard = world, shard
        self.ended: list[BatchImport] = []
        self.deaf = False
        self.submitted: list[str] = []  # what passed the fence
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is remembered."""
        world = self.world
        self.store, self.queue = Store(world.clock), WorkQueue()
        self.informer = Informer(self.store, self.queue, self.ended.append, Shard(self.shard))
        self.fence = OwnFence(unfenced, self.store, world.cluster, self.clock)
        self.context = replace(
            world.context,
            objects=self.store,
            fence=self.fence,
            reporter=Reporter(world.cluster, world.clock),
            sessions=Sessions(),
            snapshots=BindingSnapshots(world.clock, world.clock.advance),
        )
        self.watch()
        self.store.complete = True

    def clock(self) -> float:
        """The test's, in seconds."""
        return self.world.clock().timestamp()

    def watch(self) -> None:
        """Everything that changed, and that went."""
        for body in list(self.world.cluster.bodies.values()):
            self.informer.observe(copy.deepcopy(body), deleted=False)
        for known in self.store.all():
            if key_of(known) not in self.world.cluster.bodies:
                self.informer.forget(key_of(known))

    def run(self, key: Key) -> Outcome | None:
        """One pass, as the queue's worker makes it; None where the object is not this shard's, or changed meanwhile."""
        if not self.deaf:
            self.watch()
        target = self.store.find(key)
        if target is None:
            return None
        self.world.cloud.fate = self.fate
        try:
            with serving(target, self.clock):
                return reconcile_object(target, self.context)
        except StaleObject:
            return None
        except Crash:
            self.restart()
            return None

    before_submit: Callable[[], None] = staticmethod(lambda: None)
    after_submit: Callable[[], Fate] = staticmethod(Fate)

    def fate(self, operation: str) -> Fate:
        """What the adapter does at each submit: it waits, and asks the fence last."""
        if not operation.startswith("create_"):
            return Fate()
        hook, self.before_submit = self.before_submit, staticmethod(lambda: None)
        hook()
        with self.fence(f"imm:{''.join(word.title() for word in operation.split('_'))}"):
            self.submitted.append(operation)
            answer, self.after_submit = self.after_submit, staticmethod(Fate)
            return answer()


def label(world: World, shard: str, *keys: Key) -> None:
    """`kubectl label`; nothing else of the objects changes."""
    for key in keys:
        world.cluster.mark(key, labels={SHARD: shard} if shard else {})


def until_settled(operator: Operator, *keys: Key, passes: int = 12) -> None:
    """Passes of an operator, and time between them."""
    for _ in range(passes):
        for key in keys:
            operator.run(key)
        operator.world.cloud.set_state("photos", "Running", "IncrementalScanning")
        operator.world.clock.advance(31)
        for scope in operator.context.snapshots.scopes():
            with suppress(KeyError):
                operator.context.snapshots.refresh(scope)

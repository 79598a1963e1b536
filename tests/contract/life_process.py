"""A cluster with an operator that can die: the operator's own passes, store and SDK adapters, and who judges them.

Kubernetes is in memory, because a watch that is behind and a write that is lost at a chosen point need one that obeys.
Every call that changes something in the cloud is judged the moment it is made, by what the cluster has stored then.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import FINALIZER
from controller.api.kind import Kind
from controller.api.status import Status
from controller.cloud.clouds import AlibabaClouds, Rates
from controller.cloud.errors import CloudError, TimedOut
from controller.cloud.limiter import Lane, Limiters
from controller.core.durations import span
from controller.core.ownership import Owner
from controller.reconcile.context import Context
from controller.reconcile.kinds import Key, key_of, reconcile_object
from controller.reconcile.ports import AnyKind, ObjectGone, StaleObject
from controller.reconcile.report import Reporter
from controller.reconcile.rivals import owner_name
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots
from controller.runtime.store import Store, parse
from tests.contract.life_cloud import PROJECT, UNLIMITED, LifeCloud, Place, imm_of
from tests.unit.operator_doubles import Cluster, Crash

RATES = Rates(UNLIMITED, UNLIMITED, UNLIMITED, UNLIMITED)
ON_SUBMITS = ("fine", "crash before", "crash after", "lost on the way", "late", "crash, and late", "the other first")
ON_RECORDS = {"crash before", "crash after", "the other first"}
ON_WRITES = ("fine", "crash before", "conflict", "unavailable", "crash after", "answer lost")
CREATES = ("CreateDataset", "CreateBinding")


class Kubernetes(Cluster):
    """The API server of one cluster; the process's store hears of its own writes at once, of others' by the watch."""

    def follow(self, store: Store) -> None:
        """Put what is written into a store from now on."""
        self.store = store

    def hold(self, target: AnyKind) -> AnyKind:
        return self._heard(super().hold(target))

    def write_status(self, target: AnyKind, status: Status) -> AnyKind:
        return self._heard(super().write_status(target, status))

    def _heard(self, written: AnyKind) -> AnyKind:
        self.store.put(written)
        return written


@dataclass
class Process:
    """One cluster and its operator.

    Attributes:
        behind: The watch delivers nothing for now.
        submits: What becomes of the next calls that change something in the cloud; see `ON_SUBMITS`.
        writes: What becomes of the next writes to Kubernetes; see `ON_WRITES`.
        meanwhile: A pass of another cluster, run between two calls of this one.
        acted: Whether the pass under way changed anything, in the cloud or in Kubernetes.
    """

    cloud: LifeCloud
    identity: str
    meanwhile: Callable[[], None] = lambda: None
    behind: bool = False
    submits: deque[str] = field(default_factory=deque)
    writes: deque[str] = field(default_factory=deque)
    running: Kind | None = None
    used: set[tuple[str, str, str]] = field(default_factory=set)
    sent: int = 0

    def __post_init__(self) -> None:
        self.cluster = Kubernetes(identity=self.identity, now=self.cloud)
        self.cluster.before_write, self.cluster.after_write = self._before_write, self._after_write
        local = self.cloud.local
        self.clouds = AlibabaClouds(Limiters(), RATES, sts_endpoint=local.url, fence=self._fence)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is remembered but what the cluster and the cloud hold."""
        self.behind, self.store = False, Store(self.cloud)
        self.cluster.follow(self.store)
        self.context = Context(
            clouds=self.clouds,
            objects=self.store,
            cluster=self.cluster,
            reporter=Reporter(self.cluster, self.cloud),
            sessions=Sessions(),
            snapshots=BindingSnapshots(self.cloud, self.cloud.advance),
            now=self.cloud,
            lane=Lane.EDIT,
            chunk_calls=ThreadPoolExecutor(2),
        )

    def watch(self) -> None:
        """Hear of everything that changed, and of what is gone."""
        for body in self.cluster.bodies.values():
            if (found := parse(copy.deepcopy(body))) is not None:
                self.store.put(found)
        for known in self.store.all():
            if key_of(known) not in self.cluster.bodies:
                self.store.remove(key_of(known))

    def work(self, key: Key) -> None:
        """One pass of an object as the store has it. A crash is a new process; the first LIST ends with a pass."""
        self.cloud.advance(0.1)
        if not self.behind:
            self.watch()
        self.running = self.store.find(key)
        if self.running is None:
            return
        try:
            reconcile_object(self.running, self.context)
        except Crash:
            self.restart()
            return
        except (StaleObject, ObjectGone, TimeoutError):
            pass  # the queue tries again
        finally:
            self.running = None
        self.store.complete = not self.behind or self.store.complete

    def poll(self) -> None:
        """What the projects' poller does."""
        for scope in self.context.snapshots.scopes():
            try:
                self.context.snapshots.refresh(scope)
            except CloudError:
                continue

    def everything(self) -> None:
        """A pass of each object, as after a LIST, and a poll."""
        for key in sorted(self.cluster.bodies):
            self.work(key)
        self.poll()

    @contextmanager
    def _fence(self, operation: str) -> Iterator[None]:
        """Asked by the adapters before each call that changes something: the place to judge it and to strike."""
        fate = self._fate(operation)
        if fate == "the other first":
            self.meanwhile()
        self._judge(operation)
        name = operation.partition(":")[2]
        late = self._request(name) if fate.endswith("late") else None
        if fate == "crash before":
            raise Crash
        if late is not None:
            self.cloud.later(14.9, name, late)
        if late is not None or fate == "lost on the way":
            self.cloud.advance(0.1)
            raise Crash if fate.startswith("crash") else TimedOut(operation, "the answer was lost")
        self.sent += 1
        self.cloud.sent(name)
        try:
            yield
        finally:
            self.cloud.take_stock()
            if fate.startswith("crash"):
                raise Crash

    def _fate(self, operation: str) -> str:
        """What becomes of a call; of an owner record's, only what can."""
        fate = self.submits[0] if self.submits else "fine"
        if operation.startswith("oss:") and fate not in ON_RECORDS:
            return "fine"
        if operation == "oss:DeleteObject" and fate == "the other first":
            return "fine"  # a takeover holds a lock, and here both processes are one
        return self.submits.popleft() if self.submits else fate

    def _request(self, name: str) -> Callable[[], object] | None:
        """A create or an unbinding that arrives when nobody waits for it any more."""
        target = self.running
        session = self.context.sessions.of(target) if isinstance(target, Dataset | DatasetBinding) else None
        if session is None:
            return None
        keys = session.credentials
        imm = imm_of(self.cloud.local, keys.access_key_id, keys.access_key_secret)
        match name, target:
            case "CreateBinding", DatasetBinding():
                place = self._place(target)
                return lambda: imm.create_binding(PROJECT, *place)
            case "DeleteBinding", DatasetBinding():
                place = self._place(target)
                return lambda: imm.delete_binding(PROJECT, *place)
            case _:
                return None

    def _judge(self, operation: str) -> None:
        """No write to the cloud but one that the object asks for, and none that the cluster does not know of first."""
        target = self.running
        assert isinstance(target, Dataset | DatasetBinding), f"{operation} for {target}"
        meta, spec = target.metadata, target.spec
        stored = self.cluster.bodies[key_of(target)]
        said = f"{operation} for {target.kind()} {meta.name} of {self.identity}"
        if meta.deleting and operation.startswith("oss:"):
            self._judge_record(target, operation, said)
            return
        assert spec.mode == "Apply", f"{said} in mode {spec.mode}"
        if operation.startswith("imm:"):
            assert FINALIZER in stored["metadata"]["finalizers"], f"{said} without the finalizer"
            self._judge_owner(target, said)
        if meta.deleting:
            self._judge_leaving(target, operation, said)
            return
        assert not spec.suspend, f"{said} while suspended"
        name = operation.partition(":")[2]
        if name == "DeleteBinding":
            assert isinstance(target, DatasetBinding), said
            assert target.spec.recreate_policy == "Always", f"{said}: a binding removed unasked"
        elif operation.startswith("imm:"):
            self._judge_intent(name, stored, said)

    def _judge_leaving(self, target: Dataset | DatasetBinding, operation: str, said: str) -> None:
        meta, spec = target.metadata, target.spec
        name = operation.partition(":")[2]
        assert name.startswith("Delete"), f"{said} on the way out"
        assert spec.deletion_policy == "Delete", f"{said} under Retain"
        assert not meta.detached, f"{said}, which was detached"
        assert meta.deletion_timestamp is not None
        ends = meta.deletion_timestamp + span(spec.deletion_grace_period)
        assert meta.grace_ended or self.cloud() >= ends, f"{said} in the grace period"

    def _judge_record(self, target: Dataset | DatasetBinding, operation: str, said: str) -> None:
        """An owner record goes with its owner, whatever its policy and mode by then: else nobody may have what is left.

        That is no write to what the object manages, so Retain, Observe and DryRun have nothing against it.
        """
        assert operation == "oss:DeleteObject", f"{said} on the way out"
        assert isinstance(target, DatasetBinding), said
        ours = Owner(self.identity, target.metadata.namespace, owner_name(target))
        assert self.cloud.owner(self._place(target)) == ours, f"{said}: another one's record"

    def _judge_intent(self, name: str, stored: dict[str, Any], said: str) -> None:
        """One intent, which the cluster has, for one submit; and the spec that it was planned from is the newest."""
        assert name in {*CREATES, "UpdateDataset"}, f"{said} unasked"
        intent = stored["status"].get("intent")
        assert intent is not None, f"{said} without an intent"
        assert name == intent["operation"], f"{said} with an intent for {intent['operation']}"
        assert "absentSince" not in intent, f"{said} with an intent that is in doubt"
        # An update has the same id each time it is equal, and is made again when it had six minutes to show.
        once = stored["metadata"]["uid"], intent["id"], intent["recordedAt"]
        assert once not in self.used, f"{said}: the second submit of one intent"
        self.used.add(once)
        assert "deletionTimestamp" not in stored["metadata"], f"{said}, which is being deleted"
        assert not stored["spec"].get("suspend"), f"{said}, which was suspended"
        assert "Apply" == stored["spec"].get("mode", "Apply"), f"{said}, whose mode is another"

    def _judge_owner(self, target: Dataset | DatasetBinding, said: str) -> None:
        """Nobody else is on record, and no other object of this cluster has it."""
        if isinstance(target, Dataset):
            return
        place = self._place(target)
        ours = Owner(self.identity, target.metadata.namespace, owner_name(target))
        if self._work_bucket(target):
            found = self.cloud.owner(place)
            assert found in {ours, None}, f"{said}, on record for {found}"
            assert found == ours or target.metadata.deleting, f"{said}, which is on record for nobody"
        for body in self.cluster.bodies.values():
            other = parse(copy.deepcopy(body))
            if isinstance(other, DatasetBinding) and other.status.adopted is not None and self._place(other) == place:
                same = owner_name(other) == ours.name
                assert same or place in self.cloud.unrecorded, f"{said}, which {other.metadata.name} has"

    def _work_bucket(self, target: Dataset | DatasetBinding) -> bool:
        session = self.context.sessions.of(target)
        return session is not None and session.place.work_bucket is not None

    def _place(self, target: DatasetBinding) -> Place:
        wanted = target.spec.dataset
        return wanted.ref or wanted.name or "", target.spec.bucket

    def _before_write(self, _what: str) -> None:
        match self.writes.popleft() if self.writes else "fine":
            case "crash before":
                raise Crash
            case "conflict":
                raise StaleObject("edited meanwhile")
            case "unavailable":
                raise TimeoutError
            case "crash after" | "answer lost" as fate:
                self._then = fate

    _then = ""

    def _after_write(self, _what: str) -> None:
        fate, self._then = self._then, ""
        if fate == "crash after":
            raise Crash
        if fate == "answer lost":
            raise TimeoutError

"""Two accounts, two datasets, three bindings, one cloud and a process that can die: what the life machine acts on.

Every cloud call and every write to Kubernetes is judged the moment it is made, by what the cluster has stored then.
"""

from __future__ import annotations

import copy
import json
from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import Any

from controller.api.fields import FINALIZER
from controller.cloud.errors import CloudError, Throttled, TimedOut, Unavailable
from controller.core.durations import span
from controller.core.facts import BindingFacts, BucketFacts, DatasetFacts, QuotaFacts
from controller.reconcile.kinds import KINDS, Key, reconcile_object
from controller.reconcile.ports import ObjectGone, StaleObject
from tests.unit.operator_doubles import ACCOUNT, REGION, WRITES, Cloud, Crash, Fate, World, secret

SHOWS_AFTER = 60.0  # seconds from an accepted update of a dataset until it shows
LOST = TimedOut("imm:X", "the answer was lost")
MISHAPS = {
    "crash before": Fate(effect=False, raises=Crash()),
    "crash after": Fate(raises=Crash()),
    "crash, and it comes late": Fate(delay=14.9, raises=Crash()),
    "lost on the way": Fate(effect=False, raises=LOST, took=15),
    "answer lost": Fate(raises=LOST, took=1),
    "answer lost, and it comes late": Fate(delay=14.9, raises=LOST, took=0.1),
    "throttled": Fate(effect=False, raises=Throttled("imm:X", "slow down")),
    "unavailable": Fate(effect=False, raises=Unavailable("imm:X", "refused")),
    "fine": Fate(),
}
ACCOUNTS = {"account": "key", "second": "key2"}
DATASETS = {"pictures": "account", "movies": "second"}
BINDINGS: dict[str, dict[str, Any]] = {
    "photos": {"accountRef": {"name": "account"}, "dataset": {"ref": "pictures"}, "bucket": "photos"},
    "videos": {"accountRef": {"name": "second"}, "dataset": {"ref": "movies"}, "bucket": "videos"},
    "stills": {
        "accountRef": {"name": "second"},
        "dataset": {"project": "media", "name": "pictures"},
        "bucket": "videos",
    },
}
Place = tuple[str, str, str]


class Creations(dict[Place, BindingFacts]):
    """The cloud's bindings; counts how often each one came into being."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[Place, int] = {}

    def __setitem__(self, place: Place, found: BindingFacts) -> None:
        if place not in self:
            self.counts[place] = self.counts.get(place, 0) + 1
        super().__setitem__(place, found)


class LifeCloud(Cloud):
    """A cloud whose updates show a while after they were accepted."""

    def update_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        def show() -> None:
            found = self.datasets.get((project, dataset))
            if found is not None:
                new = {"template_id": template_id, "description": description, "quotas": quotas}
                given = {name: value for name, value in new.items() if value not in {None, QuotaFacts()}}
                self.datasets[project, dataset] = replace(found, **given)  # type: ignore[arg-type] # a value to its own field

        def accept() -> DatasetFacts:
            self._pending.append((self.clock() + timedelta(seconds=SHOWS_AFTER), show))
            return self.datasets[project, dataset]

        return self._call("update_dataset", accept)


class Life(World):
    """The world, its mishaps to come, and what a person last wanted of each object."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cloud = LifeCloud(self.clock)
        self.cloud.bindings = self.made = Creations()
        self.cloud.buckets = {name: BucketFacts(name, REGION, objects=10, size=1) for name in ("photos", "videos")}
        self.cloud.fate = self._judged
        self.cluster.before_write, self.cluster.after_write = self._before_write, self._after_write
        self.mishaps: deque[str] = deque()
        self.allowed: dict[Place, int] = {}
        self.wanted: dict[Key, dict[str, Any]] = {}
        self.running: Any = None
        for name, key in ACCOUNTS.items():
            self.cluster.secrets["team", key] = secret(f"LTAI-{name}", "secret-key")
            self.apply("CloudAccount", name, {"secret": key})
        self.restart()

    def apply(self, kind: str, name: str, choice: dict[str, Any]) -> Key:
        """Apply a manifest; a second one of an object on its way out is not taken in."""
        key = Key(kind, "team", name)
        if key in self.cluster.bodies and "deletionTimestamp" in self.cluster.bodies[key]["metadata"]:
            return key
        spec = _spec(kind, name, choice)
        if key not in self.cluster.bodies and kind == "DatasetBinding":
            self._allow(spec, 1)
        if choice.get("recreatePolicy") == "Always":
            self._allow(spec, 1000)
        self.wanted[key] = copy.deepcopy(spec)
        return self.cluster.put(kind, name, spec, creationTimestamp=self.clock().isoformat())

    def delete(self, key: Key) -> None:
        """`kubectl delete`, which raises the generation of an object that stays for its finalizers."""
        body = self.cluster.bodies.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return
        super().delete(key)
        if key in self.cluster.bodies:
            body["metadata"]["generation"] += 1

    def ready(self, key: Key) -> bool:
        """Whether it says so of itself."""
        return self.condition(key) == ("True", "Succeeded")

    def work(self, key: Key, version: dict[str, Any] | None = None) -> None:
        """One pass, from an older version of the object where one is given. A crash is a new process."""
        body = version or self.cluster.bodies.get(key)
        if body is None:
            return
        self.running = KINDS[key.kind].read(copy.deepcopy(body))
        try:
            reconcile_object(self.running, self.context)
        except Crash:
            self.restart()
        except (StaleObject, ObjectGone, TimeoutError):
            pass  # the queue tries again
        finally:
            self.running = None

    def unbind_by_hand(self, bucket: str) -> None:
        """Remove the bucket's bindings. One that no status knows of yet may be made again: nobody saw that it was."""
        known = {place for body in self.cluster.bodies.values() if (place := _adopted_place(body)) is not None}
        for place in [place for place in self.made if place[2] == bucket]:
            del self.made[place]
            if place not in known:
                self.allowed[place] = self.allowed.get(place, 0) + 1

    def poll(self) -> None:
        """What the projects' poller does."""
        for scope in self.context.snapshots.scopes():
            try:
                self.context.snapshots.refresh(scope)
            except Crash:
                self.restart()
                return
            except CloudError:
                continue

    def settle(self, rounds: int) -> None:
        """Let the process work in fair weather, the cloud finish what it does, and time pass."""
        for _ in range(rounds):
            for key in sorted(self.cluster.bodies):
                self.work(key)
            self.cloud.arrive()
            for bucket in self.cloud.buckets:
                self.cloud.set_state(bucket, "Running", "IncrementalScanning")
            self.clock.advance(31)
            self.poll()

    def _allow(self, spec: dict[str, Any], times: int) -> None:
        target = spec["dataset"]
        place = ("media", target.get("ref") or target["name"], spec["bucket"])
        self.allowed[place] = self.allowed.get(place, 0) + times

    def _judged(self, operation: str) -> Fate:
        if operation in WRITES:
            self._judge(operation)
        mishap = self.mishaps.popleft() if self.mishaps else "fine"
        return Fate() if operation not in WRITES and mishap.startswith("crash, ") else MISHAPS[mishap]

    def _judge(self, operation: str) -> None:
        """No write to the cloud but one that the object asks for, and none that the cluster does not know of first."""
        target = self.running
        meta, spec = target.metadata, target.spec
        stored = self.cluster.bodies[Key(target.kind(), meta.namespace, meta.name)]
        assert FINALIZER in stored["metadata"]["finalizers"], f"{operation} without the finalizer"
        assert spec.mode == "Apply", f"{operation} in mode {spec.mode}"
        if meta.deleting:
            assert operation.startswith("delete_"), f"{operation} on the way out"
            assert spec.deletion_policy == "Delete", f"{operation} under Retain"
            assert not meta.detached, f"{operation} of what was detached"
            ends = meta.deletion_timestamp + span(spec.deletion_grace_period)
            assert meta.grace_ended or self.clock() >= ends, f"{operation} in the grace period"
            return
        assert not spec.suspend, f"{operation} while suspended"
        if operation == "delete_binding":
            assert spec.recreate_policy == "Always", "a binding removed unasked"
            return
        assert operation != "delete_dataset", "a dataset deleted unasked"
        intent = stored["status"].get("intent")
        assert intent is not None, f"{operation} without an intent"
        assert intent["operation"] == "".join(word.title() for word in operation.split("_"))

    def _before_write(self, _what: str) -> None:
        match self.mishaps.popleft() if self.mishaps else "fine":
            case "crash before":
                raise Crash
            case "throttled":
                raise StaleObject("edited meanwhile")
            case "unavailable":
                raise TimeoutError

    def _after_write(self, _what: str) -> None:
        match self.mishaps.popleft() if self.mishaps else "fine":
            case "crash after":
                raise Crash
            case "answer lost":
                raise TimeoutError

    def check(self) -> None:
        """What holds at every moment, of every object."""
        for key, body in self.cluster.bodies.items():
            status, meta = body["status"], body["metadata"]
            _check_conditions(key, status.get("conditions", []))
            assert len(json.dumps(status, ensure_ascii=False).encode()) < 32 * 1024
            assert status["observedGeneration"] <= meta["generation"]
            if key.kind != "CloudAccount" and ("adopted" in status or "intent" in status):
                assert FINALIZER in meta["finalizers"], f"{key} holds something and nothing holds it"
            if key in self.wanted:
                assert self.wanted[key] == body["spec"], f"the spec of {key} was written to"
        assert "refused late" not in self.cloud.effects, "a create was submitted twice"
        for place, times in self.made.counts.items():
            assert times <= self.allowed.get(place, 0), f"{place} was made, and billed, {times} times"


def _adopted_place(body: dict[str, Any]) -> Place | None:
    status = body["status"]
    if body["kind"] != "DatasetBinding" or "adopted" not in status:
        return None
    return status["project"], status["dataset"], body["spec"]["bucket"]


def _check_conditions(key: Key, found: list[dict[str, Any]]) -> None:
    truths = {c["type"]: c["status"] for c in found}
    assert len(found) == len(truths), f"{key}: {found}"
    assert not {"Reconciling", "Stalled"} <= truths.keys(), f"{key}: {found}"
    assert not found or "Ready" in truths, f"{key}: {found}"
    if truths.keys() & {"Reconciling", "Stalled"}:
        assert truths["Ready"] == "False", f"{key}: {found}"


def _spec(kind: str, name: str, choice: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "CloudAccount":
            credentials = {"secretRef": {"name": choice["secret"]}}
            return {"region": REGION, "accountId": ACCOUNT, "credentials": credentials}
        case "Dataset":
            return {"accountRef": {"name": DATASETS[name]}, "project": "media", "name": name} | choice
        case _:
            return BINDINGS[name] | choice

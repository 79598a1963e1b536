"""Two clusters that share a cloud, with what people may want there, and what holds at every moment."""

from __future__ import annotations

import copy
import json
from typing import Any

from controller.api.fields import FINALIZER
from controller.reconcile.kinds import Key
from emulator.testing import LocalCloud
from tests.contract.life_cloud import PROJECT, WORK, LifeCloud, Place, Switches
from tests.contract.life_process import CREATES, Process
from tests.unit.operator_doubles import secret

Spec = dict[str, Any]
NORTH, SOUTH = "north", "south"
# CloudAccounts with their work bucket: without one only the objects of one cluster are kept apart.
ACCOUNTS: dict[str, dict[str, str | None]] = {NORTH: {"main": WORK, "plain": None}, SOUTH: {"main": WORK}}
DATASETS: dict[str, dict[str, str]] = {NORTH: {"pictures": "main", "movies": "plain"}, SOUTH: {}}
BINDINGS: dict[str, dict[str, tuple[str, Spec, str]]] = {
    NORTH: {
        "photos": ("main", {"ref": "pictures"}, "photos"),
        "twin": ("main", {"project": PROJECT, "name": "pictures"}, "photos"),
        "videos": ("plain", {"ref": "movies"}, "videos"),
        "films": ("plain", {"project": PROJECT, "name": "movies"}, "videos"),
        "stills": ("plain", {"project": PROJECT, "name": "pictures"}, "videos"),
    },
    SOUTH: {
        "photos": ("main", {"project": PROJECT, "name": "pictures"}, "photos"),
        "prints": ("main", {"project": PROJECT, "name": "pictures"}, "prints"),
    },
}
LARGEST_STATUS = 32 * 1024


class Life:
    """One cloud, two clusters, and what a person last wanted of each object."""

    def __init__(self, local: LocalCloud, switches: Switches) -> None:
        self.cloud = LifeCloud(local)
        self.keys = {f"LTAI-{cluster}-{name}": f"planted-{cluster}-{name}" for cluster, name in _accounts()}
        self.cloud.open(self.keys, switches)
        self.allowed: dict[Place, int] = {}
        self.wanted: dict[tuple[str, Key], Spec] = {}
        self.processes = {identity: Process(self.cloud, identity) for identity in (NORTH, SOUTH)}
        for identity, other in ((NORTH, SOUTH), (SOUTH, NORTH)):
            self.processes[identity].meanwhile = self.processes[other].everything
        for cluster, name in _accounts():
            self.give_key(cluster, name)
            self.apply(cluster, "CloudAccount", name, {})

    def give_key(self, cluster: str, name: str) -> None:
        """The account's Secret, with the key that is good."""
        key = f"LTAI-{cluster}-{name}"
        self.processes[cluster].cluster.secrets["team", name] = secret(key, self.keys[key])

    def apply(self, cluster: str, kind: str, name: str, choice: Spec) -> None:
        """Apply a manifest; a second one of an object on its way out is not taken in."""
        key, held = Key(kind, "team", name), self.processes[cluster].cluster
        if "deletionTimestamp" in held.bodies.get(key, {}).get("metadata", {}):
            return
        spec = self._spec(cluster, kind, name) | choice
        if key not in held.bodies:
            self.allow(cluster, key, 1)
            self.renew(key)
        if choice.get("recreatePolicy") == "Always":
            self.allow(cluster, key, 1000)
        self.wanted[cluster, key] = copy.deepcopy(spec)
        held.put(kind, name, spec, creationTimestamp=self.cloud().isoformat())

    def delete(self, cluster: str, key: Key) -> None:
        """`kubectl delete`, which raises the generation of an object that stays for its finalizers."""
        held = self.processes[cluster].cluster
        meta = held.bodies.get(key, {}).get("metadata")
        if meta is None or "deletionTimestamp" in meta:
            return
        if not meta["finalizers"]:
            del held.bodies[key]
            return
        held.mark(key, deletionTimestamp=self.cloud().isoformat(), generation=meta["generation"] + 1)

    def lose_status(self, cluster: str, key: Key) -> None:
        """Restored from a backup, which holds no status and gives another uid."""
        held = self.processes[cluster].cluster
        body = held.bodies.get(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return
        body["status"] = {"observedGeneration": -1}
        held.mark(key, uid=f"{body['metadata']['uid']}-restored")
        self.allow(cluster, key, 1)
        self.renew(key)
        if key.kind == "DatasetBinding":
            self.cloud.doubt(self.place(cluster, key))
            self.cloud.unrecorded.add(self.place(cluster, key))

    def unbind(self, place: Place) -> None:
        """In the console. One that no status knows of yet may be made again: nobody saw that it was."""
        if self.cloud.unbind(place) and not self._adopted(place):
            self.allowed[place] = self.allowed.get(place, 0) + 1

    def allow(self, cluster: str, key: Key, times: int) -> None:
        """So many more bindings may come into being for an object."""
        if key.kind == "DatasetBinding":
            place = self.place(cluster, key)
            self.allowed[place] = self.allowed.get(place, 0) + times

    def renew(self, key: Key) -> None:
        """Its status, from now on, says nothing of before."""
        if key.kind == "Dataset":
            self.cloud.renewed.append((key.name, self.cloud().timestamp()))

    def place(self, cluster: str, key: Key) -> Place:
        """What a binding claims."""
        _, dataset, bucket = BINDINGS[cluster][key.name]
        return dataset.get("ref") or dataset["name"], bucket

    def condition(self, cluster: str, key: Key) -> tuple[str, str] | None:
        """Status and reason of Ready."""
        found = self.processes[cluster].cluster.bodies[key]["status"].get("conditions", [])
        return next(((c["status"], c["reason"]) for c in found if c["type"] == "Ready"), None)

    def check(self) -> None:
        """What holds at every moment, of every object and of the cloud."""
        for identity, process in self.processes.items():
            for key, body in process.cluster.bodies.items():
                self._check_object(identity, key, body)
            self._check_secrets(json.dumps(process.cluster.events))
        for operation in CREATES:
            assert self.cloud.submits[operation] == self.cloud.journalled(operation), f"{operation} went past the fence"
        assert [] == self.cloud.refused_creates(), "created though they were there"
        assert [] == self.cloud.repeated_updates(), "updated again though it could not show yet"
        for place, times in self.cloud.made.items():
            assert times <= self.allowed.get(place, 0), f"{place} was made, and billed, {times} times"

    def _check_object(self, identity: str, key: Key, body: dict[str, Any]) -> None:
        status, meta, said = body["status"], body["metadata"], f"{key} of {identity}: {body['status']}"
        shown = json.dumps(status, ensure_ascii=False)
        truths = {c["type"]: c["status"] for c in status.get("conditions", [])}
        assert len(status.get("conditions", [])) == len(truths), said
        assert not {"Reconciling", "Stalled"} <= truths.keys(), said
        assert not truths or "Ready" in truths, said
        assert not truths.keys() & {"Reconciling", "Stalled"} or truths["Ready"] == "False", said
        assert len(shown.encode()) < LARGEST_STATUS, said
        assert status["observedGeneration"] <= meta["generation"], said
        if key.kind != "CloudAccount" and ("adopted" in status or "intent" in status):
            assert FINALIZER in meta["finalizers"], f"nothing holds {said}"
        if (identity, key) in self.wanted:
            assert self.wanted[identity, key] == body["spec"], f"the spec of {key} of {identity} was written to"
        self._check_secrets(shown)

    def _check_secrets(self, text: str) -> None:
        assert [] == [planted for planted in self.keys.values() if planted in text]

    def _adopted(self, place: Place) -> bool:
        return any(
            "adopted" in body["status"] and self.place(identity, key) == place
            for identity, process in self.processes.items()
            for key, body in process.cluster.bodies.items()
            if key.kind == "DatasetBinding" and key.name in BINDINGS[identity]
        )

    def _spec(self, cluster: str, kind: str, name: str) -> Spec:
        local = self.cloud.local
        match kind:
            case "CloudAccount":
                where = {"region": local.region, "accountId": local.account_id}
                addresses = {"endpoints": {"imm": local.url, "oss": local.url}}
                records = ACCOUNTS[cluster][name]
                own = {"credentials": {"secretRef": {"name": name}}}
                return where | addresses | own | ({"workBucket": records} if records else {})
            case "Dataset":
                return {"accountRef": {"name": DATASETS[cluster][name]}, "project": PROJECT, "name": name}
            case _:
                account, dataset, bucket = BINDINGS[cluster][name]
                return {"accountRef": {"name": account}, "dataset": dataset, "bucket": bucket}


def _accounts() -> list[tuple[str, str]]:
    return [(cluster, name) for cluster, names in ACCOUNTS.items() for name in names]

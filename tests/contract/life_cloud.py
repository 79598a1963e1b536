"""The local cloud under whole lives: a clock that everybody shares, the weather, and people who change it by hand.

What took effect is counted from the cloud's own state and journal, never from what the operator was answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.ports import ProjectSpec
from controller.core.facts import QuotaFacts
from controller.core.ownership import Owner, Subject, address, decode
from emulator.clock import Clock
from emulator.imm.lifecycle import end_binding, force_binding_state
from emulator.imm.state import BindingKey, ImmState
from emulator.instance import Instance
from emulator.oss.state import Bucket
from emulator.testing import LocalCloud

START = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)
PROJECT, WORK, BUCKETS = "media", "life-records", ("photos", "videos", "prints")
UNLIMITED = 1e6  # calls a second: what an operator allows itself is another test's subject
SHOWN = 360.0  # seconds: an update takes up to five minutes to show, and is repeated after six at the earliest
DOUBT = 25.0  # seconds; a look-up is 2 s old at most, a lost create arrives within 15
Place = tuple[str, str]  # dataset, bucket
Weather = dict[str, object]
Switches = dict[str, bool | float]  # of the local cloud: what no account has confirmed
WEATHER: dict[str, Weather] = {
    "throttled": {"error": {"status": 429, "code": "Throttling.User"}},
    "busy": {"error": {"status": 503, "code": "ServiceUnavailable"}},
    "broken": {"error": {"status": 500, "code": "InternalError"}},
    "denied": {"error": {"status": 403, "code": "NoPermission"}},
    "dropped": {"drop": True},
    "answer dropped": {"drop": True, "when": "after"},
    "answer is a page": {"html": 502, "when": "after"},
    "answer is cut": {"malformed": True, "when": "after"},
}


@dataclass
class LifeCloud:
    """One account in one region, and the time.

    Attributes:
        submits: Calls that change something which were let through to the cloud, by operation.
        made: How often each binding came into being, whoever made it.
        renewed: Datasets whose object was created, or lost its status, and when.
        unrecorded: Bindings whose owner record a person removed, or whose object lost its status.
    """

    local: LocalCloud
    time: datetime = START
    submits: Counter[str] = field(default_factory=Counter)
    made: Counter[Place] = field(default_factory=Counter)
    unrecorded: set[Place] = field(default_factory=set)
    renewed: list[tuple[str, float]] = field(default_factory=list)
    _known: set[tuple[Place, float]] = field(default_factory=set)
    _doubted: dict[Place, datetime] = field(default_factory=dict)
    _late: list[tuple[datetime, str, Callable[[], object]]] = field(default_factory=list)

    def open(self, keys: dict[str, str], switches: Switches) -> None:
        """Begin anew with these root keys, the project, and full buckets."""
        self.local.reset()
        self.local.run(lambda instance: self._begin(instance, keys))
        for name, value in switches.items():
            self.local.switch(name, value)
        self.local.fault()
        self.imm.create_project(ProjectSpec(PROJECT))
        for bucket in BUCKETS:
            self.fill(bucket, 10)

    def _begin(self, instance: Instance, keys: dict[str, str]) -> None:
        instance.cloud.clock = Clock(START.timestamp())
        instance.cloud.imm_settings.queries_per_second = 0
        instance.cloud.accounts[self.local.account_id].access_keys |= keys
        self._make_bucket(instance, WORK)

    def __call__(self) -> datetime:
        """The time, as every process has it."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass; what is on its way arrives when it is due."""
        ends = self.time + timedelta(seconds=seconds)
        while due := sorted((entry for entry in self._late if entry[0] <= ends), key=lambda entry: entry[0]):
            self._late.remove(due[0])
            self._move(max(self.time, due[0][0]))
            self._arrive(*due[0][1:])
        self._move(ends)

    def later(self, seconds: float, operation: str, request: Callable[[], object]) -> None:
        """Have a request arrive only then, with nobody there who hears the answer."""
        self._late.append((self.time + timedelta(seconds=seconds), operation, request))

    def sent(self, operation: str) -> None:
        """A call that changes something goes to the cloud now."""
        self.submits[operation] += 1

    @property
    def imm(self) -> Imm:
        """IMM as the account's owner."""
        return imm_of(self.local, self.local.access_key_id, self.local.access_key_secret)

    def bindings(self) -> dict[Place, tuple[float, str, str]]:
        """Every binding that is there: when it was made, its state and its phase."""
        return self.local.run(
            lambda instance: {
                (dataset.name, binding.bucket): (binding.created, binding.state, binding.phase)
                for dataset in self._imm(instance).projects[PROJECT].datasets.values()
                for binding in dataset.bindings.values()
                if binding.state != "Deleted"
            }
        )

    def owner(self, place: Place) -> Owner | None:
        """Whose a binding is, by the record in the work bucket."""

        def look(instance: Instance) -> bytes | None:
            stored = instance.cloud.oss.buckets[WORK].objects.get(self._record_key(place))
            return stored.data if stored is not None else None

        data = self.local.run(look)
        found = decode(data) if data is not None else None
        return found.owner if found is not None else None

    def take_stock(self) -> None:
        """Count the bindings that came into being since the last time."""
        for place, (created, _, _) in self.bindings().items():
            if (place, created) not in self._known:
                self._known.add((place, created))
                self.made[place] += 1

    def settle(self) -> None:
        """Every scan comes to its end, whatever a person or the vendor did to it."""
        for bucket in BUCKETS:
            self.move(bucket, "Running", "IncrementalScanning")

    def move(self, bucket: str, state: str, phase: str) -> None:
        """What the vendor, or somebody in the console, does to the bindings of a bucket; the state may be a new one."""

        def change(instance: Instance) -> None:
            where = self.local.account_id, self.local.region, PROJECT
            drawn: Any = state, phase
            for place, (_, *now) in found.items():
                if place[1] == bucket and now != [state, phase]:  # one that runs in no phase never ends by itself
                    force_binding_state(instance.cloud, *where, place[0], f"oss://{bucket}", *drawn)

        found = self.bindings()
        self.local.run(change)

    def fill(self, bucket: str, objects: int | None) -> None:
        """Remove a bucket, and make it again with so many objects."""

        def change(instance: Instance) -> None:
            instance.cloud.oss.buckets.pop(bucket, None)
            if objects is not None:
                self._make_bucket(instance, bucket)

        self.local.run(change)
        if objects is not None:
            self.local.put_objects(bucket, [(f"{number}.txt", b"x") for number in range(objects)])

    def unbind(self, place: Place) -> bool:
        """Remove a binding in the console; whether there was one."""
        if place not in self.bindings():
            return False
        key = BindingKey(PROJECT, place[0], f"oss://{place[1]}")
        self.local.run(lambda instance: end_binding(instance.cloud, self._imm(instance), key))
        return True

    def rains(self, rules: list[dict[str, Any]]) -> None:
        """What becomes of the next calls, instead of what was said before; nothing without rules."""
        chosen = []
        for rule in rules:
            asked = zip(("service", "operation"), rule["call"], strict=True)
            chosen.append({key: name for key, name in asked if name} | {"times": rule["times"]} | WEATHER[rule["what"]])
        self.local.fault(*chosen)

    @property
    def fair(self) -> bool:
        """Whether no call will fail."""
        return not any(self.local.run(lambda instance: [left for left in instance.faults.left if left != 0]))

    def bind(self, place: Place) -> None:
        """Make a binding in the console, where that is possible."""
        if place in self.bindings():
            return
        with suppress(CloudError):
            self.sent("CreateBinding")
            self.imm.create_binding(PROJECT, *place)
        if place in (made := self.bindings()):
            self.doubt(place)
            self._known.add((place, made[place][0]))

    def make_datasets(self, names: set[str]) -> None:
        """Make the datasets that are missing, in the console."""
        there = self.local.run(lambda instance: set(self._imm(instance).projects[PROJECT].datasets))
        for name in names - there:
            with suppress(CloudError):
                self.sent("CreateDataset")
                self.imm.create_dataset(PROJECT, name, template_id=None, description=None, quotas=QuotaFacts())

    def doubt(self, place: Place) -> None:
        """From now on somebody else's create may meet ours, until every look-up of before is forgotten."""
        self._doubted[place] = self.time

    def forget_record(self, place: Place) -> None:
        """Remove an owner record in the console."""
        self.unrecorded.add(place)
        self.local.run(lambda instance: instance.cloud.oss.buckets[WORK].remove(self._record_key(place)))

    def refused_creates(self) -> list[Place]:
        """The bindings that were to be made though they existed, and nobody had made them by hand just before."""
        refused = self.local.run(
            lambda instance: [
                ((entry.params["DatasetName"], entry.params["URI"].removeprefix("oss://")), entry.time)
                for entry in instance.journal.select("imm", "CreateBinding")
                if entry.code.startswith("ResourceAlreadyExists")
            ]
        )
        return [place for place, at in refused if not 0 <= at - self._since(place) <= DOUBT]

    def repeated_updates(self) -> list[str]:
        """The updates of a dataset that took effect within six minutes after an equal one.

        Two kinds are no fault. An object without a status cannot know of the one before (`renewed`). And where another
        update was on its way, that one may be what showed at first, and what shows now.
        """
        taken = self.local.run(
            lambda instance: [
                (entry.params["DatasetName"], dict(entry.params), entry.time)
                for entry in instance.journal.select("imm", "UpdateDataset")
                if not entry.code
            ]
        )
        repeated = []
        for number, (name, asked, at) in enumerate(taken):
            before = [one for one in taken[:number] if one[0] == name and at - one[2] < SHOWN]
            known = not any(dataset == name and 0 <= at - when < SHOWN for dataset, when in self.renewed)
            if known and before and all(asked == one[1] for one in before):
                repeated.append(f"{asked} {at - before[-1][2]:.1f} s after an equal one")
        return repeated

    def _since(self, place: Place) -> float:
        return self._doubted[place].timestamp() if place in self._doubted else 0.0

    def journalled(self, operation: str) -> int:
        """How often the cloud was asked for it."""
        return self.local.counts().get("imm", {}).get(operation, 0)

    def _arrive(self, operation: str, request: Callable[[], object]) -> None:
        self.sent(operation)
        with suppress(CloudError):
            request()
        self.take_stock()

    def _move(self, to: datetime) -> None:
        self.local.advance((to - self.time).total_seconds())
        self.time = to

    def _record_key(self, place: Place) -> str:
        return address(WORK, Subject(self.local.account_id, self.local.region, PROJECT, *place)).key

    def _make_bucket(self, instance: Instance, name: str) -> None:
        made = Bucket(name, self.local.account_id, self.local.region, created=START.timestamp())
        instance.cloud.oss.buckets[name] = made

    def _imm(self, instance: Instance) -> ImmState:
        return instance.cloud.imm(self.local.account_id, self.local.region)


def imm_of(local: LocalCloud, key: str, secret: str) -> Imm:
    """IMM with a key, unfenced."""
    limiter = Limiter("life", rate=UNLIMITED, burst=UNLIMITED)
    where: dict[str, Any] = {"region": local.region, "endpoint": local.url}
    return Imm(ImmCalls(Credentials(key, secret), limiter_of=lambda _project: limiter, **where))

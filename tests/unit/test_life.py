"""Random lives: edits, faults, restarts, deletes and other people's doings in any order, judged at every step.

The passes are the operator's own; clouds and clusters are in memory, so that hundreds of lives take seconds. Whatever
happened, once the weather is fair everything comes to an end from which nothing more is written.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from controller.core.facts import BucketFacts
from controller.reconcile.kinds import Key
from tests.unit.life_world import ACCOUNTS, BINDINGS, DATASETS, MISHAPS, Life
from tests.unit.operator_doubles import REGION, secret

MANAGED = [Key("Dataset", "team", name) for name in DATASETS] + [Key("DatasetBinding", "team", n) for n in BINDINGS]
KEYS = [Key("CloudAccount", "team", name) for name in ACCOUNTS] + MANAGED
COMMON = {
    "mode": st.sampled_from(["Apply", "Apply", "Apply", "Observe", "DryRun"]),
    "suspend": st.sampled_from([False, False, False, True]),
    "deletionPolicy": st.sampled_from(["Retain", "Delete"]),
    "deletionGracePeriod": st.sampled_from(["0s", "1m"]),
}
dataset_choices = st.fixed_dictionaries({}, optional=COMMON | {"description": st.sampled_from(["a", "b"])})
OF_BINDINGS = {"recreatePolicy": st.sampled_from(["Always", "Never"]), "maxObjects": st.sampled_from([5, 50])}
binding_choices = st.fixed_dictionaries({}, optional=COMMON | OF_BINDINGS)
# Where an object may come to rest, apart from Ready: something that a person, or another object, has to mend.
AT_REST = {
    "Succeeded", "Planned", "DriftDetected", "BindingVanished", "TooManyObjects", "OwnershipConflict", "NotEmpty",
    "DependencyNotFound", "DependencyNotReady", "CredentialsUnavailable", "Suspended",
}  # fmt: skip


class Lives(RuleBasedStateMachine):
    """One life of a namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.older: dict[Key, dict[str, Any]] = {}

    @initialize(settled=st.booleans(), policy=COMMON["deletionPolicy"], grace=COMMON["deletionGracePeriod"])
    def begin(self, *, settled: bool, policy: str, grace: str) -> None:
        """With nothing, or with everything Ready."""
        if settled:
            common = {"deletionPolicy": policy, "deletionGracePeriod": grace}
            for key in MANAGED:
                self.life.apply(key.kind, key.name, common)
            self.life.settle(3)

    @rule(name=st.sampled_from(sorted(DATASETS)), choice=dataset_choices)
    def apply_dataset(self, name: str, choice: dict[str, Any]) -> None:
        """Create it, or change its spec."""
        self.life.apply("Dataset", name, choice)

    @rule(name=st.sampled_from(sorted(BINDINGS)), choice=binding_choices)
    def apply_binding(self, name: str, choice: dict[str, Any]) -> None:
        """Create it, or change its spec."""
        self.life.apply("DatasetBinding", name, choice)

    @rule(key=st.sampled_from(MANAGED))
    def delete(self, key: Key) -> None:
        """By a person."""
        self.life.delete(key)

    @rule(name=st.sampled_from(sorted(ACCOUNTS)), back=st.booleans())
    def account_goes_or_comes(self, name: str, back: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        """It has no finalizer."""
        if back:
            self.life.apply("CloudAccount", name, {"secret": ACCOUNTS[name]})
        else:
            self.life.delete(Key("CloudAccount", "team", name))

    @rule(
        key=st.sampled_from(MANAGED),
        name=st.sampled_from(["reconcile-requested-at", "end-grace-period", "detach"]),
        value=st.sampled_from(["1", "2"]),
    )
    def annotate(self, key: Key, name: str, value: str) -> None:
        """What a person may ask of an object that is there."""
        body = self.life.cluster.bodies.get(key)
        if body is None or (name == "detach" and "deletionTimestamp" not in body["metadata"]):
            return
        known = body["metadata"].get("annotations", {})
        self.life.cluster.mark(key, annotations=known | {f"imm-operator.dev/{name}": value})

    @rule(name=st.sampled_from(sorted(ACCOUNTS)), fate=st.sampled_from(["gone", "rotated", "back"]))
    def secret_changes(self, name: str, fate: str) -> None:
        """Its keys belong to the same account all along."""
        where = "team", ACCOUNTS[name]
        self.life.cluster.secrets.pop(where, None)
        if fate != "gone":
            self.life.cluster.secrets[where] = secret(f"LTAI-{name}-{fate}", "secret-key")

    @rule(bucket=st.sampled_from(["photos", "videos"]), objects=st.sampled_from([None, 10, 20]))
    def bucket_changes(self, bucket: str, objects: int | None) -> None:
        """Removed, made again, filled."""
        self.life.cloud.buckets.pop(bucket, None)
        if objects is not None:
            self.life.cloud.buckets[bucket] = BucketFacts(bucket, REGION, objects=objects, size=1)

    @rule(
        bucket=st.sampled_from(["photos", "videos"]),
        state=st.sampled_from(["Running", "Failed", "Stopped", "Deleted", "Dreaming"]),
        phase=st.sampled_from(["", "FullScanning", "IncrementalScanning"]),
    )
    def cloud_moves(self, bucket: str, state: str, phase: str) -> None:
        """What the vendor, or somebody in the console, does to bindings."""
        self.life.cloud.set_state(bucket, state, phase)

    @rule(bucket=st.sampled_from(["photos", "videos"]))
    def unbound_by_hand(self, bucket: str) -> None:
        """In the console, behind everybody's back; the poller finds it a while later."""
        self.life.unbind_by_hand(bucket)
        self.life.clock.advance(61)
        self.life.poll()
        self.a_pass_of_each()

    @rule(mishaps=st.lists(st.sampled_from(sorted(MISHAPS)), min_size=1, max_size=6))
    def weather(self, mishaps: list[str]) -> None:
        """What becomes of the next calls, on the cloud and on Kubernetes."""
        self.life.mishaps.extend(mishaps)

    @rule(
        name=st.sampled_from(sorted(BINDINGS)),
        fine=st.integers(0, 12),
        mishaps=st.lists(st.sampled_from(sorted(MISHAPS)), min_size=1, max_size=4),
        pause=st.sampled_from([0.5, 2, 11, 21]),
    )
    def made_in_bad_weather(self, name: str, fine: int, mishaps: list[str], pause: float) -> None:
        """Where answers matter most."""
        key = self.life.apply("DatasetBinding", name, {})
        self.life.work(Key("CloudAccount", "team", BINDINGS[name]["accountRef"]["name"]))
        self.life.mishaps.extend(["fine"] * fine + mishaps)
        for _ in range(4):
            self.life.work(key)
            self.life.clock.advance(pause)

    @rule()
    def restart(self) -> None:
        """All memory is lost."""
        self.life.restart()

    @rule(seconds=st.sampled_from([0.5, 2, 21, 31, 61, 400]))
    def time_passes(self, seconds: float) -> None:
        """What was delayed happens."""
        self.life.clock.advance(seconds)
        self.life.cloud.arrive()

    @rule(key=st.sampled_from(KEYS))
    def note_version(self, key: Key) -> None:
        """What a slow watch still has in the cache later."""
        if key in self.life.cluster.bodies:
            self.older[key] = copy.deepcopy(self.life.cluster.bodies[key])

    @rule(key=st.sampled_from(KEYS))
    def pass_from_an_older_version(self, key: Key) -> None:
        """Of the same object, and not of one that was on its way out."""
        now, then = self.life.cluster.bodies.get(key), self.older.get(key)
        if now is None or then is None or now["metadata"]["uid"] != then["metadata"]["uid"]:
            return
        if "deletionTimestamp" not in then["metadata"]:
            self.life.work(key, copy.deepcopy(then))

    @rule(key=st.sampled_from(MANAGED), seconds=st.sampled_from([1, 61]))
    def delete_at_work(self, key: Key, seconds: int) -> None:
        """By a person, while the process works on."""
        self.life.delete(key)
        self.a_pass_of_each()
        self.life.clock.advance(seconds)
        self.a_pass_of_each()

    @rule(key=st.sampled_from(KEYS))
    def one_pass(self, key: Key) -> None:
        """At any moment."""
        self.life.work(key)

    @rule()
    def a_pass_of_each(self) -> None:
        """As after a LIST, with a poll."""
        for key in sorted(self.life.cluster.bodies):
            self.life.work(key)
        self.life.poll()

    @invariant()
    def holds(self) -> None:
        """The invariants that know no moment of exception."""
        self.life.check()

    def teardown(self) -> None:
        """Fair weather at last: everything comes to rest, and then nothing is written any more."""
        life = self.life
        life.mishaps.clear()
        for name, key in ACCOUNTS.items():
            life.cluster.secrets["team", key] = secret(f"LTAI-{name}-end", "secret-key")
            life.apply("CloudAccount", name, {"secret": key})
        life.cloud.buckets = {n: BucketFacts(n, REGION, objects=10, size=1) for n in ("photos", "videos")}
        life.settle(30)
        life.check()
        life.cluster.writes.clear()
        life.cloud.calls.clear()
        life.settle(2)
        assert [] == life.cluster.writes
        assert [] == life.cloud.writes
        for held in life.cluster.bodies:
            self.is_at_rest(held)

    def is_at_rest(self, key: Key) -> None:
        """Ready, or it says what somebody has to do; and its status speaks of its last version."""
        body = self.life.cluster.bodies[key]
        ready = self.life.condition(key)
        assert ready is not None
        annotations = body["metadata"].get("annotations", {})
        heir = Key(key.kind, key.namespace, annotations.get("imm-operator.dev/stands-in-for", ""))
        if heir in self.life.cluster.bodies and ready[1] == "DeletionGracePeriod":
            assert not self.life.ready(heir), f"{key} waits for {heir}, which is there"
            return  # a stand-in keeps what its heir claims until that one can take it over
        assert ready[1] in AT_REST, f"{key}: {body['status']}"
        assert body["status"]["observedGeneration"] == body["metadata"]["generation"], f"{key}: {body}"
        if key.kind == "CloudAccount":
            assert ("True", "Succeeded") == ready


@pytest.mark.timeout(600)  # of which seconds are used, unless a failure is to be made small
def test_whatever_happens_the_invariants_hold_and_everything_comes_to_rest() -> None:
    """At most one create per binding and permission; no write that mode, suspension or policy forbids; an end."""
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

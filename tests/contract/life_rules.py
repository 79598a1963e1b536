"""What may happen in a life of two clusters, in any order, and where it has to end.

The passes and the SDK adapters are the operator's own, the cloud is the local one, and two clusters share it. Whatever
happened, once the weather is fair everything comes to an end from which nothing more is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from controller.reconcile.kinds import Key
from emulator.testing import LocalCloud, running
from tests.contract.life_cloud import BUCKETS, WEATHER
from tests.contract.life_process import ON_SUBMITS, ON_WRITES
from tests.contract.life_room import ACCOUNTS, BINDINGS, DATASETS, NORTH, SOUTH, Life
from tests.unit.operator_doubles import secret

Named = tuple[str, Key]  # cluster, object
ALL_ACCOUNTS = [(c, Key("CloudAccount", "team", name)) for c, names in ACCOUNTS.items() for name in names]
ALL_DATASETS = [(c, Key("Dataset", "team", name)) for c, names in DATASETS.items() for name in names]
ALL_BINDINGS = [(c, Key("DatasetBinding", "team", name)) for c, names in BINDINGS.items() for name in names]
MANAGED = ALL_DATASETS + ALL_BINDINGS
PLACES = [("pictures", "photos"), ("pictures", "videos"), ("movies", "videos"), ("pictures", "prints")]
COMMON = {
    "mode": st.sampled_from(["Apply", "Apply", "Apply", "Observe", "DryRun"]),
    "suspend": st.sampled_from([False, False, False, True]),
    "deletionPolicy": st.sampled_from(["Retain", "Delete"]),
    "deletionGracePeriod": st.sampled_from(["0s", "1m"]),
}
dataset_choices = st.fixed_dictionaries({}, optional=COMMON | {"description": st.sampled_from(["a", "b"])})
OF_BINDINGS = {"recreatePolicy": st.sampled_from(["Always", "Never"]), "maxObjects": st.sampled_from([5, 50])}
binding_choices = st.fixed_dictionaries({}, optional=COMMON | OF_BINDINGS)
CALLS = [
    *((service, None) for service in (None, "imm", "oss", "sts")),
    *(("imm", name) for name in ("CreateBinding", "DeleteBinding", "ListBindings", "CreateDataset", "UpdateDataset")),
    *(("oss", name) for name in ("GetObject", "PutObject", "DeleteObject")),
]
weather = st.fixed_dictionaries(
    {
        "call": st.sampled_from(CALLS),
        "what": st.sampled_from(sorted(WEATHER)),
        "times": st.integers(1, 4),
    }
)
# Where an object may come to rest, apart from Ready: something that a person, or another object, has to mend.
AT_REST = {
    "Succeeded", "Planned", "DriftDetected", "BindingVanished", "TooManyObjects", "OwnershipConflict", "NotEmpty",
    "DependencyNotFound", "DependencyNotReady", "CredentialsUnavailable", "Suspended",
}  # fmt: skip
ROUNDS = 40


class Lives(RuleBasedStateMachine):
    """One life of two clusters."""

    local: LocalCloud

    @initialize(
        settled=st.booleans(),
        policy=COMMON["deletionPolicy"],
        grace=COMMON["deletionGracePeriod"],
        leaves_deleted=st.booleans(),
        update_takes=st.sampled_from([0, 290]),
    )
    def begin(
        self, *, settled: bool, policy: str, grace: str, leaves_deleted: bool = True, update_takes: float = 0
    ) -> None:
        """With nothing, or with everything there is room for Ready."""
        switches = {"delete_binding_leaves_deleted": leaves_deleted, "update_delay_seconds": update_takes}
        self.life = Life(self.local, switches)
        if settled:
            for cluster, key in MANAGED:
                self.life.apply(cluster, key.kind, key.name, {"deletionPolicy": policy, "deletionGracePeriod": grace})
            for _ in range(3):
                self.round()

    @rule(named=st.sampled_from(ALL_DATASETS), choice=dataset_choices, passes=st.integers(0, 2))
    def apply_dataset(self, named: Named, choice: dict[str, Any], passes: int) -> None:
        """Create it, or change its spec."""
        self.applied(named, choice, passes)

    @rule(named=st.sampled_from(ALL_BINDINGS), choice=binding_choices, passes=st.integers(0, 2))
    def apply_binding(self, named: Named, choice: dict[str, Any], passes: int) -> None:
        """Create it, or change its spec."""
        self.applied(named, choice, passes)

    def applied(self, named: Named, choice: dict[str, Any], passes: int) -> None:
        """A manifest, and as many looks at it at once."""
        cluster, key = named
        self.life.apply(cluster, key.kind, key.name, choice)
        for _ in range(passes):
            self.life.processes[cluster].everything()

    @rule(named=st.sampled_from(ALL_BINDINGS), choice=binding_choices, pause=st.sampled_from([0.5, 11, 21]))
    def replace_by_force(self, named: Named, choice: dict[str, Any], pause: float) -> None:
        """Deleted and created again, as `kubectl replace --force` and Flux's `force` do."""
        cluster, key = named
        self.life.delete(cluster, key)
        self.life.processes[cluster].work(key)
        self.life.apply(cluster, key.kind, key.name, choice)
        for _ in range(2):
            self.life.cloud.advance(pause)
            self.life.processes[cluster].everything()

    @rule(named=st.sampled_from(MANAGED))
    def lose_status(self, named: Named) -> None:
        """A backup holds none."""
        self.life.lose_status(*named)

    @rule(named=st.sampled_from(MANAGED))
    def delete(self, named: Named) -> None:
        """By a person."""
        self.life.delete(*named)

    @rule(named=st.sampled_from(MANAGED), seconds=st.sampled_from([1, 61]))
    def delete_at_work(self, named: Named, seconds: int) -> None:
        """By a person, while the process works on."""
        self.life.delete(*named)
        self.life.processes[named[0]].everything()
        self.life.cloud.advance(seconds)
        self.life.processes[named[0]].everything()

    @rule(named=st.sampled_from(ALL_ACCOUNTS), back=st.booleans())
    def account_goes_or_comes(self, named: Named, back: bool) -> None:  # noqa: FBT001 - Hypothesis draws it
        """It has no finalizer."""
        if back:
            self.life.apply(named[0], "CloudAccount", named[1].name, {})
        else:
            self.life.delete(*named)

    @rule(
        named=st.sampled_from(MANAGED),
        name=st.sampled_from(["reconcile-requested-at", "end-grace-period", "detach"]),
        value=st.sampled_from(["1", "2"]),
    )
    def annotate(self, named: Named, name: str, value: str) -> None:
        """What a person may ask of an object that is there."""
        cluster, key = named
        held = self.life.processes[cluster].cluster
        body = held.bodies.get(key)
        if body is None or (name == "detach" and "deletionTimestamp" not in body["metadata"]):
            return
        known = body["metadata"].get("annotations", {})
        held.mark(key, annotations=known | {f"imm-operator.dev/{name}": value})

    @rule(named=st.sampled_from(ALL_ACCOUNTS), fate=st.sampled_from(["gone", "wrong", "back"]))
    def secret_changes(self, named: Named, fate: str) -> None:
        """Removed, mistyped, mended."""
        cluster, key = named
        secrets = self.life.processes[cluster].cluster.secrets
        secrets.pop(("team", key.name), None)
        if fate == "wrong":
            secrets["team", key.name] = secret(f"LTAI-{cluster}-{key.name}", "planted-wrong")
        elif fate == "back":
            self.life.give_key(cluster, key.name)

    @rule(bucket=st.sampled_from(BUCKETS), objects=st.sampled_from([None, 10, 20]))
    def bucket_changes(self, bucket: str, objects: int | None) -> None:
        """Removed, made again, filled."""
        self.life.cloud.fill(bucket, objects)

    @rule(
        bucket=st.sampled_from(BUCKETS),
        state=st.sampled_from(["Running", "Failed", "Stopped", "Retrying", "Dreaming"]),
        phase=st.sampled_from(["", "FullScanning", "IncrementalScanning"]),
    )
    def cloud_moves(self, bucket: str, state: str, phase: str) -> None:
        """What the vendor, or somebody in the console, does to bindings."""
        self.life.cloud.move(bucket, state, phase)

    @rule(place=st.sampled_from(PLACES))
    def unbound_by_hand(self, place: tuple[str, str]) -> None:
        """In the console, behind everybody's back; the pollers find it a while later."""
        self.life.unbind(place)
        self.life.cloud.advance(61)
        self.everybody()

    @rule(place=st.sampled_from(PLACES))
    def bound_by_hand(self, place: tuple[str, str]) -> None:
        """In the console: it is adopted, not made."""
        self.life.cloud.bind(place)

    @rule(place=st.sampled_from(PLACES))
    def record_removed_by_hand(self, place: tuple[str, str]) -> None:
        """The owner record, by somebody who tidies up."""
        self.life.cloud.forget_record(place)

    @rule(rules=st.lists(weather, min_size=1, max_size=3))
    def weather_changes(self, rules: list[dict[str, Any]]) -> None:
        """What becomes of the next calls on the cloud."""
        self.life.cloud.rains(rules)

    @rule(
        cluster=st.sampled_from([NORTH, SOUTH]),
        submits=st.lists(st.sampled_from(ON_SUBMITS), max_size=4),
        writes=st.lists(st.sampled_from(ON_WRITES), max_size=4),
    )
    def mishaps(self, cluster: str, submits: list[str], writes: list[str]) -> None:
        """What becomes of a process's next submits, and of its next writes to Kubernetes."""
        self.life.processes[cluster].submits.extend(submits)
        self.life.processes[cluster].writes.extend(writes)

    @rule(
        named=st.sampled_from(ALL_BINDINGS),
        submits=st.lists(st.sampled_from([*ON_SUBMITS, "late", "crash, and late"]), min_size=1, max_size=3),
        rules=st.lists(weather, max_size=1),
        pause=st.sampled_from([0.5, 2, 4, 11, 21]),
        again=st.booleans(),
    )
    def made_in_bad_weather(
        self, named: Named, submits: list[str], rules: list[dict[str, Any]], pause: float, *, again: bool
    ) -> None:
        """Where answers matter most; `again` with leave to make anew what somebody removed."""
        cluster, key = named
        process, place = self.life.processes[cluster], self.life.place(cluster, key)
        self.life.cloud.make_datasets({place[0]})
        self.life.apply(cluster, key.kind, key.name, {"recreatePolicy": "Always"} if again else {})
        if again:
            self.life.unbind(place)
            self.life.cloud.advance(3)
        for depends in ("CloudAccount", "Dataset"):
            for known in [one for one in process.cluster.bodies if one.kind == depends]:
                process.work(known)
        process.submits.clear()
        process.submits.extend(submits)
        self.life.cloud.rains(rules)
        for _ in range(4):
            process.work(key)
            self.life.cloud.advance(pause)

    @rule(cluster=st.sampled_from([NORTH, SOUTH]))
    def restart(self, cluster: str) -> None:
        """All memory is lost."""
        self.life.processes[cluster].restart()

    @rule(cluster=st.sampled_from([NORTH, SOUTH]), behind=st.booleans())
    def watch_hangs(self, cluster: str, *, behind: bool) -> None:
        """The process goes on with what it knows; or the watch catches up."""
        self.life.processes[cluster].behind = behind

    @rule(seconds=st.sampled_from([0.5, 2, 21, 31, 61, 400]))
    def time_passes(self, seconds: float) -> None:
        """What was delayed happens."""
        self.life.cloud.advance(seconds)

    @rule(named=st.sampled_from(ALL_ACCOUNTS + MANAGED))
    def one_pass(self, named: Named) -> None:
        """At any moment."""
        self.life.processes[named[0]].work(named[1])

    @rule(cluster=st.sampled_from([NORTH, SOUTH]))
    def a_pass_of_each(self, cluster: str) -> None:
        """As after a LIST."""
        self.life.processes[cluster].everything()

    @rule(named=st.sampled_from(MANAGED))
    def second_pass(self, named: Named) -> None:
        """Of a settled object, with nothing changed in between: it writes nothing, nowhere."""
        cluster, key = named
        process = self.life.processes[cluster]
        if not self.life.cloud.fair or process.submits or process.writes or process.behind:
            return
        process.work(key)
        if key not in process.cluster.bodies or ("True", "Succeeded") != self.life.condition(cluster, key):
            return
        before = len(process.cluster.writes), process.sent
        process.work(key)
        assert before == (len(process.cluster.writes), process.sent), f"{key} of {cluster} was settled"

    @invariant()
    def holds(self) -> None:
        """The invariants that know no moment of exception."""
        if hasattr(self, "life"):
            self.life.check()

    def teardown(self) -> None:
        """Fair weather at last: everything comes to rest, and then nothing is written any more."""
        if not hasattr(self, "life"):
            return
        life = self.life
        life.cloud.rains([])
        for process in life.processes.values():
            process.submits.clear()
            process.writes.clear()
            process.behind = False
        for cluster, key in ALL_ACCOUNTS:
            life.give_key(cluster, key.name)
            life.apply(cluster, key.kind, key.name, {})
        for bucket in BUCKETS:
            life.cloud.fill(bucket, 10)
        quiet = 0
        for _ in range(ROUNDS):
            life.cloud.make_datasets({place[0] for place in PLACES})
            quiet = quiet + 1 if 0 == self.round() and self.rest() == "" else 0
            life.check()
            if quiet == 2:
                return
        raise AssertionError(f"no end: {self.rest() or 'something is written again and again'}")

    def round(self) -> int:
        """Let everybody work, the cloud finish what it does, and time pass; how much was written."""
        before = self.written()
        self.life.cloud.settle()
        self.everybody()
        self.life.cloud.advance(61)
        return self.written() - before

    def everybody(self) -> None:
        """A pass of each object in both clusters."""
        for process in self.life.processes.values():
            process.everything()

    def written(self) -> int:
        """Writes so far, to the cloud and to Kubernetes."""
        return sum(process.sent + len(process.cluster.writes) for process in self.life.processes.values())

    def rest(self) -> str:
        """What is not at rest: neither Ready, nor saying of its last version what somebody has to do."""
        for cluster, process in self.life.processes.items():
            for key, body in process.cluster.bodies.items():
                ready = self.life.condition(cluster, key)
                if ready == ("False", "DeletionGracePeriod") and self.waits_for_heir(cluster, key):
                    continue
                current = body["status"]["observedGeneration"] == body["metadata"]["generation"]
                good = {"Succeeded"} if key.kind == "CloudAccount" else AT_REST
                if ready is None or ready[1] not in good or not current:
                    return f"{key} of {cluster}: {body}"
        return ""

    def waits_for_heir(self, cluster: str, key: Key) -> bool:
        """A stand-in keeps what its heir claims until that one can, and may, take it over."""
        bodies = self.life.processes[cluster].cluster.bodies
        name = bodies[key]["metadata"].get("annotations", {}).get("imm-operator.dev/stands-in-for", "")
        heir = Key(key.kind, key.namespace, name)
        if heir not in bodies:
            return False
        spec = bodies[heir]["spec"]
        may = spec.get("mode", "Apply") == "Apply" and not spec.get("suspend")
        return not may or self.life.condition(cluster, heir) != ("True", "Succeeded")


@contextmanager
def cloud_of_lives() -> Iterator[None]:
    """One local cloud for all lives: each begins it anew."""
    with running() as local:
        Lives.local = local
        yield

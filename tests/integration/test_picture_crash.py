"""The operator is killed at every write of an import into Image Search, before and after it took effect.

The cloud holds the write, the process ends meanwhile, and the write takes effect all the same, or has already: nobody
is left who would hear the answer. Whatever was killed, an attempt is one task, and every line has its true verdict.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.programs import ProgramError
from tests.integration.import_room import IMPORT, WORK
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_room import INCREASE, LIST, PICTURES, PictureRoom, line, own, target, text_of
from tests.integration.picture_truth import assert_pictures_true, looks_at, original, tasks_of, uploads
from tests.integration.replicas import CALL, LEASE, has_ended, leads, pause, replica_of, revive, wake
from tests.integration.world import World

HELD = {"before": 3.0, "late": 9.0, "after": 3.0}  # seconds; a process begins anew in about three
LINES, ROOM = 8, 5  # the instance isolates what it has no room for
BAD: dict[str, Any] = {"OperationType": "ADD", "ProductId": "without a picture"}
# Every write of a run whose manifest takes the place of its user's, in order: the operation, and what it writes.
WRITES = (
    ("PutObject", "problems"),
    ("PutObject", "checked"),
    ("PutObject", "progress"),
    ("PutObject", "items"),
    ("PutObject", "all problems"),
    ("PutObject", "resolution"),
    ("PutObject", "record"),
    ("CopyObject", "original"),
    ("InitiateMultipartUpload", "manifest"),
    ("PutObject", "upload"),
    ("UploadPart", "manifest"),
    ("CompleteMultipartUpload", "manifest"),
    ("PutObject", "journal 0: uploaded"),
    ("PutObject", "journal 1: planned"),
    (INCREASE, "task"),
    ("PutObject", "journal 2: answered"),
    ("PutObject", "task report"),
    ("PutObject", "journal 3: verdicts"),
    ("PutObject", "report"),
    ("PutObject", "end"),
)
WRITING = ("PutObject", "Copy", "Initiate", "UploadPart", "Complete", "Abort", "Append", "Delete", INCREASE)
CHECKED = WRITES.index(("PutObject", "progress"))  # from here on no picture is looked at again
BEGUN = WRITES.index(("InitiateMultipartUpload", "manifest"))
ON_RECORD = WRITES.index(("PutObject", "upload"))  # the upload's id: who comes after can drop it


# Those that may yet meet what the next process wrote meanwhile: they take effect when it has long been at work.
LATE = ("record", "original", "manifest", "journal", "task")


@dataclass(frozen=True)
class Point:
    """A write, and when the process ends: before it takes effect, long before that, or after it."""

    number: int
    when: str

    @property
    def operation(self) -> str:
        """Of the cloud."""
        return WRITES[self.number][0]

    @property
    def what(self) -> str:
        """What it writes."""
        return WRITES[self.number][1]

    @property
    def service(self) -> str:
        """Whose operation it is."""
        return "imagesearch" if self.operation == INCREASE else "oss"

    @property
    def nth(self) -> int:
        """How many of this operation come before it."""
        return sum(operation == self.operation for operation, _ in WRITES[: self.number])

    def __str__(self) -> str:
        return f"{self.when} {self.operation} of {self.what}"

    def hold(self, room: PictureRoom) -> None:
        """Have the cloud hold it, and let those before it through."""
        rule: dict[str, Any] = {"service": self.service, "operation": self.operation}
        before = [rule | {"latency": 0.0, "times": self.nth}] if self.nth else []
        when = "after" if self.when == "after" else "before"
        room.world.cloud.fault(*before, rule | {"when": when, "latency": HELD[self.when], "times": 1})

    def await_held(self, room: PictureRoom) -> None:
        """Wait until the cloud holds it."""
        room.world.until(f"{self} to be held", lambda: room.struck()[-1] == 1, 40)

    def await_answered(self, room: PictureRoom, since: int) -> None:
        """Wait until it took effect, whatever that was: nobody hears the answer."""

        def is_over() -> bool:
            made = room.world.cloud.requests(self.service, self.operation, since)
            return any(float(str(one["duration"])) >= HELD[self.when] for one in made)

        room.world.until(f"{self} to be over", is_over, HELD[self.when])


POINTS = [
    Point(number, when)
    for number, (_, what) in enumerate(WRITES)
    for when in HELD
    if when != "late" or what.startswith(LATE)
]
SUBMIT = Point(WRITES.index((INCREASE, "task")), "after")


@pytest.fixture(scope="module")
def room(world: World) -> PictureRoom:
    """Everything an import into Image Search needs."""
    made = PictureRoom(world)
    made.open()
    return made


@pytest.fixture(autouse=True)
def alive(room: PictureRoom) -> Iterator[None]:
    """A test's pace ends with it; one that failed between a kill and a start leaves an operator to the next."""
    yield
    if room.world.operator is None or has_ended(room.world):
        revive(room.world)
    room.calm()


def prepare(room: PictureRoom, name: str) -> list[dict[str, Any]]:
    """An instance that is too small for the lines of its manifest, one of which is bad; the good ones."""
    room.instance(name, capacity=ROOM)
    return write(room, name)


def write(room: PictureRoom, name: str) -> list[dict[str, Any]]:
    """A manifest of a user's own in the path of that name, and the pictures of its good lines, which are returned."""
    lines = [line(f"{name}-{number}", f"{number:03}.jpg") for number in range(LINES)]
    room.draw(*(f"{name}/{one['PicName']}" for one in lines))
    room.manifest(name, [*lines, BAD])
    return lines


def start(room: PictureRoom, name: str) -> None:
    """An import that writes everything there is to write."""
    room.apply(name, own(name), onInvalid="Skip", allowManifestReplace=True)


def finish(room: PictureRoom, name: str, lines: list[dict[str, Any]], runs: set[str]) -> dict[str, Any]:
    """To the end: the truth, in one run, in one task."""
    room.await_phase(name, "Failed", 90)
    status = assert_pictures_true(room, name, adds=pairs(lines))
    assert (ROOM, LINES - ROOM, 0, 0) == room.counts(name)
    assert 1 == status["totals"]["skipped"]
    assert {status["run"]} == runs_on_record(room) - runs
    assert text_of([*lines, BAD]).encode() == original(room, name)
    assert [one | {"Crop": True} for one in lines] == [{"Crop": True} | one for one in room.lies(name)]
    return status


def pairs(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Product and picture of each."""
    return [(one["ProductId"], one["PicName"]) for one in lines]


def latest(room: PictureRoom) -> int:
    """The number of the cloud's last request."""
    return int(str(room.world.cloud.requests()[-1]["number"]))


def test_the_writes_of_a_run(room: PictureRoom) -> None:
    """Those that the process is killed at below are all there are, each once."""
    lines, runs = prepare(room, "none"), runs_on_record(room)
    since = latest(room)
    start(room, "none")
    finish(room, "none", lines, runs)
    made = [str(one["operation"]) for one in room.world.cloud.requests(since=since)]
    assert [operation for operation, _ in WRITES] == [one for one in made if one.startswith(WRITING)]
    assert {1} == {*looks_at(room, "none/").values()}
    assert [] == uploads(room, "none")


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_killed_at_a_write_to_the_cloud(room: PictureRoom, point: Point) -> None:
    """One task, none lost, every verdict true, and no picture is looked at again that was checkpointed."""
    name = f"k-{point.number:02}-{point.when}"
    lines, runs = prepare(room, name), runs_on_record(room)
    since = latest(room)
    point.hold(room)
    start(room, name)
    point.await_held(room)
    revive(room.world)
    room.await_phase(name, "Failed", 90)
    point.await_answered(room, since)
    finish(room, name, lines, runs)
    assert 1 == room.submits(name), "and none was refused either"
    looks = looks_at(room, f"{name}/")
    assert LINES == len(looks)
    safe = point.number > CHECKED or (point.number, point.when) == (CHECKED, "after")
    assert max(looks.values()) <= (1 if safe else 2), looks
    lost = BEGUN <= point.number <= ON_RECORD and (point.number, point.when) != (ON_RECORD, "after")
    assert len(uploads(room, name)) <= lost, "only one whose id is not on record yet may be left to the bucket's rules"


class TestKilledWhileItCleansUp:
    """What a process that was killed began is ended by the next one, which may be killed just then."""

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_at_dropping_an_upload(self, room: PictureRoom, when: str) -> None:
        """The third drops it again, or finds that it is gone; and uploads the manifest."""
        name = f"drop-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        first = Point(WRITES.index(("UploadPart", "manifest")), "after")
        first.hold(room)
        start(room, name)
        first.await_held(room)
        abort = {"service": "oss", "operation": "AbortMultipartUpload", "when": when, "latency": 3.0, "times": 1}
        room.world.cloud.fault(abort)
        revive(room.world)
        room.world.until("the upload to be dropped", lambda: room.struck()[0] == 1, 40)
        revive(room.world)
        finish(room, name, lines, runs)
        assert [] == uploads(room, name)
        assert 1 == room.submits(name)

    def test_at_looking_for_a_task_whose_answer_was_lost(self, room: PictureRoom) -> None:
        """Each process looks afresh, and none of them submits again."""
        lines, runs = prepare(room, "look"), runs_on_record(room)
        SUBMIT.hold(room)
        start(room, "look")
        SUBMIT.await_held(room)
        for _ in range(2):
            room.world.cloud.fault({"service": "imagesearch", "operation": LIST, "when": "after", "latency": 3.0})
            revive(room.world)
            room.world.until("a look", lambda: room.struck()[0] == 1, 40)
        room.world.cloud.fault()
        revive(room.world)
        finish(room, "look", lines, runs)
        assert 1 == room.submits("look")


class TestStatusWrites:
    """Killed before and after each of the four that an import goes through."""

    @pytest.fixture(params=["before", "after"])
    def when(self, request: pytest.FixtureRequest, room: PictureRoom) -> str:
        """The import that `silent` tries a write on is there."""
        room.apply("probe", {"pictures": [{"productId": "p", "picName": "p.jpg", "customContent": "p"}]}, suspend=True)
        return str(request.param)

    def test_resolving(self, room: PictureRoom, when: str) -> None:
        """The first, while pictures are looked at."""
        name = f"s-resolving-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        reads = 3 + LINES  # the resolution, the checkpoint, the manifest, each picture
        slow = {"service": "oss", "operation": "GetObject", "latency": 2.0, "times": reads}
        room.world.cloud.fault(slow)
        with silent(room.world, when):
            start(room, name)
            room.world.until("pictures to be read", lambda: room.struck()[0] == reads, 40)
            if when == "after":
                room.await_phase(name, "Resolving")
            room.world.kill()
        assert (when == "after") == ("phase" in room.status(name))
        revive(room.world)
        finish(room, name, lines, runs)
        assert 1 == room.submits(name)

    def test_submitting(self, room: PictureRoom, when: str) -> None:
        """The run's name: before it is shown nothing is submitted."""
        name = f"s-submitting-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        other = occupy(room, name)
        with silent(room.world, when):
            start(room, name)
            room.world.until("the run record", lambda: len(runs_on_record(room) - runs) == 1, 40)
            if when == "after":
                room.await_phase(name, "Submitting")
            room.world.kill()
        assert (when == "after") == ("run" in room.status(name))
        assert [other] == [one.id for one in tasks_of(room, name)]
        room.world.cloud.cancel_image_task(name, other)
        room.work()
        revive(room.world)
        finish(room, name, lines, runs)
        assert 2 == room.submits(name), "one of them is somebody else's"

    def test_waiting(self, room: PictureRoom, when: str) -> None:
        """The task's id."""
        name = f"s-waiting-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        other = occupy(room, name)
        start(room, name)
        room.await_phase(name, "Submitting")
        with silent(room.world, when):
            room.world.cloud.cancel_image_task(name, other)
            room.world.until("the task", lambda: len(tasks_of(room, name)) == 2, 40)
            if when == "after":
                room.await_phase(name, "Waiting")
            room.world.kill()
        assert (when == "after") == ("task" in room.status(name))
        room.work()
        revive(room.world)
        finish(room, name, lines, runs)
        assert 2 == room.submits(name), "one of them is somebody else's"

    def test_ended(self, room: PictureRoom, when: str) -> None:
        """The verdict: it is on record before it is shown, and costs nothing again."""
        name = f"s-ended-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        room.begun(name, own(name), onInvalid="Skip", allowManifestReplace=True)
        with silent(room.world, when):
            room.work()
            end = f"runs/{room.status(name)['run']}/end.json"
            room.world.until("the verdict", lambda: room.world.bucket(WORK).object_exists(end), 40)
            if when == "after":
                room.await_phase(name, "Failed")
            room.world.kill()
        assert ("Waiting" if when == "before" else "Failed") == room.status(name)["phase"]
        since = latest(room)
        revive(room.world)
        finish(room, name, lines, runs)
        made = [str(one["operation"]) for one in room.world.cloud.requests(since=since)]
        assert [] == [one for one in made if one.startswith(WRITING)]


@pytest.fixture(scope="class", params=["without a callback", "with a callback"])
def callback(request: pytest.FixtureRequest, room: PictureRoom) -> Iterator[str]:
    """The address that a task has to call; empty for none."""
    address = ""
    world = room.world
    world.stop()
    if request.param == "with a callback":
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        world.settings |= {"IMM_OPERATOR_CALLBACK_URL": address, "IMM_OPERATOR_CALLBACK_PORT": str(port)}
    world.start()
    yield address
    world.stop()
    world.settings = {key: value for key, value in world.settings.items() if "CALLBACK" not in key}
    world.start()


class TestLostAnswers:
    """Of the one call that must not be made twice, without a kill; with and without a callback."""

    def test_it_took_effect(self, room: PictureRoom, callback: str) -> None:
        """The connection ends in the place of an answer."""
        lost = {"when": "after", "drop": True}
        self.lose(room, callback, f"lost-{int(bool(callback))}", lost)

    def test_it_took_effect_when_nobody_waited_any_more(self, room: PictureRoom, callback: str) -> None:
        """The first look does not have it, the second does."""
        self.lose(room, callback, f"slow-{int(bool(callback))}", {"when": "before", "latency": CALL + 4.0})

    def test_it_took_no_effect(self, room: PictureRoom, callback: str) -> None:
        """Two looks do not have it: it is submitted once more, and that is the only task."""
        self.lose(room, callback, f"none-{int(bool(callback))}", {"when": "before", "drop": True}, submits=2)

    @staticmethod
    def lose(room: PictureRoom, callback: str, name: str, rule: dict[str, Any], *, submits: int = 1) -> None:
        """Have the answer to an import's submit lost."""
        lines, runs = prepare(room, name), runs_on_record(room)
        room.world.cloud.fault({"service": "imagesearch", "operation": INCREASE, "times": 1} | rule)
        start(room, name)
        status = finish(room, name, lines, runs)
        [task] = tasks_of(room, name)
        assert bool(callback) == task.callback_address.startswith(f"{callback}/v1/callbacks/{status['run']}/")
        assert submits == room.submits(name)


def test_two_imports_of_one_instance(room: PictureRoom) -> None:
    """Killed while one waits for the other, at the first one's verdict, and at the second one's submit."""
    room.instance("pair", capacity=LINES + ROOM)
    names = ("pair-1", "pair-2")
    lines = {name: write(room, name) for name in names}
    room.hold()
    more = {"onInvalid": "Skip", "allowManifestReplace": True}
    room.apply("pair-1", own("pair-1"), target=target("pair", "pair-1/"), **more)
    first = room.await_task("pair-1")
    room.apply("pair-2", own("pair-2"), target=target("pair", "pair-2/"), **more)
    room.await_said("pair-2", "1 import comes before")
    revive(room.world)
    room.await_said("pair-2", "1 import comes before")
    assert [first] == [one.id for one in tasks_of(room, "pair")]
    verdict = {"service": "oss", "operation": "PutObject", "times": 1, "when": "before", "latency": 3.0}
    submit = {"service": "imagesearch", "operation": INCREASE, "times": 1, "when": "before", "latency": 3.0}
    room.world.cloud.fault(verdict, submit)
    room.work()
    room.world.until("a write at the first one's end to be held", lambda: room.struck()[0] == 1, 60)
    revive(room.world)
    room.world.until("the second submit to be held", lambda: room.struck()[1] == 1, 60)
    revive(room.world)
    room.await_phase("pair-1", "Complete", 60)
    room.await_phase("pair-2", "Failed", 60)
    for name in names:
        assert_pictures_true(room, name, adds=pairs(lines[name]), instance="pair")
    assert 2 == room.submits("pair") == len(tasks_of(room, "pair"))
    assert (LINES, 0, 0, 0) == room.counts("pair-1")
    assert (ROOM, LINES - ROOM, 0, 0) == room.counts("pair-2")


@pytest.mark.timeout(240)
def test_the_leader_changes_between_the_plan_and_the_submit(room: PictureRoom, tmp_path: Path) -> None:
    """Who led goes on where it stood, long after another leads: it must not submit what the other one will."""
    lines, runs = prepare(room, "leader"), runs_on_record(room)
    standby = replica_of(room.world, tmp_path / "standby")
    standby.start()
    try:
        room.world.until("the first to lead", lambda: leads(room.world))
        planned = Point(WRITES.index(("PutObject", "journal 1: planned")), "after")
        planned.hold(room)
        start(room, "leader")
        planned.await_held(room)
        pause(room.world)
        try:
            room.world.until("the standby to lead", lambda: leads(standby), LEASE + 10)
        finally:
            wake(room.world)
        room.world.until("the first to end", lambda: has_ended(room.world), LEASE)
        finish(room, "leader", lines, runs)
        assert 1 == room.submits("leader")
    finally:
        room.world.stop()
        standby.stop()


@contextmanager
def silent(world: World, when: str) -> Iterator[None]:
    """Before: while this lasts the API server takes no status of this world's imports. After: it does."""
    if when == "after":
        yield
        return
    name = f"silent-{world.namespace}"
    rule = {
        "apiGroups": ["imm-operator.dev"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["batchimports/status"],
    }
    here = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    policy = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "A test holds it back.", "reason": "Forbidden"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}}
    kinds = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    for kind, spec in kinds.items():
        body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        world.kubectl("apply", "--filename=-", text=json.dumps(body))
    try:
        world.until("statuses to be refused", lambda: not takes_status(world))
        yield
    finally:
        for kind in kinds:
            world.kubectl("delete", kind, name)
        world.until("statuses to be taken", lambda: takes_status(world))


def takes_status(world: World) -> bool:
    """Whether the API server would take a status of an import."""
    where = (IMPORT, "probe", f"--namespace={world.namespace}", "--subresource=status", "--dry-run=server")
    try:
        world.kubectl("patch", *where, "--type=merge", "--patch", '{"status": {"instance": "probe"}}')
    except ProgramError:
        return False
    return True


def occupy(room: PictureRoom, name: str) -> int:
    """Have somebody else's task run at an instance for as long as tasks are held; its id."""
    room.draw(f"{name}-other/x.jpg")
    room.write(f"{name}-other/increment.meta", text_of([line("x", "x.jpg")]))
    room.hold()
    made = room.images(name).call("increase_instance", bucket_name=PICTURES, path=f"/{name}-other")
    return int(made["Data"]["Id"])


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""The operator is killed at writes of an import's status, while answers are lost, and while its lead changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from controller.runtime.ending import LONGEST
from sandbox import ports
from tests.integration.held_writes import latest
from tests.integration.import_room import WORK
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_kills import (
    LINES,
    ROOM,
    WRITES,
    WRITING,
    Point,
    finish,
    occupy,
    pairs,
    prepare,
    start,
    write,
)
from tests.integration.picture_room import INCREASE, PictureRoom, own, target
from tests.integration.picture_truth import assert_pictures_true, tasks_of
from tests.integration.replicas import CALL, LEASE, has_ended, leads, pause, replica_of, revive, wake
from tests.integration.silence import PROBE, silent
from tests.integration.world import World


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


class TestStatusWrites:
    """Killed before and after each of the four that an import goes through."""

    @pytest.fixture(params=["before", "after"])
    def when(self, request: pytest.FixtureRequest, room: PictureRoom) -> str:
        """The import that `silent` tries a write on is there."""
        room.apply(PROBE, {"pictures": [{"productId": "p", "picName": "p.jpg", "customContent": "p"}]}, suspend=True)
        return str(request.param)

    def test_resolving(self, room: PictureRoom, when: str) -> None:
        """The first, while pictures are looked at."""
        name = f"s-resolving-{when}"
        lines, runs = prepare(room, name), runs_on_record(room)
        slow: dict[str, Any] = {"service": "oss", "operation": "GetObject"}
        before = slow | {"latency": 0.0, "times": 3}  # the resolution, the checkpoint, the manifest
        room.world.cloud.fault(before, slow | {"latency": 8.0, "times": LINES})  # each picture
        with silent(room.world) if when == "before" else nullcontext():
            start(room, name)
            room.world.until("pictures to be read", lambda: room.struck()[-1] == LINES, 40)
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
        with silent(room.world) if when == "before" else nullcontext():
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
        with silent(room.world) if when == "before" else nullcontext():
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
        with silent(room.world) if when == "before" else nullcontext():
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
        port = ports.reserve()
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


@pytest.mark.timeout(600)
def test_the_leader_changes_between_the_plan_and_the_submit(room: PictureRoom, tmp_path: Path) -> None:
    """Who led goes on where it stood, long after another leads: it must not submit what the other one will."""
    lines, runs = prepare(room, "leader"), runs_on_record(room)
    standby = replica_of(room.world, tmp_path / "standby")
    standby.start()
    try:
        room.world.until("the first to lead", lambda: leads(room.world), LEASE + 30)
        planned = Point(WRITES.index(("PutObject", "journal 1: planned")), "after")
        planned.hold(room)
        start(room, "leader")
        planned.await_held(room)
        pause(room.world)
        try:
            room.world.until("the standby to lead", lambda: leads(standby), LEASE + 30)
        finally:
            wake(room.world)
        room.world.until("the first to end", lambda: has_ended(room.world), LONGEST + 10)
        finish(room, "leader", lines, runs)
        assert 1 == room.submits("leader")
    finally:
        room.world.stop()
        standby.stop()

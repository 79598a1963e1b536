"""The operator is killed at every write of an import into Image Search, before and after it took effect.

The cloud holds the write, the process ends meanwhile, and the write takes effect all the same, or has already: nobody
is left who would hear the answer. Whatever was killed, an attempt is one task, and every line has its true verdict.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.held_writes import HELD, latest
from tests.integration.import_truth import runs_on_record
from tests.integration.picture_kills import (
    BEGUN,
    CHECKED,
    LINES,
    ON_RECORD,
    WRITES,
    WRITING,
    Point,
    finish,
    prepare,
    start,
)
from tests.integration.picture_room import INCREASE, LIST, PictureRoom
from tests.integration.picture_truth import looks_at, uploads
from tests.integration.replicas import has_ended, revive
from tests.integration.world import World

# Those that may yet meet what the next process wrote meanwhile: they take effect when it has long been at work.
LATE = ("record", "original", "manifest", "journal", "task")
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

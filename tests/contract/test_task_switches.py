"""Imports into Image Search under every reading of what no account has confirmed: one compact journey each.

The passes and the real adapters at the local cloud; only the cloud is switched. A reading under which an import says
what is not so, submits twice, or stands still without a way out is a defect of the operator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from controller.api.batchimport import BatchImportStatus
from controller.reconcile.kinds import Key
from emulator.testing import LocalCloud
from emulator.unverified import switches
from tests.unit.operator_doubles import Crash
from tests.unit.task_world import INSTANCE, MANIFEST, PATH, PHOTOS, TaskWorld, cloud, line

__all__ = ["cloud"]

INCREASE = "IncreaseInstance"
OURS = ("increment_", "image_search_")
# A range is tried at its ends, or where they are no readings, at values that hurt.
RANGES: dict[str, tuple[object, ...]] = {
    "increment_report_kept_seconds": (7200.0,),
    "increment_callback_retries": (0, 10),
    "increment_page_max": (10, 100),
}
READINGS = [
    (name, value)
    for name, switch in switches().items()
    if name.startswith(OURS)
    for value in (switch.values or RANGES[name])
    if value != switch.default
]
UNREADABLE = {"text", "html", "empty"}
LISTING = {"increment_list_order", "increment_page_max"}


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[TaskWorld]:
    """A new world in it, with every reading as it is by default."""
    cloud.reset()
    cloud.fault()
    for name, switch in switches().items():
        if name.startswith(OURS):
            cloud.switch(name, switch.default)
    made = TaskWorld(cloud)
    yield made
    made.close()


def test_every_range_is_tried() -> None:
    """A switch that is new is tried without a word here, or fails for want of its values."""
    ranges = {name for name, switch in switches().items() if name.startswith(OURS) and switch.bounds is not None}
    assert ranges == RANGES.keys()


@pytest.mark.parametrize(("name", "value"), READINGS, ids=[f"{name}={value}" for name, value in READINGS])
def test_the_main_job_is_done_under(world: TaskWorld, name: str, value: object) -> None:
    """Good lines, a bad one, a retry, a stop, a task of the console, a lost answer: each verdict is what is so."""
    world.cloud.switch(name, value)
    readable = name != "increment_report_shape" or value not in UNREADABLE
    a_line_fails_and_is_retried(world, readable=readable)
    a_batch_is_deleted_and_overwritten(world)
    every_line_fails(world)
    a_task_is_stopped(world, name, value, told=readable and (name, value) != ("increment_cancel_report", "failures"))
    a_lost_answer_is_found(world, tasks=12 if name in LISTING else 1)
    a_manifest_is_lost_before_its_submit(world)
    the_console_runs_another(world)
    a_right_is_missing(world)


@pytest.mark.parametrize("root", ["/", "refused"])
def test_a_buckets_root(world: TaskWorld, root: str) -> None:
    """It is imported, or it is said that it cannot be; nobody behind waits for it."""
    world.cloud.switch("increment_root_path", root)
    lines = world.pictures(1, folder="")
    key = world.goods(lines, name="root", path="")
    status = world.finish(key)
    if root == "/":
        assert ("Complete", 1) == (status.phase, len(world.tasks()))
        return
    assert ("False", "SpecInvalid") == world.ready(key), status
    assert "Path" in message(world, key)
    assert 0 == len(world.tasks())
    assert "Complete" == world.finish(world.goods(world.pictures(1), name="behind")).phase


@pytest.mark.parametrize("mark", ["fails", "skipped"])
@pytest.mark.parametrize("blank", ["fails", "skipped"])
@pytest.mark.parametrize("twice", ["last", "isolated"])
@pytest.mark.parametrize("unknown", ["ignored", "isolated"])
def test_what_a_manifest_may_have_is_never_left_to_the_reading(
    world: TaskWorld, mark: str, blank: str, twice: str, unknown: str
) -> None:
    """A line that one reading takes and another does not is a problem, or left out: the verdict is one for all."""
    readings = {"byte_order_mark": mark, "blank_line": blank, "duplicate_field": twice, "unknown_field": unknown}
    for name, value in readings.items():
        world.cloud.switch(f"increment_{name}", value)
    world.pictures(4)
    good = [_written(line(f"{number:03}.png")) for number in range(4)]
    odd = [
        "\ufeff" + good[0],
        "",
        good[1].replace('"CustomContent"', '"CustomContent": "first", "CustomContent"'),
        good[2].replace("}", ', "IntAttr2": 7}'),
        good[3],
    ]
    world.bucket.put_object(MANIFEST, "".join(f"{one}\n" for one in odd).encode())
    spec: dict[str, Any] = {"source": {"manifest": {"key": MANIFEST}}, "onInvalid": "Skip"}
    status = world.finish(world.goods([], **spec, allowManifestReplace=True))
    assert status.totals is not None
    assert ("Complete", 1, 4) == (status.phase, status.totals.succeeded, status.totals.skipped), status
    assert {("003", "003.png")} == world.held()


def a_line_fails_and_is_retried(world: TaskWorld, *, readable: bool) -> None:
    """Its picture is lost after it was checked. Where the report tells, the retry sends just that line."""
    lines = world.pictures(3)
    spoil(world, "002.png")
    key = world.goods(lines, name="fails")
    status = finished(world, key)
    if not readable:
        assert (0, 3, "ReportUnreadable") == (_of(status).succeeded, _of(status).unknown, world.ready(key)[1])
        return
    assert ("Failed", 2, 1) == (status.phase, _of(status).succeeded, _of(status).failed), status
    assert ["002 002.png"] == [one.item for one in status.failures]
    world.pictures(3)
    world.goods(lines, name="fails", retry={"failedItems": "again"})
    status = finished(world, key)
    assert ("Complete", 3) == (status.phase, _of(status).succeeded), status
    assert [3, 1] == [task.lines for task in world.tasks()][-2:]


def a_batch_is_deleted_and_overwritten(world: TaskWorld) -> None:
    """ADD of what is there, and DELETE, also of what is not."""
    lines = [*world.pictures(1), {"productId": "9", "picName": "a.png", "operation": "DELETE"}]
    status = finished(world, world.goods(lines, name="deletes"))
    assert ("Complete", 2) == (status.phase, _of(status).succeeded), status
    assert ("000", "000.png") in world.held()


def every_line_fails(world: TaskWorld) -> None:
    """Never a success, whatever the task is called."""
    lines = world.pictures(1, start=20)
    spoil(world, "020.png")
    status = finished(world, world.goods(lines, name="all"))
    assert ("Failed", 0) == (status.phase, _of(status).succeeded), status
    assert ("020", "020.png") not in world.held()


def a_task_is_stopped(world: TaskWorld, name: str, value: object, *, told: bool) -> None:
    """In the console, with two of four lines done."""
    world.cloud.image_batches(lines_per_second=0.1)
    lines = world.pictures(4, start=30)
    key = world.goods(lines, name="stopped")
    world.settle(key)
    world.cloud.advance(21)
    world.cloud.cancel_image_task(INSTANCE, len(world.tasks()))
    world.cloud.image_batches(lines_per_second=0.0)
    world.work(key)
    status = world.status(key)
    if (name, value) == ("increment_cancelled_status", "CANCELLED"):
        # A word that nobody knows is no end. What it means only a person can tell, and the message names it.
        assert ("Waiting", "TaskRunning") == (status.phase, world.ready(key)[1])
        assert "CANCELLED" in message(world, key)
        del world.cluster.bodies[key]
        world.restart()
        return
    truth = {("030", "030.png"), ("031", "031.png")}
    assert truth <= world.held()
    assert "Failed" == status.phase, status
    if not told:
        assert 4 == _of(status).unknown, status
        return
    assert (2, 2) == (_of(status).succeeded, _of(status).cancelled + _of(status).failed), status


def a_lost_answer_is_found(world: TaskWorld, *, tasks: int) -> None:
    """Other tasks of the same folder are listed, on several pages; the one that is new is ours, and the only one."""
    lines = world.pictures(2, start=40)
    for number in range(tasks):
        status = finished(world, world.goods(lines[:1], name=f"many-{number}"))
        assert "Complete" == status.phase, status
    key = world.goods(lines, name="lost")

    def die(called: str) -> None:
        if called == "increase":
            world.guard.at, world.guard.after = len(world.guard.writes), True

    world.guard.before_call = die
    before = len(world.tasks())
    with suppress(Crash):
        world.settle(key)
    assert before + 1 == len(world.tasks())
    world.restart()
    status = finished(world, key)
    assert ("Complete", 2) == (status.phase, _of(status).succeeded), status
    assert before + 1 == len(world.tasks())
    assert status.task is not None
    assert world.tasks()[-1].id == status.task.id


def a_manifest_is_lost_before_its_submit(world: TaskWorld) -> None:
    """It is put there again, or the task is known to have failed: in no case is anything taken for done."""
    lines = world.pictures(1, start=50)
    key = world.goods(lines, name="bare")

    def lose(called: str) -> None:
        if called == "increase":
            world.guard.before_call = lambda _name: None
            world.bucket.delete_object(MANIFEST)

    world.guard.before_call = lose
    for _ in range(6):
        world.cloud.advance(120)
        world.settle(key)
    status = world.status(key)
    held = ("050", "050.png") in world.held()
    assert status.phase in {"Complete", "Failed"}, status
    assert (held, held) == (status.phase == "Complete", _of(status).succeeded == 1), status
    world.guard.before_call = lambda _name: None


def the_console_runs_another(world: TaskWorld) -> None:
    """Its list has it on whatever page; the import waits, and then goes in once."""
    world.pictures(2, folder="console/")
    world.manifest([line("000.png"), line("001.png")], path="console/")
    world.cloud.image_batches(lines_per_second=0.1)
    session = world.signed_in()
    search = world.context.clouds.image_search(session.place, session.credentials, world.context.lane)
    search.increase(INSTANCE, PHOTOS, "console/", None)
    before = len(world.tasks())
    key = world.goods(world.pictures(1, start=60), name="waits")
    world.settle(key)
    assert (before, "Queued") == (len(world.tasks()), world.ready(key)[1]), world.status(key)
    world.cloud.advance(60)
    world.cloud.image_batches(lines_per_second=0.0)
    for _ in range(6):
        world.cloud.advance(120)
        world.settle(key)
    assert ("Complete", before + 1) == (world.status(key).phase, len(world.tasks())), world.status(key)


def a_right_is_missing(world: TaskWorld) -> None:
    """People are told what to click, and it goes on by itself."""
    world.cloud.image_search_instance(INSTANCE, authorized=False)
    key = world.goods(world.pictures(1, start=70), name="right")
    world.settle(key)
    assert ("False", "NotAuthorized") == world.ready(key), world.status(key)
    assert "Batch Operation" in message(world, key)
    world.cloud.image_search_instance(INSTANCE, authorized=True)
    world.cloud.advance(120)
    assert "Complete" == finished(world, key).phase


def finished(world: TaskWorld, key: Key) -> BatchImportStatus:
    """At its end, with counts that add up, and one task more at the most for each attempt."""
    status = world.finish(key)
    for _ in range(3):
        if status.phase in {"Complete", "Failed"} and world.ready(key)[1] != "Submitting":
            break
        world.work(key)
        status = world.status(key)
    world.guard.before_call = lambda _name: None
    totals = _of(status)
    assert totals.items == totals.succeeded + totals.failed + totals.unknown + totals.cancelled, status
    return status


def spoil(world: TaskWorld, name: str) -> None:
    """The picture is lost after it was checked, while the submit is on its way."""

    def lose(called: str) -> None:
        if called == "increase":
            world.bucket.delete_object(PATH + name)

    world.guard.before_call = lose


def message(world: TaskWorld, key: Key) -> str:
    """What the Ready condition says."""
    return next(one.message for one in world.status(key).conditions if one.type == "Ready")


def _of(status: BatchImportStatus) -> Any:
    assert status.totals is not None
    return status.totals


def _written(one: dict[str, Any]) -> str:
    named = {key[0].upper() + key[1:]: value for key, value in one.items()}
    return json.dumps({"OperationType": "ADD"} | named)

"""What a look at a batch task costs where an instance has a long history: IncreaseList takes one call a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from controller.reconcile.imports.gone import tell_gone
from emulator.testing import LocalCloud
from tests.unit.task_world import INSTANCE, TaskWorld, cloud

__all__ = ["cloud"]

LIST = "IncreaseList"
OLDER = 300


@pytest.fixture(params=["oldest", "newest"])
def world(cloud: LocalCloud, request: pytest.FixtureRequest) -> Iterator[TaskWorld]:
    """An instance that worked off hundreds of tasks of the same folder, listed in either order."""
    cloud.reset()
    cloud.fault()
    cloud.switch("increment_list_order", request.param)
    made = TaskWorld(cloud)
    made.finish(made.goods(made.pictures(1), name="first"))
    remember(made, OLDER)
    yield made
    made.close()


def remember(world: TaskWorld, count: int) -> None:
    """Have the instance list its first task so many times more, each with an id of its own."""

    def copy(instance: Any) -> None:
        found = instance.cloud.imagesearch(world.cloud.account_id, world.cloud.region)
        tasks = found.instances[INSTANCE].tasks
        tasks |= {number: replace(tasks[1], id=number) for number in range(2, count + 2)}
        found.next_task = count + 2

    world.cloud.run(copy)


def test_a_look_at_a_running_task_is_one_call(world: TaskWorld) -> None:
    """By its id, whatever the order of the list; the look before the submit reads all of it, once."""
    world.cloud.image_batches(lines_per_second=0.001)
    before = world.asked(LIST)
    key = world.goods(world.pictures(1))
    world.settle(key)
    pages = -(-(OLDER + 1) // 10)
    assert pages <= world.asked(LIST) - before <= pages + 3
    status = world.status(key)
    assert status.task is not None
    assert ("Waiting", OLDER + 2) == (status.phase, status.task.id)
    for _ in range(4):
        world.cloud.advance(60)
        before = world.asked(LIST)
        world.settle(key)
        world.settle(key)
        assert before + 1 == world.asked(LIST)
    world.cloud.image_batches(lines_per_second=0.0)
    before = world.asked(LIST)
    world.work(key)
    assert ("Complete", before + 1) == (world.status(key).phase, world.asked(LIST))


def test_the_next_import_sees_at_once_that_the_task_before_it_ended(world: TaskWorld) -> None:
    """What one of them was told of a task, all know: no older list holds anybody back."""
    world.cloud.image_batches(lines_per_second=0.1)
    lines = world.pictures(2)
    first, second = (world.goods([one], name=f"i{number}") for number, one in enumerate(lines))
    for key in (first, second):
        world.settle(key)
    world.cloud.advance(9)
    world.settle(first)
    seat = world.cloud.account_id, world.cloud.region, INSTANCE
    session = world.signed_in()
    search = world.context.clouds.image_search(session.place, session.credentials, world.context.lane)
    world.context.boards.look(seat, search, world.now, who=session.identity)
    world.cloud.advance(2)
    world.settle(first)
    assert "Complete" == world.status(first).phase
    world.settle(second)
    assert "Waiting" == world.status(second).phase, world.status(second)


@pytest.mark.parametrize("leaves", ["deleted", "changed"])
def test_an_import_that_leaves_its_run_while_the_manifest_goes_up_leaves_no_parts(
    world: TaskWorld, monkeypatch: pytest.MonkeyPatch, leaves: str
) -> None:
    """Deleted, or given another work: nobody sees the parts in the bucket, and they are paid for."""
    monkeypatch.setattr("controller.reconcile.imports.upload.PART_SIZE", 110_000)
    monkeypatch.setattr("controller.reconcile.imports.upload.AT_ONCE", 20)
    monkeypatch.setattr("controller.reconcile.batchimport.SLICE", 0.0)
    lines = [one | {"customContent": "x" * 4000} for one in world.pictures(100)]
    key = world.goods(lines)
    for _ in range(400):
        world.run(key)
        if world.bucket.list_multipart_uploads().upload_list:
            break
    assert 1 == len(world.bucket.list_multipart_uploads().upload_list)
    if leaves == "changed":
        world.goods(lines[:1])
        assert "Complete" == world.finish(key).phase
    else:
        last = world.cluster.read(key)
        del world.cluster.bodies[key]
        tell_gone(last, world.context)
    assert [] == world.bucket.list_multipart_uploads().upload_list

"""Who cannot go on holds up nobody: the queue of an instance, at the real adapters and the local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controller.reconcile.kinds import reconcile_object
from emulator.testing import LocalCloud
from tests.unit.task_world import INSTANCE, PHOTOS, TaskWorld, cloud, line

__all__ = ["cloud"]


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[TaskWorld]:
    """A new world in it."""
    cloud.reset()
    cloud.fault()
    made = TaskWorld(cloud)
    yield made
    made.close()


@pytest.mark.parametrize("restarted", [False, True], ids=["as it goes on", "after a restart"])
@pytest.mark.parametrize("lost", ["the account", "its key"])
def test_an_import_without_its_account_lets_the_others_pass(world: TaskWorld, lost: str, *, restarted: bool) -> None:
    """It was first, behind a task of the console, when its own namespace broke it: nobody else suffers from that."""
    other = world.cluster.put("CloudAccount", "other", world.account_spec())
    reconcile_object(world.cluster.read(other), world.context)
    _work_in_the_console(world)
    lines = world.pictures(2)
    broken = world.goods(lines[:1], name="a", accountRef={"name": "other"})
    world.settle(broken)
    world.cloud.advance(1)
    well = world.goods(lines[1:], name="b")
    world.settle(well)
    assert ["Queued", "Queued"] == [world.ready(key)[1] for key in (broken, well)]
    if lost == "the account":
        del world.cluster.bodies[other]
    else:
        gone: dict[str, Any] = {"credentials": {"secretRef": {"name": "gone"}}}
        world.cluster.put("CloudAccount", "other", world.account_spec(**gone))
        reconcile_object(world.cluster.read(other), world.context)
    if restarted:
        world.restart()
        if lost == "its key":
            reconcile_object(world.cluster.read(other), world.context)
    world.cloud.advance(120)
    reconcile_object(world.cluster.read(broken), world.context)
    assert world.ready(broken)[1] in {"DependencyNotFound", "DependencyNotReady"}
    assert "Complete" == world.finish(well).phase, world.status(well)


def _work_in_the_console(world: TaskWorld) -> None:
    world.pictures(1, folder="console/")
    world.manifest([line("000.png")], path="console/")
    world.cloud.image_batches(lines_per_second=0.02)
    session = world.signed_in()
    search = world.context.clouds.image_search(session.place, session.credentials, world.context.lane)
    search.increase(INSTANCE, PHOTOS, "console/", None)
    world.cloud.image_batches(lines_per_second=0.02)

"""What a callback brings about at most, and what is said of an import that is deleted while its task runs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from controller.api.batchimport import BatchImport
from controller.reconcile.kinds import Key
from controller.runtime.hints import Hints
from controller.runtime.informer import Informer
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from controller.runtime.wakes import Wakes
from emulator.testing import LocalCloud
from tests.unit.operator_doubles import Clock
from tests.unit.task_world import WORK, TaskWorld, cloud

__all__ = ["cloud"]

GUESS = "0" * 32


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[TaskWorld]:
    """An import whose task runs."""
    cloud.reset()
    made = TaskWorld(cloud)
    made.cloud.image_batches(lines_per_second=0.01)
    made.settle(made.goods(made.pictures(1)))
    yield made
    made.close()


class Room:
    """The hints of a process, and who was woken by them."""

    def __init__(self, world: TaskWorld, *, leads: bool = True) -> None:
        self.queue = WorkQueue()
        context = world.context
        self.hints = Hints(context.runs, context.boards, context.objects, Wakes(self.queue), lambda: leads)

    async def woken(self) -> list[Key]:
        """Taken off the queue."""
        found = []
        while len(self.queue):
            key, _ = await self.queue.get()
            self.queue.done(key)
            found.append(key)
        return found


def address(world: TaskWorld) -> tuple[str, str]:
    """The run of the import, and its nonce."""
    run = world.status(Key("BatchImport", "team", "goods")).run
    assert run is not None
    return run, json.loads(world.oss().get_object(WORK, f"runs/{run}/record.json"))["nonce"]


async def test_a_hint_wakes_its_import_which_then_looks_anew(world: TaskWorld) -> None:
    """The look finds out what became of the task; the hint itself says nothing."""
    key, room, (run, nonce) = Key("BatchImport", "team", "goods"), Room(world), address(world)
    before = world.asked("IncreaseList")
    world.settle(key)
    assert before == world.asked("IncreaseList")
    assert room.hints.hint(run, nonce) is True
    assert [key] == await room.woken()
    world.settle(key)
    assert before + 1 == world.asked("IncreaseList")
    assert "Waiting" == world.status(key).phase


async def test_a_thousand_hints_cost_one_look_and_one_more(world: TaskWorld) -> None:
    """Whoever has the address cannot keep the operator busy."""
    room, (run, nonce) = Room(world), address(world)
    for _ in range(1000):
        assert room.hints.hint(run, nonce) is True
    assert [Key("BatchImport", "team", "goods")] == await room.woken()


@pytest.mark.parametrize("forged", ["nonce", "run", "both", "no ASCII"])
async def test_a_forged_hint_changes_nothing(world: TaskWorld, forged: str) -> None:
    """Nobody is woken, and the last look is good still."""
    room, (run, nonce) = Room(world), address(world)
    given = {"nonce": (run, GUESS), "run": (GUESS, nonce), "both": (GUESS, GUESS), "no ASCII": (run, "\u00e9" * 8)}
    assert room.hints.hint(*given[forged]) is False
    assert [] == await room.woken()
    before = world.asked("IncreaseList")
    world.settle(Key("BatchImport", "team", "goods"))
    assert before == world.asked("IncreaseList")


async def test_a_hint_that_comes_again_after_the_end_changes_nothing(world: TaskWorld) -> None:
    """The run is not loaded any more, and nothing loads it."""
    key, room, (run, nonce) = Key("BatchImport", "team", "goods"), Room(world), address(world)
    world.cloud.image_batches(lines_per_second=0.0)
    world.work(key)
    assert "Complete" == world.status(key).phase
    before = world.requests()
    assert room.hints.hint(run, nonce) is False
    assert [] == await room.woken()
    assert before == world.requests()


async def test_a_run_that_is_not_loaded_yet_is_looked_at(world: TaskWorld) -> None:
    """A process that just began has nothing to compare the nonce with, and nothing old to look at either."""
    world.restart()
    room, (run, nonce) = Room(world), address(world)
    assert room.hints.hint(run, nonce) is True
    assert [Key("BatchImport", "team", "goods")] == await room.woken()
    assert room.hints.hint(GUESS, nonce) is False


async def test_who_does_not_lead_knows_nothing(world: TaskWorld) -> None:
    """Another replica does."""
    room, (run, nonce) = Room(world, leads=False), address(world)
    assert room.hints.hint(run, nonce) is None
    assert [] == await room.woken()


async def test_the_informer_tells_of_a_deleted_import_as_it_was_last(world: TaskWorld) -> None:
    """By the event's own object, or, where a LIST misses it, by the last that was seen."""
    told: list[BatchImport] = []
    store, key = Store(Clock()), Key("BatchImport", "team", "goods")
    informer = Informer(store, WorkQueue(), told.append)
    body = world.cluster.bodies[key]
    older = body | {"status": {"observedGeneration": -1}}
    informer.observe(older, deleted=False)
    informer.observe(body | {"metadata": body["metadata"] | {"resourceVersion": "999"}}, deleted=True)
    assert [1] == [one.status.task.id for one in told if one.status.task is not None]
    informer.observe(body | {"metadata": body["metadata"] | {"uid": "made-again"}}, deleted=False)
    informer.forget(key)
    assert [1, 1] == [one.status.task.id for one in told if one.status.task is not None]
    informer.forget(key)
    assert 2 == len(told)

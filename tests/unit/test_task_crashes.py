"""An import into Image Search: the process ends at each write, before and after it took effect, and another goes on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from controller.core.imports.records import Planned
from controller.reconcile.kinds import reconcile_object
from controller.reconcile.ports import StaleObject
from emulator.testing import LocalCloud
from tests.unit.operator_doubles import Crash
from tests.unit.task_world import PATH, PHOTOS, TaskWorld, cloud, line, picture

__all__ = ["cloud"]

MOST_WRITES = 60
INCREASE = {"service": "imagesearch", "operation": "IncreaseInstance"}
ADDRESS = "https://operator.example.com/hooks"


class Story:
    """Pictures, one that is lost after it was checked, and one that is to go; then the lost one is sent again."""

    def __init__(self, cloud: LocalCloud, callback_url: str | None = None) -> None:
        cloud.reset()
        self.world = TaskWorld(cloud, callback_url=callback_url)
        lines = self.world.pictures(4)
        first = self.world.goods(lines[:1], name="before")
        assert "Complete" == self.world.finish(first).phase
        self.lines = [*lines[1:], line("lost.png"), {"productId": "000", "picName": "000.png", "operation": "DELETE"}]
        self.find()
        self.begin()
        self.key = self.world.goods(self.lines)

    def find(self) -> None:
        """The picture is there."""
        self.world.cloud.put_objects(PHOTOS, [(f"{PATH}lost.png", picture(9))])

    def begin(self) -> None:
        """A process that works; while the first submit is on its way, the picture is lost."""

        def lose(name: str) -> None:
            if name == "increase" and not self.retried:
                self.world.bucket.delete_object(f"{PATH}lost.png")

        self.world.guard.before_call = lose

    @property
    def retried(self) -> bool:
        """Whether the lost one was asked for again."""
        return bool(self.world.cluster.read(self.key).spec.retry)

    def restart(self) -> None:
        """Another process."""
        self.world.restart()
        self.begin()

    def play(self) -> None:
        """From where it is to the end, or to the process's."""
        with suppress(Crash):
            self.pass_time()
            status = self.world.status(self.key)
            if status.phase == "Failed" and status.last_retry is None:
                self.find()
                self.world.goods(self.lines, retry={"failedItems": "found"})
                self.pass_time()

    def pass_time(self) -> None:
        """Long enough for two spaced look-ups, and for the task."""
        for _ in range(4):
            self.world.settle(self.key)
            self.world.cloud.advance(20)
        self.world.settle(self.key)

    def check(self) -> None:
        """Two tasks, the second of one line; every verdict is the truth."""
        status = self.world.status(self.key)
        assert ("Complete", 5, 5) == (status.phase, status.totals and status.totals.items, _succeeded(status)), status
        assert {("001", "001.png"), ("002", "002.png"), ("003", "003.png"), ("lost", "lost.png")} == self.world.held()
        assert [1, 5, 1] == [task.lines for task in self.world.tasks()]
        assert ["SUCCESS"] * 3 == [task.status for task in self.world.tasks()]
        assert (self.world.tasks()[-1].id, "Succeeded", "success") == _told(status)


def _told(status: Any) -> tuple[int, str, str] | None:
    """What the status says of the last task."""
    return status.task and (status.task.id, status.task.state, status.task.message)


def _succeeded(status: Any) -> int:
    return int(status.totals.succeeded)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whatever_write_the_process_ends_at_no_task_is_made_twice_and_none_is_lost(
    cloud: LocalCloud, *, after: bool
) -> None:
    """Every write to the cloud: the frozen lines, the records, the manifest's parts, the submit, the report."""
    story = Story(cloud)
    story.world.guard.writes.clear()
    story.play()
    story.check()
    writes = list(story.world.guard.writes)
    story.world.close()
    assert 2 == writes.count("increase")
    assert 20 <= len(writes) <= MOST_WRITES
    for at in range(1, len(writes) + 1):
        story = Story(cloud)
        guard = story.world.guard
        guard.writes.clear()
        guard.at, guard.after = at, after
        story.play()
        assert guard.dead, f"there is no write {at}"
        story.restart()
        story.play()
        story.check()
        story.world.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_write_of_the_status_may_be_the_last_thing_a_process_does(cloud: LocalCloud, *, after: bool) -> None:
    """What the status says may be older than the records, or not be there at all."""
    for at in range(1, 30):
        story = Story(cloud)
        cluster, count = story.world.cluster, 0

        def die(what: str, at: int = at) -> None:
            nonlocal count
            count += what == "status"
            if what == "status" and count == at:
                raise Crash

        setattr(cluster, "after_write" if after else "before_write", die)
        story.play()
        reached = count >= at
        setattr(cluster, "after_write" if after else "before_write", lambda _what: None)
        story.restart()
        story.play()
        story.check()
        story.world.close()
        if not reached:
            return
    raise AssertionError("the story writes its status more often than it should")


@pytest.mark.parametrize("callback", [None, ADDRESS], ids=["no callback", "callback"])
@pytest.mark.parametrize("after", [False, True], ids=["no effect", "effect"])
@pytest.mark.parametrize("lost", [{"drop": True}, {"html": 503}], ids=["drop", "503"])
@pytest.mark.parametrize("restarts", [False, True], ids=["goes on", "restarts"])
def test_an_answer_that_is_lost_is_looked_for(
    cloud: LocalCloud, lost: dict[str, Any], callback: str | None, *, after: bool, restarts: bool
) -> None:
    """With effect the task is found; without it is submitted after two complete looks, and not sooner."""
    story = Story(cloud, callback)
    world, before = story.world, story.world.asked("IncreaseInstance")
    cloud.fault(INCREASE | {"when": "after" if after else "before", "times": 1} | lost)
    world.settle(story.key)
    cloud.fault()
    if restarts:
        story.restart()
    for _ in range(3):  # three seconds in all: less than a call may take
        world.settle(story.key)
        cloud.advance(1)
    assert 1 == world.asked("IncreaseInstance") - before
    assert (2 if after else 1) == len(world.tasks())
    story.play()
    assert (2 if after else 3) == world.asked("IncreaseInstance") - before
    story.check()
    world.close()


def test_a_task_that_shows_only_in_the_second_look_is_ours(cloud: LocalCloud) -> None:
    """The submit takes effect late, after the first complete list."""
    story = Story(cloud)
    world = story.world
    cloud.fault(INCREASE | {"when": "before", "times": 1, "drop": True})
    world.settle(story.key)
    cloud.fault()
    late = world.context.clouds.image_search(world.signed_in().place, world.signed_in().credentials, world.context.lane)
    late.increase("goods", PHOTOS, PATH, None)
    story.play()
    story.check()
    world.close()


def test_a_pass_from_a_stale_object_submits_nothing_again(cloud: LocalCloud) -> None:
    """What it planned from is older than the submit; the records are not."""
    story = Story(cloud)
    world = story.world
    stale = [world.cluster.read(story.key)]
    for _ in range(3):
        world.run(story.key)
        stale.append(world.cluster.read(story.key))
    world.settle(story.key)
    assert 2 == len(world.tasks())
    for old in stale:
        story.restart()
        with suppress(StaleObject):
            reconcile_object(old, world.context)
    story.play()
    story.check()
    world.close()


@pytest.mark.parametrize("moment", ["put_new", "increase"])
def test_a_second_process_at_the_same_run_makes_no_second_task(cloud: LocalCloud, moment: str) -> None:
    """One that was replaced and does not know it yet meets the other at the journal."""
    story = Story(cloud)
    world = story.world
    first, guard = world.context, world.guard
    lose = guard.before_call

    def meanwhile(name: str) -> None:
        run = world.status(story.key).run
        if name == moment and run is not None and _uploaded(world, run):
            guard.before_call = lose
            story.restart()
            world.settle(story.key)
        lose(name)

    guard.before_call = meanwhile
    for _ in range(8):
        with suppress(StaleObject):
            reconcile_object(world.cluster.read(story.key), first)
    assert world.context is not first
    assert 2 == len(world.tasks())
    story.play()
    story.check()
    world.close()


def _uploaded(world: TaskWorld, run: str) -> bool:
    loaded = world.context.runs.find(run)
    return loaded is not None and bool(loaded.state.manifest_etag)


def test_at_most_one_submit_is_open_at_any_time(cloud: LocalCloud) -> None:
    """The journal plans the next only once the one before was answered or turned."""
    story = Story(cloud)
    story.play()
    story.check()
    run = story.world.status(story.key).run
    assert run is not None
    assert (2, 2, 0) == story.world.submits(run)
    planned = [one for one in story.world.journal(run) if isinstance(one, Planned)]
    assert [(1,), (1, 2)] == [one.listed for one in planned]
    story.world.close()

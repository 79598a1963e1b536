"""Nothing waits for ever: tasks that nobody tells of, holders that do not go on, records that expired."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import oss2
import pytest

from controller.cloud.errors import Unavailable
from controller.core.imports.identity import MARK_HEADER
from controller.reconcile.imports.gone import tell_gone
from controller.reconcile.imports.manifest import look_at_manifest
from controller.reconcile.kinds import Key, reconcile_object
from emulator.testing import LocalCloud
from emulator.unverified import switches
from tests.unit.operator_doubles import Crash
from tests.unit.task_world import INSTANCE, MANIFEST, PHOTOS, WORK, TaskWorld, cloud, line

__all__ = ["cloud"]

SLOW = {"lines_per_second": 0.1}
DAY = 86_400.0


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[TaskWorld]:
    """A new world in it."""
    cloud.reset()
    cloud.fault()
    for name, switch in switches().items():
        if name.startswith(("increment_", "image_search_")):
            cloud.switch(name, switch.default)
    made = TaskWorld(cloud)
    yield made
    made.close()


def message(world: TaskWorld, key: Key) -> str:
    """What the status says."""
    return next(one.message for one in world.status(key).conditions if one.type == "Ready")


def of_instance(world: TaskWorld, change: Any) -> None:
    """Change what the cloud holds of the instance."""
    world.cloud.run(
        lambda emulator: change(emulator.cloud.imagesearch(world.cloud.account_id, world.cloud.region), INSTANCE)
    )


def one_pass(world: TaskWorld, key: Key) -> None:
    """Of the very object, and of nothing else."""
    reconcile_object(world.cluster.read(key), world.context)


def lose_the_answer(world: TaskWorld, key: Key) -> None:
    """The submit takes effect, and the process ends before it heard of it."""

    def die(name: str) -> None:
        if name == "increase":
            world.guard.at, world.guard.after = len(world.guard.writes), True

    world.guard.before_call = die
    with suppress(Crash):
        world.settle(key)
    assert 1 == len(world.tasks())


def upload_only(world: TaskWorld, lines: list[dict[str, Any]], name: str) -> Key:
    """An import whose manifest lies in its place, and whose submit is refused."""
    world.cloud.image_search_instance(INSTANCE, authorized=False)
    key = world.goods(lines, name=name)
    world.settle(key)
    assert "NotAuthorized" == world.ready(key)[1]
    world.cloud.image_search_instance(INSTANCE, authorized=True)
    return key


class TestLostAnswers:
    """Law 4."""

    @pytest.mark.parametrize("hours", [-8, 8])
    def test_a_list_whose_times_are_of_another_zone(self, world: TaskWorld, hours: int) -> None:
        """A task that was not listed before is ours, whatever time the list says it is of."""
        key = world.goods(world.pictures(2))
        lose_the_answer(world, key)

        def shift(search: Any, name: str) -> None:
            for one in search.instances[name].tasks.values():
                one.created += hours * 3600

        of_instance(world, shift)
        world.restart()
        for _ in range(6):
            world.settle(key)
            world.cloud.advance(60)
        world.cloud.advance(9 * 3600)  # the emulator works by those times
        world.settle(key)
        assert ("Complete", 1) == (world.status(key).phase, len(world.tasks()))

    def test_an_address_that_the_list_shows_otherwise(self, world: TaskWorld) -> None:
        """Cut, or in another spelling: that says nothing of whose the task is."""
        object.__setattr__(world.context, "callback_url", "https://operator.example.com")
        key = world.goods(world.pictures(2))
        lose_the_answer(world, key)

        def cut(search: Any, name: str) -> None:
            for one in search.instances[name].tasks.values():
                one.callback_address = one.callback_address.upper()[:60]

        of_instance(world, cut)
        world.restart()
        for _ in range(6):
            world.settle(key)
            world.cloud.advance(60)
        assert ("Complete", 1) == (world.status(key).phase, len(world.tasks()))

    def test_an_import_that_is_deleted_meanwhile(self, world: TaskWorld) -> None:
        """Whoever deleted it is told that a task may run."""
        world.cloud.image_batches(**SLOW)
        key = world.goods(world.pictures(2))
        world.cloud.fault(
            {"service": "imagesearch", "operation": "IncreaseInstance", "when": "after", "times": 1, "drop": True}
        )
        one_pass(world, key)
        one_pass(world, key)
        assert (1, None) == (len(world.tasks()), world.status(key).task)
        last = world.cluster.read(key)
        del world.cluster.bodies[key]
        tell_gone(last, world.context)
        [said] = [words for reason, words in world.cluster.events if reason == "TaskRunning"]
        assert "may" in said
        assert INSTANCE in said
        assert "Batch Operation" in said

    def test_one_that_ended_or_submitted_nothing_is_let_go_of_in_silence(self, world: TaskWorld) -> None:
        """Nothing of it runs."""
        lines = world.pictures(2)
        over = world.goods(lines[:1], name="over")
        world.finish(over)
        waiting = upload_only(world, lines[1:], "waiting")
        for key in (over, waiting):
            tell_gone(world.cluster.read(key), world.context)
        assert [] == [words for reason, words in world.cluster.events if reason == "TaskRunning"]


class TestModes:
    """What was submitted is followed to its end in every mode."""

    @pytest.mark.parametrize("mode", ["DryRun", "Observe"])
    def test_a_mode_that_was_set_after_the_submit(self, world: TaskWorld, mode: str) -> None:
        """Its report is read while it is there, nothing more is sent, and others get the instance."""
        world.cloud.switch("increment_report_kept_seconds", 7200.0)
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        first = world.goods(lines[:2], name="a")
        world.settle(first)
        world.goods(lines[:2], name="a", mode=mode)
        world.settle(first)
        second = world.goods(lines[2:], name="b")
        for _ in range(4):
            for key in (first, second):
                world.settle(key)
            world.cloud.advance(60)
        totals = world.status(first).totals
        assert ("Complete", 2) == (world.status(first).phase, totals and totals.succeeded)
        assert "Complete" == world.status(second).phase
        world.cloud.advance(8000)
        world.goods(lines[:2], name="a")
        world.settle(first)
        assert ("Complete", 2) == (world.status(first).phase, len(world.tasks()))


class TestSeats:
    """Only a task that certainly runs keeps the others waiting."""

    def test_a_task_that_the_list_does_not_have_any_more(self, world: TaskWorld) -> None:
        """The next import goes in; the first is told what to do after a while."""
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        first = world.goods(lines[:2], name="a")
        world.settle(first)

        def vanish(search: Any, name: str) -> None:
            search.instances[name].tasks.clear()
            search.instances[name].manifests.clear()
            search.running.clear()

        of_instance(world, vanish)
        target = {"imageSearch": {"instanceName": INSTANCE, "bucket": PHOTOS, "path": "else/"}}
        world.pictures(1, folder="else/")
        second = world.goods([line("000.png")], name="b", target=target)
        for _ in range(20):
            world.settle(first)
            world.settle(second)
            world.cloud.advance(60)
        assert "Complete" == world.status(second).phase, world.status(second)
        assert ("Waiting", "AwaitingResults") == (world.status(first).phase, world.ready(first)[1])
        assert "delete this object" in message(world, first)

    def test_a_task_in_a_state_that_nobody_knows(self, world: TaskWorld) -> None:
        """It is no end; but the service itself says whether it takes another."""
        world.cloud.switch("increment_cancelled_status", "CANCELLED")
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        first = world.goods(lines[:2], name="a")
        world.settle(first)
        world.cloud.cancel_image_task(INSTANCE, 1)
        world.cloud.image_batches(lines_per_second=0.0)
        target = {"imageSearch": {"instanceName": INSTANCE, "bucket": PHOTOS, "path": "else/"}}
        world.pictures(1, folder="else/")
        second = world.goods([line("000.png")], name="b", target=target)
        for _ in range(20):
            world.settle(first)
            world.settle(second)
            world.cloud.advance(60)
        assert "Complete" == world.status(second).phase, world.status(second)
        assert ("Waiting", "TaskRunning") == (world.status(first).phase, world.ready(first)[1])
        assert "delete this object" in message(world, first)

    @pytest.mark.parametrize("restarted", [False, True], ids=["as it goes on", "after a restart"])
    def test_one_whose_own_look_fails_lets_the_others_pass(
        self, world: TaskWorld, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
    ) -> None:
        """Its bucket does not answer: that is no matter of another bucket."""

        def broken(run: Any, target: Any, oss: Any, context: Any) -> Any:
            if target.metadata.name == "a":
                raise Unavailable("oss:HeadObject", "down")
            return look_at_manifest(run, target, oss, context)

        monkeypatch.setattr("controller.reconcile.imports.watch.look_at_manifest", broken)
        world.pictures(1, folder="else/")
        first = world.goods(world.pictures(1), name="a")
        one_pass(world, first)
        one_pass(world, first)
        target = {"imageSearch": {"instanceName": INSTANCE, "bucket": PHOTOS, "path": "else/"}}
        second = world.goods([line("000.png")], name="b", target=target)
        if restarted:
            world.restart()
        for _ in range(4):
            one_pass(world, first)
            world.settle(second)
            world.cloud.advance(60)
        assert "Complete" == world.status(second).phase, world.status(second)

    @pytest.mark.parametrize("restarted", [False, True], ids=["as it goes on", "after a restart"])
    def test_one_whose_task_runs_keeps_its_seat_when_its_look_fails(self, world: TaskWorld, *, restarted: bool) -> None:
        """Nobody could tell that the task is over."""
        world.cloud.image_batches(lines_per_second=0.001)
        lines = world.pictures(2)
        first = world.goods(lines[:1], name="a")
        world.settle(first)
        second = world.goods(lines[1:], name="b")
        world.settle(second)
        if restarted:
            world.restart()
        world.cloud.advance(60)
        world.cloud.fault(
            {"service": "imagesearch", "operation": "IncreaseList", "error": {"status": 503, "code": "Unavailable"}}
        )
        one_pass(world, first)
        world.cloud.fault()
        world.settle(second)
        assert ("Queued", 1) == (world.ready(second)[1], len(world.tasks()))
        assert "team/a first" in message(world, second)


class TestManifests:
    """What lies in the manifest's place, and whose import does not go on."""

    @pytest.mark.parametrize("how", ["suspended", "restarted", "refused"])
    def test_one_of_an_import_that_stands_still_before_its_submit(self, world: TaskWorld, how: str) -> None:
        """Another takes the place; the first puts its own there again when its turn comes."""
        lines = world.pictures(2)
        first = upload_only(world, lines[:1], "a")
        if how != "refused":
            world.goods(lines[:1], name="a", suspend=True)
            world.settle(first)
        if how == "restarted":
            world.restart()
            world.settle(first)  # until its records are read it may have a task
        second = world.goods(lines[1:], name="b")
        assert "Complete" == world.finish(second).phase, world.status(second)
        world.goods(lines[:1], name="a")
        world.settle(first)
        world.work(first)
        assert "Complete" == world.status(first).phase, world.status(first)
        assert ([1, 1], {("000", "000.png"), ("001", "001.png")}) == (
            [one.lines for one in world.tasks()], world.held(),
        )  # fmt: skip

    def test_one_of_an_import_whose_submit_may_have_taken_effect_stays(self, world: TaskWorld) -> None:
        """A task may read it at this very moment."""
        lines = world.pictures(2)
        first = world.goods(lines[:1], name="a")
        lose_the_answer(world, first)
        world.restart()
        world.goods(lines[:1], name="a", suspend=True)
        mark = world.head().headers[MARK_HEADER]
        second = world.goods(lines[1:], name="b")
        world.settle(second)
        assert ("Queued", mark) == (world.ready(second)[1], world.head().headers[MARK_HEADER])

    def test_one_whose_records_expired(self, world: TaskWorld) -> None:
        """Said at once with the way out; after days nobody can be about to submit it, and it is replaced."""
        lines = world.pictures(2)
        first = world.goods(lines[:1], name="first")
        assert "Complete" == world.finish(first).phase
        _expire(world)
        del world.cluster.bodies[first]
        world.restart()
        second = world.goods(lines[1:], name="second")
        world.settle(second)
        assert ("False", "ManifestForeign") == world.ready(second)
        assert "emove" in message(world, second)
        assert "no record" in message(world, second)
        world.cloud.advance(8 * DAY)
        assert "Complete" == world.finish(second).phase, world.status(second)

    def test_one_without_a_record_that_an_object_names_stays(self, world: TaskWorld) -> None:
        """Its records were lost, or lie elsewhere: it may be under way."""
        lines = world.pictures(2)
        first = upload_only(world, lines[:1], "first")
        run = world.status(first).run
        _expire(world)
        world.restart()
        world.cloud.advance(30 * DAY)
        second = world.goods(lines[1:], name="second")
        world.settle(second)
        assert ("ManifestForeign", f"{run}/1") == (world.ready(second)[1], world.head().headers[MARK_HEADER])
        world.bucket.delete_object(MANIFEST)
        world.cloud.advance(60)
        assert "Complete" == world.finish(second).phase, world.status(second)


def _expire(world: TaskWorld) -> None:
    """The work bucket's rule removes every record."""
    auth = oss2.AuthV4(world.cloud.access_key_id, world.cloud.access_key_secret)
    bucket = oss2.Bucket(auth, world.cloud.url, WORK, region=world.cloud.region)
    for one in list(oss2.ObjectIterator(bucket)):
        bucket.delete_object(one.key)

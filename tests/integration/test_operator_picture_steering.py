"""An import into Image Search that is steered, held back, refused, lost and found: nothing is submitted twice.

The operator is a process; a task is held until a test lets it begin.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.instance import Instance
from tests.integration.import_room import IMPORT
from tests.integration.picture_room import INCREASE, PICTURES, PictureRoom, inline, line, manifest_of, own, target
from tests.integration.world import World

FAR = "far-pictures"


@pytest.fixture(scope="module")
def room(world: World) -> PictureRoom:
    """Everything an import into Image Search needs."""
    made = PictureRoom(world)
    made.open()
    return made


@pytest.fixture(autouse=True)
def defaults(room: PictureRoom) -> Iterator[None]:
    """A test's pace and readings end with it."""
    yield
    room.calm()


def names(lines: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Product and picture of each."""
    return {(one["ProductId"], one["PicName"]) for one in lines}


def suspended(room: PictureRoom, name: str) -> bool:
    """Whether the status says so."""
    return room.world.condition(IMPORT, name, "Suspended").get("status") == "True"


def occupy(room: PictureRoom, instance: str) -> int:
    """A task that somebody submits in the console, and that is held; its id."""
    room.draw(f"{instance}-console/x.jpg")
    room.manifest(f"{instance}-console", [line("x", "x.jpg")])
    room.hold()
    data = room.images(instance).call("increase_instance", bucket_name=PICTURES, path=f"/{instance}-console")["Data"]
    return int(data["Id"])


def until_begun(room: PictureRoom, name: str, seconds: float) -> None:
    """Wait until an import's run is so old."""
    room.world.until(f"{name} to begin", lambda: "startedAt" in room.status(name))
    begun = time.time()
    room.world.until(f"{seconds} s of it", lambda: time.time() > begun + seconds, seconds + 5)


class TestSuspended:
    """Before its submit an import can be held; afterwards only the console stops it."""

    def test_before_the_submit_nothing_is_sent(self, room: PictureRoom) -> None:
        """What it would do is said; then it goes on."""
        lines = room.shop("held", 2)
        room.apply("held", inline(lines), suspend=True)
        room.world.until("Suspended", lambda: suspended(room, "held"))
        assert not room.world.bucket(PICTURES).object_exists(manifest_of("held"))
        occupy(room, "held")
        room.apply("held", inline(lines))
        room.await_said("held", "goes on by itself")
        room.apply("held", inline(lines), suspend=True)
        room.world.until("Suspended", lambda: suspended(room, "held"))
        room.work()
        room.world.until("the other to end", lambda: ("x", "x.jpg") in room.held("held"))
        room.world.request(IMPORT, "held", "look")
        assert 1 == room.submits("held")
        room.apply("held", inline(lines))
        room.world.await_ready(IMPORT, "held", 40)
        assert (2, (2, 0, 0, 0)) == (room.submits("held"), room.counts("held"))

    def test_after_the_submit_it_says_what_to_click_and_notices_the_end(self, room: PictureRoom) -> None:
        """The verdict is read as ever."""
        lines = room.shop("late", 2)
        task = room.begun("late", inline(lines))
        room.apply("late", inline(lines), suspend=True)
        said = room.await_said("late", f"task {task}", "click Cancel, then OK", "Batch Operation")
        assert "No API cancels it" in said
        assert suspended(room, "late")
        room.world.cloud.cancel_image_task("late", task)
        room.await_phase("late", "Failed", 40)
        status = room.status("late")
        assert ("Stopped", 1) == (status["task"]["state"], room.submits("late"))
        assert 2 == status["totals"]["cancelled"] + status["totals"]["unknown"]

    def test_a_deadline_cancels_what_was_not_submitted(self, room: PictureRoom) -> None:
        """The instance was busy for too long."""
        lines = room.shop("overdue", 2)
        occupy(room, "overdue")
        room.apply("overdue", inline(lines), deadline="10s")
        room.await_phase("overdue", "Failed", 60)
        assert ((0, 0, 0, 2), 1) == (room.counts("overdue"), room.submits("overdue"))

    def test_suspended_time_is_no_time_of_the_deadline(self, room: PictureRoom) -> None:
        """Longer than the deadline, and everything is submitted all the same."""
        lines = room.shop("paused", 2)
        occupy(room, "paused")
        room.apply("paused", inline(lines), deadline="40s")
        room.await_said("paused", "goes on by itself")
        room.apply("paused", inline(lines), deadline="40s", suspend=True)
        room.world.until("Suspended", lambda: suspended(room, "paused"))
        until_begun(room, "paused", 42)
        room.work()
        room.world.until("the other to end", lambda: ("x", "x.jpg") in room.held("paused"))
        room.apply("paused", inline(lines), deadline="40s")
        room.world.await_ready(IMPORT, "paused", 40)
        assert (2, 0, 0, 0) == room.counts("paused")


class TestModes:
    """What only looks."""

    def test_dry_run_checks_everything_and_submits_nothing(self, room: PictureRoom) -> None:
        """The full report of problems, and the counts that cost something."""
        lines = room.shop("dry", 5)
        room.apply("dry-before", inline(lines[:2]), target=target("dry", "dry/"))
        room.world.await_ready(IMPORT, "dry-before", 40)
        room.remove("dry/004.jpg")
        source = inline([*lines, line("p0", "gone.jpg", "DELETE"), line("p77", None, "DELETE")])
        room.apply("dry", source, mode="DryRun", onInvalid="Skip", allowWholeProductDelete=True)
        room.world.await_reason(IMPORT, "dry", "Planned", 40)
        status = room.status("dry")
        planned = "\n".join(status["plannedChanges"])
        for words in (
            "import 4 pictures in one batch task", "delete 1 picture", "delete every picture of 1 product",
            "overwrite 2 pictures that the instance holds already", "leave out 1 wrong line",
        ):  # fmt: skip
            assert words in planned, planned
        [problem] = room.report("dry")
        assert ("PicName", "004.jpg") == (problem["field"], problem["value"])
        assert (6, 1) == (status["totals"]["items"], status["totals"]["skipped"])
        assert 1 == room.submits("dry")
        assert "run" not in status
        room.apply("dry", source, onInvalid="Skip", allowWholeProductDelete=True)
        room.await_phase("dry", "Complete", 40)
        assert 6 == room.status("dry")["totals"]["succeeded"]

    def test_observe_follows_a_run_and_submits_nothing(self, room: PictureRoom) -> None:
        """One that is not on record is only told of."""
        lines = room.shop("watched", 2)
        room.begun("watched", inline(lines))
        room.apply("watched", inline(lines), mode="Observe")
        room.work()
        room.world.until("the end", lambda: room.status("watched")["task"]["state"] == "Succeeded", 30)
        assert 1 == room.submits("watched")
        room.apply("watched", inline(lines))
        room.world.await_ready(IMPORT, "watched", 30)
        assert ((2, 0, 0, 0), 1) == (room.counts("watched"), room.submits("watched"))


class TestRefusals:
    """What a person has to mend, said before anything is submitted; afterwards the import goes on by itself."""

    def test_a_bucket_of_another_region(self, room: PictureRoom) -> None:
        """Neither of the two can be moved, so the pictures have to be copied."""
        room.instance("apart")
        room.world.bucket(FAR)
        room.world.cloud.run(lambda instance: setattr(instance.cloud.oss.buckets[FAR], "region", "cn-beijing"))
        room.apply("apart", inline([line("a", "a.jpg")]), target=target("apart", bucket=FAR))
        said = room.world.await_reason(IMPORT, "apart", "RegionMismatch", 40)["message"]
        assert [] == [word for word in (FAR, "cn-beijing", "cn-hangzhou", "apart") if word not in said], said
        assert 0 == room.submits("apart")
        room.draw("apart/a.jpg")
        room.apply("apart", inline([line("a", "a.jpg")]))
        room.world.await_ready(IMPORT, "apart", 40)

    def test_an_instance_that_is_not_there(self, room: PictureRoom) -> None:
        """Its name is wanted, not its id."""
        room.draw("absent/a.jpg")
        room.apply("absent", inline([line("a", "a.jpg")]))
        said = room.world.await_reason(IMPORT, "absent", "InstanceNotFound", 40)["message"]
        assert "not the id" in said or "not its id" in said
        room.instance("absent")
        again(room, "absent", lambda: room.status("absent").get("phase") == "Complete")

    @pytest.mark.parametrize("code", ["NoPermission", "BadRequest", "InstanceStatusError"])
    def test_an_authorization_that_nobody_confirmed(self, room: PictureRoom, code: str) -> None:
        """The console's steps are said, whatever the service calls it."""
        name = f"auth-{code}".lower()[:20]
        room.world.cloud.switch("increment_unauthorized_code", code)
        lines = room.shop(name, 1)
        authorize(room, name, confirmed=False)
        room.apply(name, inline(lines))
        said = room.world.await_reason(IMPORT, name, "NotAuthorized", 40)["message"]
        assert all(word in said for word in ("Confirm the authorization", "Confirm Authorization Policy"))
        assert set() == room.held(name)
        authorize(room, name, confirmed=True)
        again(room, name, lambda: room.status(name).get("phase") == "Complete")
        assert 1 == [one["status"] for one in room.asked(INCREASE, name)].count(200)
        room.world.cloud.switch("increment_unauthorized_code", "NoPermission")


def again(room: PictureRoom, name: str, holds: Callable[[], bool]) -> None:
    """Request a reconcile until it shows; what was refused is asked again after some seconds only."""

    def ask() -> bool:
        if not holds():
            room.world.request(IMPORT, name, str(time.time()))
        return holds()

    room.world.until(f"{name} to go on", ask, 60, lambda: json.dumps(room.status(name), indent=1))


def authorize(room: PictureRoom, name: str, *, confirmed: bool) -> None:
    """What is clicked in the console."""

    def change(instance: Instance) -> None:
        search = instance.cloud.imagesearch(room.world.cloud.account_id, room.world.cloud.region)
        search.instances[name].authorized = confirmed

    room.world.cloud.run(change)


class TestGone:
    """The object goes, and the task does not."""

    def test_deleted_while_its_task_runs(self, room: PictureRoom) -> None:
        """It is gone at once; an event says that the task goes on, and it does."""
        lines = room.shop("gone", 2)
        task = room.begun("gone", inline(lines))
        room.world.delete(IMPORT, "gone")
        room.world.await_gone(IMPORT, "gone")
        [said] = room.world.await_event(IMPORT, "gone", "TaskRunning")
        assert f"task {task} of instance gone runs on" in said
        assert "click Cancel" in said
        room.work()
        room.world.until("the task's end", lambda: names(lines) == room.held("gone"))
        room.draw("gone/after/a.jpg")
        room.apply("gone-2", inline([line("a", "a.jpg")]), target=target("gone", "gone/after/"))
        room.world.await_ready(IMPORT, "gone-2", 40)


@pytest.fixture
def running(room: PictureRoom) -> tuple[str, list[dict[str, Any]], int]:
    """An import whose task is held: its name, its lines and its task."""
    name = f"once-{int(time.time() * 10) % 10**9}"
    lines = room.shop(name, 3)
    return name, lines, room.begun(name, inline(lines))


class TestOnce:
    """Whatever happens to object, status and process: one task, and it is followed."""

    def ended(self, room: PictureRoom, running: tuple[str, list[dict[str, Any]], int]) -> None:
        """It is let go, and there was no other."""
        name, lines, task = running
        room.work()
        room.world.await_ready(IMPORT, name, 150)
        assert ((3, 0, 0, 0), task) == (room.counts(name), room.status(name)["task"]["id"])
        assert (1, names(lines)) == (room.submits(name), room.held(name))

    def test_its_status_is_lost(self, room: PictureRoom, running: tuple[str, list[dict[str, Any]], int]) -> None:
        """As after a restore without status."""
        name = running[0]
        body = room.world.get(IMPORT, name) or {}
        wiped = {key: body[key] for key in ("apiVersion", "kind", "spec")}
        meta = {"name": name, "namespace": room.world.namespace}
        text = json.dumps(wiped | {"metadata": meta, "status": {"observedGeneration": -1}})
        room.world.kubectl("replace", "--subresource=status", "--filename=-", text=text)
        assert running[2] == room.await_task(name)
        self.ended(room, running)

    def test_it_is_deleted_and_made_again(
        self, room: PictureRoom, running: tuple[str, list[dict[str, Any]], int]
    ) -> None:
        """Its run is found, and with it the task."""
        name, lines, task = running
        room.world.delete(IMPORT, name)
        room.world.await_gone(IMPORT, name)
        room.apply(name, inline(lines))
        assert task == room.await_task(name)
        self.ended(room, running)

    def test_it_is_replaced_by_force(self, room: PictureRoom, running: tuple[str, list[dict[str, Any]], int]) -> None:
        """While it runs, and when it is done."""
        name = running[0]
        force(room, name)
        assert running[2] == room.await_task(name)
        self.ended(room, running)
        run = room.status(name)["run"]
        force(room, name)
        room.world.await_ready(IMPORT, name, 40)
        assert (run, 1) == (room.status(name)["run"], room.submits(name))
        assert (3, 0, 0, 0) == room.counts(name)

    def test_the_operator_is_killed(self, room: PictureRoom, running: tuple[str, list[dict[str, Any]], int]) -> None:
        """Its successor follows the same task."""
        room.world.kill()
        room.world.start()
        self.ended(room, running)

    @pytest.mark.parametrize(
        "change",
        [
            {"suspend": True},
            {"mode": "Observe"},
            {"mode": "DryRun"},
            {"deadline": "1h"},
            {"resyncInterval": "1h"},
            {"maxFailedItems": 3},
            {"maxItems": 1000},
            {"allowWholeProductDelete": True},
            {"allowManifestReplace": True},
        ],
        ids=lambda change: "-".join(str(part) for pair in change.items() for part in pair),
    )
    def test_a_field_that_is_no_work_makes_no_run(
        self, room: PictureRoom, finished: str, change: dict[str, object]
    ) -> None:
        """Toggled on and off again."""
        lines = [line(f"p{number}", f"{number:03}.jpg") for number in range(2)]
        before = room.submits(finished), room.status(finished)["run"]
        for spec in (change, {}):
            room.apply(finished, inline(lines), **spec)
            room.world.request(IMPORT, finished, f"{change} {spec}"[:60])
        assert before == (room.submits(finished), room.status(finished)["run"])

    def test_a_second_look_asks_and_writes_nothing(self, room: PictureRoom, finished: str) -> None:
        """Neither the cloud nor Kubernetes, the echo apart."""
        writes = len(room.world.writes("batchimports", finished))
        asked = room.world.cloud.counts().get("imagesearch")
        room.world.request(IMPORT, finished, "once-more")
        assert ["update status"] == room.world.writes("batchimports", finished)[writes:]
        assert asked == room.world.cloud.counts().get("imagesearch")

    def test_a_manifest_written_another_way_is_the_same_run(self, room: PictureRoom) -> None:
        """Its content counts, and not its bytes: a new runToken reads it afresh, and submits nothing."""
        lines = room.shop("bytes", 2)
        room.manifest("bytes", lines)
        room.apply("bytes", own("bytes"))
        room.world.await_ready(IMPORT, "bytes", 40)
        run = room.status("bytes")["run"]
        other = [json.dumps(dict(reversed(one.items())), separators=(" , ", " : ")) for one in lines]
        room.write(manifest_of("bytes"), "\n".join(other))
        room.apply("bytes", own("bytes"), runToken="again")
        room.world.await_ready(IMPORT, "bytes", 40)
        assert (run, 1) == (room.status("bytes")["run"], room.submits("bytes"))


def force(room: PictureRoom, name: str) -> None:
    """Kubectl replace --force: deleted and created, without its status."""
    body = room.world.get(IMPORT, name) or {}
    meta = {"name": name, "namespace": room.world.namespace}
    text = json.dumps({"apiVersion": body["apiVersion"], "kind": IMPORT, "metadata": meta, "spec": body["spec"]})
    room.world.kubectl("replace", "--force", "--filename=-", text=text)


@pytest.fixture(scope="module")
def finished(room: PictureRoom) -> str:
    """An import that is done."""
    room.apply("finished", inline(room.shop("finished", 2)))
    room.world.await_ready(IMPORT, "finished", 40)
    return "finished"

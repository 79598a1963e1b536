"""An import into Image Search and its batch task, with the operator as a process: verdicts, retries, turns, hands off.

A task is held until a test lets it begin, so that what happens meanwhile is certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.import_room import IMPORT
from tests.integration.picture_room import (
    INCREASE,
    LIST,
    PICTURES,
    PictureRoom,
    inline,
    line,
    manifest_of,
    own,
    target,
)
from tests.integration.world import World

REPORTS = "image-search-task-info-cn-hangzhou"
ISOLATED = "Some of the images cannot be processed and are isolated."


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


def spoiled(room: PictureRoom, name: str, count: int, lost: int, **spec: Any) -> list[dict[str, Any]]:
    """An import that ended, of which the first `lost` lines failed: their pictures went when they had been checked."""
    lines = room.shop(name, count)
    room.begun(name, inline(lines), **spec)
    for one in lines[:lost]:
        room.remove(f"{name}/{one['PicName']}")
    room.work()
    room.world.until(f"{name} to end", lambda: room.status(name).get("endedAt") is not None, 30)
    return lines


def names(lines: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Product and picture of each."""
    return {(one["ProductId"], one["PicName"]) for one in lines}


class TestVerdicts:
    """That the task succeeded says nothing of its lines."""

    def test_isolated_lines_are_named(self, room: PictureRoom) -> None:
        """Ten in the status, all in the work bucket, where the service's own report lies, too."""
        lines = spoiled(room, "isolated", 15, 12)
        condition = room.world.await_reason(IMPORT, "isolated", "PartiallyFailed")
        status = room.status("isolated")
        assert ("Failed", (3, 12, 0, 0)) == (status["phase"], room.counts("isolated"))
        assert ("Succeeded", ISOLATED) == (status["task"]["state"], status["task"]["message"])
        assert 10 == len(status["failures"])
        assert ("p0 000.jpg", True) == (
            status["failures"][0]["item"],
            "does not exist" in status["failures"][0]["error"],
        )
        found = room.report("isolated")
        assert names(lines[:12]) == names(found)
        assert {"failed"} == {one["outcome"] for one in found}
        assert 12 == len(room.raw_report("isolated").splitlines())
        assert "15 lines: 3 succeeded, 12 failed" in condition["message"]
        assert names(lines[12:]) == room.held("isolated")
        assert any("3 of 15" in said for said in room.world.await_event(IMPORT, "isolated", "Ended"))

    def test_max_failed_items_decides_afterwards_too(self, room: PictureRoom) -> None:
        """It steers the verdict and is no work."""
        lines = spoiled(room, "lenient", 3, 1)
        room.world.await_reason(IMPORT, "lenient", "PartiallyFailed")
        room.apply("lenient", inline(lines), maxFailedItems=1)
        room.world.await_ready(IMPORT, "lenient")
        assert ("Complete", 1) == (room.status("lenient")["phase"], room.submits("lenient"))

    def test_a_retry_sends_what_failed_and_nothing_else(self, room: PictureRoom) -> None:
        """Each token once; the second attempt's manifest has the failed lines alone, and the third's what is left."""
        lines = spoiled(room, "again", 6, 3)
        room.world.await_reason(IMPORT, "again", "PartiallyFailed")
        run = room.status("again")["run"]
        room.draw(*(f"again/{one['PicName']}" for one in lines[:3]))
        room.hold()
        room.apply("again", inline(lines), retry={"failedItems": "one"})
        room.world.until("a second task", lambda: room.submits("again") == 2)
        assert names(lines[:3]) == names(room.lies("again"))
        room.world.until("it to be on record", lambda: room.status("again")["phase"] == "Waiting")
        room.remove("again/000.jpg")
        room.work()
        room.world.until("its end", lambda: attempted(room, "again") == "one")
        room.world.await_reason(IMPORT, "again", "PartiallyFailed")
        assert (5, 1, 0, 0) == room.counts("again")
        room.world.request(IMPORT, "again", "the same token")
        assert 2 == room.submits("again")
        room.draw("again/000.jpg")
        room.apply("again", inline(lines), retry={"failedItems": "two"})
        room.world.until("the third", lambda: room.status("again").get("lastRetry") == "two", 30)
        room.world.await_ready(IMPORT, "again", 30)
        assert names(lines[:1]) == names(room.lies("again"))
        assert ((6, 0, 0, 0), 3, run) == (room.counts("again"), room.submits("again"), room.status("again")["run"])
        assert names(lines) == room.held("again")

    def test_stopped_in_the_console(self, room: PictureRoom) -> None:
        """What was done is done, and the rest was cancelled; a retry sends only that."""
        lines = room.shop("stopped", 5)
        room.world.cloud.image_batches(begin_seconds=0.0, lines_per_second=0.001)
        room.apply("stopped", inline(lines))
        task = room.await_task("stopped")
        room.world.cloud.image_batches(lines_per_second=0.5)
        room.world.until("two lines", lambda: len(room.held("stopped")) >= 2, 30)
        room.world.cloud.cancel_image_task("stopped", task)
        done = room.held("stopped")
        room.await_phase("stopped", "Failed")
        status = room.status("stopped")
        assert "Stopped" == status["task"]["state"]
        assert (len(done), 0, 0, 5 - len(done)) == room.counts("stopped")
        assert {"cancelled"} == {one["outcome"] for one in room.report("stopped")}
        room.calm()
        room.apply("stopped", inline(lines), retry={"failedItems": "rest"})
        room.world.await_ready(IMPORT, "stopped", 30)
        assert names(lines) - done == names(room.lies("stopped"))
        assert names(lines) == room.held("stopped")

    def test_a_task_that_fails_as_a_whole(self, room: PictureRoom) -> None:
        """Its words stand for each line."""
        room.world.cloud.switch("increment_manifest_read", "throughout")
        lines = room.shop("whole", 2)
        room.begun("whole", inline(lines))
        room.world.cloud.run(lambda instance: spoil_manifest(instance, room, "whole"))
        room.work()
        room.await_phase("whole", "Failed")
        assert (0, 2, 0, 0) == room.counts("whole")
        assert "Failed" == room.status("whole")["task"]["state"]
        room.world.cloud.switch("increment_manifest_read", "once")

    @pytest.mark.parametrize("shape", ["text", "html", "empty"])
    def test_a_report_that_nobody_can_read_is_no_success(self, room: PictureRoom, shape: str) -> None:
        """Unknown, and a retry is refused with the reason: it might send again what succeeded."""
        room.world.cloud.switch("increment_report_shape", shape)
        name = f"report-{shape}"
        lines = spoiled(room, name, 3, 1)
        condition = room.world.await_reason(IMPORT, name, "ReportUnreadable")
        assert ("Failed", (0, 0, 3, 0)) == (room.status(name)["phase"], room.counts(name))
        assert "cannot be understood" in condition["message"]
        room.apply(name, inline(lines), retry={"failedItems": "one"})
        room.await_said(name, "spec.retry is not begun", "import again what succeeded")
        assert (1, None) == (room.submits(name), room.status(name).get("lastRetry"))
        if shape != "empty":
            assert room.raw_report(name)

    def test_a_report_whose_time_is_over(self, room: PictureRoom) -> None:
        """Its address does not work any more, nor does the one that listing the task again gives."""
        lines = room.shop("expired", 2)
        room.begun("expired", inline(lines))
        room.remove("expired/000.jpg")
        room.age("expired", 600)
        room.work()
        room.world.until("its end", lambda: len(room.held("expired")) == 1)
        room.world.cloud.run(lambda instance: instance.cloud.oss.buckets[REPORTS].objects.clear())
        condition = room.world.await_reason(IMPORT, "expired", "ReportExpired", 40)
        assert "two hours" in condition["message"]
        assert (0, 0, 2, 0) == room.counts("expired")


def attempted(room: PictureRoom, name: str) -> str | None:
    """The retry that ended, as far as the status says."""
    status = room.status(name)
    return status.get("lastRetry") if status.get("endedAt") else None


def spoil_manifest(instance: Any, room: PictureRoom, name: str) -> None:
    """What a task reads while it runs is no manifest any more; the object in OSS stays as it is."""
    search = instance.cloud.imagesearch(room.world.cloud.account_id, room.world.cloud.region)
    held = search.instances[name]
    task = search.running[name]
    kept = held.manifests[task]
    held.manifests[task] = type(kept)(b"{}{}\n", kept.etag)


class TestTurns:
    """One batch of an instance runs at a time."""

    def test_imports_queue_by_their_creation(self, room: PictureRoom) -> None:
        """The status says the position and who is first, and each goes on by itself."""
        room.instance("queue")
        room.hold()
        for number in range(3):
            room.draw(f"queue-{number}/a.jpg")
            source = inline([line(f"q{number}", "a.jpg")])
            room.apply(f"queue-{number}", source, target=target("queue", f"queue-{number}/"))
            if number == 0:
                room.await_task("queue-0")
            until_a_second_later(room, f"queue-{number}")
        first = f"{room.world.namespace}/queue-0"
        room.await_said("queue-1", "1 import comes before", first)
        room.await_said("queue-2", "2 imports come before", first)
        assert "Queued" == room.world.condition(IMPORT, "queue-2", "Ready")["reason"]
        assert 1 == room.submits("queue")
        room.calm()
        room.work()
        for number in range(3):
            room.await_phase(f"queue-{number}", "Complete", 60)
        wanted = ["/queue-0", "/queue-1", "/queue-2"]
        assert wanted == [one["params"]["Path"] for one in room.asked(INCREASE, "queue")]
        tasks = [room.status(f"queue-{number}")["task"]["id"] for number in range(3)]
        assert sorted(tasks) == tasks

    def test_a_task_of_somebody_else_is_waited_for(self, room: PictureRoom) -> None:
        """It is named, with what to click, and not taken for ours."""
        lines = room.shop("elsewhere", 1)
        room.draw("by-hand/x.jpg")
        room.manifest("by-hand", [line("x", "x.jpg")])
        room.hold()
        images = room.images("elsewhere")
        theirs = images.call("increase_instance", bucket_name=PICTURES, path="/by-hand")["Data"]["Id"]
        room.apply("elsewhere", inline(lines))
        room.await_said("elsewhere", f"task {theirs}", "click Cancel", "goes on by itself")
        assert "Queued" == room.world.condition(IMPORT, "elsewhere", "Ready")["reason"]
        room.work()
        room.world.await_ready(IMPORT, "elsewhere", 60)
        assert int(theirs) != room.status("elsewhere")["task"]["id"]
        assert {("x", "x.jpg"), *names(lines)} == room.held("elsewhere")

    @pytest.mark.timeout(600)
    def test_twenty_imports_share_one_list(self, room: PictureRoom) -> None:
        """IncreaseList once a second for all together, never refused; and each import is submitted once."""
        room.instance("crowd")
        for number in range(20):
            room.draw(f"crowd/{number}/a.jpg")
            source = inline([line(f"c{number}", "a.jpg")])
            room.apply(f"crowd-{number:02}", source, target=target("crowd", f"crowd/{number}/"))
        for number in range(20):
            room.await_phase(f"crowd-{number:02}", "Complete", 150)
        listed = room.asked(LIST, "crowd")
        assert {200} == {one["status"] for one in listed}
        times = [one["time"] for one in listed]
        gaps = [after - before for before, after in pairwise(times)]
        assert min(gaps) > 0.9, sorted(gaps)[:5]
        assert 20 == room.submits("crowd")
        assert {f"c{number}" for number in range(20)} == {product for product, _ in room.held("crowd")}


def until_a_second_later(room: PictureRoom, name: str) -> None:
    """The API server tells creations apart by whole seconds."""
    made = datetime.fromisoformat((room.world.get(IMPORT, name) or {})["metadata"]["creationTimestamp"])
    room.world.until("another second", lambda: datetime.now(made.tzinfo).replace(microsecond=0) > made)


class TestManifests:
    """What lies where the manifest belongs."""

    def test_a_foreign_manifest_is_never_overwritten(self, room: PictureRoom) -> None:
        """The status says whose it is not, and what to do; once it is gone the import goes on."""
        lines = room.shop("foreign", 1)
        etag = room.manifest("foreign", [line("theirs", "theirs.jpg")])
        room.apply("foreign", inline(lines))
        condition = room.world.await_reason(IMPORT, "foreign", "ManifestForeign", 30)
        assert f"oss://{PICTURES}/{manifest_of('foreign')}" in condition["message"]
        room.world.request(IMPORT, "foreign", "look")
        assert etag == room.world.bucket(PICTURES).head_object(manifest_of("foreign")).etag
        assert 0 == room.submits("foreign")
        room.remove(manifest_of("foreign"))
        room.world.request(IMPORT, "foreign", "moved away")
        room.world.await_ready(IMPORT, "foreign", 30)
        assert names(lines) == room.held("foreign")

    def test_a_manifest_that_changed_before_its_submit(self, room: PictureRoom) -> None:
        """Nothing is submitted; a new runToken has it checked afresh."""
        lines = room.shop("before", 2)
        room.manifest("before", lines[:1])
        room.apply("before", own("before"), suspend=True)
        room.world.until("Suspended", lambda: suspended(room, "before"))
        room.hold()
        other = room.images("before")
        room.draw("before-2/x.jpg")
        room.manifest("before-2", [line("x", "x.jpg")])
        other.call("increase_instance", bucket_name=PICTURES, path="/before-2")
        room.apply("before", own("before"))
        room.await_said("before", "goes on by itself")
        room.manifest("before", lines)
        room.work()
        condition = room.world.await_reason(IMPORT, "before", "ManifestChanged", 60)
        assert "nothing was submitted" in condition["message"]
        assert 1 == room.submits("before"), "but somebody else's"
        room.apply("before", own("before"), runToken="afresh")
        room.world.await_ready(IMPORT, "before", 60)
        assert 2 == room.status("before")["totals"]["succeeded"]

    def test_a_manifest_that_changed_while_it_was_submitted(self, room: PictureRoom) -> None:
        """Nobody knows what the task works on, so nothing is taken for done, and a retry is refused."""
        lines = room.shop("after", 2)
        room.manifest("after", lines[:1])
        room.hold()
        room.world.cloud.fault({"service": "imagesearch", "operation": INCREASE, "latency": 8.0, "times": 1})
        room.apply("after", own("after"))
        room.world.until("the submit to be on its way", lambda: struck(room) == 1, 30)
        room.manifest("after", lines)
        condition = room.world.await_reason(IMPORT, "after", "ManifestChanged", 30)
        assert "while it was submitted" in condition["message"]
        assert ("Failed", (0, 0, 1, 0)) == (room.status("after")["phase"], room.counts("after"))
        room.apply("after", own("after"), retry={"failedItems": "one"})
        room.await_said("after", "spec.retry is not begun")
        assert 1 == room.submits("after")


def suspended(room: PictureRoom, name: str) -> bool:
    """Whether the status says so."""
    return room.world.condition(IMPORT, name, "Suspended").get("status") == "True"


def struck(room: PictureRoom) -> int:
    """How often the one fault struck so far."""
    return room.struck()[0]

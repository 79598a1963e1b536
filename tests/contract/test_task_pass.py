"""Whole lives of imports into Image Search: the passes and the real adapters against the local cloud."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from controller.core.imports.identity import MARK_HEADER
from controller.reconcile.imports.gone import tell_gone
from controller.reconcile.kinds import Key, reconcile_object
from emulator.testing import LocalCloud
from tests.unit.operator_doubles import Crash
from tests.unit.task_world import INSTANCE, MANIFEST, PATH, PHOTOS, WORK, TaskWorld, cloud, line, picture

__all__ = ["cloud"]

SWITCHES = {
    "increment_report_shape": "jsonl",
    "increment_cancel_report": "every_line",
    "increment_cancelled_status": "Stop",
    "increment_busy_code": "InstanceStatusError",
    "increment_unauthorized_code": "NoPermission",
    "increment_manifest_read": "once",
    "increment_all_isolated": "SUCCESS",
    "increment_list_order": "newest",
    "increment_report_kept_seconds": 604_800.0,
    "increment_manifest_missing": "BadRequest",
}
SLOW = {"lines_per_second": 0.1}
INCREASE, LIST = "IncreaseInstance", "IncreaseList"


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[TaskWorld]:
    """A new world in it."""
    cloud.reset()
    cloud.fault()
    for name, value in SWITCHES.items():
        cloud.switch(name, value)
    made = TaskWorld(cloud)
    yield made
    made.close()


def losing(world: TaskWorld, name: str) -> None:
    """The picture is lost after it was checked, while the submit is on its way."""

    def lose(called: str) -> None:
        if called == "increase":
            world.bucket.delete_object(PATH + name)

    world.guard.before_call = lose


def spoil(world: TaskWorld, count: int = 3) -> list[dict[str, Any]]:
    """Lines of pictures of which the last one fails."""
    lines = world.pictures(count)
    losing(world, f"{count - 1:03}.png")
    return lines


def waits_before_the_fetch(world: TaskWorld, seconds: float) -> None:
    """So long after the listing that the address in it is over."""

    def wait(called: str) -> None:
        if called == "fetch":
            world.guard.before_call = lambda _name: None
            world.cloud.advance(seconds)

    world.guard.before_call = wait


def one_pass(world: TaskWorld, key: Key) -> None:
    """The first one: the run is on record and named, and nothing is submitted yet."""
    reconcile_object(world.cluster.read(key), world.context)


class TestVerdicts:
    """What a task's end means for each line."""

    def test_success(self, world: TaskWorld) -> None:
        """Every line is done; the manifest says whose it was; a finished import costs no call any more."""
        key = world.goods(world.pictures(3))
        world.settle(key)
        status = world.status(key)
        assert ("Waiting", INSTANCE) == (status.phase, status.instance)
        assert ("False", "TaskRunning") == world.ready(key)
        assert status.task is not None
        assert (1, "Processing") == (status.task.id, status.task.state)
        world.work(key)
        status = world.status(key)
        assert ("Complete", "Succeeded") == (status.phase, status.task and status.task.state)
        assert {("000", "000.png"), ("001", "001.png"), ("002", "002.png")} == world.held()
        assert f"{status.run}/1" == world.head().headers[MARK_HEADER]
        before = world.requests()
        world.cloud.advance(600)
        world.settle(key)
        assert before == world.requests()

    def test_a_line_that_fails_is_named(self, world: TaskWorld) -> None:
        """In the status, and with both names in the report; the service's own words are kept."""
        status = world.finish(world.goods(spoil(world)))
        assert status.totals is not None
        assert ("Failed", 2, 1) == (status.phase, status.totals.succeeded, status.totals.failed)
        [failure] = status.failures
        assert ("002 002.png", True) == (failure.item, "does not exist" in failure.error)
        [said] = world.report(status)
        assert ("002", "002.png", "failed", "ADD") == (
            said["ProductId"], said["PicName"], said["outcome"], said.get("operation", "ADD"),
        )  # fmt: skip
        assert status.task is not None
        assert "isolated" in (status.task.message or "")

    @pytest.mark.parametrize("shape", ["jsonl", "csv", "json-array"])
    def test_reports_of_every_shape_that_can_be_read(self, world: TaskWorld, shape: str) -> None:
        """The raw bytes are kept, too."""
        world.cloud.switch("increment_report_shape", shape)
        status = world.finish(world.goods(spoil(world)))
        assert status.totals is not None
        assert (2, 1, 0) == (status.totals.succeeded, status.totals.failed, status.totals.unknown)
        assert world.oss().get_object(WORK, f"runs/{status.run}/tasks/000000.report", largest=1 << 20)

    @pytest.mark.parametrize("shape", ["text", "html", "empty"])
    def test_a_report_that_cannot_be_read_is_never_a_success(self, world: TaskWorld, shape: str) -> None:
        """All unknown; a retry is refused with the reason, and nothing more is submitted."""
        world.cloud.switch("increment_report_shape", shape)
        lines = spoil(world)
        key = world.goods(lines)
        status = world.finish(key)
        assert status.totals is not None
        assert ("Failed", 0, 3) == (status.phase, status.totals.succeeded, status.totals.unknown)
        assert ("False", "ReportUnreadable") == world.ready(key)
        world.goods(lines, retry={"failedItems": "again"})
        world.work(key)
        assert (1, "ReportUnreadable") == (world.asked(INCREASE), world.ready(key)[1])
        world.restart()
        world.settle(key)
        assert (1, "ReportUnreadable") == (world.asked(INCREASE), world.ready(key)[1])

    def test_a_report_whose_address_is_over_is_listed_again(self, world: TaskWorld) -> None:
        """Once, which gives another address."""
        key = world.goods(spoil(world))
        world.settle(key)
        waits_before_the_fetch(world, 7300)
        status = world.finish(key)
        assert status.totals is not None
        assert (2, 1) == (status.totals.succeeded, status.totals.failed)

    def test_a_report_that_is_gone_is_never_a_success(self, world: TaskWorld) -> None:
        """Both addresses are over, and that stays the reason after a restart."""
        world.cloud.switch("increment_report_kept_seconds", 7200.0)
        key = world.goods(spoil(world))
        world.settle(key)
        waits_before_the_fetch(world, 7300)
        status = world.finish(key)
        assert status.totals is not None
        assert ("Failed", 3, "ReportExpired") == (status.phase, status.totals.unknown, world.ready(key)[1])
        world.restart()
        world.settle(key)
        assert ("False", "ReportExpired") == world.ready(key)

    def test_an_operator_that_was_away_while_the_address_was_told(self, world: TaskWorld) -> None:
        """A task names none any more, so what failed of it is not known, whatever its state."""
        for state in ("SUCCESS", "FAIL"):
            world.cloud.switch("increment_all_isolated", state)
            world.cloud.switch("increment_report_kept_seconds", 7200.0)
            key = world.goods(spoil(world, 1), name=f"away-{state.lower()}")
            world.settle(key)
            world.guard.before_call = lambda _name: None
            world.cloud.advance(8000)
            status = world.finish(key)
            assert status.totals is not None
            assert ("Failed", 1, "ReportExpired") == (status.phase, status.totals.unknown, world.ready(key)[1]), state

    def test_a_task_that_fails_as_a_whole(self, world: TaskWorld) -> None:
        """Without a report all lines failed, in the service's words; a retry sends all of them."""
        world.cloud.switch("increment_manifest_read", "throughout")
        lines = world.pictures(2)
        key = world.goods(lines)
        world.settle(key)
        world.bucket.delete_object(MANIFEST)
        world.work(key)
        status = world.status(key)
        assert status.totals is not None
        assert ("Failed", 2, 0) == (status.phase, status.totals.failed, status.totals.unknown)
        assert ["[InvalidMetaItem] There is no increment.meta."] * 2 == [one["error"] for one in world.report(status)]
        world.goods(lines, retry={"failedItems": "again"})
        assert "Complete" == world.finish(key).phase

    def test_the_report_of_more_failures_than_are_shown(self, world: TaskWorld) -> None:
        """Every line with the words that the journal has once; after a restart, too."""
        world.cloud.switch("increment_manifest_read", "throughout")
        key = world.goods(world.pictures(12))
        world.settle(key)
        world.bucket.delete_object(MANIFEST)
        world.restart()
        world.work(key)
        status = world.status(key)
        assert status.totals is not None
        assert (12, 10) == (status.totals.failed, len(status.failures))
        assert ["[InvalidMetaItem] There is no increment.meta."] * 12 == [one["error"] for one in world.report(status)]

    def test_a_task_whose_every_line_failed(self, world: TaskWorld) -> None:
        """By the report, each with its own reason."""
        world.cloud.switch("increment_all_isolated", "FAIL")
        lines = world.pictures(1)
        losing(world, "000.png")
        status = world.finish(world.goods(lines))
        assert status.totals is not None
        assert ("Failed", 1, "Failed") == (status.phase, status.totals.failed, status.task and status.task.state)
        assert "does not exist" in status.failures[0].error

    @pytest.mark.parametrize("word", ["Stop", "STOP"])
    def test_a_task_that_is_stopped_in_the_console(self, world: TaskWorld, word: str) -> None:
        """What was done counts as done, the rest as cancelled; a retry sends just that."""
        world.cloud.switch("increment_cancelled_status", word)
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(4)
        key = world.goods(lines)
        world.settle(key)
        world.cloud.advance(21)
        world.cloud.cancel_image_task(INSTANCE, 1)
        world.settle(key)
        status = world.status(key)
        assert status.totals is not None
        assert ("Failed", 2, 2) == (status.phase, status.totals.succeeded, status.totals.cancelled), status
        assert status.task is not None
        assert "Stopped" == status.task.state
        world.cloud.image_batches(lines_per_second=0.0)
        world.goods(lines, retry={"failedItems": "go on"})
        assert "Complete" == world.finish(key).phase
        assert [4, 2] == [task.lines for task in world.tasks()]

    def test_a_stop_without_a_list_of_what_was_done(self, world: TaskWorld) -> None:
        """Nobody knows, and that is said."""
        world.cloud.switch("increment_cancel_report", "failures")
        world.cloud.image_batches(**SLOW)
        key = world.goods(world.pictures(4))
        world.settle(key)
        world.cloud.advance(21)
        world.cloud.cancel_image_task(INSTANCE, 1)
        world.settle(key)
        status = world.status(key)
        assert status.totals is not None
        assert ("Failed", 4) == (status.phase, status.totals.unknown)

    def test_an_unknown_status_is_in_progress(self, world: TaskWorld) -> None:
        """Never an end, never a success."""
        world.cloud.switch("increment_cancelled_status", "CANCELLED")
        key = world.goods(world.pictures(2))
        world.cloud.image_batches(**SLOW)
        world.settle(key)
        world.cloud.cancel_image_task(INSTANCE, 1)
        world.cloud.advance(60)
        world.settle(key)
        assert "Waiting" == world.status(key).phase

    def test_a_retry_sends_only_what_failed(self, world: TaskWorld) -> None:
        """A second manifest of one line; what succeeded is never sent again."""
        lines = spoil(world)
        key = world.goods(lines)
        world.finish(key)
        world.guard.before_call = lambda _name: None
        world.cloud.put_objects(PHOTOS, [(f"{PATH}002.png", picture(2))])
        world.goods(lines, retry={"failedItems": "1"})
        status = world.finish(key)
        assert ("Complete", "1", 3) == (status.phase, status.last_retry, status.totals and status.totals.succeeded)
        assert [3, 1] == [task.lines for task in world.tasks()]
        assert f"{status.run}/2" == world.head().headers[MARK_HEADER]


def _write_over(world: TaskWorld, lines: list[dict[str, Any]]) -> None:
    world.manifest(lines)


class TestManifest:
    """What lies in the manifest's place."""

    def test_a_foreign_one_is_never_overwritten(self, world: TaskWorld) -> None:
        """The way out is to move it away."""
        lines = world.pictures(2)
        etag = world.manifest(lines[:1])
        key = world.goods(lines)
        world.settle(key)
        assert ("False", "ManifestForeign") == world.ready(key)
        assert (0, etag) == (world.asked(INCREASE), world.head().etag)
        world.bucket.delete_object(MANIFEST)
        assert "Complete" == world.finish(key).phase

    @pytest.mark.parametrize("moment", ["begin_upload", "complete_upload"])
    def test_a_foreign_one_that_comes_in_between_stays(self, world: TaskWorld, moment: str) -> None:
        """The last look and the write are not one; the write itself refuses to go over another."""
        lines = world.pictures(2)

        def come(name: str) -> None:
            if name == moment:
                world.guard.before_call = lambda _name: None
                world.manifest(lines[:1])

        world.guard.before_call = come
        key = world.goods(lines)
        world.settle(key)
        assert ("False", "ManifestForeign") == world.ready(key)
        assert (0, 1) == (world.asked(INCREASE), len(world.bucket.get_object(MANIFEST).read().splitlines()))
        assert 0 == _uploads(world)

    def test_one_whose_import_is_gone_is_replaced(self, world: TaskWorld) -> None:
        """Nobody works its run off any more; a task of it that runs is waited for."""
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        first = world.goods(lines[:2], name="first")
        world.settle(first)
        last = world.cluster.read(first)
        del world.cluster.bodies[first]
        tell_gone(last, world.context)
        second = world.goods(lines[2:], name="second")
        world.settle(second)
        assert ("False", "Queued") == world.ready(second)
        world.cloud.advance(60)
        world.settle(second)
        world.work(second)
        assert ("Complete", [2, 1]) == (world.status(second).phase, [task.lines for task in world.tasks()])

    @pytest.mark.parametrize("late", [False, True], ids=["while it ran", "after its end"])
    def test_one_that_is_written_over_after_the_submit(self, world: TaskWorld, *, late: bool) -> None:
        """The service may read it as long as the task runs; the process that submitted it sees it, too."""
        world.cloud.switch("increment_manifest_read", "throughout")
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(4)
        key = world.goods(lines)
        world.settle(key)
        world.cloud.advance(100 if late else 11)
        if not late:
            world.settle(key)
        world.manifest(lines[:2])
        world.cloud.advance(100)
        world.settle(key)
        status = world.status(key)
        assert status.totals is not None
        if late:
            assert ("Complete", 4, 4) == (status.phase, status.totals.succeeded, len(world.held()))
        else:
            assert ("ManifestChanged", 0, 4) == (world.ready(key)[1], status.totals.succeeded, status.totals.unknown)

    @pytest.mark.parametrize("late", [False, True], ids=["before its end", "after its end"])
    def test_a_process_that_adopts_a_task_sees_whether_its_manifest_stayed(
        self, world: TaskWorld, *, late: bool
    ) -> None:
        """What was written over after the task's end says nothing of it."""
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(2)
        key = world.goods(lines)

        def die(name: str) -> None:
            if name == "increase":
                world.guard.at, world.guard.after = len(world.guard.writes), True

        world.guard.before_call = die
        with suppress(Crash):
            world.settle(key)
        assert 1 == len(world.tasks())
        world.restart()
        if late:
            world.cloud.advance(60)
        world.manifest(lines[:1])
        world.cloud.advance(60)
        world.settle(key)
        status = world.status(key)
        expected = ("Complete", "Succeeded") if late else ("Failed", "ManifestChanged")
        assert expected == (status.phase, world.ready(key)[1])

    def test_ones_own_goes_in_as_it_is(self, world: TaskWorld) -> None:
        """Byte for byte."""
        etag = world.manifest(world.pictures(3))
        status = world.finish(world.goods([], source={"manifest": {"key": MANIFEST}}))
        assert ("Complete", etag) == (status.phase, world.head().etag)
        assert 3 == len(world.held())

    def test_ones_own_that_changed_before_the_submit(self, world: TaskWorld) -> None:
        """It is not submitted; a new runToken has it checked afresh."""
        lines = world.pictures(3)
        world.manifest(lines[:2])
        key = world.goods([], source={"manifest": {"key": MANIFEST}})

        def change(name: str) -> None:
            if name == "put_new" and world.status(key).run is not None:
                world.guard.before_call = lambda _name: None
                world.manifest(lines)

        world.guard.before_call = change
        world.settle(key)
        assert ("False", "ManifestChanged") == world.ready(key)
        assert 0 == world.asked(INCREASE)
        world.goods([], source={"manifest": {"key": MANIFEST}}, runToken="again")
        status = world.finish(key)
        assert ("Complete", 3) == (status.phase, status.totals and status.totals.succeeded)

    def test_one_that_changed_while_it_was_submitted(self, world: TaskWorld) -> None:
        """Nobody knows what the task works on: all unknown, no retry, no second submit."""
        lines = world.pictures(3)
        world.manifest(lines[:2])
        key = world.goods([], source={"manifest": {"key": MANIFEST}}, allowManifestReplace=True)
        world.guard.before_call = lambda name: _write_over(world, lines) if name == "increase" else None
        status = world.finish(key)
        assert status.totals is not None
        assert ("Failed", 2, "ManifestChanged") == (status.phase, status.totals.unknown, world.ready(key)[1])
        world.goods(
            [], source={"manifest": {"key": MANIFEST}}, allowManifestReplace=True, retry={"failedItems": "again"}
        )
        world.work(key)
        assert (1, "ManifestChanged") == (world.asked(INCREASE), world.ready(key)[1])

    def test_wrong_lines_are_left_out_of_ones_own_with_consent_only(self, world: TaskWorld) -> None:
        """The cleaned one takes its place, and the user's own is kept."""
        lines = world.pictures(2)
        world.manifest([*lines, line("nowhere.png")])
        own = world.bucket.get_object(MANIFEST).read()
        spec: dict[str, Any] = {"source": {"manifest": {"key": MANIFEST}}, "onInvalid": "Skip"}
        key = world.goods([], **spec)
        world.settle(key)
        assert ("False", "ManifestProtected") == world.ready(key)
        assert own == world.bucket.get_object(MANIFEST).read()
        world.goods([], **spec, allowManifestReplace=True)
        status = world.finish(key)
        assert ("Complete", 2, 1) == (status.phase, status.totals and status.totals.succeeded, _skipped(status))
        assert own == world.oss().get_object(WORK, f"runs/{status.run}/original.meta", largest=1 << 20)
        assert 2 == len(world.bucket.get_object(MANIFEST).read().splitlines())

    def test_another_runs_manifest_is_waited_for(self, world: TaskWorld) -> None:
        """One path, two instances: the manifest is the lock."""
        world.cloud.image_search_instance("other")
        lines = world.pictures(2)
        first = world.goods(lines[:1], name="first")
        world.settle(first)
        target = {"imageSearch": {"instanceName": "other", "bucket": PHOTOS, "path": PATH}}
        second = world.goods(lines[1:], name="second", target=target)
        world.settle(second)
        assert ("False", "Queued") == world.ready(second)
        assert [] == world.tasks("other")
        world.work(first)
        world.finish(second)
        assert "Complete" == world.status(second).phase
        assert {("001", "001.png")} == world.held("other")

    def test_a_large_one_goes_up_in_parts_over_slices_and_anew_after_a_restart(
        self, world: TaskWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first upload is dropped; nothing is seen before the whole is there."""
        monkeypatch.setattr("controller.reconcile.imports.upload.PART_SIZE", 110_000)
        monkeypatch.setattr("controller.reconcile.imports.upload.AT_ONCE", 20)
        monkeypatch.setattr("controller.reconcile.batchimport.SLICE", 0.0)
        lines = [one | {"customContent": "x" * 4000} for one in world.pictures(100)]
        key = world.goods(lines)
        seen: list[bool] = []

        def look(name: str) -> None:
            if name == "upload_part":
                seen.append(world.bucket.object_exists(MANIFEST))

        world.guard.before_call = look
        for _ in range(400):
            world.run(key)
            if len(seen) >= 2:
                break
        assert 1 == _uploads(world)
        world.restart()
        world.guard.before_call = look
        assert "Complete" == world.finish(key).phase
        assert (0, 100) == (_uploads(world), len(world.held()))
        assert not any(seen)
        assert len(seen) >= 5

    def test_a_look_that_fails_behind_the_upload_does_not_end_it_twice(self, world: TaskWorld) -> None:
        """OSS knows nothing of an upload that is whole: ending it again would be refused."""
        head = {"service": "oss", "operation": "HeadObject", "times": 1}

        def fail(name: str) -> None:
            if name == "complete_upload":
                world.guard.before_call = lambda _name: None
                world.cloud.fault(
                    head | {"latency": 0.0}, head | {"error": {"status": 503, "code": "ServiceUnavailable"}}
                )

        world.guard.before_call = fail
        key = world.goods(world.pictures(2))
        world.settle(key)  # it waits until OSS is there again
        before = world.cloud.counts()["oss"]["CompleteMultipartUpload"]
        assert "Complete" == world.finish(key).phase
        assert before == world.cloud.counts()["oss"]["CompleteMultipartUpload"]

    @pytest.mark.parametrize("moment", ["upload_part", "complete_upload"])
    def test_an_upload_that_somebody_dropped_is_begun_anew(self, world: TaskWorld, moment: str) -> None:
        """A rule of the bucket's, or a person."""

        def drop(name: str) -> None:
            if name == moment:
                world.guard.before_call = lambda _name: None
                [one] = world.bucket.list_multipart_uploads().upload_list
                world.bucket.abort_multipart_upload(one.key, one.upload_id)

        world.guard.before_call = drop
        status = world.finish(world.goods(world.pictures(2)))
        assert ("Complete", 0) == (status.phase, _uploads(world))


def _skipped(status: Any) -> int:
    return int(status.totals.skipped)


def _uploads(world: TaskWorld) -> int:
    return len(world.bucket.list_multipart_uploads().upload_list)


class TestQueue:
    """One batch of an instance at a time."""

    def test_imports_go_in_the_order_they_were_created(self, world: TaskWorld) -> None:
        """Whatever order they are looked at in; each says how many come first; the end of one wakes the next."""
        lines = world.pictures(3)
        names = ["c", "a", "b"]
        keys = []
        for number, name in enumerate(names):
            keys.append(world.goods(lines[number : number + 1], name=name, path=PATH))
            world.cloud.advance(1)
        world.settle(keys[0])
        world.settle(keys[2])
        world.settle(keys[1])
        assert [("False", "TaskRunning"), ("False", "Queued"), ("False", "Queued")] == [world.ready(k) for k in keys]
        _refresh(world, keys)
        assert "2 imports come before" in _message(world, keys[2])
        assert "1 import come" in _message(world, keys[1])
        assert set() == world.context.turns.take_wakes()
        world.work(keys[0])
        assert {("team", "a")} == world.context.turns.take_wakes()
        world.settle(keys[2])
        assert 1 == len(world.tasks())
        world.settle(keys[1])
        world.work(keys[1])
        world.settle(keys[2])
        world.work(keys[2])
        assert ["Complete"] * 3 == [world.status(key).phase for key in keys]
        assert 3 == world.asked(INCREASE)

    def test_a_restart_keeps_the_order(self, world: TaskWorld) -> None:
        """By the statuses, before the first pass of the others; whose task runs stays first."""
        lines = world.pictures(3)
        keys = [world.goods(lines[at : at + 1], name=name) for at, name in enumerate("abc")]
        for key in keys:
            world.settle(key)
        world.restart()
        for key in reversed(keys):
            world.settle(key)
        assert 1 == len(world.tasks())
        world.work(keys[0])
        world.restart()
        world.settle(keys[2])
        assert 1 == len(world.tasks())
        world.settle(keys[1])
        assert 2 == len(world.tasks())

    def test_suspended_and_stalled_ones_hold_up_nobody(self, world: TaskWorld) -> None:
        """They are passed by."""
        lines = world.pictures(3)
        world.manifest(lines[:1], path="else/")
        world.pictures(1, folder="else/")
        stalled = world.goods([line("000.png")], name="a", path="else/")
        suspended = world.goods(lines[1:2], name="b")
        world.settle(stalled)
        assert "ManifestForeign" == world.ready(stalled)[1]
        one_pass(world, suspended)
        assert (None, "Submitting") == (world.status(suspended).task, world.status(suspended).phase)
        world.goods(lines[1:2], name="b", suspend=True)
        world.settle(suspended)
        assert "Complete" == world.finish(world.goods(lines[2:], name="c")).phase

    def test_a_task_that_no_import_made_is_waited_for(self, world: TaskWorld) -> None:
        """It is named, and nothing is submitted meanwhile."""
        world.pictures(2, folder="console/")
        world.manifest([line("000.png"), line("001.png")], path="console/")
        world.cloud.image_batches(**SLOW)
        search = world.context.clouds.image_search(
            world.signed_in().place, world.signed_in().credentials, world.context.lane
        )
        search.increase(INSTANCE, PHOTOS, "console/", None)
        world.cloud.advance(1)
        key = world.goods(world.pictures(1))
        world.settle(key)
        assert ("False", "Queued") == world.ready(key)
        assert "task 1 of oss://photos/console/" in _message(world, key)
        assert 1 == world.asked(INCREASE)
        world.cloud.advance(60)
        world.settle(key)
        assert 2 == world.asked(INCREASE)
        world.cloud.image_batches(lines_per_second=0.0)
        world.work(key)
        assert "Complete" == world.status(key).phase

    @pytest.mark.parametrize("code", ["InstanceStatusError", "BadRequest", "DeniedRequest"])
    def test_a_refusal_because_another_one_runs_is_no_error(self, world: TaskWorld, code: str) -> None:
        """The list showed nothing yet: it is waited for longer each time, and then goes in once."""
        world.cloud.switch("increment_busy_code", code)
        world.pictures(1, folder="console/")
        world.manifest([line("000.png")], path="console/")
        world.cloud.image_batches(**SLOW)
        search = world.context.clouds.image_search(
            world.signed_in().place, world.signed_in().credentials, world.context.lane
        )

        def first(name: str) -> None:
            if name == "increase":
                world.guard.before_call = lambda _name: None
                search.increase(INSTANCE, PHOTOS, "console/", None)

        world.guard.before_call = first
        key = world.goods(world.pictures(1))
        world.settle(key)
        assert "Queued" == world.ready(key)[1], world.status(key)
        run = world.status(key).run
        assert run is not None
        assert (1, 0, 1) == world.submits(run)
        for _ in range(20):
            world.cloud.advance(10)
            world.settle(key)
        assert ("Complete", 2) == (world.status(key).phase, len(world.tasks()))
        assert (2, 1, 1) == world.submits(run)


def _message(world: TaskWorld, key: Key) -> str:
    return next(one.message for one in world.status(key).conditions if one.type == "Ready")


def _refresh(world: TaskWorld, keys: list[Key]) -> None:
    """Mere progress is written every half minute."""
    world.cloud.image_batches(lines_per_second=0.001)
    world.cloud.advance(31)
    for key in keys:
        world.settle(key)
    world.cloud.image_batches(lines_per_second=0.0)


class TestSteering:
    """Suspension, modes, rights, rates."""

    @pytest.mark.parametrize("code", ["NoPermission", "BadRequest", "InstanceStatusError"])
    def test_without_the_authorization_people_are_told_what_to_click(self, world: TaskWorld, code: str) -> None:
        """And it goes on once that is done, without another edit."""
        world.cloud.switch("increment_unauthorized_code", code)
        world.cloud.image_search_instance(INSTANCE, authorized=False)
        key = world.goods(world.pictures(1))
        outcome = world.settle(key)
        assert ("False", "NotAuthorized") == world.ready(key)
        assert "Batch Operation" in _message(world, key)
        assert outcome.look_again is not None
        world.cloud.image_search_instance(INSTANCE, authorized=True)
        world.cloud.advance(outcome.look_again)
        assert "Complete" == world.finish(key).phase
        assert 1 == len(world.tasks())

    def test_suspend_before_the_submit_holds(self, world: TaskWorld) -> None:
        """Nothing is submitted, and the suspended time does not count for the deadline."""
        lines = world.pictures(1)
        key = world.goods(lines, deadline="1h")
        one_pass(world, key)
        assert (None, "Submitting") == (world.status(key).task, world.status(key).phase)
        world.goods(lines, deadline="1h", suspend=True)
        world.settle(key)
        world.cloud.advance(7200)
        world.settle(key)
        assert 0 == world.asked(INCREASE)
        world.goods(lines, deadline="1h")
        assert "Complete" == world.finish(key).phase

    def test_suspend_after_the_submit_says_what_to_click_and_notices_the_end(self, world: TaskWorld) -> None:
        """No API cancels a task."""
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        key = world.goods(lines)
        world.settle(key)
        world.goods(lines, suspend=True)
        outcome = world.settle(key)
        said = [one.message for one in world.status(key).conditions]
        assert any("click Cancel" in one for one in said), said
        assert outcome.look_again is not None
        assert outcome.look_again < 60
        world.cloud.advance(11)
        world.cloud.cancel_image_task(INSTANCE, 1)
        world.settle(key)
        status = world.status(key)
        assert ("Stopped", 1, 2) == (
            status.task and status.task.state, status.totals and status.totals.succeeded, _cancelled(status),
        )  # fmt: skip

    def test_dry_run_tells_and_submits_nothing(self, world: TaskWorld) -> None:
        """Counts that cost something, and no record."""
        world.finish(world.goods(world.pictures(1), name="before"))
        lines = world.pictures(3)
        key = world.goods(lines, mode="DryRun")
        world.settle(key)
        status = world.status(key)
        assert ("False", "Planned") == world.ready(key)
        assert any("import 3 pictures" in one for one in status.planned_changes), status.planned_changes
        assert any("overwrite 1 picture" in one for one in status.planned_changes), status.planned_changes
        assert (1, None) == (world.asked(INCREASE), status.run)

    def test_a_whole_product_is_deleted_with_consent_only(self, world: TaskWorld) -> None:
        """Without it nothing is submitted."""
        world.finish(world.goods(world.pictures(2), name="before"))
        lines = [{"productId": "000", "operation": "DELETE"}]
        key = world.goods(lines)
        world.settle(key)
        assert ("False", "WholeProductDelete") == world.ready(key)
        world.goods(lines, allowWholeProductDelete=True)
        assert "Complete" == world.finish(key).phase
        assert {("001", "001.png")} == world.held()

    def test_an_instance_that_is_not_there(self, world: TaskWorld) -> None:
        """Said before the source is read, and it goes on once it is there."""
        target = {"imageSearch": {"instanceName": "absent", "bucket": PHOTOS, "path": PATH}}
        key = world.goods(world.pictures(1), target=target)
        world.settle(key)
        assert ("False", "InstanceNotFound") == world.ready(key)
        world.cloud.image_search_instance("absent")
        world.cloud.advance(60)
        assert "Complete" == world.finish(key).phase

    @pytest.mark.parametrize("when", ["complete", "running"])
    def test_a_lost_status_submits_nothing(self, world: TaskWorld, when: str) -> None:
        """The run is adopted from its records."""
        lines = world.pictures(2)
        key = world.goods(lines)
        world.settle(key)
        if when == "complete":
            world.work(key)
        world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
        world.restart()
        status = world.finish(key)
        assert ("Complete", 1) == (status.phase, world.asked(INCREASE))
        assert status.totals is not None
        assert 2 == status.totals.succeeded

    def test_throttling_is_no_error(self, world: TaskWorld) -> None:
        """The limiter slows down; the status says nothing of it."""
        denied = {"status": 403, "code": "DeniedRequest"}
        world.cloud.fault({"service": "imagesearch", "operation": LIST, "times": 2, "error": denied})
        key = world.goods(world.pictures(1))
        reasons = set()
        for _ in range(8):
            world.run(key)
            reasons |= {one.reason for one in world.status(key).conditions}
        world.cloud.fault()
        assert not {"Throttled", "CloudUnavailable"} & reasons
        assert "Complete" == world.finish(key).phase

    def test_a_deleted_object_says_what_runs_on(self, world: TaskWorld) -> None:
        """From the last status; one that is over says nothing. Whoever waited for it is next."""
        world.cloud.image_batches(**SLOW)
        lines = world.pictures(3)
        key = world.goods(lines[:2])
        world.settle(key)
        waiting = world.goods(lines[2:], name="waiting")
        world.settle(waiting)
        last = world.cluster.read(key)
        there = world.cluster.bodies.pop(key)
        tell_gone(last, world.context)
        world.cluster.bodies[key] = there
        assert {("team", "waiting")} == world.context.turns.take_wakes()
        [said] = [message for reason, message in world.cluster.events if reason == "TaskRunning"]
        assert "task 1 of instance goods runs on" in said
        world.cloud.advance(60)
        world.settle(key)
        tell_gone(world.cluster.read(key), world.context)
        assert 1 == sum(reason == "TaskRunning" for reason, _ in world.cluster.events)

    def test_a_callback_address_is_given_and_the_run_known_by_it(self, world: TaskWorld) -> None:
        """Nobody guesses it: its last part is the run record's nonce."""
        object.__setattr__(world.context, "callback_url", "https://operator.example.com/hooks/")
        key = world.goods(world.pictures(1))
        world.settle(key)
        run = world.status(key).run
        record = json.loads(world.oss().get_object(WORK, f"runs/{run}/record.json"))
        [task] = world.tasks()
        assert f"https://operator.example.com/hooks/v1/callbacks/{run}/{record['nonce']}" == task.callback_address


def _cancelled(status: Any) -> int:
    return int(status.totals.cancelled)


class TestRate:
    """IncreaseList: once a second for an instance, whoever asks."""

    def test_twenty_imports_share_one_look_a_second(self, world: TaskWorld) -> None:
        """Ninety seconds of passes every second."""
        world.cloud.image_batches(lines_per_second=0.01)
        lines = world.pictures(20)
        keys = [world.goods(lines[at : at + 1], name=f"i{at:02}") for at in range(20)]
        for key in keys:
            world.settle(key)
        before = world.asked(LIST)
        due = dict.fromkeys(keys, 0.0)
        for second in itertools.takewhile(lambda at: at < 90, itertools.count()):
            for key in keys:
                if due[key] <= second:
                    outcome = world.settle(key)
                    due[key] = second + (outcome.look_again or 60.0)
            world.cloud.advance(1)
        assert 5 <= world.asked(LIST) - before <= 90
        assert 20 < 90 - (world.asked(LIST) - before)  # a long task is looked at ever more seldom

    def test_a_hint_has_the_next_look_ask_anew(self, world: TaskWorld) -> None:
        """Without it the same moment costs no second look."""
        world.cloud.image_batches(**SLOW)
        key = world.goods(world.pictures(1))
        world.settle(key)
        world.cloud.advance(5)
        world.settle(key)
        before = world.asked(LIST)
        world.settle(key)
        assert before == world.asked(LIST)
        seat = world.cloud.account_id, world.cloud.region, INSTANCE
        world.context.boards.hint(seat)
        world.settle(key)
        assert before + 1 == world.asked(LIST)

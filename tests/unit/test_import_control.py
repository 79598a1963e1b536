"""What people steer an import by: mode, suspend, deadline, retry, limits, tokens, and a spec that changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from controller.core.durations import seconds
from controller.reconcile.imports.allowances import Allowances
from controller.reconcile.kinds import Key
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import PHOTOS, WORK, ImportWorld

__all__ = ["cloud"]
INDEX = "BatchIndexFileMeta"
MISSING = f"oss://{PHOTOS}/missing.txt"


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def change(world: ImportWorld, key: Key, **spec: Any) -> None:
    """Edit the object's spec; None takes a field out."""
    merged = world.cluster.bodies[key]["spec"] | spec
    world.cluster.put(key.kind, key.name, {name: value for name, value in merged.items() if value is not None})


def totals(world: ImportWorld, key: Key) -> dict[str, int]:
    """The counts that are not zero."""
    found = world.status(key).totals
    assert found is not None
    return {name: count for name, count in found.model_dump().items() if count}


def events(world: ImportWorld) -> list[str]:
    """Reasons of the events so far."""
    return [reason for reason, _ in world.cluster.events if reason in {"Begun", "Retried", "Cancelled", "Ended"}]


def hold_back(world: ImportWorld) -> None:
    """Let no call through: everything stays unsent."""
    fault = {"status": 503, "code": "ServiceUnavailable"}
    world.cloud.fault({"service": "imm", "operation": INDEX, "error": fault})


def test_a_retry_token_sends_what_failed_once_more_and_is_echoed(world: ImportWorld) -> None:
    """Only what failed; the same token never twice."""
    key = world.batch([*world.upload(2), MISSING])
    world.finish(key)
    world.bucket.put_object("missing.txt", b"there now")
    change(world, key, retry={"failedItems": "again"})
    status = world.finish(key)
    assert ("Complete", "again") == (status.phase, status.last_retry)
    assert {"items": 3, "submitted": 3, "succeeded": 3} == totals(world, key)
    assert (2, []) == (world.calls(INDEX), status.failures)
    world.restart()
    world.settle(key)
    assert 2 == world.calls(INDEX)
    assert ["Begun", "Ended", "Retried", "Ended"] == events(world)


@pytest.mark.parametrize("loaded", [True, False])
def test_a_token_that_was_used_before_is_no_retry(world: ImportWorld, *, loaded: bool) -> None:
    """Argo CD and Flux put back what Git says; nobody asked for one more retry by that."""
    key = world.batch([MISSING], retry={"failedItems": "of git"})
    world.finish(key)
    for token in ("by hand", "once more"):
        change(world, key, retry={"failedItems": token})
        world.finish(key)
    for used in ("of git", "by hand"):
        if not loaded:
            world.restart()
        change(world, key, retry={"failedItems": used})
        assert "once more" == world.finish(key).last_retry
    assert 3 == world.calls(INDEX)


def test_a_token_that_stood_there_when_the_run_began_is_no_retry(world: ImportWorld) -> None:
    """It is echoed, and nothing goes out twice."""
    key = world.batch([MISSING], retry={"failedItems": "first"})
    status = world.finish(key)
    world.settle(key)
    assert ("first", 1) == (status.last_retry, world.calls(INDEX))


def test_suspended_nothing_is_sent_and_messages_are_still_taken(world: ImportWorld) -> None:
    """What is under way comes to its verdict."""
    object.__setattr__(world.context, "allowances", Allowances(700))
    key = world.batch(world.upload(20))
    object.__setattr__(world.context, "import_workers", 1)
    unavailable = {"status": 503, "code": "ServiceUnavailable"}
    first = {"service": "imm", "operation": INDEX, "times": 1, "latency": 0.0}
    world.cloud.fault(first, {"service": "imm", "operation": INDEX, "error": unavailable})
    world.run(key)
    world.cloud.fault()
    change(world, key, suspend=True)
    calls = world.calls(INDEX)
    world.cloud.advance(60)
    assert world.deliver_all()
    outcome = world.settle(key)
    assert (calls, seconds("10m")) == (world.calls(INDEX), outcome.look_again)
    counted = totals(world, key)
    assert 0 < counted["succeeded"] < counted["items"]
    assert any(c.type == "Suspended" for c in world.status(key).conditions)
    change(world, key, suspend=False)
    assert "Complete" == world.finish(key).phase


def test_a_dry_run_writes_nothing_anywhere_and_says_what_it_would_cost(world: ImportWorld) -> None:
    """Reads only; with Apply it then runs."""
    key = world.batch(world.upload(3), mode="DryRun")
    world.guard.writes.clear()
    world.settle(key)
    assert [] == world.guard.writes
    changes = world.status(key).planned_changes
    assert any("3 files" in line and "1 call" in line for line in changes), changes
    assert ("False", "Planned") == world.ready(key)
    change(world, key, mode="Apply")
    assert "Complete" == world.finish(key).phase


def test_observing_follows_a_run_and_sends_nothing(world: ImportWorld) -> None:
    """Neither a call nor a record."""
    hold_back(world)
    key = world.batch(world.upload(2))
    world.run(key)
    world.cloud.fault()
    change(world, key, mode="Observe")
    calls = world.calls(INDEX)
    world.restart()
    world.guard.writes.clear()
    world.settle(key)
    assert (calls, []) == (world.calls(INDEX), world.guard.writes)


def test_more_files_than_allowed_are_refused_before_anything_is_sent_or_frozen(world: ImportWorld) -> None:
    """Raising the limit lets it go on."""
    key = world.batch(world.upload(3), maxItems=2)
    world.guard.writes.clear()
    world.settle(key)
    assert ("Rejected", ("False", "TooManyItems")) == (world.status(key).phase, world.ready(key))
    assert (0, []) == (world.calls(INDEX), world.guard.writes)
    change(world, key, maxItems=3)
    assert "Complete" == world.finish(key).phase


def test_so_many_failures_as_allowed_are_complete_still(world: ImportWorld) -> None:
    """And the limit may be changed afterwards, without a call."""
    key = world.batch([*world.upload(1), MISSING], maxFailedItems=1)
    assert "Complete" == world.finish(key).phase
    change(world, key, maxFailedItems=0)
    requests = world.requests()
    world.settle(key)
    assert ("Failed", requests) == (world.status(key).phase, world.requests())


def test_after_the_deadline_what_was_not_sent_is_cancelled(world: ImportWorld) -> None:
    """By name in the report; the counts add up."""
    uris = world.upload(3)
    hold_back(world)
    key = world.batch(uris, deadline="1h")
    world.run(key)
    world.cloud.advance(3700)
    world.cloud.fault()
    status = world.finish(key)
    assert {"items": 3, "cancelled": 3} == totals(world, key)
    assert ("Failed", set(uris)) == (status.phase, {one.item for one in status.failures})
    assert {"Begun", "Cancelled", "Ended"} <= set(events(world))
    assert 1 == world.calls(INDEX)


def test_the_report_names_every_file_that_did_not_succeed(world: ImportWorld) -> None:
    """The status has the first ten."""
    missing = [f"oss://{PHOTOS}/missing-{number:03}.txt" for number in range(25)]
    key = world.batch([*world.upload(2), *missing])
    status = world.finish(key)
    assert f"oss://{WORK}/runs/{status.run}/report.jsonl" == status.report
    lines = [
        msgspec.json.decode(line)
        for line in world.oss().get_object(WORK, f"runs/{status.run}/report.jsonl").splitlines()
    ]
    assert missing == [line["uri"] for line in lines]
    assert {"failed"} == {line["outcome"] for line in lines}
    assert missing[:10] == [one.item for one in status.failures]
    assert all("File does not exist" in line["error"] for line in lines)


def test_a_changed_source_is_another_run_and_the_old_one_goes_into_the_history(world: ImportWorld) -> None:
    """At most five; a run that comes back is not sent again."""
    uris = world.upload(7)
    key = world.batch(uris[:1])
    first = world.finish(key).run
    for count in range(2, 8):
        world.batch(uris[:count])
        world.finish(key)
    status = world.status(key)
    assert 5 == len(status.history)
    assert first not in {one.run for one in status.history}
    assert {"Complete"} == {one.phase.value for one in status.history}
    calls = world.calls(INDEX)
    newest = status.history[0].run
    world.batch(uris[:6])
    status = world.finish(key)
    assert (newest, calls) == (status.run, world.calls(INDEX))
    assert newest not in {one.run for one in status.history}


def test_what_does_not_decide_the_work_begins_nothing(world: ImportWorld) -> None:
    """Toggled one after the other on a finished import: no run, no call."""
    key = world.batch(world.upload(2))
    run = world.finish(key).run
    calls = dict(world.cloud.counts()["imm"])
    for spec in (
        {"suspend": True}, {"suspend": False}, {"mode": "Observe"}, {"mode": "DryRun"}, {"mode": "Apply"},
        {"deadline": "1h"}, {"resultTimeout": "1m"}, {"maxItems": 100}, {"maxFailedItems": 3}, {"resyncInterval": "1m"},
        {"retry": {"failedItems": "x"}},
    ):  # fmt: skip
        change(world, key, **spec)
        world.settle(key)
        assert (run, calls) == (world.status(key).run, world.cloud.counts()["imm"]), spec
    assert "Complete" == world.status(key).phase


def test_a_run_token_has_the_source_read_afresh_and_the_same_content_is_not_run_again(world: ImportWorld) -> None:
    """Other content is another run."""
    world.upload(2)
    key = world.prefix()
    run = world.finish(key).run
    change(world, key, runToken="one")
    world.finish(key)
    assert (run, 1, []) == (world.status(key).run, world.calls(INDEX), world.status(key).history)
    world.upload(1, start=50)
    change(world, key, runToken="two")
    status = world.finish(key)
    assert run != status.run
    assert [run] == [one.run for one in status.history]


def test_a_source_is_frozen_once_and_later_changes_do_not_count(world: ImportWorld) -> None:
    """An interrupted run goes on with what it began with."""
    world.upload(2)
    hold_back(world)
    key = world.prefix()
    world.run(key)
    world.cloud.fault()
    world.upload(1, start=50)
    world.restart()
    world.finish(key)
    assert {"items": 2, "submitted": 2, "succeeded": 2} == totals(world, key)


def test_wrong_lines_reject_the_source_or_are_left_out(world: ImportWorld) -> None:
    """Named either way."""
    uris = world.upload(1)
    world.bucket.put_object("list.jsonl", f'{{"uri": "{uris[0]}"}}\n{{"uri": "ftp://x"}}\n'.encode())
    key = world.batch([], source={"table": {"bucket": PHOTOS, "key": "list.jsonl"}})
    world.settle(key)
    status = world.status(key)
    assert ("Rejected", ("False", "SourceInvalid"), 0) == (status.phase, world.ready(key), world.calls(INDEX))
    assert (["line 2"], True) == ([one.item for one in status.failures], bool(status.report))
    requests = world.requests()
    world.run(key)
    assert requests == world.requests()
    change(world, key, onInvalid="Skip")
    world.finish(key)
    assert {"items": 1, "submitted": 1, "succeeded": 1, "skipped": 1} == totals(world, key)


def test_a_table_that_is_not_there_stalls_and_is_read_once_it_is(world: ImportWorld) -> None:
    """The message has the one way out, and nothing else has to be touched."""
    key = world.batch([], source={"table": {"bucket": PHOTOS, "key": "later.jsonl"}})
    world.settle(key)
    assert ("False", "SourceNotFound") == world.ready(key)
    (said,) = [c.message for c in world.status(key).conditions if c.type == "Stalled"]
    assert said.endswith(f"there is no oss://{PHOTOS}/later.jsonl; put the table there or correct spec.source")
    (uri,) = world.upload(1)
    world.bucket.put_object("later.jsonl", f'{{"uri": "{uri}"}}')
    assert "Complete" == world.finish(key).phase


def test_progress_alone_is_written_every_half_minute_at_most(world: ImportWorld) -> None:
    """However many messages come in between."""
    object.__setattr__(world.context, "allowances", Allowances(700))
    key = world.batch(world.upload(20))
    world.settle(key)
    world.cloud.advance(29)
    writes = world.cluster.writes.count("status")
    for _ in range(3):
        world.deliver(most=1)
        world.run(key)
    assert world.cluster.writes.count("status") - writes <= 1


def test_an_object_that_leaves_is_let_go_of_at_once(world: ImportWorld) -> None:
    """Nothing in the cloud is its own."""
    key = world.batch(world.upload(2))
    world.settle(key)
    world.cluster.mark(key, deletionTimestamp=world.now().isoformat())
    requests = world.requests()
    assert world.run(key).gone
    assert (requests, []) == (world.requests(), world.context.runs.active())


def test_an_import_of_no_file_is_complete(world: ImportWorld) -> None:
    """An empty prefix."""
    key = world.prefix()
    assert ("Complete", {}) == (world.finish(key).phase, totals(world, key))


def test_the_report_has_the_reason_of_the_last_attempt(world: ImportWorld) -> None:
    """Not of one before it, however many files failed."""
    missing = [f"oss://{PHOTOS}/missing-{number:03}.txt" for number in range(12)]
    refused = {"status": 400, "code": "InvalidArgument", "message": "not today"}
    world.cloud.fault({"service": "imm", "operation": INDEX, "error": refused})
    key = world.batch(missing)
    world.finish(key)
    assert {"InvalidArgument not today"} == {one.error for one in world.status(key).failures}
    world.cloud.fault()
    change(world, key, retry={"failedItems": "again"})
    world.finish(key)
    report = world.oss().get_object(WORK, f"runs/{world.status(key).run}/report.jsonl")
    errors = [msgspec.json.decode(line)["error"] for line in report.splitlines()]
    assert 12 == len(errors)
    assert all("File does not exist" in error for error in errors)

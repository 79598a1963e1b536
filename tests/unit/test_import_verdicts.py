"""Which verdict a file gets: from messages, from the answer itself, from the dataset, or none in time."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from controller.core.imports.identity import segment_key
from controller.core.imports.records import Planned, Verdicts, encode
from controller.reconcile.imports.journal import read_segments
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import DATASET, PHOTOS, PROJECT, WORK, ImportWorld

__all__ = ["cloud"]
LATE = 16 * 60
LOSE = {"service": "mns", "operation": "Deliver", "lose": True}


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def counts(world: ImportWorld, name: str = "photos") -> tuple[int, int, int, int]:
    """Items, succeeded, failed, unknown."""
    key = next(key for key in world.cluster.bodies if key.name == name)
    totals = world.status(key).totals
    assert totals is not None
    return totals.items, totals.succeeded, totals.failed, totals.unknown


def test_success_of_the_call_is_no_success_of_a_file_with_an_error(world: ImportWorld) -> None:
    """The vendor's own sample: Success true, and the file does not exist."""
    missing = f"oss://{PHOTOS}/missing.txt"
    key = world.batch([*world.upload(2), missing])
    status = world.finish(key)
    assert (3, 2, 1, 0) == counts(world)
    (failed,) = status.failures
    assert (missing, True) == (failed.item, "File does not exist" in failed.error)


@pytest.mark.parametrize("enveloped", [False, True])
@pytest.mark.parametrize("base64", [False, True])
@pytest.mark.parametrize("user_data", ["given", "always", "file"])
def test_every_shape_of_a_message_tells_the_same(
    world: ImportWorld, *, enveloped: bool, base64: bool, user_data: str
) -> None:
    """Flat or in an event, raw or in base64, UserData at the top or with each file."""
    world.cloud.switch("notification_enveloped", enveloped)
    world.cloud.switch("notification_base64", base64)
    world.cloud.switch("notification_user_data", user_data)
    key = world.batch([*world.upload(2), f"oss://{PHOTOS}/missing.txt"])
    assert "Failed" == world.finish(key).phase
    assert (3, 2, 1, 0) == counts(world)
    assert 0 == world.calls("BatchGetFileMeta")


def test_without_user_data_the_dataset_is_asked(world: ImportWorld) -> None:
    """What a message tells cannot be ours then; what the dataset has is."""
    world.cloud.switch("notification_user_data", "absent")
    key = world.batch([*world.upload(2), f"oss://{PHOTOS}/missing.txt"])
    world.finish(key)
    assert "Waiting" == world.status(key).phase
    world.cloud.advance(LATE)
    world.settle(key)
    assert (3, 2, 0, 1) == counts(world)
    assert "Failed" == world.status(key).phase


@pytest.mark.parametrize("statuses", ["Success/Failed", "Succeeded/Failed", "Normal/Abnormal", "absent"])
def test_what_no_message_tells_the_dataset_does_after_the_time_for_results(world: ImportWorld, statuses: str) -> None:
    """One call for all; nobody asks before."""
    world.cloud.switch("object_status", statuses)
    world.cloud.fault(LOSE)
    key = world.batch(world.upload(3))
    world.settle(key)
    world.cloud.advance(60)
    world.settle(key)
    assert ("Waiting", 0) == (world.status(key).phase, world.calls("BatchGetFileMeta"))
    world.cloud.advance(LATE)
    world.settle(key)
    assert ("Complete", 1) == (world.status(key).phase, world.calls("BatchGetFileMeta"))
    run = world.status(key).run
    assert run is not None
    told = [one for one in world.journal(run) if isinstance(one, Verdicts)]
    assert {"dataset"} == {one.by for one in told}


def test_metadata_that_is_older_than_the_call_proves_nothing(world: ImportWorld) -> None:
    """A file that was indexed before, whose second indexing told nobody, and left no trace."""
    uris = world.upload(2)
    world.finish(world.batch(uris, name="before"))
    world.cloud.advance(60)
    key = world.batch(uris)
    world.cloud.fault(
        LOSE,
    )
    for uri in uris:
        world.bucket.delete_object(uri.rpartition("/")[2])
    world.settle(key)
    world.cloud.advance(LATE)
    world.settle(key)
    items, succeeded, _failed, unknown = counts(world)
    assert (2, 0, 2) == (items, succeeded, unknown)
    assert "Failed" == world.status(key).phase


def test_a_file_that_nobody_tells_of_is_unknown_by_name_and_a_late_word_still_counts(world: ImportWorld) -> None:
    """Also after the end: status, report and verdict follow."""
    uris = world.upload(2)
    world.cloud.fault({"service": "mns", "operation": "Deliver", "delay": 2000.0})
    world.cloud.switch("object_status", "absent")
    key = world.batch([*uris, f"oss://{PHOTOS}/missing.txt"])
    world.settle(key)
    world.cloud.advance(LATE)
    world.settle(key)
    before = world.status(key)
    assert (3, 2, 0, 1) == counts(world)
    assert [f"oss://{PHOTOS}/missing.txt"] == [one.item for one in before.failures]
    assert "neither a message nor the dataset" in before.failures[0].error
    world.cloud.advance(2000)
    world.deliver_all()
    world.settle(key)
    after = world.status(key)
    assert (3, 2, 1, 0) == counts(world)
    assert "File does not exist" in after.failures[0].error
    report = world.oss().get_object(WORK, f"runs/{after.run}/report.jsonl")
    (line,) = [msgspec.json.decode(line) for line in report.splitlines()]
    assert ("failed", f"oss://{PHOTOS}/missing.txt") == (line["outcome"], line["uri"])
    requests = world.requests()
    world.run(key)
    assert requests == world.requests()


def test_a_late_word_counts_though_the_process_ended_before_the_verdict_followed(world: ImportWorld) -> None:
    """It is in the journal, and the message is gone: the next process looks once."""
    world.cloud.fault({"service": "mns", "operation": "Deliver", "delay": 2000.0})
    key = world.batch([f"oss://{PHOTOS}/missing.txt"])
    world.settle(key)
    world.cloud.advance(LATE)
    world.settle(key)
    assert (1, 0, 0, 1) == counts(world)
    world.cloud.advance(2000)
    world.deliver_all()
    world.restart()
    world.settle(key)
    assert (1, 0, 1, 0) == counts(world)
    requests = world.requests()
    world.run(key)
    assert requests == world.requests()


def test_duplicates_and_disorder_change_nothing(world: ImportWorld) -> None:
    """Each message three times, and each second one behind the next."""
    world.cloud.fault(
        {"service": "mns", "operation": "Deliver", "times": 2, "duplicate": 2},
        {"service": "mns", "operation": "Deliver", "swap": 30.0},
    )
    key = world.batch([*world.upload(5), f"oss://{PHOTOS}/missing.txt"])
    world.finish(key)
    assert (6, 5, 1, 0) == counts(world)


def test_a_message_before_the_answer_is_on_record_counts(world: ImportWorld) -> None:
    """The cloud may be faster than the call returns."""
    key = world.batch(world.upload(2))
    world.cloud.fault({"service": "imm", "operation": "BatchIndexFileMeta", "when": "after", "times": 1, "drop": True})
    world.run(key)
    world.cloud.fault()
    world.cloud.advance(60)
    world.deliver_all()
    world.settle(key)
    assert (2, 2, 0, 0) == counts(world)


def test_labels_are_updated_where_the_dataset_has_the_file_and_the_rest_is_indexed(world: ImportWorld) -> None:
    """UpdateLabels reads no file again that is there."""
    uris = world.upload(4)
    world.finish(world.batch(uris[:2], name="before"))
    indexed = world.calls("BatchIndexFileMeta")
    target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
    key = world.batch([{"uri": uri, "customLabels": {"new": "1"}} for uri in uris], target=target)
    world.finish(key)
    assert (4, 4, 0, 0) == counts(world)
    assert (1, 1, 1) == (
        world.calls("BatchIndexFileMeta") - indexed,
        world.calls("BatchUpdateFileMeta"),
        world.calls("BatchGetFileMeta"),
    )
    assert {"1"} == {meta["CustomLabels"]["new"] for meta in world.indexed().values()}


def test_labels_of_many_files_go_out_where_the_call_takes_few(world: ImportWorld) -> None:
    """How many files BatchUpdateFileMeta takes is not documented: a refused one is made smaller."""
    uris = world.upload(12)
    world.finish(world.batch(uris, name="before"))
    world.cloud.switch("batch_update_files_max", 5)
    target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
    key = world.batch([{"uri": uri, "customLabels": {"new": "1"}} for uri in uris], target=target)
    world.finish(key)
    assert (12, 12, 0, 0) == counts(world)


def test_deleting_takes_the_metadata_and_leaves_the_object(world: ImportWorld) -> None:
    """It answers itself: no message, and done at once."""
    uris = world.upload(3)
    world.finish(world.batch(uris, name="before"))
    key = world.batch([{"uri": uri, "operation": "DELETE"} for uri in uris])
    world.settle(key)
    assert ("Complete", {}) == (world.status(key).phase, world.indexed())
    assert world.bucket.object_exists("00000.txt")


def test_a_lost_answer_to_a_removal_is_looked_into_too(world: ImportWorld) -> None:
    """What the dataset does not hold any more is removed, and is not removed twice."""
    uris = world.upload(3)
    world.finish(world.batch(uris, name="before"))
    key = world.batch([{"uri": uri, "operation": "DELETE"} for uri in uris])
    world.cloud.fault({"service": "imm", "operation": "BatchDeleteFileMeta", "when": "after", "times": 1, "drop": True})
    world.settle(key)
    assert ("Complete", 1) == (world.status(key).phase, world.calls("BatchDeleteFileMeta"))
    assert (3, 3, 0, 0) == counts(world)


def test_an_end_with_unknown_files_costs_no_call_either(world: ImportWorld) -> None:
    """A new process looks once, as a late word may have come; after that nobody does."""
    world.cloud.fault(LOSE)
    key = world.batch([*world.upload(1), f"oss://{PHOTOS}/missing.txt"])
    world.settle(key)
    world.cloud.advance(LATE)
    world.settle(key)
    assert (2, 1, 0, 1) == counts(world)
    for restart in (False, True):
        if restart:
            world.restart()
            world.run(key)
        requests, writes = world.requests(), list(world.cluster.writes)
        world.run(key)
        assert (requests, writes, []) == (world.requests(), world.cluster.writes, world.context.runs.active())


def test_what_ended_before_its_records_expired_stays_as_its_status_has_it(world: ImportWorld) -> None:
    """With files that nobody told of, too; a retry needs the records and says so."""
    world.cloud.fault(LOSE)
    key = world.batch([*world.upload(1), f"oss://{PHOTOS}/missing.txt"])
    world.settle(key)
    world.cloud.advance(LATE)
    world.settle(key)
    before, billed = world.status(key), world.calls("BatchIndexFileMeta")
    for found in world.oss().list_objects(WORK, "runs/").objects:
        world.oss().delete_object(WORK, found.key)
    world.restart()
    world.settle(key)
    assert (before, billed) == (world.status(key), world.calls("BatchIndexFileMeta"))
    world.batch([*world.upload(1), f"oss://{PHOTOS}/missing.txt"], retry={"failedItems": "again"})
    world.settle(key)
    assert ("RunVanished", billed) == (world.ready(key)[1], world.calls("BatchIndexFileMeta"))


def test_a_journal_that_somebody_changed_is_said_and_nothing_is_sent(world: ImportWorld) -> None:
    """What a segment says has to follow from those before it."""
    key = world.batch(world.upload(2))
    world.settle(key)
    run, billed = world.status(key).run, world.calls("BatchIndexFileMeta")
    assert run is not None
    twice = encode([record for record in world.journal(run) if isinstance(record, Planned)])
    world.oss().put_object(WORK, segment_key(run, len(list(read_segments(world.oss(), WORK, run)))), twice)
    world.restart()
    world.settle(key)
    assert "does not follow" in world.status(key).conditions[0].message
    assert billed == world.calls("BatchIndexFileMeta")

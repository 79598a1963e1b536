"""An import from its object to its verdict, pass by pass, through the real adapters at the emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.reconcile.kinds import reconcile_object
from controller.reconcile.ports import StaleObject
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import DATASET, PHOTOS, PROJECT, WORK, ImportWorld

__all__ = ["cloud"]


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def test_files_are_indexed_and_each_has_a_verdict(world: ImportWorld) -> None:
    """Ten files that exist, with their labels, to Complete."""
    uris = world.upload(10)
    key = world.batch([{"uri": uri, "customLabels": {"album": "a"}} for uri in uris])
    status = world.finish(key)
    assert ("True", "Succeeded") == world.ready(key)
    assert "Complete" == status.phase
    assert status.totals is not None
    assert (10, 10, 0) == (status.totals.items, status.totals.succeeded, status.totals.failed)
    assert set(uris) == set(world.indexed())
    assert 1 == world.calls("BatchIndexFileMeta")


def test_a_file_of_a_drive_goes_with_its_hash_and_the_object_that_it_is_kept_in(world: ImportWorld) -> None:
    """Indexed from there; labels alone are written later without them; and removed by its address."""
    (kept,) = world.upload(1)
    drive = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/40CB7794C929"
    item = {"uri": drive, "ossUri": kept, "fileHash": "EA49"}
    world.finish(world.batch([item]))
    meta = world.indexed()[drive]
    assert [drive] == list(world.indexed())
    assert (kept, "EA49") == (meta["OSSURI"], meta["FileHash"])
    target = {"dataset": {"project": PROJECT, "name": DATASET, "onExisting": "UpdateLabels"}}
    world.finish(world.batch([item | {"customLabels": {"a": "1"}}], "labels", target=target))
    assert ({"a": "1"}, kept) == (world.indexed()[drive]["CustomLabels"], world.indexed()[drive]["OSSURI"])
    assert 1 == world.calls("BatchIndexFileMeta")
    status = world.finish(world.batch([item | {"operation": "DELETE"}], "away"))
    assert ("Complete", {}) == (status.phase, world.indexed())


def test_a_finished_import_costs_no_call_and_no_write(world: ImportWorld) -> None:
    """Neither in the process that ended it, nor in one that starts later."""
    key = world.batch(world.upload(3))
    world.finish(key)
    for restart in (False, True):
        if restart:
            world.restart()
        requests, writes = world.requests(), list(world.cluster.writes)
        assert world.run(key).look_again
        assert (requests, writes) == (world.requests(), world.cluster.writes)


@pytest.mark.parametrize("restart", [False, True])
def test_a_lost_status_is_rebuilt_with_no_billable_call(world: ImportWorld, *, restart: bool) -> None:
    """`replace --force`, a restore without status, a reinstall: the verdict is on record."""
    key = world.batch([*world.upload(3), f"oss://{PHOTOS}/missing.txt"])
    before = world.finish(key)
    world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
    if restart:
        world.restart()
    calls = world.cloud.counts()["imm"]
    world.settle(key)
    after = world.status(key)
    assert calls == world.cloud.counts()["imm"]
    ignored = {"conditions"}
    assert before.model_dump(exclude=ignored) == after.model_dump(exclude=ignored)
    assert ("False", "PartiallyFailed") == world.ready(key)


def test_a_status_lost_in_the_middle_is_rebuilt_from_the_journal(world: ImportWorld) -> None:
    """Nothing that was sent is sent again."""
    key = world.batch(world.upload(5))
    world.settle(key)
    world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
    world.restart()
    status = world.finish(key)
    assert (1, 0) == (world.calls("BatchIndexFileMeta"), status.totals.resent if status.totals else None)
    assert "Complete" == status.phase


def test_the_record_and_the_plan_are_there_before_anything_is_sent(world: ImportWorld) -> None:
    """Whatever is written in between."""
    key = world.batch(world.upload(2))
    seen: list[set[str]] = []

    def look(name: str) -> None:
        if name == "index":
            page = world.cloud.run(lambda found: set(found.cloud.oss.buckets[WORK].objects))
            seen.append({one.partition("/")[2].partition("/")[2] for one in page})

    world.guard.before_call = look
    world.settle(key)
    assert {"record.json", "items/000000.jsonl", "journal/00000000.jsonl"} <= seen[0]


def test_a_pass_with_an_object_from_before_sends_nothing_twice(world: ImportWorld) -> None:
    """What was sent stands in the records; the cache may be as old as it likes."""
    key = world.batch(world.upload(3))
    old = world.cluster.read(key)
    world.settle(key)
    for restart in (False, True):
        if restart:
            world.restart()
        with pytest.raises(StaleObject):
            reconcile_object(old, world.context)
        assert 1 == world.calls("BatchIndexFileMeta")
    status = world.finish(key)
    assert status.totals is not None
    assert ("Complete", 0) == (status.phase, status.totals.resent)


def test_a_large_import_goes_on_from_slice_to_slice(world: ImportWorld) -> None:
    """More files than one part of the frozen content holds, and more calls than one window."""
    count = 5100
    uris = world.upload(4)
    listed = "".join(f'{{"uri": "oss://{PHOTOS}/none/{number:06}.txt"}}\n' for number in range(count - 4))
    world.bucket.put_object("list.jsonl", listed + "".join(f'{{"uri": "{uri}"}}\n' for uri in uris))
    key = world.batch([], source={"table": {"bucket": PHOTOS, "key": "list.jsonl"}}, maxFailedItems=count)
    status = world.finish(key)
    assert status.totals is not None
    assert (count, 4, count - 4, 0) == (
        status.totals.items,
        status.totals.succeeded,
        status.totals.failed,
        status.totals.unknown,
    )
    report = world.oss().get_object(WORK, f"runs/{status.run}/report.jsonl", largest=1 << 24)
    assert count - 4 == report.count(b"\n")
    run = world.context.runs.open(status.run or "", world.oss(), WORK)
    assert run is not None
    assert (status.totals, {}) == (run.totals, run.state.open)


def test_a_run_is_named_in_the_status_before_anything_is_sent(world: ImportWorld) -> None:
    """Whatever happens to the object then, its history has the run that was billed."""
    key = world.batch(world.upload(3))
    outcome = reconcile_object(world.cluster.read(key), world.context)
    assert (0.0, 0) == (outcome.look_again, world.calls("BatchIndexFileMeta"))
    run = world.status(key).run
    assert run is not None
    world.run(key)
    assert 1 == world.calls("BatchIndexFileMeta")
    world.batch([f"oss://{PHOTOS}/00000.txt"])
    world.finish(key)
    assert [run] == [past.run for past in world.status(key).history]


def test_a_run_whose_content_went_is_not_begun(world: ImportWorld) -> None:
    """Records that went in part, by hand or because some expired: no new record hides that the files are not known."""
    key = world.batch(world.upload(2))
    world.finish(key)
    run, billed = world.status(key).run, world.calls("BatchIndexFileMeta")
    for found in world.oss().list_objects(WORK, f"runs/{run}/").objects:
        world.oss().delete_object(WORK, found.key)
    world.cluster.bodies[key]["status"] = {"observedGeneration": -1}
    world.restart()
    world.settle(key)
    assert ("False", "RunVanished") == world.ready(key)
    assert () == world.oss().list_objects(WORK, f"runs/{run}/").objects
    assert billed == world.calls("BatchIndexFileMeta")
    world.batch([f"oss://{PHOTOS}/0000{number}.txt" for number in range(2)], runToken="afresh")
    world.finish(key)
    assert "Complete" == world.status(key).phase

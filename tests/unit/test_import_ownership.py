"""Whose run it is: this object's, another cluster's, one that ended, or one of another account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.api.batchimport import OnExisting
from controller.core.imports import documents
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import record_key
from controller.reconcile.kinds import reconcile_object
from controller.reconcile.ports import StaleObject
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import WORK, ImportWorld
from tests.unit.operator_doubles import secret

__all__ = ["cloud"]
INDEX = "BatchIndexFileMeta"


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


def move(world: ImportWorld) -> None:
    """The same manifests in another cluster, or in one that was installed anew."""
    world.cluster.identity = "cluster-two"
    for body in world.cluster.bodies.values():
        if body["kind"] == "BatchImport":
            body["status"] = {"observedGeneration": -1}
    world.restart()


def test_a_run_that_ended_is_adopted_by_anybody_with_no_billable_call(world: ImportWorld) -> None:
    """A reinstalled cluster shows the verdict."""
    key = world.batch(world.upload(3))
    before = world.finish(key)
    calls = world.cloud.counts()["imm"]
    move(world)
    world.settle(key)
    after = world.status(key)
    assert (before.run, before.totals, "Complete") == (after.run, after.totals, after.phase)
    assert calls == world.cloud.counts()["imm"]


def test_a_run_of_another_cluster_that_goes_on_is_left_alone_and_the_way_out_works(world: ImportWorld) -> None:
    """Once its record is removed, this object goes on where the other one stopped."""
    key = world.batch(world.upload(3))
    world.settle(key)
    move(world)
    world.settle(key)
    assert ("False", "OwnershipConflict") == world.ready(key)
    message = next(c.message for c in world.status(key).conditions if c.type == "Stalled")
    assert "cluster-one" in message
    assert "record.json" in message
    assert 1 == world.calls(INDEX)
    run = next(iter(world.cloud.run(lambda found: [
        name.split("/")[1] for name in found.cloud.oss.buckets[WORK].objects if name.endswith("record.json")
    ])))  # fmt: skip
    world.oss().delete_object(WORK, record_key(run))
    world.settle(key)
    world.cloud.advance(16 * 60)
    world.settle(key)
    assert ("Complete", 1) == (world.status(key).phase, world.calls(INDEX))


def test_a_record_that_another_process_of_this_cluster_wrote_first_is_adopted(world: ImportWorld) -> None:
    """The nonce on record counts, not one of ours."""
    key = world.batch(world.upload(2))
    written: list[str] = []

    def rush(name: str) -> None:
        if name != "put_new" or written:
            return
        resolved = [one for one in world.context.resolutions._known.values() if one[2]]  # noqa: SLF001 - to come first
        if resolved:
            record = RunRecord(
                cluster="cluster-one", namespace="team", name="photos", work="w", account_id=world.cloud.account_id,
                region=world.cloud.region, project="media", dataset="d", on_existing=OnExisting.REINDEX, items=2,
                skipped=0, digest="d", nonce="theirs", started_at=world.now(),
            )  # fmt: skip
            written.append(resolved[0][1].run)
            world.oss().put_object(WORK, record_key(written[0]), documents.encode(record))

    world.guard.before_call = rush
    status = world.finish(key)
    assert written
    assert "Complete" == status.phase
    assert "theirs" == documents.decode_record(world.oss().get_object(WORK, record_key(written[0]))).nonce


def test_two_processes_that_begin_the_same_import_begin_it_once(world: ImportWorld) -> None:
    """The second one meets content, resolution and record of the first, and sends nothing of its own."""
    key = world.batch(world.upload(2))
    first, ahead = world.context, world.cluster.read(key)
    others: list[bool] = []

    def overtake(name: str) -> None:
        if name == "put_new" and not others:
            others.append(True)
            world.restart()
            world.settle(key)

    world.guard.before_call = overtake
    with pytest.raises(StaleObject):
        reconcile_object(ahead, first)
    assert ([True], 1) == (others, world.calls(INDEX))
    assert "Complete" == world.finish(key).phase


def test_an_account_that_signs_in_as_another_is_refused(world: ImportWorld) -> None:
    """The run is not begun anew over there."""
    key = world.batch(world.upload(2))
    world.finish(key)
    other = world.cloud.add_account("6543210987654321", "LTAI5tOther", "other-secret")
    world.cluster.secrets["team", "key"] = secret(other.access_key_id, other.access_key_secret)
    del world.cluster.bodies[world.account]
    world.cluster.put("CloudAccount", "account", world.account_spec(accountId=other.account_id))
    world.restart()
    calls = world.calls(INDEX)
    world.settle(key)
    assert ("False", "AccountMismatch") == world.ready(key)
    assert calls == world.calls(INDEX)


def test_without_a_work_bucket_nothing_begins(world: ImportWorld) -> None:
    """And it is said where to set one."""
    world.cluster.put("CloudAccount", "account", world.account_spec(workBucket=None))
    world.restart()
    key = world.batch(world.upload(1))
    world.settle(key)
    assert (("False", "WorkBucketMissing"), 0) == (world.ready(key), world.calls(INDEX))


def test_a_dataset_object_that_is_not_ready_is_waited_for(world: ImportWorld) -> None:
    """By reference; once it is Ready its names are used, and when it is gone a finished import stays as it is."""
    key = world.batch(world.upload(2), target={"dataset": {"ref": "pictures"}})
    world.settle(key)
    assert ("False", "DependencyNotFound") == world.ready(key)
    spec = {"accountRef": {"name": "account"}, "project": "media", "name": "d"}
    dataset = world.cluster.put("Dataset", "pictures", spec)
    world.run(dataset)
    assert "Complete" == world.finish(key).phase
    del world.cluster.bodies[dataset]
    world.restart()
    world.settle(key)
    assert ("True", "Succeeded") == world.ready(key)

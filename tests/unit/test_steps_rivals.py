"""Whole passes over ports in memory: two objects of one cluster, or of two namespaces, that claim one thing."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.fields import END_GRACE_PERIOD, FINALIZER
from controller.cloud.errors import Denied
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import ACCOUNT, REGION, World
from tests.unit.ownership_room import (
    KEY,
    NEW,
    OLD,
    RECORD_CALLS,
    account,
    binding,
    cluster,
    conflicts,
)
from tests.unit.steps_room import failing, settle


@pytest.fixture
def world() -> World:
    """A cluster whose account has a work bucket."""
    return cluster()


@pytest.mark.parametrize("work_bucket", ["imm-work", None], ids=["recorded", "unrecorded"])
class TestOneCluster:
    """Two objects, with a work bucket and without."""

    @pytest.fixture
    def world(self, work_bucket: str | None) -> World:
        """One cluster."""
        return cluster(work_bucket=work_bucket)

    @pytest.mark.parametrize("order", ["older-first", "younger-first"])
    def test_the_older_wins_whoever_is_looked_at_first(self, world: World, order: str) -> None:
        """Neither has anything yet: age decides, and the other names it."""
        older, younger = binding(world, "z-older", at=OLD), binding(world, "a-younger", at=NEW)
        for key in (older, younger) if order == "older-first" else (younger, older):
            world.run(key)
        assert "DatasetBinding z-older" in conflicts(world, younger)
        assert ("False", "Indexing") == world.condition(older) or ("False", "Creating") == world.condition(older)
        assert ["bind photos"] == world.cloud.effects
        assert FINALIZER not in world.cluster.read(younger).metadata.finalizers

    def test_of_the_same_age_the_name_decides(self, world: World) -> None:
        """Applied together, the clock cannot tell them apart."""
        second, first = binding(world, "b"), binding(world, "a")
        world.run(second)
        world.run(first)
        conflicts(world, second)
        assert ["bind photos"] == world.cloud.effects

    def test_who_has_it_keeps_it(self, world: World) -> None:
        """An older object that appears later, out of suspension for instance, does not take it."""
        has = binding(world, "younger", at=NEW)
        settle(world, has)
        older = binding(world, "older", at=OLD)
        world.run(older)
        world.run(has)
        assert "DatasetBinding younger" in conflicts(world, older)
        assert ("True", "Succeeded") == world.condition(has)

    @pytest.mark.parametrize("spec", [{"mode": "Observe"}, {"mode": "DryRun"}, {"suspend": True}], ids=str)
    def test_an_object_that_makes_nothing_stands_in_nobodys_way(self, world: World, spec: dict[str, Any]) -> None:
        """However old it is."""
        world.run(binding(world, "older", at=OLD, **spec))
        younger = binding(world, "younger", at=NEW)
        world.run(younger)
        assert ["bind photos"] == world.cloud.effects

    def test_an_observer_of_somebody_elses_binding_is_in_no_conflict(self, world: World) -> None:
        """It reports what it sees."""
        settle(world, binding(world, "owner"))
        observer = binding(world, "observer", mode="Observe")
        world.run(observer)
        assert ("True", "Succeeded") == world.condition(observer)

    def test_the_loser_goes_on_when_the_winner_is_gone(self, world: World) -> None:
        """It adopts what the winner left."""
        winner, loser = binding(world, "winner", at=OLD), binding(world, "loser", at=NEW)
        settle(world, winner)
        world.run(loser)
        conflicts(world, loser)
        world.delete(winner)
        world.run(winner)
        world.run(loser)
        assert ("True", "Succeeded") == world.condition(loser)
        assert (["bind photos"], True) == (world.cloud.effects, world.cluster.read(loser).status.adopted)

    def test_the_words_name_no_object_of_another_namespace(self, world: World, work_bucket: str | None) -> None:
        """Two tenants of one account: B learns that it is taken, not by what, and reads or removes no record of A."""
        account(world, "tenant-b", work_bucket)
        ours = binding(world, "planted-name", at=OLD)
        settle(world, ours)
        before = dict(world.cloud.objects)
        theirs = binding(world, "photos", "tenant-b", at=NEW, deletionPolicy="Delete", recreatePolicy="Always")
        world.run(theirs)
        message = conflicts(world, theirs)
        assert "an object of another namespace of this cluster" in message
        assert "planted-name" not in message
        assert "team" not in message
        world.cluster.mark(theirs, finalizers=[FINALIZER])  # held from an earlier life
        world.delete(theirs)
        world.run(theirs)
        assert (before, []) == (world.cloud.objects, world.cloud.writes)
        assert "planted-name" not in str(world.cluster.events)

    def test_an_account_that_never_signed_in_keeps_nobody_from_a_binding(self, world: World) -> None:
        """Or any namespace could block a bucket by naming somebody's account."""
        spec = {"region": REGION, "accountId": ACCOUNT, "credentials": {"secretRef": {"name": "none"}}}
        world.run(world.cluster.put("CloudAccount", "account", spec, "intruder"))
        world.run(binding(world, "squatter", "intruder", at=OLD))
        key = binding(world, "photos", at=NEW)
        world.run(key)
        assert ["bind photos"] == world.cloud.effects

    def test_a_living_object_is_no_stand_in_whatever_it_says(self, world: World) -> None:
        """The annotation of a stand-in does not make an object the owner of its namesake's binding."""
        settle(world, binding(world, "owner", at=OLD))
        before = dict(world.cloud.objects)
        liar = binding(world, "liar", at=NEW, deletionPolicy="Delete")
        world.cluster.mark(liar, annotations={"imm-operator.dev/stands-in-for": "owner", END_GRACE_PERIOD: "now"})
        world.run(liar)
        world.cluster.mark(liar, finalizers=[FINALIZER], deletionTimestamp=NEW)
        world.run(liar)
        assert (before, []) == (world.cloud.objects, world.cloud.writes)


def test_a_rival_with_other_records_is_told_by_age(world: World) -> None:
    """Two accounts of one cluster with different work buckets: no record decides between them, and one wins."""
    account(world, "tenant-b", "other-work")
    ours, theirs = binding(world, "photos", at=NEW), binding(world, "photos", "tenant-b", at=OLD)
    for key in (ours, theirs, ours):
        world.run(key)
    conflicts(world, ours)
    assert (["bind photos"], {("other-work", KEY)}) == (world.cloud.effects, set(world.cloud.objects))


def test_a_tenant_cannot_use_a_work_bucket_that_its_key_may_not(world: World) -> None:
    """The records are asked for with the namespace's own key: what RAM refuses it, it does not get."""
    key = binding(world, "photos")
    failing(world, "get_object", Denied("oss:GetObject", "not yours (oss://imm-work/…)", code="AccessDenied"), times=9)
    world.run(key)
    assert ("True", "AccessDenied") == world.condition(key, "Stalled")
    assert ({}, []) == (world.cloud.objects, world.cloud.effects)


class TestDatasets:
    """Two Dataset objects of one dataset: one manages it."""

    def dataset(self, world: World, called: str, **more: Any) -> Key:
        """A Dataset object of media/pictures."""
        metadata = {"creationTimestamp": more.pop("at", OLD)}
        spec = {"accountRef": {"name": "account"}, "project": "media", "name": "pictures"}
        return world.cluster.put("Dataset", called, spec | more, **metadata)

    def test_the_older_manages_it_and_the_other_says_so(self, world: World) -> None:
        """Nothing is updated back and forth."""
        older = self.dataset(world, "older", description="one", at=OLD)
        younger = self.dataset(world, "younger", description="two", at=NEW)
        for key in (younger, older, younger):
            world.run(key)
        assert "Dataset older" in conflicts(world, younger)
        assert ["create_dataset"] == world.cloud.writes
        assert not RECORD_CALLS & set(world.cloud.calls)

    def test_deleting_the_loser_leaves_the_dataset(self, world: World) -> None:
        """With policy Delete, too; the manager's delete is its own affair."""
        older = self.dataset(world, "older", at=OLD)
        world.run(older)
        younger = self.dataset(world, "younger", deletionPolicy="Delete", at=NEW)
        world.run(younger)
        world.cluster.mark(younger, finalizers=[FINALIZER], deletionTimestamp=NEW)
        assert Outcome(gone=True) == world.run(younger)
        assert ["create_dataset"] == world.cloud.writes
        assert "OwnershipConflict" in [reason for reason, _ in world.cluster.events]

    def test_another_dataset_is_no_rival(self, world: World) -> None:
        """Same bucket names and projects do not matter."""
        world.run(self.dataset(world, "one", at=OLD))
        other = self.dataset(world, "two", name="films", at=NEW)
        world.run(other)
        assert ("True", "Succeeded") == world.condition(other)

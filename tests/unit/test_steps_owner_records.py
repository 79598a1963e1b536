"""Whole passes over ports in memory: the owner record, and two clusters that claim one binding."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.fields import END_GRACE_PERIOD
from controller.cloud.errors import BucketNotFound, Denied, Invalid, TimedOut
from controller.core.facts import BindingFacts
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import Crash, Fate, World
from tests.unit.ownership_room import (
    KEY,
    NEW,
    OLD,
    RECORD,
    RECORD_CALLS,
    URL,
    account,
    binding,
    cluster,
    conflicts,
    owner,
)
from tests.unit.steps_room import PLACE, failing, settle


@pytest.fixture
def world() -> World:
    """A cluster whose account has a work bucket."""
    return cluster()


class TestRecord:
    """Written once, before anything is made or kept, and never looked at again without need."""

    def test_it_is_written_before_the_intent_and_costs_no_write_to_kubernetes(self, world: World) -> None:
        """Looked for, written with forbid-overwrite, then the intent, then the binding; three writes to Ready."""
        key = binding(world, "photos")
        world.run(key)
        assert ["get_object", "put_new", "create_binding"] == [
            call for call in world.cloud.calls if call in RECORD_CALLS | {"create_binding"}
        ]
        assert ("cluster-one", "team", "photos") == owner(world)
        assert URL == world.cluster.read(key).status.owner_record
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
        world.clock.advance(400)
        world.run(key)
        assert ["hold", "status", "status"] == world.cluster.writes
        assert ("True", "Succeeded") == world.condition(key)

    def test_an_existing_binding_is_claimed_before_it_is_adopted(self, world: World) -> None:
        """And no intent preceded it, so it is called adopted."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        key = binding(world, "photos")
        world.run(key)
        assert ("cluster-one", "team", "photos") == owner(world)
        assert (["hold", "status"], True) == (world.cluster.writes, world.cluster.read(key).status.adopted)

    def test_a_settled_object_never_asks_for_it_again(self, world: World) -> None:
        """Not even in a new process: status remembers."""
        key = binding(world, "photos")
        settle(world, key)
        world.run(key)
        world.restart()
        world.run(world.account)
        world.cluster.writes.clear()
        world.cloud.calls.clear()
        world.run(key)
        assert (["list_bindings"], []) == (world.cloud.calls, world.cluster.writes)

    @pytest.mark.parametrize("spec", [{"mode": "Observe"}, {"mode": "DryRun"}, {"suspend": True}], ids=str)
    @pytest.mark.parametrize("there", [True, False])
    def test_who_writes_nothing_writes_no_record(self, world: World, spec: dict[str, Any], *, there: bool) -> None:
        """Looking at a binding does not make it ours."""
        if there:
            world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        world.run(binding(world, "photos", **spec))
        assert owner(world) is None
        assert "put_new" not in world.cloud.calls

    def test_what_an_object_owns_that_this_version_cannot_read_stays_its_own(self, world: World) -> None:
        """It is not gone: another object that names the same binding waits, and says why."""
        unread = binding(world, "photos")
        world.run(unread)
        del world.cluster.bodies[unread]
        world.cluster.unread.add(unread)
        other = binding(world, "second")
        world.run(other)
        assert "cannot read" in conflicts(world, other)
        assert ("cluster-one", "team", "photos") == owner(world)

    @pytest.mark.parametrize("effect", [True, False], ids=["after", "before"])
    def test_a_crash_at_the_record_leaves_one_owner_and_one_binding(self, world: World, *, effect: bool) -> None:
        """The next process finds its own record and goes on."""
        key = binding(world, "photos")
        failing(world, "put_new", Crash(), effect=effect)
        with pytest.raises(Crash):
            world.run(key)
        assert [] == world.cloud.effects
        world.restart()
        world.run(world.account)
        world.run(key)
        assert (["bind photos"], ("cluster-one", "team", "photos")) == (world.cloud.effects, owner(world))
        assert world.cluster.read(key).status.adopted is None or not world.cluster.read(key).status.adopted

    def test_a_lost_answer_is_looked_up(self, world: World) -> None:
        """The record that was written all the same is ours."""
        key = binding(world, "photos")
        failing(world, "put_new", TimedOut("oss:PutObject", "lost"), effect=True)
        assert world.run(key).failed
        world.run(key)
        assert ["bind photos"] == world.cloud.effects

    def test_a_refused_look_does_not_settle_an_open_intent(self, world: World) -> None:
        """The create whose answer was lost is still looked for twice before it is repeated."""
        key = binding(world, "photos")
        failing(world, "create_binding", TimedOut("imm:CreateBinding", "lost"))
        world.run(key)
        intent = world.cluster.read(key).status.intent
        world.clock.advance(5)
        failing(world, "get_object", Denied("oss:GetObject", "no", code="AccessDenied"))
        world.run(key)
        assert ("True", "AccessDenied") == world.condition(key, "Stalled")
        assert intent == world.cluster.read(key).status.intent
        assert ["create_binding"] == world.cloud.writes

    def test_a_new_work_bucket_gets_a_record_too(self, world: World) -> None:
        """Whoever looks there has to see it."""
        key = binding(world, "photos")
        settle(world, key)
        account(world, work_bucket="other-work")
        world.run(key)
        assert ("other-work", KEY) in world.cloud.objects
        assert f"oss://other-work/{KEY}" == world.cluster.read(key).status.owner_record

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (BucketNotFound("oss:GetObject", "no bucket (oss://imm-work/…)", code="NoSuchBucket"), "BucketNotFound"),
            (Denied("oss:PutObject", "no right (oss://imm-work/…)", code="AccessDenied"), "AccessDenied"),
            (Invalid("oss:PutObject", "bucket imm-work keeps versions", code="VersionedBucket"), "SpecInvalid"),
        ],
        ids=["no-bucket", "denied", "versioned"],
    )
    def test_without_the_work_bucket_nothing_is_made(self, world: World, error: Any, reason: str) -> None:
        """Stalled in words that name the call and the bucket; an open record is no reason to go on without one."""
        key = binding(world, "photos")
        failing(world, "get_object" if "Get" in error.operation else "put_new", error, times=9)
        world.run(key)
        assert ("True", reason) == world.condition(key, "Stalled")
        message = world.cluster.read(key).status.conditions[0].message
        assert error.operation in message
        assert "imm-work" in message
        assert [] == world.cloud.effects

    def test_the_work_bucket_itself_is_not_bound(self, world: World) -> None:
        """Nor is anything recorded about it."""
        account(world, work_bucket="photos")
        key = binding(world, "photos")
        world.run(key)
        assert ("True", "SpecInvalid") == world.condition(key, "Stalled")
        assert ({}, []) == (world.cloud.objects, world.cloud.effects)


class TestTwoClusters:
    """They share nothing but the cloud and the work bucket."""

    @pytest.fixture
    def other(self, world: World) -> World:
        """A second cluster with the same account and work bucket."""
        return cluster(world, "cluster-two")

    @pytest.mark.parametrize("there", [True, False])
    def test_the_first_one_has_it_and_the_other_says_so(self, world: World, other: World, *, there: bool) -> None:
        """Whether it was made or adopted; the words name the owner and the record to remove by hand."""
        if there:
            world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        world.run(binding(world, "photos"))
        before = list(world.cloud.writes)
        theirs = binding(other, "pictures", recreatePolicy="Always")
        for _ in range(3):
            other.clock.advance(700)
            other.run(theirs)
        message = conflicts(other, theirs)
        for words in ("DatasetBinding team/photos", "cluster-one", f"ossutil rm {URL}", "reconcile-requested-at"):
            assert words in message
        assert ("cluster-one", "team", "photos") == owner(world)
        assert (before, ["status"]) == (world.cloud.writes, other.cluster.writes)
        status = other.cluster.read(theirs).status
        assert (None, None, None) == (status.adopted, status.owner_record, status.state)

    def test_both_at_the_same_moment_make_one_binding(self, world: World, other: World) -> None:
        """Each finds no record; OSS lets one of them write it."""
        theirs = binding(other, "photos")

        def meanwhile(operation: str) -> Fate:
            if operation == "put_new":
                world.cloud.fate = lambda _operation: Fate()
                other.run(theirs)
            return Fate()

        world.cloud.fate = meanwhile
        ours = binding(world, "photos")
        world.run(ours)
        assert "cluster-two" in conflicts(world, ours)
        assert (["bind photos"], ("cluster-two", "team", "photos")) == (world.cloud.effects, owner(world))

    @pytest.mark.parametrize("policy", ["Retain", "Delete"])
    def test_deleting_the_loser_leaves_everything(self, world: World, other: World, policy: str) -> None:
        """Even one that owned it once, and whose record a person gave to the other cluster."""
        theirs = binding(other, "photos", deletionPolicy=policy)
        settle(other, theirs)
        del world.cloud.objects[RECORD]
        world.run(binding(world, "photos"))
        world.cloud.calls.clear()
        other.delete(theirs)
        other.cluster.mark(theirs, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(gone=True) == other.run(theirs)
        assert ([], ("cluster-one", "team", "photos")) == (world.cloud.writes, owner(world))
        assert PLACE in world.cloud.bindings
        if policy == "Delete":
            [(reason, message)] = other.cluster.events
            assert ("OwnershipConflict", True) == (reason, "is left as it is" in message)

    def test_a_record_removed_by_hand_is_not_fought_over(self, world: World, other: World) -> None:
        """The old owner finds out before its next write, and makes none."""
        ours = binding(world, "photos", recreatePolicy="Always")
        settle(world, ours)
        del world.cloud.objects[RECORD]
        other.run(binding(other, "photos"))
        world.cloud.set_state("photos", "Failed")
        world.clock.advance(4000)
        world.run(ours)
        world.run(ours)
        assert "cluster-two" in conflicts(world, ours)
        assert [] == world.cloud.writes
        assert world.cluster.read(ours).status.owner_record is None

    @pytest.mark.parametrize("policy", ["Retain", "Delete"])
    def test_when_the_owner_is_deleted_the_other_goes_on(self, world: World, other: World, policy: str) -> None:
        """Retain: it adopts what goes on running. Delete: it makes its own."""
        ours = binding(world, "photos", deletionPolicy=policy)
        settle(world, ours)
        theirs = binding(other, "photos")
        other.run(theirs)
        conflicts(other, theirs)
        world.delete(ours)
        world.cluster.mark(ours, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(gone=True) == world.run(ours)
        assert owner(world) is None
        world.clock.advance(700)
        other.run(theirs)
        assert ("cluster-two", "team", "photos") == owner(world)
        assert world.cloud.effects.count("bind photos") == (1 if policy == "Retain" else 2)

    def test_a_record_that_cannot_be_removed_holds_nothing_back(self, world: World) -> None:
        """Released with a warning that says which record stays."""
        ours = binding(world, "photos")
        settle(world, ours)
        world.delete(ours)
        failing(world, "delete_object", Denied("oss:DeleteObject", f"no ({URL})", code="AccessDenied"))
        assert Outcome(gone=True) == world.run(ours)
        assert ["OwnershipConflict", "Retained"] == [reason for reason, _ in world.cluster.events]
        assert URL in world.cluster.events[0][1]

    def test_somebody_elses_record_is_never_removed(self, world: World, other: World) -> None:
        """Read and compared first."""
        ours = binding(world, "photos")
        settle(world, ours)
        del world.cloud.objects[RECORD]
        other.run(binding(other, "photos"))
        world.delete(ours)
        world.run(ours)
        assert ("cluster-two", "team", "photos") == owner(world)

    def test_a_record_of_a_later_version_is_left_alone(self, world: World) -> None:
        """What cannot be read is somebody's."""
        world.cloud.objects[RECORD] = b'{"version": 2}'
        ours = binding(world, "photos")
        world.run(ours)
        assert "cannot read" in conflicts(world, ours)
        assert {RECORD: b'{"version": 2}'} == world.cloud.objects


class TestSameOwner:
    """A record outlives status, object and operator: the owner is a cluster and a name."""

    def lose(self, world: World, key: Key, what: str) -> None:
        """What may happen to an object whose binding goes on."""
        body = world.cluster.bodies[key]
        if what == "status":
            body["status"] = {"observedGeneration": -1}
        else:
            body["metadata"]["uid"] = "another"
            body["status"] = {"observedGeneration": -1}
            body["metadata"]["finalizers"] = []
        world.restart()
        world.run(world.account)

    @pytest.mark.parametrize("what", ["status", "object"])
    def test_it_is_adopted_again_with_no_new_scan(self, world: World, what: str) -> None:
        """Restored without status, or deleted past us and applied again, by a new process."""
        key = binding(world, "photos")
        settle(world, key)
        self.lose(world, key, what)
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)
        assert (["bind photos"], ("cluster-one", "team", "photos")) == (world.cloud.effects, owner(world))
        assert (URL, True) == (world.cluster.read(key).status.owner_record, world.cluster.read(key).status.adopted)

    def test_a_younger_owner_on_record_keeps_it_when_all_status_is_lost(self, world: World) -> None:
        """The record counts for more than age."""
        younger = binding(world, "younger", at=NEW)
        settle(world, younger)
        older = binding(world, "older", at=OLD)
        self.lose(world, younger, "status")
        for key in (older, younger, older):
            world.run(key)
        assert ("True", "Succeeded") == world.condition(younger)
        assert "DatasetBinding younger" in conflicts(world, older)

    def test_a_record_of_an_object_that_is_no_more_is_taken_over(self, world: World) -> None:
        """In the same cluster, where all objects are known."""
        gone = binding(world, "gone")
        settle(world, gone)
        del world.cluster.bodies[gone]
        key = binding(world, "photos")
        world.run(key)
        assert ("cluster-one", "team", "photos") == owner(world)
        assert world.cluster.read(key).status.adopted is True
        assert ["bind photos"] == world.cloud.effects

    def test_before_all_objects_are_known_nothing_is_taken_over(self, world: World) -> None:
        """The first LIST is not through: absence means nothing, and neither does being the only one."""
        settle(world, binding(world, "gone"))
        world.cluster.bodies.pop(Key("DatasetBinding", "team", "gone"))
        world.cluster.complete = False
        key = binding(world, "photos")
        assert Outcome(look_again=1.0) == world.run(key)
        assert ("cluster-one", "team", "gone") == owner(world)

    def test_an_object_of_a_namespace_that_is_not_watched_is_not_taken_for_gone(self, world: World) -> None:
        """Another operator of this cluster may see it; its name is not told."""
        account(world, "secret-team")
        settle(world, binding(world, "planted-name", "secret-team"))
        del world.cluster.bodies[Key("DatasetBinding", "secret-team", "planted-name")]
        world.cluster.unwatched.add("secret-team")
        key = binding(world, "photos")
        world.run(key)
        message = conflicts(world, key)
        assert "does not watch" in message
        assert not {"secret-team", "planted-name"} & set(message.split())

    def test_an_owner_that_now_binds_something_else_is_taken_over(self, world: World) -> None:
        """Deleted past us and applied again under its name, for another bucket."""
        key = binding(world, "photos")
        settle(world, key)
        del world.cluster.bodies[key]
        binding(world, "photos", bucket="films")
        heir = binding(world, "heir")
        world.run(heir)
        assert ("cluster-one", "team", "heir") == owner(world)

"""Whole passes over ports in memory: made again, deleted, retained, and waiting for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.api.fields import DETACH, END_GRACE_PERIOD, RECONCILE_REQUESTED_AT
from controller.core.facts import BucketFacts, Caller
from controller.reconcile import departures
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key, reconcile_object
from controller.reconcile.ports import StaleObject
from tests.unit.operator_doubles import REGION, World
from tests.unit.steps_room import PLACE, poll, settle


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


class TestRecreate:
    """`recreatePolicy: Always`: a vanished or failed binding is made again, and only then."""

    def test_a_failed_binding_is_replaced(self, world: World) -> None:
        """Unbound and bound in one pass, with an intent of its own."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.set_state("photos", "Failed", "", "no role")
        world.clock.advance(600)
        poll(world)
        world.run(key)
        assert ["bind photos", "unbind photos", "bind photos"] == world.cloud.effects
        assert ["Deleted", "Created"] == [reason for reason, _ in world.cluster.events]

    def test_one_that_fails_again_at_once_waits_ten_minutes_or_for_a_person(self, world: World) -> None:
        """Each time may be billed; the poller's wake-ups make no loop of it, and the wait is written once."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.set_state("photos", "Failed", "", "no role")
        for _ in range(20):
            world.clock.advance(5)
            poll(world)
            world.run(key)
        assert (["status"], [], ["bind photos"]) == (world.cluster.writes, world.cloud.writes, world.cloud.effects)
        world.cluster.mark(key, annotations={RECONCILE_REQUESTED_AT: "now"})
        world.run(key)
        assert ["bind photos", "unbind photos", "bind photos"] == world.cloud.effects

    def test_a_failed_binding_whose_bucket_is_gone_is_left_as_it_is(self, world: World) -> None:
        """Nothing can be made again of what has no bucket."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.set_state("photos", "Failed")
        world.cloud.buckets.clear()
        world.clock.advance(600)
        poll(world)
        world.run(key)
        assert ("False", "BucketNotFound") == world.condition(key)
        assert ["bind photos"] == world.cloud.effects

    def test_a_removal_that_does_not_show_yet_is_waited_for(self, world: World) -> None:
        """One call a pass, not one after the other; the verdict says when to look again."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.deletes_late = True
        world.cloud.set_state("photos", "Failed")
        world.clock.advance(600)
        poll(world)
        outcome = world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert Outcome(look_again=30.0) == outcome
        assert ("False", "Deleting") == world.condition(key)

    def test_a_vanished_binding_comes_back_only_with_consent(self, world: World) -> None:
        """Never is the default; the edit to Always is the consent."""
        key = world.binding()
        settle(world, key)
        world.cloud.bindings.clear()
        poll(world)
        world.run(key)
        assert [] == world.cloud.writes
        world.binding(recreatePolicy="Always")
        world.run(key)
        assert ["create_binding"] == world.cloud.writes


class TestDeletion:
    """Law 8 through the whole pass."""

    @pytest.fixture
    def key(self, world: World) -> Key:
        """A settled binding with policy Delete."""
        made = world.binding(deletionPolicy="Delete")
        settle(world, made)
        return made

    def test_it_waits_for_the_grace_period_and_then_unbinds(self, world: World, key: Key) -> None:
        """Ten minutes by default; by itself where no stand-in can be made, as in a terminating namespace."""
        world.cluster.ending["team"] = world.clock()
        world.delete(key)
        outcome = world.run(key)
        assert (Outcome(look_again=600.0), []) == (outcome, world.cloud.writes)
        assert ("False", "DeletionGracePeriod") == world.condition(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert key not in world.cluster.bodies

    def test_the_annotation_ends_the_grace_period(self, world: World, key: Key) -> None:
        """For those who mean it."""
        world.delete(key)
        world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(gone=True) == world.run(key)
        assert {} == world.cloud.bindings

    def test_a_delete_that_does_not_show_yet_is_made_once_a_pass(self, world: World, key: Key) -> None:
        """The finalizer stays until a listing does not have it any more."""
        world.cloud.deletes_late = True
        world.delete(key)
        world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(look_again=5.0) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert ("False", "Deleting") == world.condition(key)
        world.cloud.bindings.clear()
        world.clock.advance(5)
        assert Outcome(gone=True) == world.run(key)

    def test_a_dataset_whose_delete_does_not_show_yet_likewise(self, world: World) -> None:
        """The same rule for the other kind."""
        dataset = world.dataset(deletionPolicy="Delete")
        world.run(dataset)
        world.cloud.deletes_late = True
        world.delete(dataset)
        world.cluster.mark(dataset, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(look_again=5.0) == world.run(dataset)
        assert ["create_dataset", "delete_dataset"] == world.cloud.writes
        world.cloud.datasets.clear()
        assert Outcome(gone=True) == world.run(dataset)

    @pytest.mark.parametrize("how", ["retain", "detach"])
    def test_retained_and_detached_bindings_stay(self, world: World, how: str) -> None:
        """Released at once, with one event, and nothing written to the cloud."""
        made = world.binding(**({} if how == "retain" else {"deletionPolicy": "Delete"}))
        settle(world, made)
        world.delete(made)
        if how == "detach":
            world.cluster.mark(made, annotations={DETACH: "true"})
        assert Outcome(gone=True) == world.run(made)
        assert [] == world.cloud.writes
        assert PLACE in world.cloud.bindings
        assert ["Retained" if how == "retain" else "Detached"] == [reason for reason, _ in world.cluster.events]

    def test_a_release_is_told_once_it_is_done(self, world: World) -> None:
        """One that met a newer version is tried again, and told once all the same."""
        made = world.binding()
        settle(world, made)
        world.delete(made)
        stale = world.cluster.read(made)
        world.cluster.mark(made, labels={"by": "somebody"})
        for _ in range(3):
            with pytest.raises(StaleObject):
                reconcile_object(stale, world.context)
        assert [] == world.cluster.events
        assert Outcome(gone=True) == world.run(made)
        assert ["Retained"] == [reason for reason, _ in world.cluster.events]

    def test_a_pass_with_an_object_that_went_meanwhile_counts_nothing_again(self, world: World) -> None:
        """The watch tells of a release only after it: a second pass may come before that."""
        made = world.binding()
        settle(world, made)
        world.delete(made)
        stale = world.cluster.read(made)
        before = departures.counts.read().get(("DatasetBinding", "Retained"), 0)
        assert Outcome(gone=True) == world.run(made)
        assert Outcome(gone=True) == reconcile_object(stale, world.context)
        assert before + 1 == departures.counts.read()["DatasetBinding", "Retained"]

    def test_without_its_account_object_the_session_of_this_process_serves(self, world: World, key: Key) -> None:
        """Everything of a namespace is deleted together, in any order."""
        del world.cluster.bodies[world.account]
        world.delete(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes

    def test_without_any_credentials_it_stalls_with_the_steps(self, world: World, key: Key) -> None:
        """The account is gone and the process is new."""
        del world.cluster.bodies[world.account]
        world.delete(key)
        world.clock.advance(600)
        world.restart()
        world.run(key)
        assert ("True", "CredentialsUnavailable") == world.condition(key, "Stalled")
        assert key in world.cluster.bodies

    def test_credentials_of_another_account_prove_no_absence(self, world: World, key: Key) -> None:
        """There the binding looks absent, and the finalizer stays."""
        session = world.context.sessions.get("team", "account")
        assert session is not None
        world.context.sessions.put("team", "account", replace(session, caller=Caller("999999", "arn", is_root=False)))
        world.cloud.bindings.clear()
        world.delete(key)
        world.clock.advance(600)
        world.run(key)
        assert ("True", "CredentialsUnavailable") == world.condition(key, "Stalled")
        assert "999999" in world.cluster.read(key).status.conditions[0].message
        assert key in world.cluster.bodies

    def test_a_vanished_project_has_no_binding_left(self, world: World, key: Key) -> None:
        """Nothing to delete, so the object goes."""
        world.cloud.projects.clear()
        world.delete(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)

    def test_an_object_never_held_is_none_of_ours(self, world: World) -> None:
        """Terminating without our finalizer: somebody else's to finish."""
        made = world.binding()
        world.cluster.mark(made, finalizers=["example.com/theirs"], deletionTimestamp=world.clock().isoformat())
        assert Outcome(gone=True) == world.run(made)
        assert ([], []) == (world.cluster.writes, world.cloud.calls)


class TestDependencies:
    """An object waits for its account and dataset, in its own namespace."""

    def test_a_new_process_says_nothing_before_the_account_signed_in(self, world: World) -> None:
        """The account was Ready: there is no reason to tell people otherwise."""
        key = world.binding()
        settle(world, key)
        world.restart()
        assert Outcome() == world.run(key)
        assert ([], []) == (world.cluster.writes, world.cloud.calls)

    def test_a_dataset_object_gives_the_names(self, world: World) -> None:
        """And the binding waits until it is Ready."""
        key = world.binding(dataset={"ref": "pictures"})
        world.run(key)
        assert ("False", "DependencyNotFound") == world.condition(key)
        world.run(world.dataset())
        world.run(key)
        assert [PLACE] == list(world.cloud.bindings)

    def test_an_account_of_another_namespace_does_not_count(self, world: World) -> None:
        """References never cross a namespace."""
        body = world.cluster.bodies.pop(world.account)
        body["metadata"]["namespace"] = "others"
        world.cluster.bodies[Key("CloudAccount", "others", "account")] = body
        key = world.binding()
        world.run(key)
        assert ("False", "DependencyNotFound") == world.condition(key)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda world: world.cloud.buckets.clear(), "BucketNotFound"),
            (
                lambda world: world.cloud.buckets.update(photos=BucketFacts("photos", "cn-beijing", 1)),
                "RegionMismatch",
            ),
        ],
        ids=["no-bucket", "other-region"],
    )
    def test_a_wrong_bucket_is_refused_before_anything_is_submitted(
        self, world: World, change: Callable[[World], None], reason: str
    ) -> None:
        """No intent, no call, no cost; and it goes on by itself once mended."""
        change(world)
        key = world.binding()
        world.run(key)
        assert ("True", reason) == world.condition(key, "Stalled")
        assert world.cluster.read(key).status.intent is None
        world.cloud.buckets["photos"] = BucketFacts("photos", REGION, 1)
        world.run(key)
        assert ["create_binding"] == world.cloud.writes

"""Whole passes of objects deleted with a grace period: the name is free at once, and who comes back has it back."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.fields import DETACH, END_GRACE_PERIOD
from controller.cloud.errors import BadCredentials
from controller.reconcile import departures
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key, references
from tests.unit.operator_doubles import Crash, World
from tests.unit.steps_room import PLACE, failing, settle


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


@pytest.fixture
def key(world: World) -> Key:
    """A settled binding with policy Delete."""
    made = world.binding(deletionPolicy="Delete")
    settle(world, made)
    return made


def delete(world: World, key: Key) -> Key:
    """Delete an object and return the one that stands in for it."""
    world.delete(key)
    assert Outcome(gone=True) == world.run(key)
    assert key not in world.cluster.bodies
    (stand_in,) = (found for found in world.cluster.bodies if found.kind == key.kind)
    return stand_in


class TestMade:
    """The stand-in takes the place of the object."""

    def test_the_object_goes_at_once_and_its_stand_in_waits(self, world: World, key: Key) -> None:
        """So the name is free, which is what `kubectl delete`, `replace --force` and Flux wait for."""
        before = world.cluster.read(key)
        stand_in = delete(world, key)
        shown = world.cluster.read(stand_in)
        assert f"photos-leaving-{before.metadata.uid[:8]}" == stand_in.name
        assert (before.spec, before.status) == (shown.spec, shown.status)
        assert "photos" == shown.metadata.stands_in_for
        assert [] == world.cloud.writes
        ((reason, message),) = world.cluster.events
        assert "DeletionGracePeriod" == reason
        assert f"{stand_in.name} stands in for this object" in message

    def test_it_unbinds_when_the_grace_period_is_over(self, world: World, key: Key) -> None:
        """And says how to keep it until then."""
        stand_in = delete(world, key)
        assert Outcome(look_again=600.0) == world.run(stand_in)
        assert ("False", "DeletionGracePeriod") == world.condition(stand_in)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(stand_in)
        assert ["delete_binding"] == world.cloud.writes
        assert "Deleted" == world.cluster.events[-1][0]
        assert "what it indexed stays in the dataset" in world.cluster.events[-1][1]

    @pytest.mark.parametrize(
        ("annotation", "value", "writes"), [(END_GRACE_PERIOD, "now", ["delete_binding"]), (DETACH, "true", [])]
    )
    def test_it_takes_the_annotations(
        self, world: World, key: Key, annotation: str, value: str, writes: list[str]
    ) -> None:
        """It is the object now."""
        stand_in = delete(world, key)
        world.cluster.mark(
            stand_in, annotations=world.cluster.read(stand_in).metadata.annotations | {annotation: value}
        )
        assert Outcome(gone=True) == world.run(stand_in)
        assert writes == world.cloud.writes

    @pytest.mark.parametrize(("annotation", "value"), [(END_GRACE_PERIOD, "false"), (DETACH, "no")])
    def test_another_word_asks_for_nothing(self, world: World, key: Key, annotation: str, value: str) -> None:
        """Nobody means to unbind at once by writing `false`."""
        stand_in = delete(world, key)
        world.cluster.mark(
            stand_in, annotations=world.cluster.read(stand_in).metadata.annotations | {annotation: value}
        )
        assert Outcome(look_again=600.0) == world.run(stand_in)

    def test_a_refused_stand_in_leaves_the_object_waiting(self, world: World, key: Key) -> None:
        """A quota is no reason to unbind early, or never."""
        world.cluster.full = True
        world.delete(key)
        assert Outcome(look_again=600.0) == world.run(key)
        assert ("False", "DeletionGracePeriod") == world.condition(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes

    @pytest.mark.parametrize("moment", ["before_write", "after_write"])
    @pytest.mark.parametrize("write", ["stand in", "release"])
    def test_a_crash_on_the_way_changes_nothing(self, world: World, key: Key, moment: str, write: str) -> None:
        """The object keeps its finalizer until its stand-in is whole, and there is one stand-in only."""

        def crash(what: str) -> None:
            if what == write:
                raise Crash

        setattr(world.cluster, moment, crash)
        world.delete(key)
        with pytest.raises(Crash):
            world.run(key)
        setattr(world.cluster, moment, lambda _what: None)
        world.restart()
        world.run(world.account)
        if key in world.cluster.bodies and not world.cluster.read(key).metadata.held:
            del world.cluster.bodies[key]  # the API server removes it together with the last finalizer
        if key in world.cluster.bodies:
            assert Outcome(gone=True) == world.run(key)
        (stand_in,) = (found for found in world.cluster.bodies if found.kind == key.kind)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(stand_in)
        assert ["delete_binding"] == world.cloud.writes

    def test_a_long_name_stays_a_name(self, world: World) -> None:
        """253 characters are what Kubernetes takes."""
        key = world.binding(name="p" * 243 + ".abcdefghi", deletionPolicy="Delete")
        settle(world, key)
        assert len(delete(world, key).name) <= 253

    def test_a_dataset_likewise(self, world: World) -> None:
        """The same rule for the other kind."""
        key = world.dataset(deletionPolicy="Delete")
        world.run(key)
        stand_in = delete(world, key)
        assert Outcome(look_again=600.0) == world.run(stand_in)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(stand_in)
        assert ["create_dataset", "delete_dataset"] == world.cloud.writes


class TestHeir:
    """The object is created again, by Flux's `force` or by a person."""

    def test_it_is_adopted_and_the_stand_in_goes(self, world: World, key: Key) -> None:
        """Nothing is lost, nothing is scanned again, and the cloud is not written to."""
        stand_in = delete(world, key)
        again = world.binding(deletionPolicy="Delete")
        assert Outcome(look_again=30.0) == world.run(stand_in)
        world.run(again)
        assert ("True", "Succeeded") == world.condition(again)
        assert world.cluster.read(again).status.adopted is True
        assert Outcome(gone=True) == world.run(stand_in)
        assert "Kept" == world.cluster.events[-1][0]
        assert [] == world.cloud.writes
        assert PLACE in world.cloud.bindings

    def test_it_is_kept_past_the_grace_period_until_the_heir_has_it(self, world: World, key: Key) -> None:
        """One that waits for something, or is suspended, has asked for it all the same."""
        stand_in = delete(world, key)
        again = world.binding(deletionPolicy="Delete", suspend=True)
        world.run(again)
        world.clock.advance(3600)
        assert Outcome(look_again=30.0) == world.run(stand_in)
        assert "DatasetBinding photos was created again" in world.cluster.read(stand_in).status.conditions[0].message
        world.binding(deletionPolicy="Delete")
        world.run(again)
        assert Outcome(gone=True) == world.run(stand_in)
        assert [] == world.cloud.writes

    def test_an_heir_that_goes_again_leaves_it_to_the_stand_in(self, world: World, key: Key) -> None:
        """It never had the binding."""
        stand_in = delete(world, key)
        again = world.binding(deletionPolicy="Delete")
        world.run(stand_in)
        world.delete(again)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(stand_in)
        assert ["delete_binding"] == world.cloud.writes

    @pytest.mark.parametrize(
        "spec",
        [
            {"bucket": "others"},
            {"dataset": {"project": "media", "name": "others"}},
            {"mode": "Observe"},
            {"mode": "DryRun"},
            {"accountRef": {"name": "others"}},
        ],
        ids=["bucket", "dataset", "observe", "dry-run", "account"],
    )
    def test_one_that_claims_something_else_is_none(self, world: World, key: Key, spec: dict[str, Any]) -> None:
        """An immutable field was changed: the old binding goes when its time is over."""
        stand_in = delete(world, key)
        world.binding(deletionPolicy="Delete", **spec)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(stand_in)
        assert "unbind photos" in world.cloud.effects

    def test_before_the_first_list_is_through_nobody_is_called_absent(self, world: World, key: Key) -> None:
        """A new process that does not know of the heir yet would unbind what it keeps."""
        stand_in = delete(world, key)
        world.clock.advance(600)
        world.cluster.complete = False
        assert Outcome(look_again=1.0) == world.run(stand_in)
        assert [] == world.cloud.writes

    def test_the_stand_in_is_woken_by_the_heir(self, world: World, key: Key) -> None:
        """It refers to the name it keeps free."""
        assert key in references(world.cluster.read(delete(world, key)))

    def test_a_stand_in_that_does_not_terminate_yet_is_left_alone(self, world: World, key: Key) -> None:
        """For an instant it is an object like any other, and must not be adopted, reported or repaired."""
        stand_in = delete(world, key)
        del world.cluster.bodies[stand_in]["metadata"]["deletionTimestamp"]
        world.cluster.writes.clear()
        assert Outcome(gone=True) == world.run(stand_in)
        assert ([], []) == (world.cluster.writes, world.cloud.calls)

    def test_a_dataset_that_is_created_again_is_kept(self, world: World) -> None:
        """The same rule for the other kind."""
        key = world.dataset(deletionPolicy="Delete")
        world.run(key)
        stand_in = delete(world, key)
        world.run(world.dataset(deletionPolicy="Delete"))
        assert Outcome(gone=True) == world.run(stand_in)
        assert ["create_dataset"] == world.cloud.writes


class TestCredentialsGone:
    """Secrets and accounts have no finalizer of ours, and go first."""

    @pytest.fixture
    def leaving(self, world: World, key: Key) -> Key:
        """A binding whose namespace terminates, past its grace period."""
        world.cluster.ending["team"] = world.clock()
        world.delete(key)
        world.clock.advance(600)
        return key

    @pytest.mark.parametrize("account", ["gone", "there", "terminating"])
    def test_those_in_memory_serve_what_leaves(self, world: World, leaving: Key, account: str) -> None:
        """The Secret is gone, and the account has said so or is gone too."""
        world.cluster.secrets.clear()
        if account == "terminating":
            world.cluster.mark(world.account, deletionTimestamp=world.clock().isoformat(), finalizers=["example.com/x"])
        world.run(world.account)
        if account == "gone":
            del world.cluster.bodies[world.account]
        assert Outcome(gone=True) == world.run(leaving)
        assert ["delete_binding"] == world.cloud.writes

    def test_they_serve_nothing_that_stays(self, world: World, key: Key) -> None:
        """Whoever takes the Secret away takes the rights of everything that goes on."""
        world.cluster.secrets.clear()
        world.run(world.account)
        world.run(key)
        assert [] == world.cloud.calls
        assert ("False", "DependencyNotReady") == world.condition(key)

    @pytest.mark.parametrize("finalizer", [True, False])
    def test_after_a_restart_it_is_stalled_until_the_limit(self, world: World, leaving: Key, finalizer: bool) -> None:  # noqa: FBT001 - a parameter
        """With the steps; then released as Orphaned, with a count where no event can be made."""
        world.cluster.secrets.clear()
        if finalizer:
            world.cluster.mark(world.account, deletionTimestamp=world.clock().isoformat(), finalizers=["example.com/x"])
        else:
            del world.cluster.bodies[world.account]
        world.restart()
        if finalizer:
            world.run(world.account)
        assert Outcome(look_again=300.0) == world.run(leaving)
        assert ("True", "CredentialsUnavailable") == world.condition(leaving, "Stalled")
        before = departures.counts.read().get(("DatasetBinding", "Orphaned"), 0)
        world.clock.advance(24 * 3600)
        assert Outcome(gone=True) == world.run(leaving)
        assert before + 1 == departures.counts.read()["DatasetBinding", "Orphaned"]
        assert [] == world.cloud.writes

    def test_in_a_namespace_that_stays_it_waits_for_a_person(self, world: World, key: Key) -> None:
        """However long; the namespace is asked each time."""
        stand_in = delete(world, key)
        world.cluster.secrets.clear()
        del world.cluster.bodies[world.account]
        world.restart()
        world.clock.advance(90 * 24 * 3600)
        assert Outcome(look_again=300.0) == world.run(stand_in)
        assert "Restore the CloudAccount" in world.cluster.read(stand_in).status.conditions[0].message
        world.cluster.ending["team"] = world.clock()
        world.run(stand_in)
        assert "released as Orphaned" in world.cluster.read(stand_in).status.conditions[0].message

    @pytest.mark.parametrize("field", ["identity", "dataset"])
    def test_a_status_that_does_not_say_whose_it_is_proves_no_absence(
        self, world: World, leaving: Key, field: str
    ) -> None:
        """Law 9: the caller must be who the status names before a finalizer goes because nothing was found."""
        del world.cluster.bodies[leaving]["status"][field]
        world.cloud.bindings.clear()
        world.run(leaving)
        assert ("True", "CredentialsUnavailable") == world.condition(leaving, "Stalled")

    def test_credentials_that_were_refused_serve_nobody(self, world: World, leaving: Key) -> None:
        """One call finds out; after that it waits for a person."""
        world.cluster.secrets.clear()
        world.run(world.account)
        failing(world, "list_bindings", BadCredentials("imm:ListBindings", "no such key", code="InvalidAccessKeyId"))
        world.run(leaving)
        assert ("True", "CredentialsRejected") == world.condition(leaving, "Stalled")
        assert "imm-operator.dev/detach=true" in world.cluster.read(leaving).status.conditions[0].message
        world.run(leaving)
        assert ("True", "CredentialsUnavailable") == world.condition(leaving, "Stalled")
        assert ["list_bindings"] == [call for call in world.cloud.calls if call == "list_bindings"]

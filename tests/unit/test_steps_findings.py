"""Defects that reading and property tests found in the pass, each kept from coming back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.api.fields import DETACH, END_GRACE_PERIOD
from controller.cloud.errors import Denied, TimedOut
from controller.core.binding import plan
from controller.core.dependency import Availability
from controller.core.plan import Standing
from tests.unit.operator_doubles import Fate, World
from tests.unit.plan_inputs import NOW, binding_facts, binding_spec, dependencies, observed_binding
from tests.unit.steps_room import PLACE, settle


@pytest.fixture
def world() -> World:
    """A signed-in account."""
    made = World()
    made.sign_in()
    return made


@pytest.mark.parametrize("how", ["retain", "detach", "grace"])
def test_a_leaving_object_that_touches_nothing_makes_no_cloud_call(world: World, how: str) -> None:
    """Retain, detach and the grace period are decided without asking the cloud."""
    key = world.binding(**({} if how == "retain" else {"deletionPolicy": "Delete"}))
    settle(world, key)
    world.delete(key)
    if how == "detach":
        world.cluster.mark(key, annotations={DETACH: "true"})
    world.run(key)
    assert world.cloud.calls == []


@pytest.mark.parametrize("how", ["retain", "detach"])
def test_a_refusing_cloud_does_not_hold_back_a_release(world: World, how: str) -> None:
    """A namespace must not hang because the credentials lost a right."""
    key = world.binding(**({} if how == "retain" else {"deletionPolicy": "Delete"}))
    settle(world, key)
    world.delete(key)
    if how == "detach":
        world.cluster.mark(key, annotations={DETACH: "true"})
    refusal = Denied("imm:ListBindings", "no", code="NoPermission")
    world.cloud.fate = lambda _operation: Fate(effect=False, raises=refusal)
    assert world.run(key).gone


def test_a_delete_waits_for_a_create_whose_answer_was_lost(world: World) -> None:
    """A create that arrives late would otherwise scan and bill with nobody owning it."""
    key = world.binding(deletionPolicy="Delete")
    lost = Fate(delay=10, raises=TimedOut("imm:CreateBinding", "lost"), took=1)
    world.cloud.fate = lambda operation: lost if operation == "create_binding" else Fate()
    world.run(key)
    world.delete(key)
    world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
    for _ in range(10):
        if key in world.cluster.bodies:
            world.run(key)
        world.clock.advance(5)
    world.cloud.arrive()
    assert world.cloud.bindings == {}


def test_a_running_binding_stays_ready_while_its_dataset_settles() -> None:
    """An edit of the Dataset must not make every binding of it look broken."""
    needs = dependencies(dataset=Availability.NOT_READY)
    seen = observed_binding(binding=binding_facts("Running", "IncrementalScanning"), needs=needs)
    assert plan(binding_spec(), seen, NOW).verdict.standing == Standing.READY


def test_a_resync_interval_of_nothing_is_no_hot_loop(world: World) -> None:
    """The schema refuses it today; an object stored before that must not storm the cloud."""
    world.cloud.bindings[PLACE] = binding_facts("Running", "IncrementalScanning")
    outcome = world.run(world.binding(resyncInterval="0s"))
    assert outcome.look_again is not None
    assert outcome.look_again >= 10


def test_a_held_back_status_is_looked_at_again_within_the_interval(world: World) -> None:
    """What was not written now is written half a minute later, not at the next resync."""
    key = world.binding(dataset={"ref": "pictures"})
    world.run(world.dataset())
    world.run(key)
    world.clock.advance(1)
    world.dataset(description="edited")
    outcome = world.run(key)
    assert outcome.look_again is not None
    assert outcome.look_again <= 30


def test_the_suspended_condition_says_suspended(world: World) -> None:
    """The reason is what a person filters by."""
    key = world.binding(suspend=True)
    world.run(key)
    assert world.condition(key, "Suspended") == ("True", "Suspended")


def test_observing_adopts_nothing(world: World) -> None:
    """Looking at a binding does not make it ours."""
    world.cloud.bindings[PLACE] = binding_facts("Running", "IncrementalScanning")
    key = world.binding(mode="Observe")
    world.run(key)
    assert world.cluster.read(key).status.adopted is None
    assert world.cluster.events == []


@pytest.mark.parametrize("mode", ["Observe", "DryRun"])
def test_observing_deletes_nothing(world: World, mode: str) -> None:
    """A mode that writes nothing deletes nothing, whatever the deletion policy says."""
    key = world.binding(deletionPolicy="Delete")
    settle(world, key)
    world.binding(deletionPolicy="Delete", mode=mode)
    world.run(key)
    world.delete(key)
    world.clock.advance(601)
    world.run(key)
    assert world.cloud.writes == []


def test_the_same_grace_period_is_written_once(world: World) -> None:
    """The message names the end, not the seconds that are left."""
    key = world.binding(deletionPolicy="Delete", resyncInterval="10s")
    settle(world, key)
    world.cluster.full = True  # it waits by itself
    world.delete(key)
    for _ in range(20):
        world.run(key)
        world.clock.advance(10)
    assert world.cluster.writes == ["status"]


@pytest.mark.parametrize("listed", ["Deleted", None], ids=["as deleted", "not at all"])
def test_absence_rests_on_a_listing_of_this_moment_however_it_was_listed(world: World, listed: str | None) -> None:
    """A minute old listing of a deleted binding does not say that nobody has made it again since."""
    key = world.binding()
    settle(world, key)
    known = world.cloud.bindings.pop(PLACE)
    if listed is not None:
        world.cloud.bindings[PLACE] = replace(known, state=listed)
    world.clock.advance(301)
    world.run(key)
    assert ("False", "BindingVanished") == world.condition(key)
    world.clock.advance(60)
    world.cloud.bindings[PLACE] = known
    world.cloud.calls.clear()
    world.binding(recreatePolicy="Always")
    world.run(key)
    assert ([], ("True", "Succeeded")) == (world.cloud.writes, world.condition(key))

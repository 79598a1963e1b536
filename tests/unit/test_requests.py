"""A requested reconcile is answered from looks that began after the request was received, and those are shared."""

from __future__ import annotations

import pytest

from controller.api.fields import END_GRACE_PERIOD, RECONCILE_REQUESTED_AT
from controller.core.facts import BindingFacts, BucketFacts, DatasetFacts
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import REGION, World
from tests.unit.steps_room import PLACE, poll, settle

MANY = 100


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


def request(world: World, key: Key, word: str = "now") -> None:
    """Somebody annotates the object."""
    world.cluster.mark(key, annotations={RECONCILE_REQUESTED_AT: word})


def bound(world: World, name: str) -> Key:
    """An object that has adopted its binding."""
    world.cloud.bindings["media", "pictures", name] = BindingFacts(
        "media", "pictures", name, "Running", "IncrementalScanning"
    )
    world.cloud.buckets[name] = BucketFacts(name, REGION, objects=1)
    return world.binding(name, bucket=name)


def test_it_tells_of_what_was_changed_a_moment_before(world: World) -> None:
    """The poller listed just before the change, the request follows just after it."""
    key = world.binding()
    settle(world, key)
    world.clock.advance(60)
    poll(world)
    world.clock.advance(0.1)
    world.cloud.set_state("photos", "Stopped", "IncrementalScanning")
    world.clock.advance(0.1)
    request(world, key)
    world.clock.advance(0.1)
    world.run(key)
    assert ("False", "BindingStopped") == world.condition(key)


def test_absence_is_looked_at_anew_too(world: World) -> None:
    """What somebody made a moment ago is adopted, not made a second time."""
    first = world.binding(mode="Observe")
    world.run(first)
    world.clock.advance(0.1)
    world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
    request(world, first)
    world.clock.advance(0.1)
    world.run(first)
    assert ("True", "Succeeded") == world.condition(first)


def test_a_look_after_the_request_is_good_for_its_answer(world: World) -> None:
    """Whoever made it: a pass that waited its turn needs none of its own."""
    key = world.binding()
    settle(world, key)
    request(world, key)
    world.clock.advance(0.1)
    poll(world)
    world.cloud.calls.clear()
    world.clock.advance(30)
    world.run(key)
    assert [] == world.cloud.calls


def test_each_request_is_answered_anew(world: World) -> None:
    """The listing that answered the last one is older than the next."""
    key = world.binding()
    settle(world, key)
    for word in ("a", "b", "c"):
        request(world, key, word)
        world.clock.advance(0.1)
        world.run(key)
    assert ["list_bindings"] * 3 == world.cloud.calls


def test_many_that_are_asked_for_together_share_one_listing(world: World) -> None:
    """However long their passes take."""
    keys = [bound(world, f"photos-{number}") for number in range(MANY)]
    for key in keys:
        world.run(key)
    world.clock.advance(1)
    world.cloud.calls.clear()
    for key in keys:
        request(world, key)
    for key in keys:
        world.clock.advance(0.05)
        world.run(key)
    assert ["list_bindings"] == world.cloud.calls
    assert {"now"} == {world.cluster.read(key).status.last_handled_reconcile_at for key in keys}


def test_requests_that_follow_one_another_share_listings_too(world: World) -> None:
    """As `kubectl annotate --all` makes them: each is answered before the next one comes."""
    keys = [bound(world, f"photos-{number}") for number in range(MANY)]
    for key in keys:
        world.run(key)
    world.cloud.calls.clear()
    began = world.clock()
    for key in keys:
        request(world, key)
        world.clock.advance(0.02)
        world.run(key)
    listings = world.cloud.calls.count("list_bindings")
    assert listings <= 1 + (world.clock() - began).total_seconds() / 0.5


def test_a_dataset_names_what_is_in_its_way_as_of_the_request(world: World) -> None:
    """The project's listing served somebody else a moment before."""
    world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "", bind_count=2)
    world.cloud.bindings["media", "pictures", "a"] = BindingFacts("media", "pictures", "a", "Running", "")
    key = world.dataset(deletionPolicy="Delete")
    world.run(key)
    world.delete(key)
    world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
    world.run(key)
    world.cloud.bindings["media", "pictures", "b"] = BindingFacts("media", "pictures", "b", "Running", "")
    world.clock.advance(0.1)
    world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now", RECONCILE_REQUESTED_AT: "now"})
    world.clock.advance(0.1)
    world.run(key)
    [ready] = [c for c in world.cluster.read(key).status.conditions if c.type == "Ready"]
    assert "oss://a, oss://b" in ready.message

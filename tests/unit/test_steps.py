"""One pass of every managed kind over ports in memory: writes counted, order kept, errors and identity on record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.api.fields import FINALIZER, RECONCILE_REQUESTED_AT
from controller.api.status import Identity
from controller.cloud.errors import (
    TimedOut,
)
from controller.core.facts import BindingFacts, BucketFacts, DatasetFacts
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.ports import ObjectGone, StaleObject
from tests.unit.operator_doubles import ACCOUNT, REGION, Fate, World
from tests.unit.steps_room import PLACE, failing, poll, settle


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


class TestWrites:
    """Law 7 and the figure of the design: three Kubernetes writes to Ready, none afterwards."""

    def test_a_binding_costs_three_writes_to_ready(self, world: World) -> None:
        """Finalizer, intent, and the status that says Ready."""
        key = world.binding()
        world.run(key)
        assert ["hold", "status"] == world.cluster.writes
        world.clock.advance(1)
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
        poll(world)
        world.run(key)
        assert ["hold", "status", "status"] == world.cluster.writes
        assert ("True", "Succeeded") == world.condition(key)

    def test_a_dataset_costs_three_writes_to_ready(self, world: World) -> None:
        """The answer to the create is final, so one pass does it all."""
        key = world.dataset()
        world.run(key)
        assert ["hold", "status", "status"] == world.cluster.writes
        assert ("True", "Succeeded") == world.condition(key)
        assert ["create_dataset"] == world.cloud.writes

    def test_an_existing_binding_is_adopted_with_two_writes(self, world: World) -> None:
        """No intent is needed for what is there."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        world.run(world.binding())
        assert ["hold", "status"] == world.cluster.writes

    @pytest.mark.parametrize("kind", ["binding", "dataset"])
    def test_a_second_pass_of_a_settled_object_writes_nothing(self, world: World, kind: str) -> None:
        """Neither to the cloud nor to Kubernetes, however often and whatever woke it."""
        key = world.binding() if kind == "binding" else world.dataset()
        settle(world, key)
        for seconds in (0, 1, 600, 86_400):
            world.clock.advance(seconds)
            outcome = world.run(key)
            assert Outcome(look_again=600) == outcome
        assert ([], []) == (world.cluster.writes, world.cloud.writes)
        assert [] == world.cluster.events

    def test_a_settled_binding_costs_no_cloud_call_while_the_snapshot_is_fresh(self, world: World) -> None:
        """Law 6: the project's listing serves it."""
        key = world.binding()
        settle(world, key)
        world.run(key)
        assert [] == world.cloud.calls

    def test_what_was_made_together_is_found_by_the_pollers_one_listing(self, world: World) -> None:
        """The intent stands in the status still; a listing since it was recorded settles it, for each of them."""
        keys = [world.binding(f"b-{number}", bucket=f"photos-{number}") for number in range(10)]
        for number, key in enumerate(keys):
            world.cloud.buckets[f"photos-{number}"] = BucketFacts(f"photos-{number}", REGION, objects=1)
            world.run(key)
        world.clock.advance(5)
        for number, key in enumerate(keys):
            world.cloud.set_state(f"photos-{number}", "Running", "IncrementalScanning")
            assert world.cluster.read(key).status.intent is not None
        poll(world)
        world.cloud.calls.clear()
        world.clock.advance(1)
        for key in keys:
            world.run(key)
            assert ("True", "Succeeded") == world.condition(key)
        assert [] == world.cloud.calls

    def test_an_old_snapshot_is_not_trusted(self, world: World) -> None:
        """When the poller fails, the pass itself must look."""
        key = world.binding()
        settle(world, key)
        world.clock.advance(301)
        world.run(key)
        assert ["list_bindings"] == world.cloud.calls

    def test_an_object_that_waits_for_its_dataset_asks_the_cloud_for_nothing_of_its_own(self, world: World) -> None:
        """A Dataset that does not exist has no project to list."""
        key = world.binding(dataset={"ref": "nobody"})
        for _ in range(3):
            assert Outcome(look_again=600) == world.run(key)
        assert [] == world.cloud.calls

    def test_it_waits_for_a_dataset_whose_project_is_missing(self, world: World) -> None:
        """That is the Dataset's to tell, and its message is quoted."""
        world.dataset(project="nowhere")
        world.run(Key("Dataset", "team", "pictures"))
        key = world.binding(dataset={"ref": "pictures"})
        world.run(key)
        assert ("False", "DependencyNotReady") == world.condition(key)

    @pytest.mark.parametrize("standing", ["stalled", "waiting", "planned", "suspended"])
    def test_an_object_that_cannot_go_on_writes_its_status_once(self, world: World, standing: str) -> None:
        """Standing still is settled, too."""
        spec: dict[str, dict[str, Any]] = {
            "stalled": {"maxObjects": 1},
            "waiting": {"accountRef": {"name": "nobody"}},
            "planned": {"mode": "Observe"},
            "suspended": {"suspend": True},
        }
        key = world.binding(**spec[standing])
        world.run(key)
        before = list(world.cluster.writes)
        for _ in range(3):
            world.clock.advance(40)
            world.run(key)
        assert before == world.cluster.writes
        assert 1 == before.count("status")
        assert [] == world.cloud.writes

    def test_progress_is_written_at_most_every_thirty_seconds(self, world: World) -> None:
        """A long scan does not fill the API server."""
        key = world.binding()
        for second in range(0, 120, 5):
            world.cloud.set_state("photos", "Running", f"FullScanning{second}")
            poll(world)
            world.run(key)
            world.clock.advance(5)
        assert 4 == world.cluster.writes.count("status")  # the intent, and one each at 30, 60 and 90 s

    def test_ready_is_never_held_back(self, world: World) -> None:
        """Progress waits, results do not."""
        key = world.binding()
        world.run(key)
        world.clock.advance(1)
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
        poll(world)
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)

    def test_an_edit_is_reported_at_once(self, world: World) -> None:
        """The observed generation follows the spec even within the thirty seconds."""
        key = world.binding()
        world.run(key)
        world.binding(maxObjects=5000)
        world.clock.advance(1)
        world.run(key)
        assert 2 == world.cluster.read(key).status.observed_generation

    def test_a_request_to_reconcile_is_echoed_at_once(self, world: World) -> None:
        """Flux and people wait for the echo, also one of a token longer than the status holds."""
        key = world.binding()
        world.run(key)
        world.clock.advance(1)
        world.cluster.mark(key, annotations={RECONCILE_REQUESTED_AT: "t" * 200})
        world.run(key)
        assert "t" * 128 == world.cluster.read(key).status.last_handled_reconcile_at


class TestOrder:
    """Finalizer before intent before submit, each from the newest version."""

    def test_the_intent_stands_in_the_cluster_before_the_submit(self, world: World) -> None:
        """At the moment of the call the stored object is held and announces it."""
        key = world.binding()
        stored: list[tuple[bool, str | None]] = []

        def fate(operation: str) -> Fate:
            if operation == "create_binding":
                now = world.cluster.read(key)
                stored.append((now.metadata.held, now.status.intent and now.status.intent.operation))
            return Fate()

        world.cloud.fate = fate
        world.run(key)
        assert [(True, "CreateBinding")] == stored

    @pytest.mark.parametrize("what", ["hold", "status"])
    def test_a_stale_object_stops_the_pass_before_the_cloud_is_touched(self, world: World, what: str) -> None:
        """409: nothing was planned from the version that is stored now."""
        key = world.binding()

        def edited_meanwhile(write: str) -> None:
            if write == what and len(world.cluster.writes) < 2:
                world.cluster.mark(key, labels={"by": "somebody"})

        world.cluster.before_write = edited_meanwhile
        with pytest.raises(StaleObject):
            world.run(key)
        assert [] == world.cloud.writes
        world.cluster.before_write = lambda _what: None
        world.run(key)
        assert ["bind photos"] == world.cloud.effects

    def test_an_object_that_is_gone_ends_the_pass(self, world: World) -> None:
        """404 goes up as such."""
        key = world.binding()
        target = world.cluster.read(key)
        world.delete(key)
        with pytest.raises(ObjectGone):
            world.cluster.hold(target)

    def test_a_held_object_keeps_other_peoples_finalizers(self, world: World) -> None:
        """Ours is added to theirs and taken off alone."""
        key = world.binding()
        world.cluster.mark(key, finalizers=["example.com/theirs"])
        world.run(key)
        assert ("example.com/theirs", FINALIZER) == world.cluster.read(key).metadata.finalizers
        world.delete(key)
        assert Outcome(gone=True) == world.run(key)
        assert ("example.com/theirs",) == world.cluster.read(key).metadata.finalizers
        assert Outcome(gone=True) == world.run(key)


class TestStatus:
    """What the status records."""

    @pytest.mark.parametrize("existed", [True, False])
    def test_adopted_tells_who_made_the_binding(self, world: World, *, existed: bool) -> None:
        """And an adoption is an event, once."""
        if existed:
            world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        key = world.binding()
        settle_events = world.cluster.events
        world.run(key)
        world.clock.advance(31)
        world.run(key)
        assert existed is world.cluster.read(key).status.adopted
        assert int(existed) == [reason for reason, _ in settle_events].count("Adopted")

    def test_an_adoption_whose_status_is_held_back_is_still_one_event(self, world: World) -> None:
        """It is told when it is written down."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "FullScanning")
        world.cluster.put("Dataset", "later", world.cluster.bodies[world.dataset("later")]["spec"])
        key = world.binding(dataset={"ref": "later"})
        world.run(key)
        assert ("False", "Indexing") == world.condition(key)  # it is there, whatever its Dataset object says
        world.run(Key("Dataset", "team", "later"))
        for _ in range(8):
            world.run(key)
            world.clock.advance(5)
        adoptions = [message for reason, message in world.cluster.events if reason == "Adopted"]
        assert 1 == len([message for message in adoptions if message])
        assert world.cluster.read(key).status.adopted is True

    @pytest.mark.parametrize("existed", [True, False])
    def test_adopted_tells_who_made_the_dataset(self, world: World, *, existed: bool) -> None:
        """Found is adopted, created is not."""
        if existed:
            world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "")
        key = world.dataset()
        world.run(key)
        assert existed is world.cluster.read(key).status.adopted

    @pytest.mark.parametrize("kind", ["binding", "dataset"])
    def test_the_identity_is_on_record_with_the_first_status(self, world: World, kind: str) -> None:
        """Deletion relies on it: it stands before anything is made."""
        key = world.binding() if kind == "binding" else world.dataset()
        failing(world, f"create_{kind}", TimedOut("imm:Create", "lost"))
        world.run(key)
        assert Identity(account_id=ACCOUNT, region=REGION) == world.cluster.read(key).status.identity

    def test_state_phase_and_reason_are_the_clouds(self, world: World) -> None:
        """Shown as they are, also ones the operator does not know."""
        key = world.binding()
        settle(world, key)
        world.cloud.set_state("photos", "Hibernating", "Dreaming", "x" * 600)
        world.clock.advance(31)
        poll(world)
        world.run(key)
        status = world.cluster.read(key).status
        assert ("Hibernating", "Dreaming", "x" * 512) == (status.state, status.phase, status.reason)

    def test_a_binding_that_was_not_looked_at_keeps_its_last_known_state(self, world: World) -> None:
        """A Dataset object that is not ready says nothing about the binding in the cloud."""
        world.run(world.dataset())
        key = world.binding(dataset={"ref": "pictures"})
        settle(world, key)
        world.dataset(description="an edit that is not observed yet")
        world.run(key)
        status = world.cluster.read(key).status
        assert ("Running", "IncrementalScanning") == (status.state, status.phase)

    def test_a_vanished_binding_shows_no_state(self, world: World) -> None:
        """Looked for and not found is another matter."""
        key = world.binding()
        settle(world, key)
        world.cloud.bindings.clear()
        poll(world)
        world.run(key)
        status = world.cluster.read(key).status
        assert (None, None) == (status.state, status.phase)
        assert ("False", "BindingVanished") == world.condition(key)
        assert ["BindingVanished"] == [reason for reason, _ in world.cluster.events]

    def test_statistics_and_template_are_reported(self, world: World) -> None:
        """As the cloud has them."""
        found = DatasetFacts("media", "pictures", "T", "", file_count=3, total_file_size=70, bind_count=2)
        world.cloud.datasets["media", "pictures"] = found
        key = world.dataset()
        world.run(key)
        status = world.cluster.read(key).status
        assert ("T", 3, 70, 2) == (
            status.template_id,
            status.statistics.files,
            status.statistics.total_size,
            status.statistics.bindings,
        )

    def test_an_update_settles_until_it_shows(self, world: World) -> None:
        """One call, Settling meanwhile, Ready when the cloud shows it, and the intent is gone."""
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "")
        key = world.dataset(description="new")
        for _ in range(6):
            world.run(key)
            assert ("False", "Settling") == world.condition(key) or ("False", "Updating") == world.condition(key)
            world.clock.advance(30)
        assert ["update_dataset"] == world.cloud.writes
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "new")
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)
        assert world.cluster.read(key).status.intent is None


def test_a_conflict_on_create_is_found_by_the_next_look(world: World) -> None:
    """Somebody else was faster: it is adopted once the listing shows it."""
    key = world.binding()

    def faster(operation: str) -> Fate:
        if operation == "create_binding":
            world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "")
        return Fate()

    world.cloud.fate = faster
    assert world.run(key).failed
    world.clock.advance(31)
    world.run(key)
    assert [] == world.cloud.effects
    assert world.cluster.read(key).status.adopted is True


def test_the_clock_of_the_intent_is_the_operators(world: World) -> None:
    """Recorded when it was planned."""
    key = world.binding()
    failing(world, "create_binding", TimedOut("imm:CreateBinding", "lost"))
    world.run(key)
    intent = world.cluster.read(key).status.intent
    assert world.clock() - intent.recorded_at < timedelta(seconds=1)

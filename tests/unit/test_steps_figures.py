"""Whole passes over figures: progress of a scan, statistics, what a dry run would cost, what is in a delete's way.

Each is counted: what a settled object costs, and what a scan costs while it lasts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.api.fields import END_GRACE_PERIOD
from controller.cloud.errors import Denied, NotEmpty, Throttled
from controller.core.facts import BindingFacts, BucketFacts, DatasetFacts, Scanned
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.scans import Scans
from tests.unit.operator_doubles import REGION, START, World
from tests.unit.steps_room import PLACE, failing, poll, settle

LOOKS = {"get_dataset", "get_bucket"}


@pytest.fixture
def world() -> World:
    """A signed-in account, a dataset with three files in it."""
    made = World()
    made.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "", file_count=3)
    made.sign_in()
    return made


def scanning(world: World) -> Key:
    """A binding of the dataset that scans, nothing counted yet."""
    key = world.binding()
    world.run(key)
    world.clock.advance(1)
    world.cloud.set_state("photos", "Running", "FullScanning")
    poll(world)
    world.cloud.calls.clear()
    world.cluster.writes.clear()
    return key


def indexed(world: World, files: int) -> None:
    """The cloud has indexed so many files."""
    found = world.cloud.datasets["media", "pictures"]
    world.cloud.datasets["media", "pictures"] = replace(found, file_count=files)


def looks(world: World) -> list[str]:
    """Calls that only progress asks for."""
    return [call for call in world.cloud.calls if call in LOOKS]


class TestProgress:
    """Told only where the cloud can tell: at once when a scan is first seen, then every 30 s."""

    def test_it_is_reported_when_the_scan_is_first_seen(self, world: World) -> None:
        """Files in the dataset of objects in the bucket, also right after a status that knew of no scan."""
        key = scanning(world)
        world.run(key)
        progress = world.cluster.read(key).status.progress
        assert (3, 10) == (progress.indexed, progress.total)
        [ready] = [c for c in world.cluster.read(key).status.conditions if c.type == "Ready"]
        assert "3 of 10 objects" in ready.message

    def test_a_scan_costs_two_calls_and_a_write_every_thirty_seconds(self, world: World) -> None:
        """However often the poller wakes it."""
        key = scanning(world)
        costs = []
        for second in range(0, 125, 5):
            poll(world)
            indexed(world, second // 15)
            world.run(key)
            costs.append((second, len(looks(world)), len(world.cluster.writes)))
            world.clock.advance(5)
        assert [(0, 2, 1), (30, 4, 2), (60, 6, 3), (90, 8, 4), (120, 10, 5)] == costs[::6]

    def test_a_scan_that_does_not_move_is_asked_about_no_more_often(self, world: World) -> None:
        """Nothing to write must not mean to ask each time."""
        key = scanning(world)
        for _ in range(25):
            world.run(key)
            world.clock.advance(5)
        assert 10 == len(looks(world))
        assert 1 == len(world.cluster.writes)

    def test_where_the_cloud_cannot_tell_it_is_asked_no_more_often(self, world: World) -> None:
        """Nothing to show must not mean to ask each time either."""
        indexed(world, 11)
        key = scanning(world)
        for _ in range(25):
            world.run(key)
            world.clock.advance(5)
        assert 10 == len(looks(world))

    def test_two_bindings_in_a_dataset_leave_it_untold_and_unasked(self, world: World) -> None:
        """The cloud counts per dataset."""
        world.cloud.bindings["media", "pictures", "others"] = BindingFacts("media", "pictures", "others", "Running", "")
        key = scanning(world)
        world.clock.advance(40)
        world.run(key)
        assert ([], None) == (looks(world), world.cluster.read(key).status.progress)

    def test_a_binding_that_is_listed_as_deleted_does_not_count(self, world: World) -> None:
        """It indexes nothing any more."""
        world.cloud.bindings["media", "pictures", "old"] = BindingFacts("media", "pictures", "old", "Deleted", "")
        key = scanning(world)
        world.clock.advance(40)
        world.run(key)
        assert world.cluster.read(key).status.progress is not None

    def test_more_files_than_objects_tell_nothing(self, world: World) -> None:
        """They are of other buckets, or indexed by hand."""
        indexed(world, 11)
        key = scanning(world)
        world.clock.advance(40)
        world.run(key)
        assert world.cluster.read(key).status.progress is None

    @pytest.mark.parametrize("error", [Throttled, Denied])
    def test_a_look_that_fails_fails_nothing(self, world: World, error: type[Throttled | Denied]) -> None:
        """The pass goes on without it, and it is not asked again before its time."""
        key = scanning(world)
        world.clock.advance(31)
        failing(world, "get_dataset", error("imm:GetDataset", "no"))
        assert Outcome(look_again=30.0) == world.run(key)
        world.clock.advance(5)
        world.run(key)
        assert ["get_dataset"] == looks(world)
        assert ("False", "Indexing") == world.condition(key)

    @pytest.mark.parametrize(
        ("state", "phase"), [("Running", "IncrementalScanning"), ("Failed", ""), ("Stopped", "FullScanning")]
    )
    def test_it_goes_when_the_scan_is_over(self, world: World, state: str, phase: str) -> None:
        """Ready or at a standstill: neither shown nor asked about, ever again."""
        key = scanning(world)
        world.clock.advance(31)
        world.run(key)
        world.cloud.set_state("photos", state, phase)
        poll(world)
        world.cloud.calls.clear()
        for _ in range(4):
            world.run(key)
            world.clock.advance(60)
        assert ([], None) == (looks(world), world.cluster.read(key).status.progress)

    def test_a_vanished_one_shows_none(self, world: World) -> None:
        """What is not there does not get on."""
        key = scanning(world)
        world.clock.advance(31)
        world.run(key)
        world.cloud.bindings.clear()
        world.clock.advance(3)
        poll(world)
        world.run(key)
        assert world.cluster.read(key).status.progress is None


def test_whoever_asks_meanwhile_shares_the_look_under_way() -> None:
    """A slow answer is waited for once; the others go on with what was known before."""
    scans, asked = Scans(), []

    def ask() -> Scanned:
        asked.append(1)
        assert None is scans.look("scan", START, ask)  # somebody else comes while this one waits
        return Scanned(len(asked), 10)

    assert Scanned(1, 10) == scans.look("scan", START, ask)
    assert Scanned(1, 10) == scans.look("scan", START + timedelta(seconds=29), ask)
    assert 1 == len(asked)


def test_scans_that_nobody_asks_about_any_more_are_forgotten() -> None:
    """Memory holds half a minute of them."""
    scans = Scans()
    for second in range(1000):
        scans.look(second, START + timedelta(seconds=second), lambda: Scanned(1, 1))
    assert len(scans) <= 31


class TestStatistics:
    """A dataset's figures change all the time."""

    def test_a_figure_alone_is_written_at_most_every_thirty_seconds(self, world: World) -> None:
        """And is not lost: the pass comes back for what it held back."""
        key = world.dataset()
        world.run(key)
        world.cluster.writes.clear()
        written = []
        for second in range(0, 65, 5):
            indexed(world, 100 + second)
            outcome = world.run(key)
            written.append(len(world.cluster.writes))
            if written[-1] == 0:
                assert Outcome(look_again=30.0) == outcome
            world.clock.advance(5)
        assert [0, 1, 2] == written[::6]
        assert 160 == world.cluster.read(key).status.statistics.files

    def test_a_verdict_is_never_held_back_by_a_figure(self, world: World) -> None:
        """Drift and a new count together are news at once."""
        key = world.dataset(mode="Observe", description="ours")
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "ours")
        world.run(key)
        world.cluster.writes.clear()
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "theirs", file_count=9)
        world.run(key)
        assert (["status"], ("False", "DriftDetected")) == (world.cluster.writes, world.condition(key))

    def test_equal_figures_are_written_once(self, world: World) -> None:
        """Looking is not news."""
        key = world.dataset()
        world.run(key)
        world.cluster.writes.clear()
        for _ in range(4):
            world.clock.advance(600)
            world.run(key)
        assert [] == world.cluster.writes


class TestDryRun:
    """What Apply would do, and what that would cost."""

    def test_a_binding_shows_objects_and_the_template_in_force(self, world: World) -> None:
        """The dataset's own."""
        key = world.binding(mode="DryRun")
        world.run(key)
        assert [
            "bind oss://photos to dataset media/pictures",
            "scan and bill the 10 objects of oss://photos, with template T",
        ] == world.cluster.read(key).status.planned_changes
        assert ([], ["status"]) == (world.cloud.writes, world.cluster.writes)

    @pytest.mark.parametrize(
        ("spec", "template"), [({}, "Official:Default"), ({"templateId": "Official:X"}, "Official:X")]
    )
    def test_a_binding_of_a_dataset_that_is_only_planned_shows_what_would_be(
        self, world: World, spec: dict[str, str], template: str
    ) -> None:
        """A whole stack can be planned before anything of it is paid for."""
        world.cloud.datasets.clear()
        dataset = world.dataset(mode="DryRun", **spec)
        world.run(dataset)
        key = world.binding(mode="DryRun", dataset={"ref": "pictures"})
        world.run(key)
        changes = world.cluster.read(key).status.planned_changes
        assert f"scan and bill the 10 objects of oss://photos, with template {template}" in changes
        planned = " ".join(world.cluster.read(dataset).status.planned_changes)
        assert template in planned
        assert [] == world.cloud.writes

    def test_a_settled_binding_asks_for_no_template(self, world: World) -> None:
        """There is nothing to plan."""
        key = world.binding()
        settle(world, key)
        world.binding(mode="DryRun")
        world.run(key)
        assert [] == looks(world)

    def test_apply_asks_for_no_template(self, world: World) -> None:
        """The cloud decides that."""
        world.run(world.binding())
        assert "get_dataset" not in world.cloud.calls
        assert "get_project" not in world.cloud.calls


class TestInTheWay:
    """A dataset that is to be deleted and is not empty."""

    def leave(self, world: World) -> Key:
        """Ask for the delete of a Dataset that was kept."""
        key = world.dataset(deletionPolicy="Delete")
        world.run(key)
        world.delete(key)
        world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
        return key

    def message(self, world: World, key: Key) -> str:
        """Why it does not go."""
        assert ("False", "NotEmpty") == world.condition(key)
        return str(next(c.message for c in world.cluster.read(key).status.conditions if c.type == "Ready"))

    def test_its_bindings_are_named_and_its_files_counted(self, world: World) -> None:
        """Those of other datasets and deleted ones are not among them."""
        for bucket, dataset, state in (
            ("b", "pictures", "Running"),
            ("a", "pictures", "Stopped"),
            ("c", "pictures", "Deleted"),
            ("d", "music", "Running"),
        ):
            world.cloud.bindings["media", dataset, bucket] = BindingFacts("media", dataset, bucket, state, "")
        world.cloud.datasets["media", "pictures"] = DatasetFacts(
            "media", "pictures", "T", "", bind_count=2, file_count=3
        )
        key = self.leave(world)
        assert Outcome(look_again=60.0) == world.run(key)
        assert "still has 2 bindings (oss://a, oss://b) and 3 files" in self.message(world, key)
        assert [] == world.cloud.writes

    def test_files_alone_need_no_listing(self, world: World) -> None:
        """What is counted is enough."""
        key = self.leave(world)
        world.cloud.calls.clear()
        world.run(key)
        assert "still has 0 bindings and 3 files" in self.message(world, key)
        assert ["get_dataset"] == world.cloud.calls

    def test_a_refusal_by_the_cloud_reads_the_same(self, world: World) -> None:
        """Its statistics may lag behind."""
        indexed(world, 0)
        key = self.leave(world)
        failing(world, "delete_dataset", NotEmpty("imm:DeleteDataset", "it still has 4 files", code="ResourceInUse"))
        world.run(key)
        assert "it still has 4 files; delete what is in it" in self.message(world, key)


class TestDrift:
    """Mode Observe through the whole pass."""

    def test_each_field_is_in_status_and_in_one_event(self, world: World) -> None:
        """The event comes with what is new, and not again."""
        key = world.dataset(mode="Observe", description="ours")
        for _ in range(3):
            world.run(key)
            world.clock.advance(600)
        assert [("description", "ours", "unset")] == self.drift(world, key)
        assert [("DriftDetected", "description: wanted ours, is unset")] == world.cluster.events
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "theirs")
        world.run(key)
        assert [("DriftDetected", "description: wanted ours, is theirs")] == world.cluster.events[1:]
        assert ([], []) == (world.cloud.writes, [write for write in world.cluster.writes if write != "status"])

    def test_what_is_mended_is_drift_no_more(self, world: World) -> None:
        """The status says so without an event; the next drift is news again."""
        key = world.dataset(mode="Observe", description="ours")
        world.run(key)
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "ours")
        world.run(key)
        assert ([], ("True", "Succeeded")) == (self.drift(world, key), world.condition(key))
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "theirs")
        world.run(key)
        assert 2 == len(world.cluster.events)

    def test_leaving_mode_observe_ends_the_report(self, world: World) -> None:
        """Mode Apply mends instead."""
        key = world.dataset(mode="Observe", description="ours")
        world.run(key)
        world.dataset(description="ours")
        world.run(key)
        assert ([], ["update_dataset"]) == (self.drift(world, key), world.cloud.writes)

    def test_a_binding_that_stops_is_one_event(self, world: World) -> None:
        """Where the cloud paused it, mode Observe says it as drift."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        world.cloud.buckets["photos"] = BucketFacts("photos", REGION, objects=10)
        key = world.binding(mode="Observe")
        world.run(key)
        world.cloud.set_state("photos", "Stopped", "IncrementalScanning")
        for _ in range(3):
            world.clock.advance(5)
            poll(world)
            world.run(key)
        assert [("state", "Running", "Stopped")] == self.drift(world, key)
        assert [("DriftDetected", "state: wanted Running, is Stopped")] == world.cluster.events

    def drift(self, world: World, key: Key) -> list[tuple[str, str, str]]:
        """Field, wanted, actual."""
        return [(one.field, one.wanted, one.actual) for one in world.cluster.read(key).status.drift]

"""Modes, suspension, references and intervals on the real API server: what is told, what is written, and how soon."""

from __future__ import annotations

import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.core.facts import QuotaFacts
from emulator.imm.lifecycle import force_binding_state
from tests.integration.world import PROJECT, World

PHOTO = Path(__file__).parents[2] / "examples" / "media" / "photos" / "dune.jpg"
BINDING, DATASET = "datasetbinding", "dataset"
WRITES = ("CreateDataset", "UpdateDataset", "DeleteDataset", "CreateBinding", "DeleteBinding")


def status(world: World, kind: str, name: str) -> dict[str, Any]:
    """The object's status as stored."""
    return dict((world.get(kind, name) or {}).get("status") or {})


def cloud_writes(world: World) -> list[int]:
    """How often each writing operation was called so far."""
    return [world.calls(operation) for operation in WRITES]


def describe(world: World, dataset: str, words: str) -> None:
    """Somebody else changes the description in the cloud."""
    world.imm.update_dataset(PROJECT, dataset, template_id=None, description=words, quotas=QuotaFacts())


def make_dataset(world: World, name: str, template: str | None = None) -> None:
    """A dataset made by hand."""
    world.imm.create_dataset(PROJECT, name, template_id=template, description=None, quotas=QuotaFacts())


def make_bucket(world: World, name: str, objects: int) -> None:
    """A bucket that holds photos."""
    bucket = world.bucket(name)
    for number in range(objects):
        bucket.put_object_from_file(f"{number}.jpg", str(PHOTO))


def metric(world: World, name: str) -> float:
    """A metric of the operator, by its name and labels as Prometheus writes them."""
    assert world.operator is not None
    with urllib.request.urlopen(f"{world.operator.url}/metrics") as answer:  # noqa: S310 - our own process
        lines = answer.read().decode().splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def bind(world: World, name: str, bucket: str, **spec: object) -> None:
    """A DatasetBinding of a dataset that has no Dataset object."""
    own = {"accountRef": {"name": "main"}, "dataset": {"project": PROJECT, "name": name}, "bucket": bucket}
    world.apply("DatasetBinding", name, own | spec)


def scan_rate(world: World, files_per_second: float) -> None:
    """How fast the cloud scans from now on."""

    def set_rate(instance: Any) -> None:
        instance.cloud.imm_settings.scan_files_per_second = files_per_second

    world.cloud.run(set_rate)


class TestObserve:
    """Drift field by field in status, event and metric; nothing written."""

    def test_a_datasets_drift_and_its_end(self, world: World) -> None:
        """Two fields drift, one event tells both, a third value is told again, and what is mended is drift no more."""
        make_dataset(world, "watched")
        before = cloud_writes(world)
        counted = 'imm_operator_drift_detected_total{field="description",kind="Dataset"}'
        drifted = 'imm_operator_drifted_objects{kind="Dataset"}'
        known = metric(world, counted), metric(world, drifted)
        world.dataset("watched", mode="Observe", description="ours", quotas={"maxFileCount": 7})
        condition = world.await_reason(DATASET, "watched", "DriftDetected")
        assert "description: wanted ours, is unset" in condition["message"]
        drift = {"field": "description", "wanted": "ours", "actual": "unset"}
        assert drift in status(world, DATASET, "watched")["drift"]
        assert [one["field"] for one in status(world, DATASET, "watched")["drift"]] == [
            "description",
            "quotas.maxFileCount",
        ]
        (told,) = world.await_event("Dataset", "watched", "DriftDetected")
        assert "quotas.maxFileCount: wanted 7, is 100000000" in told
        assert (metric(world, counted), metric(world, drifted)) == (known[0] + 1, known[1] + 1)
        assert cloud_writes(world) == before
        assert "finalizers" not in (world.get(DATASET, "watched") or {})["metadata"]

        world.imm.update_dataset(
            PROJECT, "watched", template_id=None, description="ours", quotas=QuotaFacts(max_file_count=7)
        )
        world.request(DATASET, "watched", "look")
        assert world.await_ready(DATASET, "watched")["status"].get("drift") is None
        world.until("the metric to follow", lambda: metric(world, drifted) == known[1])
        describe(world, "watched", "theirs")
        world.request(DATASET, "watched", "again")
        assert status(world, DATASET, "watched")["drift"] == [drift | {"actual": "theirs"}]

    def test_a_stopped_binding_is_drift(self, world: World) -> None:
        """A requested reconcile lists anew and sees it; the way out is in the message."""
        make_dataset(world, "halting")
        make_bucket(world, "halting-bucket", 1)
        world.imm.create_binding(PROJECT, "halting", "halting-bucket")
        bind(world, "halting", "halting-bucket", mode="Observe")
        world.await_ready(BINDING, "halting")
        before = cloud_writes(world)
        account, region = world.cloud.account_id, world.cloud.region
        world.cloud.run(
            lambda instance: force_binding_state(
                instance.cloud, account, region, PROJECT, "halting", "oss://halting-bucket", "Stopped", ""
            )
        )
        world.request(BINDING, "halting", "look")  # a settled project is listed once a minute
        assert "IMM console" in world.condition(BINDING, "halting", "Ready")["message"]
        assert status(world, BINDING, "halting")["drift"] == [
            {"field": "state", "wanted": "Running", "actual": "Stopped"}
        ]
        assert ["state: wanted Running, is Stopped"] == world.await_event("DatasetBinding", "halting", "DriftDetected")
        assert cloud_writes(world) == before

    def test_an_absent_binding_is_drift_and_is_not_made(self, world: World) -> None:
        """Nothing is bound, and so nothing billed."""
        make_dataset(world, "unbound")
        make_bucket(world, "unbound-bucket", 1)
        before = cloud_writes(world)
        bind(world, "unbound", "unbound-bucket", mode="Observe")
        world.await_reason(BINDING, "unbound", "DriftDetected")
        assert status(world, BINDING, "unbound")["drift"] == [
            {"field": "binding", "wanted": "present", "actual": "absent"}
        ]
        assert cloud_writes(world) == before


class TestDryRun:
    """What Apply would do and what that would cost, before anything of it is paid for."""

    def test_a_binding_shows_the_objects_and_the_template_in_force(self, world: World) -> None:
        """The dataset's own template; and Apply does just that."""
        make_dataset(world, "costly", "Official:ImageManagement")
        make_bucket(world, "costly-bucket", 3)
        before = cloud_writes(world)
        bind(world, "costly", "costly-bucket", mode="DryRun")
        world.await_reason(BINDING, "costly", "Planned")
        assert status(world, BINDING, "costly")["plannedChanges"] == [
            f"bind oss://costly-bucket to dataset {PROJECT}/costly",
            "scan and bill the 3 objects of oss://costly-bucket, with template Official:ImageManagement",
        ]
        assert cloud_writes(world) == before
        bind(world, "costly", "costly-bucket")
        assert "plannedChanges" not in world.await_ready(BINDING, "costly")["status"]

    def test_a_stack_that_is_only_planned_is_planned_to_its_end(self, world: World) -> None:
        """The binding does not wait for a Dataset that is not to be made."""
        make_bucket(world, "paper-bucket", 2)
        world.dataset("paper", mode="DryRun", templateId="Official:ImageManagement")
        world.binding("paper", "paper-bucket", "paper", mode="DryRun")
        world.await_reason(BINDING, "paper", "Planned")
        changes = status(world, BINDING, "paper")["plannedChanges"]
        assert "scan and bill the 2 objects of oss://paper-bucket, with template Official:ImageManagement" in changes
        assert world.imm.get_dataset(PROJECT, "paper") is None


class TestSuspend:
    """It stops our writes, shows, and blocks no deletion."""

    def test_a_suspended_dataset_holds_an_edit_back_until_it_goes_on(self, world: World) -> None:
        """Ready stays as it was, Suspended says what waits."""
        world.dataset("resting", description="first")
        world.await_ready(DATASET, "resting")
        before = cloud_writes(world)
        world.dataset("resting", description="second", suspend=True)
        world.until(
            "Suspended to show what it holds back",
            lambda: "description first → second" in world.condition(DATASET, "resting", "Suspended").get("message", ""),
        )
        assert world.condition(DATASET, "resting", "Ready")["status"] == "True"
        world.request(DATASET, "resting", "even-so")
        assert cloud_writes(world) == before
        world.dataset("resting", description="second")
        world.until("the edit to arrive", lambda: _description(world, "resting") == "second")
        assert world.condition(DATASET, "resting", "Suspended") == {}

    def test_a_suspended_binding_is_deleted_all_the_same(self, world: World) -> None:
        """With policy Delete it is unbound, suspended or not."""
        make_dataset(world, "ending")
        make_bucket(world, "ending-bucket", 1)
        own = {"deletionPolicy": "Delete", "deletionGracePeriod": "0s"}
        bind(world, "ending", "ending-bucket", **own)
        world.await_ready(BINDING, "ending")
        bind(world, "ending", "ending-bucket", suspend=True, **own)
        world.until(
            "Suspended to show", lambda: world.condition(BINDING, "ending", "Suspended").get("status") == "True"
        )
        world.delete(BINDING, "ending")
        world.await_gone(BINDING, "ending")
        assert [b for b in world.imm.list_bindings(PROJECT) if b.bucket == "ending-bucket"] == []


class TestReferences:
    """Order through conditions; nobody polls for a dependency."""

    def test_a_waiting_object_asks_the_cloud_for_nothing(self, world: World) -> None:
        """Its dependency's change is what it waits for."""
        make_bucket(world, "patient-bucket", 1)
        world.binding("patient", "patient-bucket", "nobody")
        world.await_reason(BINDING, "patient", "DependencyNotFound")
        before = world.cloud.counts()["imm"], world.calls("CreateBinding")
        for turn in range(3):
            world.request(BINDING, "patient", f"look-{turn}")
        asked = {name: n for name, n in world.cloud.counts()["imm"].items() if n != before[0].get(name)}
        assert set(asked) <= {"ListBindings"}, asked  # the poller's, for other bindings of this file
        assert world.calls("CreateBinding") == before[1]

    def test_a_dependency_that_is_not_ready_is_quoted(self, world: World) -> None:
        """What it says of itself is in the message."""
        make_bucket(world, "quoting-bucket", 1)
        world.dataset("quoted", project="nowhere")
        world.await_reason(DATASET, "quoted", "ProjectNotFound")  # before that there is nothing to quote
        world.binding("quoting", "quoting-bucket", "quoted")
        message = world.await_reason(BINDING, "quoting", "DependencyNotReady")["message"]
        assert "waiting for Dataset quoted to become Ready: ProjectNotFound" in message

    def test_a_dependency_that_becomes_ready_wakes_within_a_second(self, world: World) -> None:
        """From the Dataset's last write to the binding's first, by the API server's own clock; the best of three."""
        gaps = []
        for turn in range(3):
            name = f"woken-{turn}"
            make_bucket(world, f"{name}-bucket", 1)
            world.binding(name, f"{name}-bucket", name)
            world.await_reason(BINDING, name, "DependencyNotFound")
            world.dataset(name)
            world.await_ready(BINDING, name)
            ready = world.timed_writes("datasets", name)[2]  # finalizer, intent, Ready
            held = next(w for w in world.timed_writes("datasetbindings", name) if w[0] == "patch object")
            gaps.append(held[1] - ready[1])
        assert min(gaps) < timedelta(seconds=1), gaps

    def test_a_dependency_that_goes_is_told_within_a_second(self, world: World) -> None:
        """A binding that still needs it says so; the best of three."""
        gaps = []
        for turn in range(3):
            name = f"left-{turn}"
            make_bucket(world, f"{name}-bucket", 2)
            world.dataset(name)
            world.binding(name, f"{name}-bucket", name, maxObjects=1)
            world.await_reason(BINDING, name, "TooManyObjects")
            world.delete(DATASET, name)
            world.await_reason(BINDING, name, "DependencyNotFound")
            gone = world.timed_writes("datasets", name)[-1]  # the finalizer
            told = world.timed_writes("datasetbindings", name)[-1]
            assert (gone[0], told[0]) == ("patch object", "update status")
            gaps.append(told[1] - gone[1])
        assert min(gaps) < timedelta(seconds=1), gaps


class TestLooks:
    """When an object is looked at without anything happening to it."""

    def test_resync_interval_is_the_objects_own(self, world: World) -> None:
        """Drift is mended after the object's interval and its jitter, with nobody asking."""
        world.dataset("often", description="ours", resyncInterval="10s")
        world.await_ready(DATASET, "often")
        describe(world, "often", "theirs")
        world.until("the description to be ours again", lambda: _description(world, "often") == "ours")

    @pytest.mark.parametrize("kind", ["cloudaccount", DATASET, BINDING])
    def test_a_requested_reconcile_is_echoed(self, world: World, kind: str) -> None:
        """Also by what waits or is suspended."""
        world.account("asked")
        world.dataset("asked", suspend=True)
        world.binding("asked", "asked-bucket", "nobody-here")
        world.request(kind, "asked", "token-1")
        world.request(kind, "asked", "token-2")


class TestWrites:
    """At most three writes to Ready, none when nothing changed: by the API server's audit log."""

    def test_a_dataset_costs_three_and_then_only_echoes(self, world: World) -> None:
        """Finalizer, intent, Ready."""
        world.dataset("frugal", description="d", quotas={"maxBindCount": 2})
        world.await_ready(DATASET, "frugal")
        assert world.writes("datasets", "frugal") == ["patch object", "update status", "update status"]
        world.request(DATASET, "frugal", "look")
        assert world.writes("datasets", "frugal")[3:] == ["update status"]

    def test_an_adopted_dataset_costs_two(self, world: World) -> None:
        """No intent is needed for what is there."""
        make_dataset(world, "thrifty")
        world.dataset("thrifty")
        world.await_ready(DATASET, "thrifty")
        assert world.writes("datasets", "thrifty") == ["patch object", "update status"]

    def test_an_account_costs_one_and_then_only_echoes(self, world: World) -> None:
        """It owns nothing and needs no finalizer."""
        world.account("cheap")
        world.await_ready("cloudaccount", "cheap")
        written = world.writes("cloudaccounts", "cheap")
        assert len(written) <= 3
        world.request("cloudaccount", "cheap", "look")
        assert world.writes("cloudaccounts", "cheap")[len(written) :] == ["update status"]

    def test_an_observer_costs_one(self, world: World) -> None:
        """What is only watched is not held."""
        world.dataset("onlooker", mode="Observe")
        world.await_reason(DATASET, "onlooker", "DriftDetected")
        assert world.writes("datasets", "onlooker") == ["update status"]


class TestProgress:
    """How far a scan is, where the cloud can tell."""

    def test_a_scan_shows_files_of_objects_and_then_neither(self, world: World) -> None:
        """A binding made by hand is scanning when it is adopted; Ready ends the count."""
        make_dataset(world, "slow")
        make_bucket(world, "slow-bucket", 6)
        scan_rate(world, 0.2)
        try:
            world.imm.create_binding(PROJECT, "slow", "slow-bucket")
            world.until("the scan to begin", lambda: _phase(world, "slow") == "FullScanning")
            bind(world, "slow", "slow-bucket")
            world.until("progress", lambda: "progress" in status(world, BINDING, "slow"))
            shown = status(world, BINDING, "slow")
            (ready,) = (c for c in shown["conditions"] if c["type"] == "Ready")
            assert shown["progress"]["total"] == 6
            assert 0 <= shown["progress"]["indexed"] < 6
            assert f"{shown['progress']['indexed']} of 6 objects" in ready["message"]
        finally:
            scan_rate(world, 50)
        assert "progress" not in world.await_ready(BINDING, "slow")["status"]

    def test_it_is_untold_and_unasked_where_the_dataset_has_two_bindings(self, world: World) -> None:
        """The cloud counts per dataset."""
        make_dataset(world, "shared")
        for bucket in ("shared-two", "shared-one"):  # a listing that has the one to be looked at has both
            make_bucket(world, bucket, 4)
            world.imm.create_binding(PROJECT, "shared", bucket)
        scan_rate(world, 0.2)
        try:
            bind(world, "shared", "shared-one")
            world.await_reason(BINDING, "shared", "Indexing")
            world.request(BINDING, "shared", "look")
            assert "progress" not in status(world, BINDING, "shared")
            looks = world.cloud.run(lambda instance: instance.journal.select("imm", "GetDataset", 0))
            assert "shared" not in {look.params["DatasetName"] for look in looks}
        finally:
            scan_rate(world, 50)


def _phase(world: World, name: str) -> str:
    return next(found.phase for found in world.imm.list_bindings(PROJECT) if found.dataset == name)


def _description(world: World, name: str) -> str:
    found = world.imm.get_dataset(PROJECT, name)
    return found.description if found else ""

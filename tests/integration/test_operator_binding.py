"""DatasetBinding on the real API server: the main job of the first vendor guide."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from controller.core.facts import BindingFacts
from emulator.imm.lifecycle import force_binding_state
from emulator.imm.state import Phase, State
from tests.integration.world import PROJECT, World

PHOTO = Path(__file__).parents[2] / "examples" / "media" / "photos" / "dune.jpg"


def ready_dataset(world: World, name: str) -> None:
    """A dataset of the test's own: one takes ten bindings at most."""
    world.dataset(name)
    world.await_ready("dataset", name)


def bound(world: World, name: str, **spec: object) -> dict[str, object]:
    """A bucket with one photo, bound to a dataset of the same name and scanned."""
    ready_dataset(world, name)
    world.bucket(f"{name}-bucket").put_object_from_file("a.jpg", str(PHOTO))
    world.binding(name, f"{name}-bucket", name, **spec)
    return world.await_ready("datasetbinding", name)


def in_cloud(world: World, name: str) -> BindingFacts | None:
    """The cloud's own view of the binding."""
    return next((b for b in world.imm.list_bindings(PROJECT) if b.bucket == f"{name}-bucket"), None)


def indexed(world: World, name: str, key: str) -> bool:
    """Whether a query finds the object."""
    query = {"Operation": "eq", "Field": "URI", "Value": f"oss://{name}-bucket/{key}"}
    return len(world.imm.simple_query(PROJECT, name, query)) == 1


def scan_after(world: World, seconds: float) -> None:
    """How long the cloud waits before it scans the bucket of a new binding."""
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "binding_ready_seconds", seconds))


def test_bucket_is_indexed_and_followed(world: World) -> None:
    """Ready comes with Running and IncrementalScanning; later files and deletes show by themselves."""
    body = bound(world, "main-job")
    status = body["status"]
    assert isinstance(status, dict)
    assert (status["state"], status["phase"]) == ("Running", "IncrementalScanning")
    assert (status["project"], status["dataset"], status["adopted"]) == (PROJECT, "main-job", False)
    assert "intent" not in status
    assert indexed(world, "main-job", "a.jpg")
    world.bucket("main-job-bucket").put_object_from_file("later.jpg", str(PHOTO))
    world.until("the later file", lambda: indexed(world, "main-job", "later.jpg"))
    world.bucket("main-job-bucket").delete_object("a.jpg")
    world.until("the deleted file", lambda: not indexed(world, "main-job", "a.jpg"))


def test_three_writes_to_ready_and_none_afterwards(world: World) -> None:
    """Finalizer, intent, Ready; another look at a settled object writes nothing to the cloud or to Kubernetes.

    The bucket is empty, and scanned at once: a scan that is met under way would be told, as progress, in a write of its
    own.
    """
    ready_dataset(world, "frugal")
    world.bucket("frugal-bucket")
    scan_after(world, 0.0)
    world.binding("frugal", "frugal-bucket", "frugal")
    world.await_ready("datasetbinding", "frugal")
    scan_after(world, 1.0)
    assert world.writes("datasetbindings", "frugal") == ["patch object", "update status", "update status"]
    created = world.calls("CreateBinding")
    world.request("datasetbinding", "frugal", "again")
    assert world.writes("datasetbindings", "frugal") == [
        "patch object",
        *["update status"] * 3,
    ]  # the echo of the request
    assert world.calls("CreateBinding") == created


def test_waits_for_a_dataset_that_comes_later(world: World) -> None:
    """A missing dependency is named, and its arrival is enough."""
    world.bucket("early-bucket")
    world.binding("early", "early-bucket", "not-yet")
    condition = world.await_reason("datasetbinding", "early", "DependencyNotFound")
    assert "Dataset not-yet does not exist in this namespace" in condition["message"]
    world.dataset("not-yet")
    world.await_ready("datasetbinding", "early")


def test_existing_binding_is_adopted(world: World) -> None:
    """A binding made by hand is taken over without a second scan."""
    ready_dataset(world, "byhand")
    world.bucket("byhand-bucket").put_object_from_file("a.jpg", str(PHOTO))
    made = world.imm.create_binding(PROJECT, "byhand", "byhand-bucket")
    world.binding("byhand", "byhand-bucket", "byhand")
    status = world.await_ready("datasetbinding", "byhand")["status"]
    assert (status["adopted"], status["createdAt"]) == (True, made.created_at)


def test_bucket_that_does_not_exist_is_refused_before_any_submit(world: World) -> None:
    """Nothing is submitted for a bucket that is not there."""
    ready_dataset(world, "nobucket")
    created = world.calls("CreateBinding")
    world.binding("nobucket", "nobucket-bucket", "nobucket")
    condition = world.await_reason("datasetbinding", "nobucket", "BucketNotFound")
    assert "create it or correct spec.bucket" in condition["message"]
    assert world.calls("CreateBinding") == created


def test_bucket_larger_than_allowed_is_refused_before_it_is_billed(world: World) -> None:
    """MaxObjects is checked before CreateBinding; raising it is enough."""
    ready_dataset(world, "large")
    bucket = world.bucket("large-bucket")
    for key in ("a.jpg", "b.jpg"):
        bucket.put_object_from_file(key, str(PHOTO))
    world.binding("large", "large-bucket", "large", maxObjects=1)
    condition = world.await_reason("datasetbinding", "large", "TooManyObjects")
    assert "holds 2 objects and spec.maxObjects allows 1; nothing was bound or billed" in condition["message"]
    assert in_cloud(world, "large") is None
    world.binding("large", "large-bucket", "large", maxObjects=2)
    world.await_ready("datasetbinding", "large")


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [("Failed", "BindingFailed", "no permission on the bucket"), ("Stopped", "BindingStopped", "IMM console")],
)
def test_standstill_is_stalled_with_the_way_out(world: World, state: str, reason: str, words: str) -> None:
    """Failed and Stopped are seen by the poller and explained."""
    name = f"broken-{state.lower()}"
    bound(world, name)
    force(world, name, state, "no permission on the bucket")
    condition = world.await_reason("datasetbinding", name, reason)
    assert words in condition["message"]
    assert world.condition("datasetbinding", name, "Stalled")["status"] == "True"


@pytest.mark.parametrize("state", ["Retrying", "SomethingNew"])
def test_states_under_way_are_in_progress(world: World, state: str) -> None:
    """Retrying and a state nobody has documented are progress, neither failure nor success."""
    name = f"moving-{state.lower()}"
    bound(world, name)
    force(world, name, state, "")
    assert state in world.await_reason("datasetbinding", name, "Indexing")["message"]


@pytest.mark.parametrize("state", ["Retrying", "Stopped"])
def test_what_goes_on_by_itself_is_ready_again(world: World, state: str) -> None:
    """A retry that succeeds, and a binding that somebody resumes in the console: seen without anybody asking."""
    name = f"again-{state.lower()}"
    bound(world, name)
    created = world.calls("CreateBinding")
    force(world, name, state, "")
    world.await_reason("datasetbinding", name, "Indexing" if state == "Retrying" else "BindingStopped")
    force(world, name, "Running", "", "IncrementalScanning")
    assert world.await_ready("datasetbinding", name)["status"]["adopted"] is False
    assert world.calls("CreateBinding") == created


def test_failed_binding_is_made_again_only_by_policy(world: World) -> None:
    """The edit to Always is the consent; the next failure is left alone for ten minutes, unless somebody asks."""
    bound(world, "failing")
    force(world, "failing", "Failed", "no permission")
    world.await_reason("datasetbinding", "failing", "BindingFailed")
    created = world.calls("CreateBinding")
    world.request("datasetbinding", "failing", "even-so")
    assert world.calls("CreateBinding") == created
    world.binding("failing", "failing-bucket", "failing", recreatePolicy="Always")
    world.await_ready("datasetbinding", "failing")
    assert world.calls("CreateBinding") == created + 1
    force(world, "failing", "Failed", "no permission")
    assert "It is made again at" in world.await_reason("datasetbinding", "failing", "BindingFailed")["message"]
    assert world.calls("CreateBinding") == created + 1
    world.annotate("datasetbinding", "failing", "imm-operator.dev/reconcile-requested-at=mended")
    world.until("it to be made again", lambda: world.calls("CreateBinding") == created + 2)
    world.await_ready("datasetbinding", "failing")


def test_binding_that_stays_listed_as_deleted_has_vanished(world: World) -> None:
    """Whether the cloud lists a deleted binding on is not known: the outcome is the same."""
    bound(world, "ghost")
    world.cloud.switch("delete_binding_leaves_deleted", value=True)
    try:
        world.imm.delete_binding(PROJECT, "ghost", "ghost-bucket")
        world.await_reason("datasetbinding", "ghost", "BindingVanished")
        assert "state" not in (world.get("datasetbinding", "ghost") or {})["status"]
    finally:
        world.cloud.switch("delete_binding_leaves_deleted", value=False)


def test_vanished_binding_is_not_paid_for_twice(world: World) -> None:
    """A binding deleted behind our back is reported; it is made again only where the spec says so."""
    bound(world, "vanishing")
    world.imm.delete_binding(PROJECT, "vanishing", "vanishing-bucket")
    condition = world.await_reason("datasetbinding", "vanishing", "BindingVanished")
    assert "spec.recreatePolicy to Always" in condition["message"]
    world.binding("vanishing", "vanishing-bucket", "vanishing", recreatePolicy="Always")
    world.await_ready("datasetbinding", "vanishing")


def test_retain_leaves_the_binding_running_and_it_is_adopted_again(world: World) -> None:
    """Delete and re-create the object: no gap, no second scan."""
    bound(world, "flux")
    created = world.calls("CreateBinding")
    world.delete("datasetbinding", "flux")
    world.await_gone("datasetbinding", "flux")
    (told,) = world.await_event("DatasetBinding", "flux", "Retained")
    assert "it goes on running and billing" in told
    still = in_cloud(world, "flux")
    assert still is not None
    assert still.scanned
    world.binding("flux", "flux-bucket", "flux")
    assert world.await_ready("datasetbinding", "flux")["status"]["adopted"] is True
    assert world.calls("CreateBinding") == created


def test_delete_unbinds_and_never_purges(world: World) -> None:
    """Policy Delete stops the sync; what is indexed stays indexed."""
    bound(world, "unbound", deletionPolicy="Delete", deletionGracePeriod="0s")
    world.delete("datasetbinding", "unbound")
    world.await_gone("datasetbinding", "unbound")
    assert in_cloud(world, "unbound") is None
    assert indexed(world, "unbound", "a.jpg")


def test_delete_without_credentials_says_how_to_get_out(world: World) -> None:
    """With the account gone and the process restarted nothing can be deleted; detach lets go."""
    world.account("leaving")
    world.await_ready("cloudaccount", "leaving")
    own = {"accountRef": {"name": "leaving"}, "deletionPolicy": "Delete", "deletionGracePeriod": "0s"}
    bound(world, "orphan", **own)
    world.stop()
    world.delete("cloudaccount", "leaving")
    world.delete("datasetbinding", "orphan")
    world.start()
    world.until(
        "the standstill to be explained",
        lambda: "imm-operator.dev/detach=true" in str((world.get("datasetbinding", "orphan") or {}).get("status")),
    )
    world.annotate("datasetbinding", "orphan", "imm-operator.dev/detach=true")
    world.await_gone("datasetbinding", "orphan")
    assert in_cloud(world, "orphan") is not None


def test_suspend_holds_writes_and_never_blocks_deletion(world: World) -> None:
    """A suspended object shows it, writes nothing to the cloud, and can be deleted."""
    ready_dataset(world, "paused")
    world.bucket("paused-bucket")
    created = world.calls("CreateBinding")
    world.binding("paused", "paused-bucket", "paused", suspend=True)
    world.until(
        "Suspended to show", lambda: world.condition("datasetbinding", "paused", "Suspended").get("status") == "True"
    )
    assert world.calls("CreateBinding") == created
    world.delete("datasetbinding", "paused")
    world.await_gone("datasetbinding", "paused")


def force(world: World, name: str, state: str, reason: str, phase: str = "") -> None:
    """Have the cloud report another state."""
    account, region = world.cloud.account_id, world.cloud.region
    world.cloud.run(
        lambda instance: force_binding_state(
            instance.cloud,
            account,
            region,
            PROJECT,
            name,
            f"oss://{name}-bucket",
            cast("State", state),
            cast("Phase", phase),
            reason,
        )
    )

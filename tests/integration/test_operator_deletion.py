"""Deletion on the real API server: created again under the grace period, namespaces, credentials and accounts gone."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.core.facts import BindingFacts
from sandbox.apiserver.build import NO_CONTROLLERS
from sandbox.apiserver.cluster import Cluster
from sandbox.kubectl import Kubectl
from tests.integration.world import PROJECT, World, opened

PHOTO = Path(__file__).parents[2] / "examples" / "media" / "photos" / "dune.jpg"
WRITES = ("CreateBinding", "DeleteBinding", "CreateDataset", "UpdateDataset", "DeleteDataset")


@pytest.fixture
def other(cluster: Cluster, installed: Kubectl, tmp_path: Path) -> Iterator[World]:
    """A world of one test, whose namespace it may delete."""
    if not cluster.controllers:
        pytest.skip(NO_CONTROLLERS)
    settings = {"IMM_OPERATOR_POLL_INTERVAL": "0.3", "IMM_OPERATOR_ORPHAN_AFTER": "6"}
    with opened(cluster, installed, tmp_path, settings, name="leaving") as made:
        made.account()
        yield made


def bound(world: World, name: str, **spec: object) -> dict[str, Any]:
    """A bucket with one photo, bound to a dataset of the same name and scanned."""
    world.dataset(name)
    world.await_ready("dataset", name)
    world.bucket(f"{name}-bucket").put_object_from_file("a.jpg", str(PHOTO))
    world.binding(name, f"{name}-bucket", name, **spec)
    return dict(world.await_ready("datasetbinding", name))


def in_cloud(world: World, name: str) -> BindingFacts | None:
    """The cloud's own view of the binding."""
    return next((b for b in world.imm.list_bindings(PROJECT) if b.bucket == f"{name}-bucket"), None)


def writes(world: World) -> dict[str, int]:
    """What the cloud's journal has of calls that change something."""
    return {operation: world.calls(operation) for operation in WRITES}


def stand_ins(world: World, name: str) -> list[str]:
    """The objects that stand in for a binding."""
    shown = world.kubectl("get", "datasetbindings", f"--namespace={world.namespace}", "--output=name")
    return [line.partition("/")[2] for line in shown.splitlines() if f"/{name}-leaving-" in line]


def by_flux(world: World, name: str, spec: dict[str, Any]) -> None:
    """What Flux does with `spec.force`: delete in the background, wait until it is gone, apply on the server."""
    where = f"--namespace={world.namespace}"
    world.kubectl("delete", "datasetbinding", name, where, "--cascade=background", "--timeout=20s")
    flags = ("--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
    world.kubectl("apply", *flags, "--filename=-", text=manifest(world, name, spec))


def by_replace(world: World, name: str, spec: dict[str, Any]) -> None:
    """`kubectl replace --force`: delete, wait until it is gone, create."""
    world.kubectl("replace", "--force", "--timeout=20s", "--filename=-", text=manifest(world, name, spec))


def manifest(world: World, name: str, spec: dict[str, Any]) -> str:
    """As it lies in Git."""
    metadata = {"name": name, "namespace": world.namespace}
    return json.dumps(
        {
            "apiVersion": "imm-operator.dev/v1alpha1",
            "kind": "DatasetBinding",
            "metadata": metadata,
            "spec": {"accountRef": {"name": "main"}, "dataset": {"ref": name}, "bucket": f"{name}-bucket"} | spec,
        }
    )


@pytest.mark.parametrize("again", [by_flux, by_replace])
def test_a_forced_rewrite_under_policy_delete_leaves_no_gap(
    world: World, again: Callable[[World, str, dict[str, Any]], None]
) -> None:
    """The name is free at once, the new object adopts the binding, and the cloud's journal has no write."""
    name = again.__name__.replace("_", "-")
    before = bound(world, name, deletionPolicy="Delete")
    journal = writes(world)
    again(world, name, {"deletionPolicy": "Delete"})
    after = world.await_ready("datasetbinding", name)
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert after["status"]["adopted"] is True
    assert before["status"]["createdAt"] == after["status"]["createdAt"]
    world.until("the stand-in to go", lambda: not stand_ins(world, name))
    assert journal == writes(world)
    found = in_cloud(world, name)
    assert found is not None
    assert found.scanned


def test_a_forced_change_of_the_bucket_moves_the_binding(world: World) -> None:
    """Flux forces because an immutable field was changed: the old binding goes after its time, the new one comes."""
    bound(world, "moving", deletionPolicy="Delete", deletionGracePeriod="3s")
    world.bucket("moved-bucket").put_object_from_file("a.jpg", str(PHOTO))
    by_flux(world, "moving", {"deletionPolicy": "Delete", "bucket": "moved-bucket"})
    assert world.await_ready("datasetbinding", "moving")["status"]["adopted"] is False
    world.until("the old binding to go", lambda: in_cloud(world, "moving") is None)
    world.until("the stand-in to go", lambda: not stand_ins(world, "moving"))
    assert in_cloud(world, "moved") is not None


def test_the_stand_in_can_be_hurried_and_detached(world: World) -> None:
    """What is left of a deleted object tells how, and takes both annotations."""
    for name, annotation in (("hurried", "end-grace-period=now"), ("let-go", "detach=true")):
        bound(world, name, deletionPolicy="Delete")
        world.delete("datasetbinding", name)
        world.await_gone("datasetbinding", name)
        (stand_in,) = stand_ins(world, name)
        (told,) = world.await_event("DatasetBinding", name, "DeletionGracePeriod")
        assert stand_in in told
        condition = world.await_reason("datasetbinding", stand_in, "DeletionGracePeriod")
        assert f"imm-operator.dev/{annotation}" in condition["message"]
        assert in_cloud(world, name) is not None
        world.annotate("datasetbinding", stand_in, f"imm-operator.dev/{annotation}")
        world.await_gone("datasetbinding", stand_in)
    assert in_cloud(world, "hurried") is None
    assert in_cloud(world, "let-go") is not None


def test_an_object_annotated_before_it_is_deleted_lets_go_at_once(world: World) -> None:
    """Detach goes before policy and grace period."""
    bound(world, "detached", deletionPolicy="Delete")
    world.annotate("datasetbinding", "detached", "imm-operator.dev/detach=true")
    journal = writes(world)
    world.delete("datasetbinding", "detached")
    world.await_gone("datasetbinding", "detached")
    assert [] == stand_ins(world, "detached")
    (told,) = world.await_event("DatasetBinding", "detached", "Detached")
    assert "it goes on running and billing" in told
    assert journal == writes(world)


def test_a_restart_in_the_grace_period_keeps_what_was_created_again(world: World) -> None:
    """The new process finds a stand-in whose time is over, and its heir; it must not unbind before it knows both."""
    before = bound(world, "restarted", deletionPolicy="Delete", deletionGracePeriod="2s")
    journal = writes(world)
    world.delete("datasetbinding", "restarted")
    world.await_gone("datasetbinding", "restarted")
    world.stop()
    (stand_in,) = stand_ins(world, "restarted")
    world.kubectl("apply", "--filename=-", text=manifest(world, "restarted", {"deletionPolicy": "Delete"}))
    ended = json.dumps({"metadata": {"annotations": {"imm-operator.dev/end-grace-period": "now"}}})
    world.kubectl(
        "patch", "datasetbinding", stand_in, f"--namespace={world.namespace}", "--type=merge", f"--patch={ended}"
    )
    world.start()
    world.await_gone("datasetbinding", stand_in, 60)
    assert before["status"]["createdAt"] == world.await_ready("datasetbinding", "restarted")["status"]["createdAt"]
    assert journal == writes(world)


def test_a_stand_in_that_a_crash_left_half_made_is_finished(world: World) -> None:
    """It was created, and the process ended before its status was written: the object is still in charge of it."""
    bound(world, "half", deletionPolicy="Delete")
    world.stop()
    world.delete("datasetbinding", "half")
    body = world.get("datasetbinding", "half") or {}
    name = f"half-leaving-{body['metadata']['uid'][:8]}"
    annotations = {"imm-operator.dev/stands-in-for": "half"}
    spec = body["spec"]
    world.apply("DatasetBinding", name, spec, annotations=annotations, finalizers=["imm-operator.dev/finalizer"])
    world.start()
    world.await_gone("datasetbinding", "half")
    assert [name] == stand_ins(world, "half")
    world.await_reason("datasetbinding", name, "DeletionGracePeriod")
    status = (world.get("datasetbinding", name) or {})["status"]
    assert body["status"]["identity"] == status["identity"]
    assert body["status"]["createdAt"] == status["createdAt"]
    assert in_cloud(world, "half") is not None


def test_bindings_outlive_their_account(world: World) -> None:
    """They say what is missing and go on in the cloud; whatever leaves meanwhile is served from memory."""
    for name in ("stays", "leaves"):
        world.account(f"of-{name}")
        world.await_ready("cloudaccount", f"of-{name}")
        own = {"accountRef": {"name": f"of-{name}"}, "deletionPolicy": "Delete", "deletionGracePeriod": "0s"}
        bound(world, name, **own)
        journal = writes(world)
        world.delete("cloudaccount", f"of-{name}")
        condition = world.await_reason("datasetbinding", name, "DependencyNotFound")
        assert f"CloudAccount of-{name} does not exist" in condition["message"]
        assert (journal, True) == (writes(world), in_cloud(world, name) is not None)
    world.delete("datasetbinding", "leaves")
    world.await_gone("datasetbinding", "leaves")
    assert in_cloud(world, "leaves") is None
    world.account("of-stays")
    world.await_ready("datasetbinding", "stays")
    assert world.calls("CreateBinding") == journal["CreateBinding"]


def test_a_secret_that_is_gone_holds_up_nothing_that_leaves(world: World) -> None:
    """Although its account has noticed: what this process still remembers serves for the way out, and for that only."""
    world.account("keyless")
    world.await_ready("cloudaccount", "keyless")
    bound(world, "keyless", accountRef={"name": "keyless"}, deletionPolicy="Delete", deletionGracePeriod="0s")
    world.kubectl("delete", "secret", "keyless-key", f"--namespace={world.namespace}")
    world.annotate("cloudaccount", "keyless", "imm-operator.dev/reconcile-requested-at=now")
    world.await_reason("cloudaccount", "keyless", "CredentialsUnavailable")
    world.await_reason("datasetbinding", "keyless", "DependencyNotReady")
    world.delete("datasetbinding", "keyless")
    world.await_gone("datasetbinding", "keyless")
    assert in_cloud(world, "keyless") is None


def test_a_deleted_namespace_unbinds_what_has_policy_delete(other: World) -> None:
    """Secret, account and Dataset vanish first; the keys in memory serve, and the rest is left as its policy says."""
    bound(other, "first", deletionPolicy="Delete", deletionGracePeriod="20s")
    other.kubectl("delete", "namespace", other.namespace, "--wait=false")
    other.until("the Secret and the account to go first", lambda: nothing_to_sign_in_with(other))
    other.until("the Dataset to go", lambda: other.get("dataset", "first") is None)
    assert in_cloud(other, "first") is not None
    message = other.await_reason("datasetbinding", "first", "DeletionGracePeriod")["message"]
    assert "again" not in message
    other.until("the namespace to go", lambda: not exists(other), 120)
    assert in_cloud(other, "first") is None
    assert other.imm.get_dataset(PROJECT, "first") is not None
    assert 1.0 == retained(other, "Dataset", "Retained")
    assert 0.0 == retained(other, "DatasetBinding", "Orphaned")


def test_after_a_restart_a_terminating_namespace_is_released_after_the_limit(other: World) -> None:
    """Nobody can sign in any more: the steps are told, then it goes as Orphaned, in log and metric."""
    bound(other, "orphan", deletionPolicy="Delete", deletionGracePeriod="0s")
    other.stop()
    other.kubectl("delete", "namespace", other.namespace, "--wait=false")
    other.until("the Secret and the account to go", lambda: nothing_to_sign_in_with(other))
    other.settings["IMM_OPERATOR_ORPHAN_AFTER"] = "15"
    other.start()
    other.until(
        "the steps to be told",
        lambda: "released as Orphaned" in str((other.get("datasetbinding", "orphan") or {}).get("status")),
    )
    assert other.condition("datasetbinding", "orphan", "Stalled")["reason"] == "CredentialsUnavailable"
    other.until("the namespace to go", lambda: not exists(other), 120)
    assert in_cloud(other, "orphan") is not None
    assert 1.0 == retained(other, "DatasetBinding", "Orphaned")
    assert other.operator is not None
    log = other.operator.service.log.read_text()
    assert "(Orphaned)" in log
    assert "WARNING" in next(line for line in log.splitlines() if "(Orphaned)" in line)


def exists(world: World) -> bool:
    """Whether the world's namespace is there."""
    return bool(world.kubectl("get", "namespace", world.namespace, "--ignore-not-found", "--output=name"))


def nothing_to_sign_in_with(world: World) -> bool:
    """Whether the namespace has lost its Secret and its account."""
    words = ("get", "secrets,cloudaccounts", f"--namespace={world.namespace}", "--output=name")
    return not world.kubectl(*words).strip()


def retained(world: World, kind: str, reason: str) -> float:
    """The operator's own count of what it left behind."""
    assert world.operator is not None
    with urllib.request.urlopen(f"{world.operator.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own address
        lines = answer.read().decode().splitlines()
    wanted = f'imm_operator_retained_total{{kind="{kind}",reason="{reason}"}} '
    return next((float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted)), 0.0)

"""What docs/guides/disaster-recovery.md says, done: a cluster, its state, a work bucket and a project are lost."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from click.testing import CliRunner, Result

from controller.cli import main
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError
from controller.cloud.openapi import client_config
from emulator.instance import Config
from emulator.testing import running
from sandbox.apiserver.build import Programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.world import PROJECT, World, opened, prepare

WORK = "imm-work"
PHOTO = Path(__file__).parents[2] / "examples" / "media" / "photos" / "dune.jpg"
SETTINGS = {"IMM_OPERATOR_POLL_INTERVAL": "0.3", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": "0.3"}
WRITES = ("CreateBinding", "DeleteBinding", "CreateDataset", "UpdateDataset", "DeleteDataset")


def manifests(world: World, *names: str) -> None:
    """What is in Git, applied."""
    world.account(workBucket=WORK)
    for name in names:
        world.dataset(name)
        world.binding(name, f"{name}-bucket", name)


def bound(world: World, *names: str) -> None:
    """The same with what it needs in the cloud, until it is Ready."""
    world.bucket(WORK)
    for name in names:
        world.bucket(f"{name}-bucket").put_object_from_file("a.jpg", str(PHOTO))
    manifests(world, *names)
    for name in names:
        world.await_ready("DatasetBinding", name)


def writes(world: World) -> dict[str, int]:
    """What the cloud's journal has of calls that change something."""
    return {operation: world.calls(operation) for operation in WRITES}


def record_key(world: World, name: str) -> str:
    """Where the owner record of a binding lies."""
    return f"owners/{world.cloud.account_id}/{world.cloud.region}/{PROJECT}/{name}/{name}-bucket.json"


def work_bucket(world: World) -> Any:
    """The work bucket, as the account's owner has it."""
    auth = oss2.AuthV4(world.cloud.access_key_id, world.cloud.access_key_secret)
    return oss2.Bucket(auth, world.cloud.url, WORK, region=world.cloud.region)


def owners(world: World, *words: str) -> Result:
    """`imm-operator owners`, with the account owner's key."""
    cloud = world.cloud
    env = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key_secret,
        "ALIBABA_CLOUD_REGION": cloud.region,
        "OSS_ENDPOINT": cloud.url,
    }
    return CliRunner().invoke(main, ["owners", WORK, *words], env=env)


def uid_of(world: World) -> str:
    """What tells the cluster from others."""
    return str(json.loads(world.kubectl("get", "namespace", "kube-system", "--output=json"))["metadata"]["uid"])


@pytest.fixture
def lost(cluster: Cluster, installed: Kubectl, tmp_path: Path) -> Iterator[World]:
    """A world in a cluster that is going to be lost."""
    directory = tmp_path / "lost"
    directory.mkdir()
    with opened(cluster, installed, directory, SETTINGS, name="recovery") as made:
        yield made


@contextmanager
def another(world: World, programs: Programs, directory: Path) -> Iterator[World]:
    """A new cluster with the operator, the same namespace and no objects; the account is the same."""
    directory.mkdir()
    with start_cluster(directory / "cluster", programs=programs, durable=False) as second:
        kubectl = Kubectl(second.kubeconfig)
        install(kubectl)
        kubectl("create", "namespace", world.namespace)
        made = replace(world, cluster=second, kubectl=kubectl, directory=directory, operator=None)
        made.user = world.user
        made.start()
        try:
            yield made
        finally:
            made.stop()


def test_a_new_cluster_takes_over_once_the_lost_ones_records_are_forgotten(
    lost: World, cluster_programs: Programs, tmp_path: Path
) -> None:
    """Manifests from Git say whose the bindings are; then one command, and they are adopted with no new scan."""
    bound(lost, "photos", "videos")
    gone, journal = uid_of(lost), writes(lost)
    lost.stop()
    with another(lost, cluster_programs, tmp_path / "new") as new:
        manifests(new, "photos", "videos")
        for name in ("photos", "videos"):
            message = new.await_reason("DatasetBinding", name, "OwnershipConflict")["message"]
            assert f"kube-system uid {gone}" in message
        listed = json.loads(owners(new, "--output=json").stdout)
        assert {(gone, f"{lost.namespace}/photos"), (gone, f"{lost.namespace}/videos")} == {
            (one["cluster"], one["owner"]) for one in listed
        }
        forgotten = owners(new, "--cluster", gone, "--forget", "--yes")
        assert (0, "2 of 2 records removed") == (forgotten.exit_code, forgotten.stdout.splitlines()[-1])
        again = "imm-operator.dev/reconcile-requested-at=forgotten"
        new.kubectl("annotate", "datasetbindings", "--all", "--all-namespaces", "--overwrite", again)
        for name in ("photos", "videos"):
            assert new.await_ready("DatasetBinding", name)["status"]["adopted"] is True
        assert journal == writes(new)
        assert {uid_of(new)} == {one["cluster"] for one in json.loads(owners(new, "--output=json").stdout)}


def test_another_clusters_records_are_not_forgotten_with_them(lost: World) -> None:
    """Of a work bucket that two clusters share, and with a record that this version cannot read."""
    bound(lost, "photos")
    work = work_bucket(lost)
    theirs = {"version": 1, "cluster": "theirs", "kind": "DatasetBinding", "namespace": "a", "name": "b"}
    work.put_object("owners/1/r/p/d/theirs.json", json.dumps(theirs | {"recordedAt": "2026-01-01T00:00:00+00:00"}))
    work.put_object("owners/1/r/p/d/newer.json", json.dumps({"version": 2}))
    shown = owners(lost)
    assert (0, 4) == (shown.exit_code, len(shown.stdout.splitlines()))
    assert "(this version cannot read it)" in shown.stdout
    assert 2 == owners(lost, "--forget").exit_code
    unasked = owners(lost, "--cluster", "theirs", "--forget")
    assert (2, True) == (unasked.exit_code, "--yes" in unasked.stderr)
    assert work.object_exists("owners/1/r/p/d/theirs.json")
    assert "1 of 1 records removed" in owners(lost, "--cluster", "theirs", "--forget", "--yes").stdout
    assert "0 of 0 records removed" in owners(lost, "--cluster", "?", "--forget", "--yes").stdout
    assert not work.object_exists("owners/1/r/p/d/theirs.json")
    assert work.object_exists("owners/1/r/p/d/newer.json")
    assert work.object_exists(record_key(lost, "photos"))


def test_objects_restored_without_their_status_are_adopted(lost: World) -> None:
    """As from a backup that leaves status out, with finalizers and all."""
    bound(lost, "photos")
    journal = writes(lost)
    where = f"--namespace={lost.namespace}"
    kept = json.loads(lost.kubectl("get", "datasets,datasetbindings", where, "--output=json"))
    lost.stop()
    for body in kept["items"]:
        name = f"{body['kind'].lower()}/{body['metadata']['name']}"
        lost.kubectl("patch", name, where, "--type=merge", '--patch={"metadata":{"finalizers":[]}}')
        lost.kubectl("delete", name, where)
        del body["status"]
        for key in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
            body["metadata"].pop(key, None)
    lost.kubectl("create", "--filename=-", text=json.dumps(kept))
    lost.start()
    for kind in ("Dataset", "DatasetBinding"):
        assert lost.await_ready(kind, "photos")["status"]["adopted"] is True
    assert journal == writes(lost)


def test_a_cluster_restored_from_an_old_backup_makes_nothing_anew(cluster_programs: Programs, tmp_path: Path) -> None:
    """What was made since is found by its manifest, and what was deleted since comes back as vanished, not as made."""
    own = tmp_path / "own"
    namespace = f"backup-{uuid.uuid4().hex[:8]}"
    with running(Config(virtual_clock=False)) as cloud:
        with start_cluster(own, programs=cluster_programs, durable=False) as first:
            kubectl = Kubectl(first.kubeconfig)
            install(kubectl)
            kubectl("create", "namespace", namespace)
            directory = tmp_path / "operator"
            directory.mkdir()
            world = World(first, kubectl, cloud, namespace, directory, SETTINGS)
            prepare(world)
            world.start()
            bound(world, "photos", "deleted")
            world.stop()
        shutil.copytree(own / "etcd", tmp_path / "backup")
        with start_cluster(own, programs=cluster_programs, durable=False) as since:
            world.cluster = since
            world.start()
            bound(world, "newer")
            world.binding("deleted", "deleted-bucket", "deleted", deletionPolicy="Delete", deletionGracePeriod="0s")
            world.request("DatasetBinding", "deleted", "seen")
            world.delete("DatasetBinding", "deleted")
            world.await_gone("DatasetBinding", "deleted")
            world.stop()
        journal = writes(world)
        shutil.rmtree(own / "etcd")
        shutil.copytree(tmp_path / "backup", own / "etcd")
        with start_cluster(own, programs=cluster_programs, durable=False) as restored:
            world.cluster = restored
            world.start()
            assert world.get("DatasetBinding", "newer") is None
            said = world.await_reason("DatasetBinding", "deleted", "BindingVanished", 60)["message"]
            assert "recreatePolicy" in said
            world.request("DatasetBinding", "photos", "restored")
            world.await_ready("DatasetBinding", "photos")
            manifests(world, "photos", "newer")
            assert world.await_ready("DatasetBinding", "newer")["status"]["adopted"] is True
            assert journal == writes(world)
            world.stop()


def test_without_the_work_bucket_bindings_go_on_and_a_new_one_gets_new_records(lost: World) -> None:
    """What runs does not need it; nothing new is made until it is there again."""
    bound(lost, "photos")
    journal, work = writes(lost), work_bucket(lost)
    for found in oss2.ObjectIterator(work):
        work.delete_object(found.key)
    work.delete_bucket()
    lost.request("DatasetBinding", "photos", "without")
    lost.await_ready("DatasetBinding", "photos")
    lost.bucket("late-bucket")
    lost.dataset("late")
    lost.binding("late", "late-bucket", "late")
    assert WORK in lost.await_reason("DatasetBinding", "late", "BucketNotFound")["message"]
    assert writes(lost) == journal | {"CreateDataset": journal["CreateDataset"] + 1}
    work.create_bucket()
    lost.request("DatasetBinding", "late", "again")
    lost.await_ready("DatasetBinding", "late")
    assert work.object_exists(record_key(lost, "late"))
    assert journal["CreateBinding"] + 1 == lost.calls("CreateBinding")


def test_a_lost_project_is_made_again_by_the_stack_and_paid_for_by_consent(lost: World) -> None:
    """The stack makes the project, the operator its datasets; a binding waits for recreatePolicy: Always."""
    bound(lost, "photos")
    lost.imm.delete_binding(PROJECT, "photos", "photos-bucket")
    forget_the_photo(lost)
    lost.until("the project to go", lambda: deletes_project(lost))
    lost.await_reason("Dataset", "photos", "ProjectNotFound", 60)
    prepare(lost)
    lost.annotate("Dataset", "photos", "imm-operator.dev/reconcile-requested-at=made")
    lost.await_ready("Dataset", "photos", 60)
    lost.await_reason("DatasetBinding", "photos", "BindingVanished", 60)
    lost.binding("photos", "photos-bucket", "photos", recreatePolicy="Always")
    lost.await_ready("DatasetBinding", "photos", 60)


def deletes_project(world: World) -> bool:
    """Delete the dataset and its project; the operator, which is at work, may make the dataset anew in between."""
    try:
        world.imm.delete_dataset(PROJECT, "photos")
        world.imm.delete_project(PROJECT)
    except CloudError:
        return False
    return True


def forget_the_photo(world: World) -> None:
    """Only an empty dataset can be deleted."""
    root = Credentials(world.cloud.access_key_id, world.cloud.access_key_secret)
    client: Any = Client(client_config(root, region=world.cloud.region, endpoint=world.cloud.url))
    place = {"project_name": PROJECT, "dataset_name": "photos", "uri": "oss://photos-bucket/a.jpg"}
    client.delete_file_meta(models.DeleteFileMetaRequest(**place))

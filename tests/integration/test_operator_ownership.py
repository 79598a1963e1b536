"""Who owns a binding: two clusters with API servers of their own, two objects of one, and one that was reinstalled."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oss2
import pytest

from emulator.instance import Config
from emulator.testing import running
from sandbox.apiserver.build import Programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.world import PROJECT, World, prepare

SETTINGS = {"IMM_OPERATOR_POLL_INTERVAL": "0.3"}
PICTURES = {"project": PROJECT, "name": "pictures"}


@dataclass(frozen=True)
class Pair:
    """Two clusters that share a cloud and a work bucket."""

    one: World
    two: World

    def owner(self, bucket: str) -> dict[str, Any] | None:
        """The owner record of a bucket's binding to the dataset."""
        cloud = self.one.cloud
        key = f"owners/{cloud.account_id}/{cloud.region}/{PROJECT}/pictures/{bucket}.json"
        work = self.one.bucket("imm-work")
        return dict(json.loads(work.get_object(key).read())) if work.object_exists(key) else None

    def bind(self, world: World, name: str, bucket: str, **spec: Any) -> None:
        """A DatasetBinding that names its dataset itself."""
        own = {"accountRef": {"name": "main"}, "dataset": PICTURES, "bucket": bucket}
        world.apply("DatasetBinding", name, own | spec)


@pytest.fixture(scope="module")
def pair(
    cluster: Cluster, installed: Kubectl, cluster_programs: Programs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two API servers, one cloud, an operator in each."""
    directory: Path = tmp_path_factory.mktemp("second")
    with (
        start_cluster(directory / "cluster", programs=cluster_programs, durable=False) as second,
        running(Config(virtual_clock=False)) as cloud,
    ):
        install(Kubectl(second.kubeconfig))
        worlds = []
        for of, kubectl in ((cluster, installed), (second, Kubectl(second.kubeconfig))):
            namespace = f"owners-{uuid.uuid4().hex[:8]}"
            kubectl("create", "namespace", namespace)
            worlds.append(World(of, kubectl, cloud, namespace, tmp_path_factory.mktemp("operator"), SETTINGS))
        worlds[1].user = worlds[0].user  # one account, one RAM user with the stack's rights
        prepare(worlds[0])
        worlds[0].bucket("imm-work")
        try:
            for world in worlds:
                world.start()
                world.account(workBucket="imm-work")
            worlds[0].dataset("pictures")
            worlds[0].await_ready("Dataset", "pictures")
            yield Pair(*worlds)
        finally:
            for world in worlds:
                world.stop()


def uid_of(world: World) -> str:
    """What tells the cluster from others."""
    return str(json.loads(world.kubectl("get", "namespace", "kube-system", "--output=json"))["metadata"]["uid"])


def test_of_two_clusters_one_has_the_binding_and_the_other_says_whose_it_is(pair: Pair) -> None:
    """Nothing is submitted twice, and the loser's delete touches nothing; then the owner hands over by its own."""
    pair.one.bucket("shared").put_object("a.txt", b"a")
    before = pair.one.calls("CreateBinding")
    pair.bind(pair.one, "ours", "shared")
    pair.one.await_ready("DatasetBinding", "ours")
    pair.bind(pair.two, "theirs", "shared", deletionPolicy="Delete", recreatePolicy="Always")
    message = pair.two.await_reason("DatasetBinding", "theirs", "OwnershipConflict")["message"]
    assert uid_of(pair.one) in message
    assert f"DatasetBinding {pair.one.namespace}/ours" in message
    record = pair.owner("shared")
    assert record is not None
    assert (uid_of(pair.one), pair.one.namespace, "ours") == (record["cluster"], record["namespace"], record["name"])
    pair.two.delete("DatasetBinding", "theirs")
    pair.two.await_gone("DatasetBinding", "theirs")
    assert (before + 1, 0) == (pair.one.calls("CreateBinding"), pair.one.calls("DeleteBinding"))
    assert record == pair.owner("shared")

    pair.one.delete("DatasetBinding", "ours")
    pair.one.await_gone("DatasetBinding", "ours")
    assert pair.owner("shared") is None
    pair.bind(pair.two, "theirs", "shared")
    adopted = pair.two.await_ready("DatasetBinding", "theirs")
    assert adopted["status"]["adopted"] is True
    assert before + 1 == pair.one.calls("CreateBinding")
    found = pair.owner("shared")
    assert found is not None
    assert uid_of(pair.two) == found["cluster"]


def test_both_clusters_at_once_submit_one_create(pair: Pair) -> None:
    """Five bindings each, applied together: every one has one owner, and the other cluster says so."""
    buckets = [f"race-{number}" for number in range(5)]  # a dataset takes ten bindings, and every test here makes one
    for bucket in buckets:
        pair.one.bucket(bucket)
        pair.one.user.grant({"bucket": bucket})
    before = pair.one.calls("CreateBinding")
    for world in (pair.one, pair.two):
        own = {"accountRef": {"name": "main"}, "dataset": PICTURES}
        items = [
            {
                "apiVersion": "imm-operator.dev/v1alpha1",
                "kind": "DatasetBinding",
                "metadata": {"name": bucket, "namespace": world.namespace},
                "spec": own | {"bucket": bucket},
            }
            for bucket in buckets
        ]
        world.kubectl("apply", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def settled() -> bool:
        return all(
            sorted(
                world.condition("DatasetBinding", bucket, "Ready").get("reason", "") for world in (pair.one, pair.two)
            )
            == ["OwnershipConflict", "Succeeded"]
            for bucket in buckets
        )

    pair.one.until("every binding to have one owner", settled, 60)
    assert before + len(buckets) == pair.one.calls("CreateBinding")


def test_a_reinstalled_operator_finds_its_own_again(pair: Pair) -> None:
    """Operator and objects are removed past each other and applied again: adopted, with no new scan."""
    one = pair.one
    one.bucket("kept").put_object("a.txt", b"a")
    pair.bind(one, "kept", "kept")
    one.await_ready("DatasetBinding", "kept")
    record, before = pair.owner("kept"), one.calls("CreateBinding")
    one.stop()
    finalizers = '{"metadata": {"finalizers": []}}'
    one.kubectl("patch", "immb", "kept", f"--namespace={one.namespace}", "--type=merge", f"--patch={finalizers}")
    one.kubectl("delete", "immb", "kept", f"--namespace={one.namespace}")
    pair.bind(one, "kept", "kept")
    one.start()
    again = one.await_ready("DatasetBinding", "kept", 60)
    assert again["status"]["adopted"] is True
    assert (record, before) == (pair.owner("kept"), one.calls("CreateBinding"))


def test_the_loser_of_one_cluster_goes_on_within_a_second(pair: Pair) -> None:
    """The record of an object that vanished behind our back is taken over, too."""
    one = pair.one
    one.bucket("handed").put_object("a.txt", b"a")
    pair.bind(one, "winner", "handed")
    one.await_ready("DatasetBinding", "winner")
    pair.bind(one, "loser", "handed")
    assert "DatasetBinding winner" in one.await_reason("DatasetBinding", "loser", "OwnershipConflict")["message"]
    before = one.calls("CreateBinding")
    finalizers = '{"metadata": {"finalizers": []}}'
    one.kubectl("patch", "immb", "winner", f"--namespace={one.namespace}", "--type=merge", f"--patch={finalizers}")
    one.delete("DatasetBinding", "winner")
    one.await_gone("DatasetBinding", "winner")
    began = time.monotonic()
    one.await_ready("DatasetBinding", "loser")
    # Within a second of the operator; kubectl and this machine take their own, and nobody looks for minutes otherwise.
    assert time.monotonic() - began < 30
    record = pair.owner("handed")
    assert record is not None
    assert ("loser", before) == (record["name"], one.calls("CreateBinding"))


def test_a_settled_binding_costs_no_record_call_and_three_writes(pair: Pair) -> None:
    """One look and one write of the record on its way to Ready, none afterwards, none after a restart."""
    one = pair.one

    def record_calls() -> list[object]:
        wanted = {"GetObject", "PutObject", "DeleteObject"}
        path = "pictures/quiet.json"
        return [e["operation"] for e in one.cloud.requests("oss") if e["operation"] in wanted and path in str(e)]

    one.bucket("quiet")
    pair.bind(one, "quiet", "quiet", resyncInterval="10s")
    one.await_ready("DatasetBinding", "quiet")
    assert ["GetObject", "PutObject"] == record_calls()
    assert len(one.writes("datasetbindings", "quiet")) <= 3
    one.stop()
    one.start()
    one.request("DatasetBinding", "quiet", "again")
    assert ["GetObject", "PutObject"] == record_calls()


def test_a_work_bucket_with_versions_is_refused_in_words(pair: Pair) -> None:
    """There OSS overwrites what must be written once; nothing is bound on the strength of such a record."""
    two = pair.two
    versioned = two.bucket("versioned-work")
    versioned.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    two.bucket("unbound")
    two.account("versioned", workBucket="versioned-work")
    pair.bind(two, "unbound", "unbound", accountRef={"name": "versioned"})
    message = two.await_reason("DatasetBinding", "unbound", "SpecInvalid")["message"]
    assert "versioned-work keeps versions" in message
    assert "unbound" not in {b.bucket for b in two.imm.list_bindings(PROJECT)}

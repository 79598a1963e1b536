"""Two shards in one cluster: each with its Lease, its label and its queue of one stack's hand-over, and no other's."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsClient
from click.testing import CliRunner

from controller.api.fields import SHARD
from controller.cli import main
from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from emulator.instance import Instance
from sandbox.demo.operator import start_operator
from tests.integration.replicas import process_of
from tests.integration.world import PROJECT, World

WORK, FILES, DATASET = "shard-records", "shard-files", "shared"
KINDS = ("cloudaccounts", "datasets", "datasetbindings", "batchimports")
READS = {"get", "list", "watch"}


@dataclass
class ShardRoom:
    """A shard's namespace, where its hand-over is applied, and its operator, which watches both namespaces."""

    world: World
    shard: str
    namespaces: str
    directory: Path

    def start(self) -> None:
        """Start the operator with the shard's name alone: the Lease is named after it."""
        self.directory.mkdir(exist_ok=True)
        own = {"IMM_OPERATOR_NAMESPACES": self.namespaces, "IMM_OPERATOR_SHARD": self.shard, **self.world.settings}
        self.world.operator = start_operator(self.world.cluster, self.directory, self.world.cloud.url, own)

    @property
    def labels(self) -> dict[str, str]:
        """Of its objects."""
        return {SHARD: self.shard}

    @property
    def token(self) -> str:
        """What the audit log knows the operator by: both are the same service account, with a token each."""
        config = yaml.safe_load((self.directory / "operator.kubeconfig").read_text())
        payload = config["users"][0]["user"]["token"].split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])

    def requests(self) -> list[dict[str, Any]]:
        """The operator's requests so far, from the API server's audit log."""
        log = self.world.cluster.audit_log
        assert log is not None
        found, token = [], self.token
        for line in log.read_text().splitlines():
            if token in line:  # the log has the requests of all tests before this one
                with suppress(json.JSONDecodeError):  # the last line may be written at this moment
                    entry = json.loads(line)
                    if token in str(entry["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id")):
                        found.append(entry)
        return found

    def written(self) -> set[tuple[str, str, str]]:
        """Resource, namespace and name of everything that the operator wrote to, its Lease left out."""
        refs = [entry.get("objectRef", {}) for entry in self.requests() if entry["verb"] not in READS]
        return {
            (ref["resource"], ref["namespace"], ref.get("name", ""))
            for ref in refs
            if ref.get("resource") not in {"leases", "serviceaccounts"}
        }

    def await_empty_queue(self) -> None:
        """Wait until every message of the shard's queue is worked off."""

        def look(instance: Instance) -> bool:
            held = instance.cloud.mns(self.world.cloud.account_id, self.world.cloud.region)
            return not held.queues[f"events-{self.shard}"].messages

        self.world.until("the queue to be empty", lambda: self.world.cloud.run(look))


def hand_over(world: World, shards: tuple[str, ...]) -> str:
    """The document of one stack with a queue for each shard."""
    names = [f"events-{shard}" for shard in shards]
    document = {
        "version": 2,
        "stack": "test",
        "name": "main",
        "namespace": "somewhere",
        "region": world.cloud.region,
        "accountId": world.cloud.account_id,
        "credentialsSecret": "main-key",
        "workBucket": WORK,
        "mediaBuckets": [FILES],
        "shards": [
            {"name": shard, "topic": name, "queue": name, "deadLetterQueue": f"{name}-dead"}
            for shard, name in zip(shards, names, strict=True)
        ],
        "endpoints": dict.fromkeys(("imm", "oss", "mns", "imageSearch"), world.cloud.url),
        "projects": [{"name": PROJECT, "serviceRole": "AliyunIMMDefaultRole", "datasets": [{"name": DATASET}]}],
    }
    return json.dumps(document)


def make_queue(world: World, name: str) -> None:
    """A topic, its queue and the dead letters', as the stack makes them."""
    keys = Credentials(world.cloud.access_key_id, world.cloud.access_key_secret)
    mns = MnsClient(client_config(keys, region=world.cloud.region, endpoint=world.cloud.url))
    mns.create_topic(mns_models.CreateTopicRequest(topic_name=name))
    for queue in (name, f"{name}-dead"):
        mns.create_queue(mns_models.CreateQueueRequest(queue_name=queue, visibility_timeout=2))
    endpoint = f"acs:mns:{world.cloud.region}:{world.cloud.account_id}:queues/{name}"
    subscription = {"topic_name": name, "subscription_name": name, "endpoint": endpoint, "push_type": "queue"}
    mns.subscribe(mns_models.SubscribeRequest(**subscription, notify_content_format="SIMPLIFIED"))


def deliver(room: ShardRoom, document: str) -> None:
    """Render the shard's manifests and put them into the shard's namespace, as docs/guides/sharding.md has it."""
    made = CliRunner().invoke(main, ["render", "--shard", room.shard], input=document)
    assert made.exit_code == 0, made.output
    folder = room.directory / "overlay"
    folder.mkdir(parents=True)
    (folder / "handover.yaml").write_text(made.stdout)
    (folder / "kustomization.yaml").write_text(f"namespace: {room.world.namespace}\nresources: [handover.yaml]\n")
    for body in yaml.safe_load_all(made.stdout):
        room.world.user.grant(body.get("spec", {}))
    key = room.world.user.key
    room.world.secret("main-key", accessKeyId=key.access_key_id, accessKeySecret=key.access_key_secret)
    room.world.kubectl("apply", f"--kustomize={folder}")


@pytest.fixture(scope="module")
def rooms(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ShardRoom, ShardRoom]]:
    """Two shards, each with a namespace; both operators watch both namespaces. Names are this run's alone."""
    world.stop()
    suffix = uuid.uuid4().hex[:8]
    other = f"{world.namespace}-b"
    world.kubectl("create", "namespace", other)
    second = replace(world, namespace=other)
    second.user = world.user
    directory, both = tmp_path_factory.mktemp("shards"), f"{world.namespace},{other}"
    made = tuple(
        ShardRoom(one, f"{letter}-{suffix}", both, directory / letter) for letter, one in (("a", world), ("b", second))
    )
    a, b = made
    for bucket in (WORK, FILES):
        world.bucket(bucket)
    document = hand_over(world, (a.shard, b.shard))
    try:
        for room in (a, b):
            make_queue(world, f"events-{room.shard}")
            deliver(room, document)
            room.start()
        yield a, b
    finally:
        for room in (a, b):
            room.world.stop()


def bind(room: ShardRoom, name: str, bucket: str) -> None:
    """A binding of the shard, and its bucket."""
    room.world.bucket(bucket).put_object("a.txt", b"text")
    spec = {"accountRef": {"name": "main"}, "dataset": {"ref": DATASET}, "bucket": bucket}
    room.world.apply("DatasetBinding", name, spec, labels=room.labels)


def created(room: ShardRoom, bucket: str) -> int:
    """How often CreateBinding was asked for a bucket, refused calls included."""
    return sum(bucket in str(call["params"]) for call in room.world.cloud.requests("imm", "CreateBinding"))


def test_each_serves_its_own_through_its_own_queue(rooms: tuple[ShardRoom, ShardRoom]) -> None:
    """Account, dataset, binding and import of each; and neither writes one byte to the other's objects."""
    for room in rooms:
        world = room.world
        world.await_ready("cloudaccount", "main")
        world.await_ready("dataset", DATASET)
        bind(room, "photos", f"photos-{room.shard}")
        keys = [f"{room.shard}/{number}.txt" for number in range(3)]
        world.cloud.put_objects(FILES, ((key, b"text") for key in keys))
        items = [{"uri": f"oss://{FILES}/{key}"} for key in keys]
        target = {"dataset": {"ref": DATASET}}
        spec = {"accountRef": {"name": "main"}, "target": target, "source": {"items": items}}
        world.apply("BatchImport", "files", spec, labels=room.labels)
    for room in rooms:
        room.world.await_ready("datasetbinding", "photos", seconds=60)
        room.world.await_ready("batchimport", "files", seconds=60)
        assert 1 == created(room, f"photos-{room.shard}")
        room.await_empty_queue()
    for room, other in (rooms, rooms[::-1]):
        written = room.written()
        assert {room.world.namespace} == {namespace for _, namespace, _ in written}
        assert {*KINDS, "events"} == {resource for resource, _, _ in written}
        asked = [entry for entry in room.requests() if entry.get("objectRef", {}).get("resource") in KINDS]
        listed = [urlsplit(entry["requestURI"]).query for entry in asked if entry["verb"] in {"list", "watch"}]
        selectors = [parse_qs(query)["labelSelector"] for query in listed]
        assert selectors == [[f"{SHARD}={room.shard}"]] * len(selectors)
        assert other.shard not in str(asked)
        lease = f"imm-operator-{room.shard}"
        shown = room.world.kubectl("get", "lease", lease, "--namespace=imm-operator", "--output=json")
        assert json.loads(shown)["spec"]["holderIdentity"]


def test_a_reference_to_another_shards_object_says_so(rooms: tuple[ShardRoom, ShardRoom]) -> None:
    """With the way out; what it says goes when the labels agree."""
    a, b = rooms
    spec = {"accountRef": {"name": "main"}, "project": PROJECT, "name": "across"}
    a.world.apply("Dataset", "across", spec, labels=b.labels)
    said = a.world.await_reason("dataset", "across", "DependencyNotFound")["message"]
    assert said.startswith(f"CloudAccount main belongs to shard {a.shard} and this object to shard {b.shard}: ")
    words = ("dataset", "across", f"{SHARD}={a.shard}", f"--namespace={a.world.namespace}")
    a.world.kubectl("label", "--overwrite", *words)
    a.world.await_ready("dataset", "across")


def test_a_label_that_moves_takes_the_service_along(rooms: tuple[ShardRoom, ShardRoom]) -> None:
    """A settled binding with its account and dataset: nothing is created anew, and the new operator serves it."""
    a, b = rooms
    bind(a, "moving", f"moving-{a.shard}")
    before = a.world.await_ready("datasetbinding", "moving", seconds=60)
    move(a, b)
    a.world.request("datasetbinding", "moving", "after-the-move")
    after = a.world.await_ready("datasetbinding", "moving", seconds=60)
    assert before["status"]["createdAt"] == after["status"]["createdAt"]
    assert before["metadata"]["finalizers"] == after["metadata"]["finalizers"]
    assert 1 == created(a, f"moving-{a.shard}")
    moved = ("datasetbindings", a.world.namespace, "moving")
    assert moved in b.written()
    known = len([entry for entry in a.requests() if named(entry) == moved])
    a.world.kubectl("annotate", "datasetbinding", "moving", "example.com/x=y", f"--namespace={a.world.namespace}")
    a.world.request("datasetbinding", "moving", "once-more")
    assert known == len([entry for entry in a.requests() if named(entry) == moved])
    move(b, a, a.world)
    a.world.request("datasetbinding", "moving", "and-back")
    assert 1 == created(a, f"moving-{a.shard}")


def test_one_that_is_killed_leaves_the_other_working(rooms: tuple[ShardRoom, ShardRoom]) -> None:
    """Its own objects wait for it, and for nobody else; then it goes on where it was."""
    a, b = rooms
    a.world.kill()
    for room in (a, b):
        bind(room, "later", f"later-{room.shard}")
    b.world.await_ready("datasetbinding", "later", seconds=60)
    assert (0, 1) == (created(a, f"later-{a.shard}"), created(b, f"later-{b.shard}"))
    a.world.kubectl("delete", "lease", f"imm-operator-{a.shard}", "--namespace=imm-operator")
    a.start()
    a.world.await_ready("datasetbinding", "later", seconds=90)
    assert 1 == created(a, f"later-{a.shard}")
    assert process_of(b.world)


def named(entry: dict[str, Any]) -> tuple[str, str, str]:
    """Resource, namespace and name of a request."""
    ref = entry.get("objectRef", {})
    return ref.get("resource", ""), ref.get("namespace", ""), ref.get("name", "")


def move(before: ShardRoom, after: ShardRoom, where: World | None = None) -> None:
    """Label everything of a namespace for another shard."""
    world = where or before.world
    words = ("--all", f"{SHARD}={after.shard}", f"--namespace={world.namespace}")
    world.kubectl("label", "--overwrite", ",".join(KINDS), *words)

"""Two tenants of one operator and one cloud account: what one of them may not do to the other's imports.

The second tenant signs in with a key of its own, whose rights end at its own queue, work bucket and dataset.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.request import urlopen

import pytest
from mns.topic import TopicMessage

from emulator.instance import Instance
from sandbox.apiserver.cluster import Cluster
from sandbox.kubectl import Kubectl
from tests.integration.collector import Collector
from tests.integration.import_room import DATASET, DEAD, FILES, IMPORT, QUEUE, TOPIC, WORK, ImportRoom, uri
from tests.integration.operator_user import OperatorUser
from tests.integration.world import PROJECT, World, opened
from tests.mns_sdk import account_of

THEIR_WORK = "other-records"
REFUSED = 403
GUESSED = "0123456789abcdef"


@dataclass
class Tenant(OperatorUser):
    """A RAM user that what its objects name gives no right."""

    def grant(self, spec: dict[str, Any]) -> None:
        """Its administrator gave it what it has."""


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, installed: Kubectl, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The first tenant's namespace, and an operator with its most talkative log that watches both."""
    settings = {"IMM_OPERATOR_VERBOSE": "true", "IMM_OPERATOR_POLL_INTERVAL": "0.3"} | collector.settings
    directory = tmp_path_factory.mktemp("operator")
    with opened(cluster, installed, directory, settings, name="tenants", neighbour=True) as made:
        yield made


@pytest.fixture(scope="module")
def room(world: World) -> ImportRoom:
    """The first tenant with everything an import needs."""
    made = ImportRoom(world)
    made.open()
    made.put("a/1.txt", "a/2.txt")
    return made


@pytest.fixture(scope="module")
def other(room: ImportRoom) -> ImportRoom:
    """The second tenant, with a key, a work bucket and an account of its own, in the same project and dataset."""
    there = replace(room.world, namespace=f"{room.world.namespace}-other", operator=None)
    room.world.bucket(THEIR_WORK)
    there.user = Tenant(there.cloud, "other-tenant")
    there.user.scope = replace(there.user.scope, projects=(PROJECT,), buckets=(FILES,), work=(THEIR_WORK,))
    there.operator = room.world.operator
    made = ImportRoom(there)
    made.account(THEIR_WORK)
    return made


def direct(room: ImportRoom, name: str, *keys: str, **spec: Any) -> None:
    """Apply an import whose target is named without a Dataset object, so that both tenants can say the same."""
    target = {"dataset": {"project": PROJECT, "name": DATASET}}
    room.apply(name, room.items(*keys), target=target, **spec)


def answered(room: ImportRoom, service: str, name: str) -> list[int]:
    """How the second tenant's key was answered so far, where it asked for what is in this bucket or queue."""
    there = [one for one in room.world.cloud.requests(service) if name in str(one["resource"])]
    return [
        int(str(one["status"]))
        for one in there
        if "other-tenant" in str(one["principal"]) or (one["status"] == REFUSED and one["principal"] == "")
    ]


def records(room: ImportRoom) -> dict[str, tuple[str, float]]:
    """Every object of the first tenant's work bucket: its content's hash and when it was written."""

    def look(instance: Instance) -> dict[str, tuple[str, float]]:
        held = instance.cloud.oss.buckets[WORK].objects
        return {key: (one.etag, one.last_modified) for key, one in held.items()}

    return room.world.cloud.run(look)


def nonces(room: ImportRoom) -> list[str]:
    """What only the first tenant's run records hold."""

    def look(instance: Instance) -> list[str]:
        held = instance.cloud.oss.buckets[WORK].objects
        return [json.loads(one.data)["nonce"] for key, one in held.items() if key.endswith("/record.json")]

    return room.world.cloud.run(look)


def test_a_tenant_cannot_read_anothers_queue(room: ImportRoom, other: ImportRoom) -> None:
    """It may name the queue; RAM refuses its key, it is told so, and what lies there stays."""
    room.send(QUEUE, "a message of the first tenant")
    direct(other, "thief", "a/1.txt", resultTimeout="1h")
    other.world.until(
        "the refusal to be told",
        lambda: "mns:" in other.world.condition("CloudAccount", "main", "Permitted").get("message", ""),
        30,
        lambda: str(other.world.get("CloudAccount", "main")),
    )
    assert {REFUSED} == set(answered(room, "mns", QUEUE))
    assert "a message of the first tenant" in room.messages(QUEUE)
    assert 0 == other.status("thief").get("totals", {}).get("succeeded", 0)
    other.world.delete(IMPORT, "thief")
    other.world.await_gone(IMPORT, "thief")


def test_forged_results_are_not_believed(room: ImportRoom, other: ImportRoom) -> None:
    """The run's id stands in its status for everybody to read; its nonce stands nowhere."""
    room.settings(index_delay_seconds=20)
    billed = room.billed()
    room.apply("forged", room.items("a/1.txt", "a/none.txt"))
    room.world.until("the call", lambda: room.billed() > billed and "run" in room.status("forged"))
    run = room.status("forged")["run"]
    address = f"imm-operator/1/{run}/{GUESSED}/0"
    said = {"ProjectName": PROJECT, "DatasetName": DATASET, "Success": True, "UserData": address}
    lies = [
        said | {"Files": [{"URI": uri("a/none.txt"), "Error": ""}]},
        said | {"Files": [{"URI": uri("a/1.txt"), "Error": "it was lost"}]},
        said | {"Success": False, "Message": "all of it was lost", "Files": []},
        said | {"UserData": f"imm-operator/1/{run}//0", "Success": False},
    ]
    with account_of(room.world.cloud) as account:
        for lie in lies:
            account.get_topic(TOPIC).publish_message(TopicMessage(json.dumps(lie)))
    room.world.until("the lies to be heard", lambda: len(heard(room, GUESSED)) == 3 and all(heard(room, GUESSED)), 30)
    assert 0 == room.status("forged")["totals"].get("succeeded", 0) + room.status("forged")["totals"].get("failed", 0)
    room.settings(index_delay_seconds=0.2)
    room.world.await_reason(IMPORT, "forged", "PartiallyFailed", 40)
    totals = room.status("forged")["totals"]
    assert (1, 1, 0) == (totals["succeeded"], totals["failed"], totals["unknown"])
    assert [uri("a/none.txt")] == [one["item"] for one in room.status("forged")["failures"]]

    def left() -> list[str]:
        return [body for body in room.messages(QUEUE) if run in body]

    room.world.until("the true one to be taken out of the queue", lambda: len(left()) <= len(lies))
    assert len(lies) == len(left()), "a message that was left is gone"


def heard(room: ImportRoom, text: str) -> list[int]:
    """Of each message of the queue with a text, how often it was received."""

    def look(instance: Instance) -> list[int]:
        held = instance.cloud.mns(room.world.cloud.account_id, room.world.cloud.region).queues[QUEUE]
        return [one.dequeue_count for one in held.messages.values() if text in one.body]

    return room.world.cloud.run(look)


def test_a_tenant_cannot_reach_anothers_records(room: ImportRoom, other: ImportRoom) -> None:
    """It may name the work bucket; RAM refuses its key, and nothing of it is read or written."""
    direct(room, "mine", "a/1.txt")
    room.world.await_ready(IMPORT, "mine")
    before = records(room)
    other.account(WORK)
    direct(other, "mine", "a/1.txt")
    condition = other.world.await_reason(IMPORT, "mine", "AccessDenied", 30)
    assert "oss:" in condition["message"]
    assert room.status("mine")["run"] not in json.dumps(other.world.get(IMPORT, "mine"))
    assert {REFUSED} == set(answered(room, "oss", WORK))
    assert before == records(room)
    other.world.delete(IMPORT, "mine")
    other.world.await_gone(IMPORT, "mine")


def test_a_tenant_cannot_reach_anothers_owner_records(room: ImportRoom, other: ImportRoom) -> None:
    """A binding whose account names the first tenant's work bucket is refused; nothing was read, nothing is said."""
    target = {"dataset": {"project": PROJECT, "name": DATASET}}
    room.world.apply("DatasetBinding", "owned", {"accountRef": {"name": "main"}, "bucket": FILES} | target)
    room.world.await_ready("DatasetBinding", "owned", 30)
    before = {key: one for key, one in records(room).items() if key.startswith("owners/")}
    assert before
    asked, bound = len(answered(room, "oss", WORK)), room.world.calls("CreateBinding")
    other.account(WORK)
    other.world.apply("DatasetBinding", "owned", {"accountRef": {"name": "main"}, "bucket": FILES} | target)
    condition = other.world.await_reason("DatasetBinding", "owned", "AccessDenied", 30)
    assert "oss:" in condition["message"]
    assert {REFUSED} == set(answered(room, "oss", WORK)[asked:])
    assert room.world.namespace not in json.dumps((other.world.get("DatasetBinding", "owned") or {})["status"])
    assert before == {key: one for key, one in records(room).items() if key.startswith("owners/")}
    assert bound == room.world.calls("CreateBinding")
    other.world.delete("DatasetBinding", "owned")
    other.world.await_gone("DatasetBinding", "owned")


def test_a_tenant_cannot_adopt_anothers_run(room: ImportRoom, other: ImportRoom) -> None:
    """Of the same name, with the same spec, and even with rights on the same bucket and queue: it is another run."""
    direct(room, "mine", "a/1.txt")
    room.world.await_ready(IMPORT, "mine")
    before, billed, run = records(room), room.billed(), room.status("mine")["run"]
    shared = replace(other.world, operator=None)
    shared.user = room.world.user
    let_in = ImportRoom(shared)
    let_in.account(WORK)
    let_in.world.request("CloudAccount", "main", "let-in")
    direct(let_in, "mine", "a/1.txt")
    let_in.world.await_ready(IMPORT, "mine", 40)
    assert run != let_in.status("mine")["run"]
    assert billed + 1 == room.billed()
    after = records(room)
    assert before == {key: after.get(key) for key in before}
    room.world.request(IMPORT, "mine", "afterwards")
    assert (run, "Complete") == (room.status("mine")["run"], room.status("mine")["phase"])


def test_nothing_secret_of_an_import_stands_anywhere(room: ImportRoom, other: ImportRoom, collector: Collector) -> None:
    """After all of the above and a mistyped key: no secret and no nonce in status, event, metric, log or trace."""
    key = other.world.user.key
    planted = "planted-import-secret"
    other.world.secret(
        "main-key", accessKeyId=key.access_key_id, accessKeySecret=planted, securityToken="planted-token"
    )
    other.world.request("CloudAccount", "main", "mistyped")
    other.world.await_reason("CloudAccount", "main", "CredentialsRejected", 30)
    direct(other, "keyless", "a/2.txt")
    other.world.until("the import to say so", lambda: bool(other.world.condition(IMPORT, "keyless", "Ready")), 30)
    operator = room.world.operator
    assert operator is not None
    room.world.until("the refused import's span", lambda: "keyless" in collector.text())
    everything = [
        (room.world.directory / "operator.log").read_text(),
        collector.text(),
        urlopen(f"{operator.url}/metrics").read().decode(),  # noqa: S310 - our own
        *(
            room.world.kubectl("get", "cloudaccounts,datasets,batchimports,events", f"--namespace={where}", "-o=yaml")
            for where in (room.world.namespace, other.world.namespace)
        ),
    ]
    secrets = [room.world.user.key.access_key_secret, key.access_key_secret, planted, "planted-token", *nonces(room)]
    assert len(nonces(room)) >= 3
    assert all(len(text) > 1000 for text in everything)
    assert "DEBUG" in everything[0]
    assert [] == [secret for secret in secrets for text in everything if secret in text]
    assert [] == room.messages(DEAD), "nobody asked for messages to be moved"

"""The tables of rights: what the operator calls and nothing else, in policies that RAM takes."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Generic, Protocol

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import (
    FilesPort,
    ImageSearchPort,
    ImmPort,
    IndexedFile,
    OssPort,
    ProjectSpec,
    QueuePort,
    UploadedPart,
)
from controller.core.facts import QuotaFacts
from emulator.ram.conditions import holds
from emulator.testing import LocalCloud
from infra import rights
from infra.policy.declared import Declared
from infra.policy.rights import POLICY, UNSCOPED, wildcards
from infra.rights import EVERYTHING, IMM, OPERATOR, PICTURES, Right, Scope
from tests.mns_sdk import make_queue

ROOT = Path(__file__).resolve().parents[2]
SCOPE = Scope("cn-hangzhou", "1234567890123456", ("media", "films"), ("photos",), ("events",), ("key-1",), ("work",))
HELD = Scope(
    *("cn-hangzhou", "1234567890123456", ("media",), ("photos",)),
    work=("work",),
    queues=("results",),
    dead_letter_queues=("dead-letters",),
    instances=("shop",),
)
UNCONFIRMED = {
    "imagesearch:CheckImageExists",
    "imagesearch:Detail",
    "imagesearch:IncreaseInstance",
    "imagesearch:IncreaseList",
    "imm:BatchDeleteFileMeta",
    "imm:BatchGetFileMeta",
    "imm:CreateDataset",
    "imm:ListBindings",
    "mns:BatchDeleteMessage",
    "mns:DeleteMessage",
    "mns:ReceiveMessage",
    "oss:GetBucketInfo",
    "oss:ListObjects",
    "kms:Decrypt",
    "kms:GenerateDataKey",
}


TABLES = (OPERATOR, IMM)
# Whether a batch asks for the right to a single one, too, is not known; the local cloud says no.
BESIDE = {"mns:ReceiveMessage", "mns:DeleteMessage"}


def methods(port: type) -> set[str]:
    """The methods of a port."""
    return {
        name
        for part in port.__mro__
        if part not in {Generic, Protocol, object}
        for name in vars(part)
        if name[0] != "_"
    }


def imm_methods() -> set[str]:
    """The methods of IMM's port that the operator calls, as its steps are written: projects are Pulumi's."""
    called = {
        node.func.attr
        for file in (ROOT / "controller" / "reconcile").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return methods(ImmPort) & called


def test_the_operators_rights_are_the_calls_that_it_makes(cloud: LocalCloud) -> None:
    """Each port method it calls is called once; what the local cloud then asked for is the table, and no more."""
    key = Credentials(cloud.access_key_id, cloud.access_key_secret)
    place = Place(cloud.account_id, cloud.region, imm=cloud.url, oss=cloud.url, mns=cloud.url, image_search=cloud.url)
    clouds = AlibabaClouds(Limiters(), Rates(), sts_endpoint=cloud.url)
    imm = clouds.imm(place, key, Lane.EDIT)
    imm.create_project(ProjectSpec("media"))
    _make_buckets(cloud, "photos", "work")
    make_queue(cloud, "results")
    make_queue(cloud, "dead-letters")
    before = max(int(str(entry["number"])) for entry in cloud.requests())
    quotas: dict[str, Any] = {"template_id": None, "description": "x", "quotas": QuotaFacts()}
    oss, queue = clouds.oss(place, key, Lane.EDIT), clouds.queue(place, key, "results")
    of_imm: dict[str, Callable[[], object]] = {
        "create_dataset": lambda: imm.create_dataset("media", "d", **quotas),
        "update_dataset": lambda: imm.update_dataset("media", "d", **quotas),
        "create_binding": lambda: imm.create_binding("media", "d", "photos"),
        "list_bindings": lambda: imm.list_bindings("media"),
        "delete_binding": lambda: imm.delete_binding("media", "d", "photos"),
        "delete_dataset": lambda: imm.delete_dataset("media", "absent"),
        "get_dataset": lambda: imm.get_dataset("media", "absent"),
        "get_project": lambda: imm.get_project("media"),
    }
    of_oss: dict[str, Callable[[], object]] = {
        "get_bucket": lambda: oss.get_bucket("photos"),
        "put_new": lambda: oss.put_new("work", "owners/a", b""),
        "put_object": lambda: oss.put_object("work", "runs/a", b"1"),
        "get_object": lambda: [oss.get_object("work", key) for key in ("owners/a", "runs/a")],
        "get_range": lambda: oss.get_range("photos", "table.csv", 0, 10),
        "list_objects": lambda: oss.list_objects("photos", "2025/"),
        "delete_object": lambda: oss.delete_object("work", "owners/a"),
    } | _uploads(oss)
    of_queue: dict[str, Callable[[], object]] = {
        "send": lambda: clouds.queue(place, key, "dead-letters").send("not ours"),
        "receive": lambda: queue.receive(0),
        "delete": lambda: queue.delete(["1-A"]),
        "look": queue.look,
    }
    assert (imm_methods(), methods(OssPort), methods(QueuePort)) == (set(of_imm), set(of_oss), set(of_queue))
    for step in [*of_imm.values(), *of_oss.values(), *of_queue.values()]:
        step()
    _call_files(clouds.files(place, key, Lane.EDIT))
    cloud.image_search_instance("shop")
    _call_image_search(clouds.image_search(place, key, Lane.EDIT))
    clouds.sts(place, key, Lane.EDIT).get_caller()  # STS asks nobody for a right to it
    entries = cloud.run(lambda instance: instance.journal.select(None, None, before))
    asked = {(right.action, right.resource) for entry in entries for right in entry.rights}
    granted = rights.grants(OPERATOR, HELD)
    assert not {right for right in asked if not any(_covers(grant, right) for grant in granted)}
    assert BESIDE == {grant[0] for grant in granted if not any(_covers(grant, right) for right in asked)}


def _call_files(files: FilesPort) -> None:
    file = IndexedFile("oss://photos/a.jpg", labels={"a": "b"})
    steps: dict[str, Callable[[], object]] = {
        "index": lambda: files.index("media", "d", [file], topic="events", user_data="x"),
        "update": lambda: files.update("media", "d", [file]),
        "get": lambda: files.get("media", "d", [file.uri]),
        "delete": lambda: files.delete("media", "d", [file.uri]),
    }
    assert methods(FilesPort) == set(steps)
    for step in steps.values():
        step()


def _uploads(oss: OssPort) -> dict[str, Callable[[], object]]:
    """A manifest's way, in the root and in a directory, the one that lay there kept first; and a long report's."""
    keys = (("photos", "increment.meta"), ("photos", "spring/increment.meta"), ("work", "runs/1/report.jsonl"))
    begun: dict[tuple[str, str], tuple[str, list[UploadedPart]]] = {}

    def begin() -> None:
        for name in keys:
            begun[name] = oss.begin_upload(*name, {}, replace=True), []

    def send() -> None:
        for name, (upload, parts) in begun.items():
            parts.append(oss.upload_part(*name, upload, 1, b"{}"))

    def abort() -> None:
        for name, (upload, _) in begun.items():
            oss.abort_upload(*name, upload)

    def complete() -> None:
        for name, (upload, parts) in begun.items():
            oss.complete_upload(*name, upload, parts, replace=True)

    return {
        "begin_upload": begin,
        "upload_part": send,
        "complete_upload": complete,
        "abort_upload": abort,
        "head_object": lambda: oss.head_object(*keys[1]),
        "copy_object": lambda: oss.copy_object(*keys[1], "work", "runs/1/kept", etag=_etag(oss)),
    }


def _etag(oss: OssPort) -> str:
    """The version that is there."""
    head = oss.head_object("photos", "spring/increment.meta")
    assert head is not None
    return head.etag


def _call_image_search(port: ImageSearchPort) -> None:
    steps: dict[str, Callable[[], object]] = {
        "detail": lambda: port.detail("shop"),
        "tasks": lambda: port.tasks("shop"),
        "exists": lambda: port.exists("shop", "1000", "a.jpg"),
        "increase": lambda: port.increase("shop", "photos", "spring/", None),
    }
    assert methods(ImageSearchPort) == set(steps)
    for step in steps.values():
        step()


def _covers(grant: tuple[str, str], right: tuple[str, str]) -> bool:
    return grant[0] == right[0] and fnmatchcase(right[1], grant[1])


def _make_buckets(cloud: LocalCloud, *names: str) -> None:
    auth, session = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret), oss2.Session()
    for name in names:
        oss2.Bucket(auth, cloud.url, name, session=session, region=cloud.region).create_bucket()
    session.session.close()


@pytest.mark.parametrize("table", TABLES, ids=["operator", "imm"])
def test_no_right_stands_twice_and_none_has_a_wildcard_for_its_action(table: tuple[Right, ...]) -> None:
    """And each says what it is for."""
    assert len({(right.action, right.resource) for right in table}) == len(table)
    assert not [right for right in table if "*" in right.action or not right.why]


def test_what_no_page_of_the_vendor_confirms_is_marked() -> None:
    """Whoever has an account looks at these first."""
    assert {right.action for right in (*OPERATOR, *IMM) if not right.confirmed} == UNCONFIRMED


def test_a_right_is_granted_on_each_thing_of_its_kind() -> None:
    """ARNs carry region and account, except OSS', which have no region."""
    granted = rights.grants(OPERATOR, SCOPE)
    imm = "acs:imm:cn-hangzhou:1234567890123456:project"
    assert [where for action, where in granted if action == "imm:GetProject"] == [f"{imm}/media", f"{imm}/films"]
    assert ("imm:CreateBinding", f"{imm}/films/dataset/*") in granted
    assert ("oss:GetBucketStat", "acs:oss:*:1234567890123456:photos") in granted
    assert ("oss:PutObject", "acs:oss:*:1234567890123456:work/owners/*") in granted
    assert ("oss:PutObject", "acs:oss:*:1234567890123456:photos/*") not in granted
    assert not [action for action, where in granted if where.startswith("acs:mns:")]
    key = "acs:kms:cn-hangzhou:1234567890123456:key/key-1"
    of_kms = [[right for right in rights.grants(table, SCOPE) if right[0].startswith("kms:")] for table in TABLES]
    assert [[("kms:Decrypt", key), ("kms:GenerateDataKey", key)], [("kms:Decrypt", key)]] == of_kms
    assert ("mns:PublishMessage", "acs:mns:cn-hangzhou:1234567890123456:/topics/events/messages") in rights.grants(
        IMM, SCOPE
    )


def test_rights_to_image_search_are_those_of_a_stack_that_has_it() -> None:
    """On all resources, as no page gives narrower ones; beside the pictures only a manifest may be written."""
    of_search = {right.action for right in PICTURES if right.resource == EVERYTHING}
    assert UNSCOPED == of_search
    assert not [action for action, _ in rights.grants(OPERATOR, SCOPE) if action.startswith("imagesearch:")]
    granted = rights.grants(OPERATOR, HELD)
    assert of_search == {action for action, where in granted if where == "*"}
    written = {where for action, where in granted if action == "oss:PutObject" and ":photos" in where}
    photos = "acs:oss:*:1234567890123456:photos"
    assert {f"{photos}/increment.meta", f"{photos}/*/increment.meta"} == written
    (document,) = rights.policies(OPERATOR, HELD)
    declared = Declared(POLICY, "operator", {"policyDocument": json.dumps(document)})
    assert wildcards(declared, "prod") is None


def test_a_policy_grants_what_its_table_says_in_one_statement_per_resource() -> None:
    """Nothing is added by putting it together, and what the stack does not hold is left out."""
    (document,) = rights.policies(IMM, Scope("cn-hangzhou", "1234567890123456", (), ("a", "b"), ("t",)))
    granted = [
        (action, where)
        for statement in document["Statement"]
        for action in statement["Action"]
        for where in statement["Resource"]
    ]
    scope = Scope("cn-hangzhou", "1234567890123456", (), ("a", "b"), ("t",))
    assert sorted(rights.grants(IMM, scope)) == sorted(granted)
    assert len(document["Statement"]) == 3
    assert "kms:Decrypt" not in {action for action, _ in granted}


@pytest.mark.parametrize("table", TABLES, ids=["operator", "imm"])
def test_rights_that_are_too_many_for_one_policy_are_divided_and_none_is_lost(table: tuple[Right, ...]) -> None:
    """Each policy as long as RAM takes, whole where one is enough; two hundred buckets are several."""
    many = replace(HELD, buckets=tuple(f"bucket-of-some-length-{n:03}" for n in range(200)), topics=("events",))
    documents = rights.policies(table, many)
    assert len(documents) > 1
    assert max(len(json.dumps(document, separators=(",", ":"))) for document in documents) <= 6144
    granted = [
        (action, where)
        for document in documents
        for statement in document["Statement"]
        for action in statement["Action"]
        for where in statement["Resource"]
    ]
    assert sorted(rights.grants(table, many)) == sorted(granted)
    assert 1 == len(rights.policies(table, HELD))
    assert ["a", "a-2", "a-3"] == [rights.policy_name("a", number) for number in range(3)]


def test_a_role_trusts_the_service_account_of_each_shard_and_no_other() -> None:
    """A list in StringEquals is any of them, for the local cloud as for RAM; a single one stays a text."""
    both = [rights.subject(namespace, "imm-operator") for namespace in ("media", "media-b")]
    assert "system:serviceaccount:media-b:imm-operator" == both[1]
    two, one = (rights.rrsa_trust("arn", "https://i", subjects) for subjects in (both, both[:1]))
    equals = [trust["Statement"][0]["Condition"]["StringEquals"] for trust in (two, one)]
    assert [both, both[0]] == [condition["oidc:sub"] for condition in equals]
    asked = [*both, rights.subject("media-c", "imm-operator")]
    subjects = {"StringEquals": {"oidc:sub": both}}
    assert [True, True, False] == [holds(subjects, {"oidc:sub": subject}) for subject in asked]

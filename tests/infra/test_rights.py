"""The tables of rights: what the operator calls and nothing else, in policies that RAM takes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oss2
import pytest
from pulumi import RunError

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ImmPort, OssPort, ProjectSpec, StsPort
from controller.core.facts import QuotaFacts
from emulator.testing import LocalCloud
from infra import rights
from infra.rights import IMM, OPERATOR, Right, Scope

ROOT = Path(__file__).resolve().parents[2]
SCOPE = Scope("cn-hangzhou", "1234567890123456", ("media", "films"), ("photos",), ("events",), ("key-1",), ("work",))
UNCONFIRMED = {
    "imm:CreateDataset",
    "imm:ListBindings",
    "oss:GetBucketInfo",
    "oss:ListObjects",
    "kms:Decrypt",
}


def ports_methods() -> set[str]:
    """The methods of the cloud's ports that the operator calls, as its steps are written."""
    known = {name for port in (ImmPort, OssPort, StsPort) for name in vars(port) if not name.startswith("_")}
    called = {
        node.func.attr
        for file in (ROOT / "controller" / "reconcile").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return known & called


def test_the_operators_rights_are_the_calls_that_its_steps_make(cloud: LocalCloud) -> None:
    """Each port method a step calls is called once; what the local cloud then saw is the table, no more and no less."""
    key = Credentials(cloud.access_key_id, cloud.access_key_secret)
    place = Place(cloud.account_id, cloud.region, imm=cloud.url, oss=cloud.url)
    clouds = AlibabaClouds(Limiters(), Rates(), sts_endpoint=cloud.url)
    imm = clouds.imm(place, key, Lane.EDIT)
    imm.create_project(ProjectSpec("media"))
    _make_bucket(cloud)
    before = max(int(str(entry["number"])) for entry in cloud.requests())
    quotas: dict[str, Any] = {"template_id": None, "description": "x", "quotas": QuotaFacts()}
    steps: dict[str, Callable[[], object]] = {
        "create_dataset": lambda: imm.create_dataset("media", "d", **quotas),
        "update_dataset": lambda: imm.update_dataset("media", "d", **quotas),
        "create_binding": lambda: imm.create_binding("media", "d", "photos"),
        "list_bindings": lambda: imm.list_bindings("media"),
        "delete_binding": lambda: imm.delete_binding("media", "d", "photos"),
        "delete_dataset": lambda: imm.delete_dataset("media", "absent"),
        "get_dataset": lambda: imm.get_dataset("media", "absent"),
        "get_bucket": lambda: clouds.oss(place, key, Lane.EDIT).get_bucket("photos"),
        "get_project": lambda: imm.get_project("media"),
        "put_new": lambda: clouds.oss(place, key, Lane.EDIT).put_new("photos", "owners/a", b""),
        "get_object": lambda: clouds.oss(place, key, Lane.EDIT).get_object("photos", "owners/a"),
        "delete_object": lambda: clouds.oss(place, key, Lane.EDIT).delete_object("photos", "owners/a"),
        "get_caller": lambda: clouds.sts(place, key, Lane.EDIT).get_caller(),
    }
    assert ports_methods() == set(steps)
    for step in steps.values():
        step()
    seen = {f"{entry['service']}:{entry['operation']}" for entry in cloud.requests(since=before)}
    assert {right.action for right in OPERATOR} | {"sts:GetCallerIdentity"} == seen


def _make_bucket(cloud: LocalCloud) -> None:
    auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
    session = oss2.Session()
    oss2.Bucket(auth, cloud.url, "photos", session=session, region=cloud.region).create_bucket()
    session.session.close()


@pytest.mark.parametrize("table", [OPERATOR, IMM], ids=["operator", "imm"])
def test_no_right_stands_twice_and_none_has_a_wildcard_for_its_action(table: tuple[Right, ...]) -> None:
    """And each says what it is for."""
    assert len({right.action for right in table}) == len(table)
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
    assert ("kms:Decrypt", "acs:kms:cn-hangzhou:1234567890123456:key/key-1") in rights.grants(IMM, SCOPE)
    assert ("mns:PublishMessage", "acs:mns:cn-hangzhou:1234567890123456:/topics/events/messages") in rights.grants(
        IMM, SCOPE
    )


def test_a_policy_grants_what_its_table_says_in_one_statement_per_resource() -> None:
    """Nothing is added by putting it together, and what the stack does not hold is left out."""
    document = rights.policy(IMM, Scope("cn-hangzhou", "1234567890123456", (), ("a", "b"), ("t",)))
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


def test_a_policy_that_ram_would_refuse_for_its_length_is_refused_before() -> None:
    """6144 characters are about eighty buckets."""
    many = Scope("cn-hangzhou", "1234567890123456", (), tuple(f"bucket-of-some-length-{n:03}" for n in range(80)))
    with pytest.raises(RunError, match="RAM takes 6144: divide the 80 buckets and 0 projects among several stacks"):
        rights.policy(IMM, many)

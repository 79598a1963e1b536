"""Whatever a legal configuration says, the stack keeps its promises."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pulumi import RunError

from controller.api.handover import Handover
from infra import config
from infra.policy import declared as policy
from infra.policy.rules import findings
from infra.settings import StackSettings
from tests.infra.mocked_stack import ACCOUNT, Declared, declare

IMM_NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=20).filter(
    lambda name: name[0] in string.ascii_letters + "_" and bool(name.strip("-_"))
)
LOWER = string.ascii_lowercase + string.digits
BUCKETS = st.text(LOWER, min_size=3, max_size=63)
MNS_NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=30)
DAYS = st.integers(1, 3650)
STACKS = ("dev", "prod", "prod-eu")
SEEN = ("Bucket", "BucketAcl", "BucketPublicAccessBlock", "ServiceTopic", "ServiceQueue", "Role", "Policy")
ENOUGH = effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _object(name: str) -> str:
    return name.lower().replace("_", "-").strip("-")


@st.composite
def projects(draw: st.DrawFn) -> list[dict[str, Any]]:
    """IMM projects with datasets whose object names do not collide."""
    datasets = draw(st.lists(IMM_NAMES, max_size=6, unique_by=_object))
    names = draw(st.lists(IMM_NAMES, min_size=1, max_size=3, unique=True))
    made: list[dict[str, Any]] = [{"name": name, "datasets": []} for name in names]
    for index, dataset in enumerate(datasets):
        made[index % len(made)]["datasets"].append({"name": dataset})
    return made


@st.composite
def operators(draw: st.DrawFn) -> dict[str, Any]:
    """Any of the three ways in which an operator comes to its rights."""
    rrsa = {"provider": draw(MNS_NAMES), "issuer": f"https://{draw(BUCKETS)}"}
    return draw(st.sampled_from([{}, {"credentialsUser": True}, {"rrsa": rrsa}]))


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """Keys of a stack file, of which every one is legal by itself and together."""
    buckets = draw(st.lists(BUCKETS, min_size=3, max_size=6, unique=True))
    made = draw(st.integers(0, len(buckets) - 2))
    storage: dict[str, Any] = {
        "storageClass": draw(st.sampled_from(["Standard", "IA"])),
        "redundancy": draw(st.sampled_from(["LRS", "ZRS"])),
        "noncurrentDays": draw(DAYS),
        "accessLog": {"bucket": draw(st.sampled_from([buckets[0], buckets[-1]])), "prefix": "logs/"},
    }
    if draw(st.booleans()):
        storage["kmsKeyId"] = "key-" + draw(st.text(LOWER, min_size=1, max_size=20))
    return {
        "accountId": ACCOUNT,
        "prefix": draw(st.text(LOWER, min_size=1, max_size=32)),
        "mediaBuckets": buckets[1 : 1 + made],
        "existingBuckets": buckets[1 + made : -1],
        "workBucket": buckets[0],
        "storage": storage,
        "work": {"expireDays": draw(DAYS)},
        "tags": draw(st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=9), BUCKETS, max_size=4)),
        "projects": draw(projects()),
        "shards": draw(st.lists(st.text(LOWER, min_size=1, max_size=24), min_size=1, max_size=3, unique=True)),
        "topic": draw(MNS_NAMES | st.just("")),
        "operator": draw(operators()),
        "imageSearch": draw(st.sampled_from([{}, {"instances": ["shop"]}])),
        "protect": draw(st.booleans()),
    }


def read(given_keys: dict[str, Any], stack: str, region: str = "cn-hangzhou") -> StackSettings:
    """Read keys as the CLI hands them over: text, or JSON."""
    text = {
        f"imm-operator:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in given_keys.items()
    }
    return config.read({"alicloud:region": region} | text, {}, project="imm-operator", stack=stack)


def seen_by_the_policy_pack(stack: Declared) -> list[policy.Declared]:
    """The stack's resources as the pack's rules take them; here the pack is the oracle."""
    return [
        policy.Declared(
            resource.typ,
            resource.name,
            resource.inputs,
            protect=stack.is_protected(resource.typ.rpartition(":")[2], resource.name),
            secret_outputs=frozenset(stack.secret_outputs.get((resource.typ, resource.name), ())),
        )
        for resource in stack.resources
    ]


@ENOUGH
@given(keys=configurations(), stack=st.sampled_from(STACKS), region=st.sampled_from(["cn-hangzhou", "ap-southeast-1"]))
def test_every_legal_stack_passes_every_rule_of_the_policy_pack(keys: dict[str, Any], stack: str, region: str) -> None:
    """Private, blocked, versioned, encrypted, no wildcard in a right, and in production protected."""
    chosen = read(keys | {"protect": keys["protect"] or stack != "dev"}, stack, region)
    made = declare(chosen, stack=stack)
    assert [] == findings(seen_by_the_policy_pack(made), stack)
    assert all(made.of(kind) for kind in SEEN)  # else the rules had nothing to judge


@ENOUGH
@given(keys=configurations(), stack=st.sampled_from(STACKS[1:]))
def test_no_production_stack_goes_unprotected(keys: dict[str, Any], stack: str) -> None:
    """Whatever else it says."""
    with pytest.raises(RunError, match="protect of stack prod"):
        read(keys | {"protect": False}, stack)


@ENOUGH
@given(keys=configurations())
def test_every_legal_stack_is_wired_and_handed_over(keys: dict[str, Any]) -> None:
    """Each topic is subscribed, each queue has its dead letters, and the document names all of it."""
    chosen = read(keys, "dev")
    stack = declare(chosen)
    buckets = [bucket.inputs["bucket"] for bucket in stack.of("Bucket")]
    assert sorted([*chosen.media_buckets, chosen.work_bucket]) == sorted(buckets)
    subscribed = {
        item.inputs["topicName"]: item.inputs["endpoint"].rpartition("/")[2] for item in stack.of("ServiceSubscription")
    }
    assert {names.topic: names.queue for names in chosen.shard_names} == subscribed
    assert {topic.inputs["topicName"] for topic in stack.of("ServiceTopic")} == set(subscribed)
    dead = {
        queue.inputs["queueName"]: queue.inputs["dlqPolicy"]["deadLetterTargetQueue"]
        for queue in stack.of("ServiceQueue")
        if "dlqPolicy" in queue.inputs
    }
    assert {names.queue: names.dead_letter_queue for names in chosen.shard_names} == dead
    document = Handover.model_validate(stack.handover)
    assert chosen.indexed_buckets == document.media_buckets
    assert [project.name for project in chosen.projects] == [project.name for project in document.projects]
    assert [project.datasets for project in chosen.projects] == [project.datasets for project in document.projects]
    assert list(chosen.shards) == [shard.name for shard in document.shards]


@ENOUGH
@given(keys=configurations())
def test_rights_are_exactly_on_what_the_stack_holds(keys: dict[str, Any]) -> None:
    """IMM reads the media buckets, never the work bucket; of that the operator has its own records, and its queues."""
    chosen = read(keys, "dev")
    stack = declare(chosen)
    readable = {where.rpartition(":")[2] for action, where in stack.rights("imm") if action == "oss:GetObject"}
    assert {f"{bucket}/*" for bucket in chosen.indexed_buckets} == readable
    operated = {where.split(":")[-1] for _, where in stack.rights("operator")}
    imm = {f"project/{project.name}{below}" for project in chosen.projects for below in ("", "/dataset/*")}
    own = {f"{chosen.work_bucket}/{kind}/*" for kind in ("owners", "runs")}
    queues = {f"/queues/{names.queue}{below}" for names in chosen.shard_names for below in ("", "/messages")}
    dead = {f"/queues/{names.dead_letter_queue}/messages" for names in chosen.shard_names}
    manifests = {
        f"{bucket}/{key}" for bucket in chosen.indexed_buckets for key in ("increment.meta", "*/increment.meta")
    }
    search = {"*", *manifests} if chosen.image_search.instances else set()
    keys_of_kms = {f"key/{key}" for key in chosen.kms_keys}
    assert set(chosen.indexed_buckets) | readable | imm | own | queues | dead | search | keys_of_kms == operated


@ENOUGH
@given(keys=configurations())
def test_the_same_configuration_declares_the_same_resources(keys: dict[str, Any]) -> None:
    """Nothing random, nothing dated: a second `up` has nothing to do."""
    chosen = read(keys, "dev")
    first, second = declare(chosen), declare(chosen)
    seen = [
        sorted((item.typ, item.name, json.dumps(item.inputs, sort_keys=True)) for item in run.resources)
        for run in (first, second)
    ]
    assert seen[0] == seen[1]
    assert first.handover == second.handover

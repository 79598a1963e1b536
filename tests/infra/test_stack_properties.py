"""Whatever a legal configuration says, the stack keeps its promises."""

from __future__ import annotations

import json
import string
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from controller.api.handover import Handover
from infra.config import StackSettings
from tests.infra.mocked_stack import declare

IMM_NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=20).filter(
    lambda name: name[0] in string.ascii_letters + "_" and bool(name.strip("-_"))
)
BUCKETS = st.text(string.ascii_lowercase + string.digits, min_size=3, max_size=63)
MNS_NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=30)
ENOUGH = effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _object(name: str) -> str:
    return name.lower().replace("_", "-").strip("-")


@st.composite
def legal_settings(draw: st.DrawFn) -> StackSettings:
    """Any configuration that is accepted."""
    buckets = draw(st.lists(BUCKETS, min_size=2, max_size=5, unique=True))
    datasets = draw(st.lists(IMM_NAMES, max_size=6, unique_by=_object))
    names = draw(st.lists(IMM_NAMES, min_size=1, max_size=3, unique=True))
    projects: list[dict[str, Any]] = [{"name": name, "datasets": []} for name in names]
    for index, dataset in enumerate(datasets):
        projects[index % len(projects)]["datasets"].append({"name": dataset})
    return StackSettings.model_validate(
        {
            "region": draw(st.sampled_from(["cn-hangzhou", "ap-southeast-1", "cn-beijing"])),
            "accountId": draw(st.text(string.digits, min_size=16, max_size=16)),
            "mediaBuckets": buckets[1:],
            "workBucket": buckets[0],
            "projects": projects,
            "topic": draw(MNS_NAMES),
            "queue": draw(MNS_NAMES),
            "protect": draw(st.booleans()),
        }
    )


@ENOUGH
@given(chosen=legal_settings())
def test_every_legal_stack_is_private_wired_and_handed_over(chosen: StackSettings) -> None:
    """Private buckets, one subscription, rights on exactly the media buckets, a valid document with every dataset."""
    stack = declare(chosen)
    buckets = [bucket.inputs["bucket"] for bucket in stack.of("Bucket")]
    assert sorted([*chosen.media_buckets, chosen.work_bucket]) == sorted(buckets)
    assert dict.fromkeys(buckets, "private") == {
        acl.inputs["bucket"]: acl.inputs["acl"] for acl in stack.of("BucketAcl")
    }
    subscription = stack.inputs("ServiceSubscription")
    assert chosen.topic == subscription["topicName"]
    assert f"acs:mns:{chosen.region}:{chosen.account_id}:queues/{chosen.queue}" == subscription["endpoint"]
    rights = json.loads(stack.inputs("Policy")["policyDocument"])["Statement"]
    readable = {
        where.rpartition(":")[2] for item in rights if "oss:GetObject" in item["Action"] for where in item["Resource"]
    }
    assert {f"{bucket}/*" for bucket in chosen.media_buckets} == readable
    document = Handover.model_validate(stack.handover)
    assert [project.name for project in chosen.projects] == [project.name for project in document.projects]
    assert [project.datasets for project in chosen.projects] == [project.datasets for project in document.projects]


@ENOUGH
@given(chosen=legal_settings())
def test_the_same_configuration_declares_the_same_resources(chosen: StackSettings) -> None:
    """Nothing random, nothing dated: a second `up` has nothing to do."""
    first, second = declare(chosen), declare(chosen)
    seen = [
        sorted((item.typ, item.name, json.dumps(item.inputs, sort_keys=True)) for item in run.resources)
        for run in (first, second)
    ]
    assert seen[0] == seen[1]
    assert first.handover == second.handover

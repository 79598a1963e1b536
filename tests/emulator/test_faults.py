"""Fault rules field by field, over a socket and through SDKs: who is hit, when, how often, and by what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta

from emulator.faults import RULES, Faults
from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


@pytest.fixture
def imm(cloud: LocalCloud) -> Any:
    """IMM's client with one project."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="p"))
    return client


def project(imm: Any) -> str:
    """Read the project; its name, or the code of the refusal."""
    try:
        return str(imm.get_project(models.GetProjectRequest(project_name="p")).body.project.project_name)
    except (ClientException, ServerException, ThrottlingException) as error:
        return str(error.code)


BUSY: dict[str, object] = {"error": {"status": 503, "code": "ServiceUnavailable", "message": "busy"}}


@pytest.mark.parametrize(
    ("chosen", "hit"),
    [
        ({}, [True, True, True]),
        ({"service": "imm"}, [True, True, False]),
        ({"operation": "GetProject"}, [True, False, False]),
        ({"service": "imm", "operation": "GetProject"}, [True, False, False]),
        ({"service": "oss", "operation": "GetObject"}, [False, False, True]),
        ({"service": "imm-2017", "operation": "GetProject"}, [False, False, False]),
    ],
)
def test_service_and_operation_choose(
    cloud: LocalCloud, imm: Any, bucket: oss2.Bucket, chosen: dict[str, object], hit: list[bool]
) -> None:
    """Both must be met; a rule without them is for every request."""
    bucket.put_object("a", b"x")
    cloud.fault({**chosen, **BUSY})
    found = [project(imm) == "ServiceUnavailable"]
    try:
        imm.list_projects(models.ListProjectsRequest())
        found.append(False)
    except ServerException:
        found.append(True)
    try:
        found.append(bucket.get_object("a").read() != b"x")
    except oss2.exceptions.ServerError as error:
        found.append((error.status, error.code) == (503, "ServiceUnavailable"))
    assert hit == found


def test_times_end_a_rule_and_what_is_left_is_shown(cloud: LocalCloud, imm: Any) -> None:
    """Two refusals, then the next rule's one, then the answer."""
    other = {"error": {"status": 500, "code": "InternalError"}}
    cloud.fault({"operation": "GetProject", "times": 2, **BUSY}, {"operation": "GetProject", "times": 1, **other})
    assert ["ServiceUnavailable", "ServiceUnavailable", "InternalError", "p"] == [project(imm) for _ in range(4)]
    assert [0, 0] == cloud.run(lambda instance: [rule["left"] for rule in instance.faults.describe()])


def test_probability_spares_the_same_requests_in_every_run(cloud: LocalCloud, imm: Any) -> None:
    """About three of ten are hit, always the same ones; one that is spared costs none of `times`; 1 hits all."""
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 0.0))

    def run(**fields: object) -> list[bool]:
        cloud.fault({"operation": "GetProject", **fields, **BUSY})
        return [project(imm) == "ServiceUnavailable" for _ in range(200)]

    first = run(probability=0.3)
    assert 40 <= sum(first) <= 80
    assert first == run(probability=0.3)
    assert 5 == sum(run(probability=0.3, times=5))
    assert all(run(probability=1))


def test_a_spared_request_is_the_next_rules(cloud: LocalCloud, imm: Any) -> None:
    """The first that matches wins; one that does not strike does not match."""
    rare = {"operation": "GetProject", "probability": 1e-9, "error": {"status": 500, "code": "InternalError"}}
    cloud.fault(rare, {"operation": "GetProject", **BUSY})
    assert "ServiceUnavailable" == project(imm)


@pytest.mark.parametrize(("when", "there"), [("before", False), ("after", True)])
@pytest.mark.parametrize(
    ("effect", "raised"),
    [
        (BUSY, ServerException),
        ({"drop": True}, UnretryableException),
        ({"html": 502}, UnretryableException),
        ({"malformed": True}, UnretryableException),
    ],
    ids=["error", "drop", "html", "malformed"],
)
def test_before_is_without_effect_and_after_with_it(
    cloud: LocalCloud,
    imm: Any,
    when: str,
    there: bool,  # noqa: FBT001 - a parameter
    effect: dict[str, object],
    raised: type[Exception],
) -> None:
    """Whatever becomes of the answer."""
    cloud.fault({"service": "imm", "operation": "CreateProject", "when": when, **effect})
    with pytest.raises(raised):
        imm.create_project(models.CreateProjectRequest(project_name="q"))
    names = [found.project_name for found in imm.list_projects(models.ListProjectsRequest()).body.projects]
    assert there == ("q" in names)


@pytest.mark.parametrize("when", ["before", "after"])
def test_latency_delays_an_answer_that_is_true(cloud: LocalCloud, imm: Any, when: str) -> None:
    """In real seconds, on a virtual clock too."""
    cloud.fault({"operation": "GetProject", "when": when, "latency": 0.3})
    started = time.monotonic()
    assert "p" == project(imm)
    assert time.monotonic() - started >= 0.3


def test_throttling_carries_its_header(cloud: LocalCloud, imm: Any) -> None:
    """The SDK tells it apart by the header alone."""
    error: dict[str, object] = {"status": 429, "code": "Throttling.User", "retryAfterMs": 1500}
    cloud.fault({"operation": "GetProject", "error": error})
    with pytest.raises(ThrottlingException) as caught:
        imm.get_project(models.GetProjectRequest(project_name="p"))
    assert 1500 == caught.value.retry_after


def test_each_service_speaks_its_own_protocol(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """OSS and MNS answer errors in XML, HEAD in a header; the request id is in the journal."""
    cloud.fault({**BUSY})
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.get_object("a")
    assert (503, "ServiceUnavailable", "busy") == (refused.value.status, refused.value.code, refused.value.message)
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        bucket.head_object("a")
    assert "ServiceUnavailable" == refused.value.code
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    with pytest.raises(MNSServerException) as said:
        account.get_queue("q").create(QueueMeta())
    account.mns_client.close_connection()
    assert "ServiceUnavailable" == said.value.type
    codes = [(entry["code"], entry["status"]) for entry in cloud.requests()[-3:]]
    assert [("ServiceUnavailable", 503)] * 3 == codes


def test_rules_are_shown_replaced_and_cleared_over_http(cloud: LocalCloud) -> None:
    """As the command line does it."""
    page = f"{cloud.url}/_emulator/faults"
    rule: dict[str, Any] = {
        "service": "mns",
        "operation": "ReceiveMessage",
        "when": "after",
        "times": 3,
        "probability": 0.5,
    }
    shown = requests.put(page, json=[{**rule, "drop": True}], timeout=10).json()
    put = {**rule, "drop": True, "left": 3, "struck": 0}
    assert [put] == shown["rules"] == requests.get(page, timeout=10).json()["rules"]
    assert [] == requests.delete(page, timeout=10).json()["rules"]


def test_rules_kept_by_an_earlier_release_are_counted_from_now_on() -> None:
    """A state of before there were counts of strikes."""
    faults = Faults(rules=RULES.validate_python([{"drop": True, "times": 2}, BUSY]), left=[2, None])
    assert [0, 0] == [rule["struck"] for rule in faults.describe()]
    for _ in range(3):
        faults.match("imm", "GetProject")
    assert [2, 1] == [rule["struck"] for rule in faults.describe()]

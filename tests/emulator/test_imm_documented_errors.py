"""IMM's documented errors, limits and pages through its official SDK: code, status, request id and envelope.

The table is the vendor's "Error handling" (www.alibabacloud.com/help/en/imm/developer-reference/error-handling-1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException

from emulator.oss.state import Bucket
from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.instance import Instance
    from emulator.testing import LocalCloud

PLACE: dict[str, Any] = {"project_name": "p", "dataset_name": "d"}


@pytest.fixture
def ask(cloud: LocalCloud) -> Callable[..., Any]:
    """Call an operation by its name, with a project and a dataset there and no allowance in the way."""
    client = Client(rpc_config(cloud))

    def call(operation: str, **members: Any) -> Any:
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
        return getattr(client, snake)(getattr(models, f"{operation}Request")(**members)).body

    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 0.0))
    call("CreateProject", project_name="p")
    call("CreateDataset", **PLACE)
    return call


def refused(cloud: LocalCloud, call: Callable[..., Any], operation: str, **members: Any) -> tuple[int, str, str]:
    """Status, code and message, once the request id is found to be the journal's and the envelope whole."""
    with pytest.raises(ClientException) as caught:
        call(operation, **members)
    error = caught.value
    [entry] = cloud.requests("imm", operation)[-1:]
    assert (entry["request_id"], entry["code"], entry["status"]) == (error.request_id, error.code, error.status_code)
    assert {"RequestId", "HostId", "Code", "Message", "Recommend"} <= set(error.data)
    return error.status_code, error.code, error.data["Message"]


@pytest.mark.parametrize(
    ("operation", "members", "code", "message"),
    [
        ("GetProject", {}, "MissingProjectName", "ProjectName is mandatory for this action."),
        ("CreateBinding", {**PLACE}, "MissingURI", "URI is mandatory for this action."),
        ("CreateProject", {"project_name": "9"}, "InvalidProjectName", "Specified parameter ProjectName is not valid."),
        ("ListBindings", {"project_name": "p", "max_results": 201}, "InvalidMaxResults", "Specified parameter Max"),
        ("CreateBinding", {**PLACE, "uri": "oss://nobodys"}, "InvalidArgument", "The bucket nobodys does not exist"),
        ("CreateBinding", {**PLACE, "uri": "oss://pictures/in/"}, "InvalidArgument", ""),
        ("CreateProject", {"project_name": "p"}, "ResourceAlreadyExists", "The specified resource Project already ex"),
        ("CreateDataset", {**PLACE}, "ResourceAlreadyExists", "The specified resource Dataset already exists."),
        ("GetProject", {"project_name": "q"}, "ResourceNotFound", "The specified resource Project is not found."),
        ("GetDataset", {**PLACE, "dataset_name": "x"}, "ResourceNotFound", "The specified resource Dataset is not fou"),
        ("GetBinding", {**PLACE, "uri": "oss://pictures"}, "ResourceNotFound", "The specified resource Binding is not"),
        ("DeleteBinding", {**PLACE, "uri": "oss://pictures"}, "ResourceNotFound", "The specified resource Binding is"),
        ("GetFileMeta", {**PLACE, "uri": "oss://pictures/a"}, "ResourceNotFound", "The specified resource File is not"),
        ("GetBatch", {"project_name": "p", "id": "batch-1"}, "ResourceNotFound", "The specified resource Batch is not"),
        (
            "GetTask",
            {"project_name": "p", "task_type": "t", "task_id": "1"},
            "ResourceNotFound",
            "The specified resource Task is not found.",
        ),
        (
            "GetOSSBucketAttachment",
            {"ossbucket": "pictures"},
            "ResourceNotFound",
            "The specified resource OSSBucketAttachment is not found.",
        ),
        ("UpdateDataset", {**PLACE, "dataset_max_bind_count": 11}, "LimitExceededError", "The quota DatasetMaxBindCou"),
    ],
)
def test_a_documented_error_arrives_as_documented(
    cloud: LocalCloud, ask: Callable[..., Any], operation: str, members: dict[str, Any], code: str, message: str
) -> None:
    """HTTP 400 for every one of them, absence included."""
    status, said, text = refused(cloud, ask, operation, **members)
    assert (400, code) == (status, said)
    assert text.startswith(message)


def test_counts_that_are_full_are_refused(cloud: LocalCloud, ask: Callable[..., Any]) -> None:
    """LimitExceededError: the eleventh binding, the hundred and first project, a dataset more than the project may."""

    def furnish(instance: Instance) -> None:
        for number in range(11):
            name = f"bucket-{number}"
            instance.cloud.oss.buckets[name] = Bucket(name, cloud.account_id, cloud.region, 0)

    cloud.run(furnish)
    for number in range(10):
        ask("CreateBinding", **PLACE, uri=f"oss://bucket-{number}")
    assert (400, "LimitExceededError") == refused(cloud, ask, "CreateBinding", **PLACE, uri="oss://bucket-10")[:2]
    ask("DeleteBinding", **PLACE, uri="oss://bucket-0")
    ask("CreateBinding", **PLACE, uri="oss://bucket-10")
    for number in range(99):
        ask("CreateProject", project_name=f"p{number}")
    assert (400, "LimitExceededError") == refused(cloud, ask, "CreateProject", project_name="more")[:2]
    ask("UpdateProject", project_name="p", project_max_dataset_count=1)
    assert (400, "LimitExceededError") == refused(cloud, ask, "CreateDataset", project_name="p", dataset_name="e")[:2]


@pytest.mark.parametrize(
    "name", ["a", "_", "A-_9", "a" * 128, pytest.param("_" + "9" * 127, id="underscore and digits")]
)
def test_names_within_the_rule_are_taken(ask: Callable[..., Any], name: str) -> None:
    """1 to 128 letters, digits, `-`, `_`; first a letter or `_`; for projects and for datasets."""
    assert name == ask("CreateProject", project_name=name).project.project_name
    assert name == ask("CreateDataset", project_name="p", dataset_name=name).dataset.dataset_name


@pytest.mark.parametrize("name", ["1a", "-a", "a.b", "a b", "ä", "a/b", "a" * 129])
def test_names_outside_the_rule_are_refused(cloud: LocalCloud, ask: Callable[..., Any], name: str) -> None:
    """By the parameter's own code."""
    assert (400, "InvalidProjectName") == refused(cloud, ask, "CreateProject", project_name=name)[:2]
    place = {"project_name": "p", "dataset_name": name}
    assert (400, "InvalidDatasetName") == refused(cloud, ask, "CreateDataset", **place)[:2]


BOUNDS: dict[str, tuple[dict[str, Any], int, int]] = {
    # operation: members, smallest and largest MaxResults
    "ListProjects": ({}, 0, 200),
    "ListDatasets": ({"project_name": "p"}, 0, 200),
    "ListBindings": ({"project_name": "p"}, 0, 200),
    "ListAttachedOSSBuckets": ({"project_name": "p"}, 0, 200),
    "ListBatches": ({"project_name": "p"}, 0, 100),
    "ListTasks": ({"project_name": "p"}, 0, 100),
    "SimpleQuery": ({**PLACE}, 0, 100),
    "FuzzyQuery": ({**PLACE, "query": "a"}, 0, 200),
    "SemanticQuery": ({**PLACE, "query": "a"}, 1, 100),
}


@pytest.mark.parametrize("operation", BOUNDS)
def test_max_results_has_its_bounds(cloud: LocalCloud, ask: Callable[..., Any], operation: str) -> None:
    """Both ends are taken, what lies beyond is refused."""
    members, low, high = BOUNDS[operation]
    for size in (low, high):
        ask(operation, **members, max_results=size)
    for size in (low - 1, high + 1):
        assert (400, "InvalidMaxResults") == refused(cloud, ask, operation, **members, max_results=size)[:2]


@pytest.fixture
def crowd(cloud: LocalCloud, ask: Callable[..., Any], bucket: oss2.Bucket) -> Callable[..., Any]:
    """Five of everything that can be listed, and a hundred datasets."""
    for number in range(5):
        bucket.put_object(f"a {number}.txt", b"text")
        ask("CreateProject", project_name=f"listed-{number}")
    for number in range(100):
        ask("CreateDataset", project_name="p", dataset_name=f"listed-{number:03}")

    def furnish(instance: Instance) -> None:
        for number in range(5):
            name = f"bucket-{number}"
            instance.cloud.oss.buckets[name] = Bucket(name, cloud.account_id, cloud.region, 0)

    cloud.run(furnish)
    for number in range(5):
        ask("CreateBinding", **PLACE, uri=f"oss://bucket-{number}")
        ask("AttachOSSBucket", project_name="p", ossbucket=f"bucket-{number}")
        ask(
            "CreateBatch",
            project_name="p",
            service_role="AliyunIMMBatchTriggerRole",
            input=models.Input(oss=models.InputOSS(bucket="pictures", prefix=f"a {number}")),
            actions=[models.CreateBatchRequestActions(name="emulator/index", parameters=["dataset=d"])],
        )
    cloud.advance(60)
    return ask


PAGED: dict[str, tuple[dict[str, Any], str, str]] = {
    # operation: members, the list's name, the name of what tells its elements apart
    "ListProjects": ({"prefix": "listed-"}, "projects", "project_name"),
    "ListDatasets": ({"project_name": "p", "prefix": "listed-00"}, "datasets", "dataset_name"),
    "ListBindings": ({"project_name": "p"}, "bindings", "uri"),
    "ListAttachedOSSBuckets": ({"project_name": "p"}, "attached_ossbuckets", "ossbucket"),
    "ListBatches": ({"project_name": "p"}, "batches", "id"),
    "ListTasks": ({"project_name": "p"}, "tasks", "task_id"),
    "SimpleQuery": ({**PLACE, "sort": "Filename", "order": "asc"}, "files", "uri"),
    "FuzzyQuery": ({**PLACE, "query": "a"}, "files", "uri"),
}


@pytest.mark.parametrize("operation", PAGED)
def test_pages_join_to_the_whole(crowd: Callable[..., Any], operation: str) -> None:
    """Each element once, in one order, and an empty token on the last page and there only."""
    members, listed, key = PAGED[operation]
    whole = [getattr(one, key) for one in getattr(crowd(operation, **members), listed)]
    assert len(whole) >= 5
    token, joined = None, []
    while token != "":
        page = crowd(operation, **members, max_results=2, next_token=token)
        joined += [getattr(one, key) for one in getattr(page, listed)]
        token = page.next_token
    assert whole == joined
    assert len(set(whole)) == len(whole)


def test_a_page_has_a_hundred_unless_asked_otherwise(crowd: Callable[..., Any]) -> None:
    """0 and nothing both mean 100; the hundred and first is on the second page."""
    for size in (0, None):
        first = crowd("ListDatasets", project_name="p", max_results=size)
        second = crowd("ListDatasets", project_name="p", max_results=size, next_token=first.next_token)
        assert (100, 1, "") == (len(first.datasets), len(second.datasets), second.next_token)
    assert 101 == len(crowd("ListDatasets", project_name="p", max_results=200).datasets)

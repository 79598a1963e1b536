"""IMM through its official SDK, over a socket and signed: the guide's journey, the errors, and the wire's edges."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

from emulator.testing import LocalCloud
from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import camera_exif, picture

URI = "oss://pictures"


@pytest.fixture
def imm(cloud: LocalCloud) -> Any:
    """The official client, with the guide's project and dataset made."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="test-project"))
    client.create_dataset(models.CreateDatasetRequest(project_name="test-project", dataset_name="test-dataset"))
    return client


def place(request: type, **members: object) -> Any:
    """A request about the guide's dataset."""
    return request(project_name="test-project", dataset_name="test-dataset", **members)


def refusal(call: Callable[..., Any], request: Any) -> tuple[int, str]:
    """Status and code of the refusal that a call meets; the request id is always there."""
    with pytest.raises(ClientException) as caught:
        call(request)
    assert caught.value.request_id
    return caught.value.status_code, caught.value.code


def bound(imm: Any) -> models.Binding:
    """The dataset's binding as it is now."""
    found: models.Binding = imm.get_binding(place(models.GetBindingRequest, uri=URI)).body.binding
    return found


def query(imm: Any, field: str, operation: str, value: str) -> list[models.File]:
    """What a query of one condition finds."""
    condition = models.SimpleQuery(field=field, operation=operation, value=value)
    asked = models.SimpleQuery(operation="and", sub_queries=[condition])
    found: list[models.File] = imm.simple_query(place(models.SimpleQueryRequest, query=asked)).body.files
    return found


def test_a_bucket_is_bound_scanned_and_followed(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """Upload, bind, wait, find; upload more, find it too; delete, and it is gone."""
    bucket.put_object("rio.jpg", picture(exif=camera_exif()))
    created = imm.create_binding(place(models.CreateBindingRequest, uri=URI)).body.binding
    assert (created.state, created.phase) == ("Ready", "")
    cloud.advance(10)
    assert (bound(imm).state, bound(imm).phase) == ("Running", "IncrementalScanning")
    [file] = query(imm, "ContentType", "eq", "image/jpeg")
    assert (file.image_width, file.lat_long, file.orientation) == (64, "-22.910000,-43.202500", 6)
    assert file.produce_time == "2021-06-29T14:50:15-03:00"
    bucket.put_object("more.png", picture("PNG", (300, 200)))
    cloud.advance(1)
    assert [file.filename for file in query(imm, "ImageWidth", "gt", "100")] == ["more.png"]
    bucket.delete_object("more.png")
    cloud.advance(1)
    assert query(imm, "ImageWidth", "gt", "100") == []


def test_a_batch_is_indexed_and_announced(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """The guide's manual way: CustomLabels in, one message out through topic and queue."""
    bucket.put_object("test-object1.jpg", picture())
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue, topic = account.get_queue("q"), account.get_topic("test-topic")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    topic.create(TopicMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/q"
    topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED"))
    request = place(
        models.BatchIndexFileMetaRequest,
        files=[
            models.InputFile(uri=f"{URI}/test-object1.jpg", custom_labels={"category": "Persons"}),
            models.InputFile(uri=f"{URI}/test-object2.jpg", custom_labels={"category": "Pets"}),
        ],
        notification=models.Notification(mns=models.MNS(topic_name="test-topic")),
        user_data="run-1",
    )
    assert len(imm.batch_index_file_meta(request).body.event_id) == 26
    cloud.advance(1)
    message = json.loads(queue.receive_message().message_body)
    account.mns_client.close_connection()
    assert (message["Success"], message["UserData"]) == (True, "run-1")
    assert [file["Error"] for file in message["Files"]] == ["", "[InvalidArgument] File does not exist."]
    got = imm.get_file_meta(place(models.GetFileMetaRequest, uri=f"{URI}/test-object1.jpg"))
    assert got.body.files[0].custom_labels == {"category": "Persons"}


def test_a_hundred_files_fit_one_request(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """The SDK puts them all into the query string."""
    for number in range(100):
        bucket.put_object(f"some/longer/path/to/file-{number:03}.txt", b"text")
    files = [models.InputFile(uri=f"{URI}/some/longer/path/to/file-{number:03}.txt") for number in range(100)]
    imm.batch_index_file_meta(place(models.BatchIndexFileMetaRequest, files=files))
    cloud.advance(1)
    request = models.GetDatasetRequest(project_name="test-project", dataset_name="test-dataset", with_statistics=True)
    assert imm.get_dataset(request).body.dataset.file_count == 100
    too_many = place(models.BatchIndexFileMetaRequest, files=[*files, files[0]])
    assert refusal(imm.batch_index_file_meta, too_many) == (400, "LimitExceededError")


def test_errors_are_400_with_their_code(imm: Any) -> None:
    """Not found, existing, missing, invalid: as the SDK raises them."""
    absent = models.GetProjectRequest(project_name="absent")
    assert refusal(imm.get_project, absent) == (400, "ResourceNotFound")
    existing = models.CreateProjectRequest(project_name="test-project")
    assert refusal(imm.create_project, existing) == (400, "ResourceAlreadyExists")
    assert refusal(imm.get_project, models.GetProjectRequest()) == (400, "MissingProjectName")
    foreign = place(models.CreateBindingRequest, uri="oss://absent")
    assert refusal(imm.create_binding, foreign) == (400, "InvalidArgument")


def test_tags_and_update_go_through_the_sdk(imm: Any) -> None:
    """Tag in, Tags out."""
    tag = models.CreateProjectRequestTag(key="team", value="a")
    imm.create_project(models.CreateProjectRequest(project_name="tagged", tag=[tag]))
    wanted = models.ListProjectsRequestTag(key="team", value="a")
    [project] = imm.list_projects(models.ListProjectsRequest(tag=[wanted])).body.projects
    assert (project.project_name, project.tags[0].tag_key) == ("tagged", "team")


def test_fuzzy_query_and_aggregations_go_through_the_sdk(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """Their answers parse into the SDK's models."""
    bucket.put_object("red house.txt", b"text")
    imm.create_binding(place(models.CreateBindingRequest, uri=URI))
    cloud.advance(10)
    found = imm.fuzzy_query(place(models.FuzzyQueryRequest, query="House")).body
    assert ([file.filename for file in found.files], found.total_hits) == (["red house.txt"], 1)
    asked = models.SimpleQueryRequestAggregations(field="MediaType", operation="group")
    answer = imm.simple_query(place(models.SimpleQueryRequest, aggregations=[asked])).body
    assert answer.aggregations[0].groups[0].to_map() == {"Count": 1, "Value": "document"}


def test_the_project_allowance_throttles(cloud: LocalCloud, imm: Any) -> None:
    """More than a hundred calls within a second are refused; a second later all is well."""
    request = models.GetProjectRequest(project_name="test-project")
    cloud.advance(1)
    for _ in range(100):
        imm.get_project(request)
    assert refusal(imm.get_project, request) == (400, "Throttling.User")
    cloud.advance(1)
    imm.get_project(request)

"""What the real services can do and the emulator cannot: refused by name, in each service's own error shape.

A request that is accepted and ignored would teach something false: a picture returned as it was uploaded looks like a
processed one to a program, and a notification that is never sent looks like a slow one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from defusedxml.ElementTree import fromstring

from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud

RESIZE = "image/resize,w_10"
PLACE = {"project_name": "test-project", "dataset_name": "test-dataset"}
OBJECT = "oss://pictures/a.jpg"
DRIVE = "pds://domains/d/drives/1/files/f/revisions/r"
ROCKET = models.Notification(rocket_mq=models.RocketMQ(instance_id="i", topic_name="t"))


@pytest.fixture(params=[True, False], ids=["v4", "v1"])
def pictures(request: pytest.FixtureRequest, cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket]) -> oss2.Bucket:
    """A bucket with one picture, signed with either version of OSS's signature."""
    bucket = bucket_of(cloud, v4=request.param)
    bucket.create_bucket()
    bucket.put_object("a.jpg", picture())
    return bucket


def check_oss(cloud: LocalCloud, error: oss2.exceptions.OssError, named: str) -> None:
    """A refusal that names what is not known and carries the journal's request id."""
    assert (400, "NotImplemented.Emulator") == (error.status, error.code)
    assert named in error.message
    last = cloud.requests("oss")[-1]
    assert (error.request_id, "NotImplemented.Emulator", 400) == (last["request_id"], last["code"], last["status"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda bucket: bucket.get_object("a.jpg", process=RESIZE),
        lambda bucket: bucket.get_object("a.jpg", params={"x-oss-process": "image/info"}),
        lambda bucket: bucket.get_object("a.jpg", params={"x-oss-process": "style/small"}),
        lambda bucket: bucket.get_object("absent.jpg", process=RESIZE),
        lambda bucket: bucket.get_object("a.jpg", byte_range=(0, 9), process=RESIZE),
        lambda bucket: bucket.process_object("a.jpg", f"{RESIZE}|sys/saveas,o_c21hbGwuanBn"),
        lambda bucket: bucket.select_object("a.jpg", "select * from ossobject"),
        lambda bucket: bucket.put_object("b.jpg", b"", headers={"x-oss-process": RESIZE}),
        lambda bucket: bucket.copy_object("pictures", "a.jpg", "b.jpg", headers={"x-oss-process": RESIZE}),
    ],
    ids=["resize", "info", "style", "absent", "range", "saveas", "select", "put", "copy"],
)
def test_processing_of_objects_is_refused(
    cloud: LocalCloud, pictures: oss2.Bucket, ask: Callable[[oss2.Bucket], object]
) -> None:
    """However it is asked for, by query or header, and nothing is stored."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        ask(pictures)
    check_oss(cloud, caught.value, "x-oss-process")
    assert ["a.jpg"] == [item.key for item in oss2.ObjectIteratorV2(pictures)]


def test_processing_later_is_refused(cloud: LocalCloud, pictures: oss2.Bucket) -> None:
    """The asynchronous kind, whose result would be looked for in vain."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        pictures.async_process_object("a.jpg", "video/convert,f_mp4|sys/saveas,o_eA")
    check_oss(cloud, caught.value, "x-oss-async-process")


def test_processing_by_address_is_refused(cloud: LocalCloud, pictures: oss2.Bucket) -> None:
    """In a signed address, and in a public one, which nobody signs; a HEAD says it in its header."""
    pictures.put_object_acl("a.jpg", oss2.OBJECT_ACL_PUBLIC_READ)
    signed = pictures.sign_url("GET", "a.jpg", 60, params={"x-oss-process": RESIZE}, slash_safe=True)
    public = f"{cloud.url}/pictures/a.jpg"
    assert picture() == requests.get(public, timeout=10).content
    for address in (signed, f"{public}?x-oss-process={RESIZE}"):
        answer = requests.get(address, timeout=10)
        document = fromstring(answer.content)
        assert (400, "Error") == (answer.status_code, document.tag)
        assert "NotImplemented.Emulator" == document.findtext("Code")
        assert "x-oss-process" in str(document.findtext("Message"))
        assert answer.headers["x-oss-request-id"] == document.findtext("RequestId")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        pictures.head_object("a.jpg", params={"x-oss-process": RESIZE})
    check_oss(cloud, caught.value, "x-oss-process")


@pytest.fixture
def imm(cloud: LocalCloud, bucket: oss2.Bucket) -> Any:
    """A client of a dataset beside a bucket with one picture."""
    bucket.put_object("a.jpg", picture())
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="test-project"))
    client.create_dataset(models.CreateDatasetRequest(**PLACE))
    return client


def index(uri: str = OBJECT, notification: models.Notification | None = None) -> models.IndexFileMetaRequest:
    """A request to index one file."""
    return models.IndexFileMetaRequest(**PLACE, file=models.InputFile(uri=uri), notification=notification)


def index_many(*uris: str, notification: models.Notification | None = None) -> models.BatchIndexFileMetaRequest:
    """A request to index files."""
    files = [models.InputFile(uri=uri) for uri in uris]
    return models.BatchIndexFileMetaRequest(**PLACE, files=files, notification=notification)


def batch() -> models.CreateBatchRequest:
    """A batch over the bucket that tells RocketMQ."""
    return models.CreateBatchRequest(
        project_name="test-project",
        service_role="AliyunIMMBatchTriggerRole",
        input=models.Input(oss=models.InputOSS(bucket="pictures")),
        actions=[models.CreateBatchRequestActions(name="emulator/index", parameters=["dataset=test-dataset"])],
        notification=ROCKET,
    )


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda imm: imm.index_file_meta(index(notification=ROCKET)), "Notification.RocketMQ"),
        (lambda imm: imm.batch_index_file_meta(index_many(OBJECT, notification=ROCKET)), "Notification.RocketMQ"),
        (lambda imm: imm.create_batch(batch()), "Notification.RocketMQ"),
        (
            lambda imm: imm.index_file_meta(index(notification=models.Notification(extended_message_uri="http://x"))),
            "Notification.ExtendedMessageURI",
        ),
        (
            lambda imm: imm.semantic_query(models.SemanticQueryRequest(**PLACE, source_uri=DRIVE)),
            "SemanticQuery by SourceURI",
        ),
        (
            lambda imm: imm.semantic_query(models.SemanticQueryRequest(**PLACE, source_uri=OBJECT)),
            "SemanticQuery by SourceURI",
        ),
        (
            lambda imm: imm.semantic_query(models.SemanticQueryRequest(**PLACE, query="dog", source_uri=OBJECT)),
            "SemanticQuery by SourceURI",
        ),
    ],
    ids=["index", "batch index", "batch", "message", "drive query", "picture", "both"],
)
def test_imm_says_what_is_not_served(cloud: LocalCloud, imm: Any, ask: Callable[[Any], object], named: str) -> None:
    """As the SDK's own exception: status, code, what it is about and a request id; and nothing is begun."""
    with pytest.raises(ClientException) as caught:
        ask(imm)
    error = caught.value
    assert (400, "NotImplemented.Emulator") == (error.status_code, error.code)
    assert named in str(error.message)
    last = cloud.requests("imm")[-1]
    assert (error.request_id, error.code) == (last["request_id"], last["code"])
    cloud.advance(60)
    query = models.SimpleQueryRequest(**PLACE, query=models.SimpleQuery(operation="gte", field="Size", value="0"))
    assert [] == (imm.simple_query(query).body.files or [])
    assert [] == (imm.list_batches(models.ListBatchesRequest(project_name="test-project")).body.batches or [])


def test_a_binding_takes_no_drive(imm: Any) -> None:
    """CreateBinding documents buckets only, so a drive is a wrong argument there."""
    with pytest.raises(ClientException) as caught:
        imm.create_binding(models.CreateBindingRequest(**PLACE, uri="pds://domains/d/drives/1"))
    assert (400, "InvalidArgument") == (caught.value.status_code, caught.value.code)

"""One state behind all services: what oss2 uploads, IMM indexes; and the oldest SDK is understood."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from aliyunsdkcore.client import AcsClient  # type: ignore[import-untyped]  # the vendor's oldest SDK has no types
from aliyunsdkcore.request import CommonRequest  # type: ignore[import-untyped]  # likewise

from emulator.instance import Config
from emulator.testing import running
from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Callable

    import oss2

    from emulator.testing import LocalCloud

PLACE = {"project_name": "project", "dataset_name": "dataset"}


def bind(imm: Any, bucket: str) -> None:
    """A project, a dataset and a binding of the bucket."""
    imm.create_project(models.CreateProjectRequest(project_name="project"))
    imm.create_dataset(models.CreateDatasetRequest(**PLACE))
    imm.create_binding(models.CreateBindingRequest(**PLACE, uri=f"oss://{bucket}"))


def indexed(imm: Any) -> list[str]:
    """Addresses of the files in the dataset."""
    query = models.SimpleQueryRequest(**PLACE, query=models.SimpleQuery(operation="exist", field="URI"))
    return sorted(file.uri for file in imm.simple_query(query).body.files or [])


def test_an_uploaded_object_is_indexed_when_the_clock_allows(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Before the binding, after it, and gone again: the dataset follows the bucket, and only time moves it."""
    imm = ImmClient(rpc_config(cloud))
    bucket.put_object("old.txt", b"1")
    bind(imm, "pictures")
    assert [] == indexed(imm)
    cloud.advance(600)
    assert ["oss://pictures/old.txt"] == indexed(imm)
    bucket.put_object("new.txt", b"2")
    bucket.delete_object("old.txt")
    cloud.advance(600)
    assert ["oss://pictures/new.txt"] == indexed(imm)


def test_a_real_clock_indexes_by_itself(bucket_of: Callable[..., oss2.Bucket]) -> None:
    """Nobody moves the clock; the background task does the work."""
    with running(Config()) as cloud:
        bucket = bucket_of(cloud)
        bucket.create_bucket()
        bucket.put_object("a.txt", b"1")
        imm = ImmClient(rpc_config(cloud))
        bind(imm, "pictures")
        deadline = time.monotonic() + 60
        while not indexed(imm):
            assert time.monotonic() < deadline, "nothing was indexed within a minute"
            time.sleep(0.1)
        assert ["oss://pictures/a.txt"] == indexed(imm)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_oldest_sdk_is_understood_too(cloud: LocalCloud, method: str) -> None:
    """aliyun-python-sdk-core signs query and body together and adds parameters of its own."""
    client = AcsClient(cloud.access_key_id, cloud.access_key_secret, cloud.region)
    request = CommonRequest(domain=cloud.host, version="2015-05-01", action_name="CreateUser")
    request.set_method(method)
    request.set_protocol_type("http")
    request.add_query_param("UserName", "old")
    request.add_body_params("DisplayName", "dé +*~")
    user = json.loads(client.do_action_with_exception(request))["User"]
    assert ("old", "dé +*~") == (user["UserName"], user["DisplayName"])

"""The vendor's indexing guide as a reader runs it: each of its sample programs, through the SDKs and a socket.

`test_imm_guide` plays the same documents in process under every reading of an unverified fact; here the guide's own
calls, `…_with_options` and `…_with_options_async` with the `RuntimeOptions` of `alibabacloud_tea_util`, are signed,
sent and read back as its programs print them: `response.body.to_map()`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models as imm_20200930_models
from alibabacloud_imm20200930.client import Client as imm20200930Client
from alibabacloud_tea_util import models as util_models
from mns.account import Account
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture
from tests.emulator.test_imm_guide import guide, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.testing import LocalCloud


@pytest.fixture
def client(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket]) -> Any:
    """What the guide takes for granted: its project, its dataset, and its bucket with two pictures."""
    made = imm20200930Client(rpc_config(cloud))
    made.create_project(imm_20200930_models.CreateProjectRequest(project_name="test-project"))
    made.create_dataset(
        imm_20200930_models.CreateDatasetRequest(project_name="test-project", dataset_name="test-dataset")
    )
    bucket = bucket_of(cloud, "test-bucket")
    bucket.create_bucket()
    for number in (1, 2):
        bucket.put_object(f"test-object{number}.jpg", picture())
    return made


@pytest.fixture
def message(cloud: LocalCloud) -> Iterator[Callable[[], Any]]:
    """The guide's topic with a queue behind it; the next message of that queue."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue, topic = account.get_queue("results"), account.get_topic("test-topic")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    topic.create(TopicMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/results"
    topic.get_subscription("results").subscribe(SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED"))
    yield lambda: json.loads(queue.receive_message().message_body)
    account.mns_client.close_connection()


def request_of(kind: Any, document: dict[str, Any]) -> Any:
    """The SDK's request that says what the guide's document says."""
    made = kind().from_map(document)
    assert document == without_empties(made.to_map())
    return made


def without_empties(value: Any) -> Any:
    """A document without the empty lists that InputFile always writes."""
    if isinstance(value, dict):
        return {key: without_empties(item) for key, item in value.items() if item != []}
    return [without_empties(item) for item in value] if isinstance(value, list) else value


def as_printed(response: Any) -> dict[str, Any]:
    """What the guide's programs print, with the values that differ from call to call replaced."""
    found: dict[str, Any] = shape(response.body.to_map())
    return found


def test_step_1_and_2_bind_and_look(cloud: LocalCloud, client: Any) -> None:
    """Create a binding, check its status until the scan is done."""
    runtime = util_models.RuntimeOptions()
    request = request_of(imm_20200930_models.CreateBindingRequest, guide("create_binding_request"))
    response = client.create_binding_with_options(request, runtime)
    assert shape(guide("create_binding_response")) == as_printed(response)
    assert ("Ready", "") == (response.body.binding.state, response.body.binding.phase)
    request = request_of(imm_20200930_models.GetBindingRequest, guide("get_binding_request"))
    cloud.advance(10)
    response = client.get_binding_with_options(request, runtime)
    assert shape(guide("get_binding_response")) == as_printed(response)
    query = imm_20200930_models.SimpleQueryRequest(project_name="test-project", dataset_name="test-dataset")
    assert 2 == client.simple_query(query).body.total_hits


CALLS = {
    "batch_index": ("batch_index_file_meta_with_options", imm_20200930_models.BatchIndexFileMetaRequest),
    "index": ("index_file_meta_with_options", imm_20200930_models.IndexFileMetaRequest),
}


@pytest.mark.parametrize("name", CALLS)
def test_manual_indexing(cloud: LocalCloud, client: Any, message: Callable[[], Any], name: str) -> None:
    """Several files, or one: the response at once, the notification when it is done."""
    method, kind = CALLS[name]
    request = request_of(kind, guide(f"{name}_request"))
    response = getattr(client, method)(request, util_models.RuntimeOptions())
    assert shape(guide(f"{name}_response")) == as_printed(response)
    cloud.advance(1)
    assert shape(guide(f"{name}_notification")) == shape(message())


@pytest.mark.parametrize("name", CALLS)
async def test_manual_indexing_without_blocking(
    cloud: LocalCloud, client: Any, message: Callable[[], Any], name: str
) -> None:
    """The guide's `main_async`."""
    method, kind = CALLS[name]
    request = request_of(kind, guide(f"{name}_request"))
    response = await getattr(client, f"{method}_async")(request, util_models.RuntimeOptions())
    assert shape(guide(f"{name}_response")) == as_printed(response)
    cloud.advance(1)
    assert shape(guide(f"{name}_notification")) == shape(message())
    written = imm_20200930_models.BatchGetFileMetaRequest(
        project_name="test-project", dataset_name="test-dataset", uris=["oss://test-bucket/test-object1.jpg"]
    )
    assert {"category": "Persons"} == client.batch_get_file_meta(written).body.files[0].custom_labels

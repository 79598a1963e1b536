"""The official SDKs of other languages against the local cloud, over HTTP and HTTPS.

Each program prints what it got and judges nothing; what it should have got stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from emulator.testing import running
from tests.contract.other_languages.programs_of_others import go_programs, node_programs, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.testing import LocalCloud

pytestmark = pytest.mark.timeout(600)  # the first run fetches and builds


@pytest.fixture(params=["http", "https"])
def cloud(request: pytest.FixtureRequest) -> Iterator[LocalCloud]:
    """A fresh local cloud; over HTTPS the programs trust its authority by their environment alone."""
    with running(https=request.param == "https") as local:
        yield local


FROM_NODE = {
    "location": "oss-cn-hangzhou",
    "content": "hello from Node",
    "metadata": "blue",
    "type": "text/plain",
    "range": "from",
    "tags": {"a": "1", "b": "2"},
    "target": "päth/a b+c.txt",
    "appended": "4",
    "big agrees": True,
    "listed": ["big", "copy", "link", "log", "päth/"],
    "old": "old",
    "versions": [2, 1],
    "restored": "new",
    "missing key": "NoSuchKey",
    "missing bucket": "NoSuchBucket",
}


def read(cloud: LocalCloud, address: str) -> str:
    """What a signed address gives to somebody without a key."""
    answer = requests.get(address, timeout=10, verify=cloud.ca_file or True)
    return f"{answer.status_code} {answer.text}"


def refused(cloud: LocalCloud, service: str) -> list[str]:
    """Codes of what the emulator refused as not served."""
    codes = {str(entry["code"]) for entry in cloud.requests(service)}
    return [code for code in codes if code == "NotImplemented.Emulator"]


def test_go_and_oss(cloud: LocalCloud) -> None:
    """The Go SDK's second generation: objects, ranges, tags, links, appends, multipart, versions, errors."""
    got = run([go_programs() / "oss"], cloud)
    assert "200 hello from Go" == read(cloud, got.pop("signed"))
    assert {
        "location": "oss-cn-hangzhou",
        "missing bucket": "NoSuchBucket",
        "content": "hello from Go",
        "metadata": "blue",
        "crc agrees": True,
        "range": "from",
        "tags": 2,
        "target": "p%C3%A4th%2Fa%20b%2Bc.txt",  # this SDK hands the header on as it is
        "appended": 4,
        "listed": ["copy", "link", "log", "päth/"],
        "missing key": "NoSuchKey",
        "stale": "PreconditionFailed",
        "parts": '-3"',
        "big agrees": True,
        "marker": True,
        "old": "old",
        "versions": [2, 1],
        "restored": "new",
    } == got
    assert [] == refused(cloud, "oss")


@pytest.mark.parametrize("signature", ["1", "4"])
def test_node_and_oss(cloud: LocalCloud, signature: str) -> None:
    """The Node SDK with both versions of OSS's signature, buckets in the path."""
    by_name = cloud.url.replace("127.0.0.1", "localhost")
    got = run(["node", node_programs() / "oss.js"], cloud, SIGNATURE=signature, PATH_STYLE="yes", URL=by_name)
    assert "200 hello from Node" == read(cloud, got.pop("signed"))
    assert FROM_NODE == got
    assert [] == refused(cloud, "oss")


@pytest.mark.parametrize("signature", ["1", "4"])
def test_node_and_oss_with_the_bucket_in_the_host_name(signature: str) -> None:
    """As the Node SDK calls an IP address: by the bucket's name in the cloud. HTTP only: no certificate says that."""
    with running() as cloud:
        got = run(["node", node_programs() / "oss.js"], cloud, SIGNATURE=signature, PATH_STYLE="no")
        assert FROM_NODE == got
        assert [] == refused(cloud, "oss")


def test_node_and_mns(cloud: LocalCloud) -> None:
    """The Node SDK: a message's whole life, a topic, and errors by their names."""
    got = run(["node", node_programs() / "mns.js"], cloud)
    assert {
        "created": 201,
        "again": 204,
        "different": "MNSQueueAlreadyExistError",
        "timeout": "60",
        "peeked": "grüße ☃",
        "received": ["grüße ☃", "1", "3"],
        "hidden": "MNSMessageNotExistError",
        "stale handle": "MNSMessageNotExistError",
        "deleted": 204,
        "topic": "2048",
        "published": 32,
        "missing queue": "MNSQueueNotExistError",
    } == got


def test_go_and_imm(cloud: LocalCloud) -> None:
    """The Go OpenAPI client that all generated Go SDKs wrap, signed with ACS3: from a project to a query."""
    imm = go_programs() / "imm"
    seed_bucket(cloud)
    got = run([imm], cloud)
    assert ("from-go", "läuft") == (
        got["CreateProject"]["Project"]["ProjectName"],
        got["CreateProject"]["Project"]["Description"],
    )
    assert "photos" == got["CreateDataset"]["Dataset"]["DatasetName"]
    binding: dict[str, Any] = got["GetBinding"]["Binding"]
    assert ("oss://from-go", "Ready") == (binding["URI"], binding["State"])
    assert got["CreateBinding"]["Binding"]["CreateTime"] == binding["CreateTime"]
    assert {"EventId", "RequestId"} == set(got["IndexFileMeta"])
    assert [] == got["SimpleQuery"].get("Files", [])
    assert ["oss://from-go"] == [item["URI"] for item in got["ListBindings"]["Bindings"]]
    assert ("ResourceAlreadyExists", "ResourceNotFound") == (got["CreateDataset again"], got["GetProject"])
    assert "NotImplemented.Emulator" == got["GetProject again"]
    cloud.advance(60)
    query = run([imm], cloud)["SimpleQuery"]
    assert ["oss://from-go/a.txt"] == [item["URI"] for item in query["Files"]]


def seed_bucket(cloud: LocalCloud) -> None:
    """The bucket and the object that the program indexes."""

    def put(instance: Any) -> None:
        cloud_ = instance.cloud
        cloud_.oss.buckets["from-go"] = Bucket("from-go", cloud.account_id, cloud.region, cloud_.clock.now())
        put_object(cloud_, "from-go", make_object("a.txt", b"text", cloud_.clock.now()))

    cloud.run(put)

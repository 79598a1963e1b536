"""The official SDKs of other languages against the local cloud, over HTTP and HTTPS.

Each program prints what it got and judges nothing; what it should have got stands here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator.instance import Config
from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from emulator.testing import running
from tests.contract.other_languages.programs_of_others import (
    go_programs,
    java,
    java_programs,
    node_programs,
    run,
    start,
)
from tests.emulator.pictures import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


PICTURE = picture("PNG")
FROM_JAVA = {
    "project": ["from-java", "läuft", 3],
    "dataset": ["from-java", "photos", 1000],
    "binding": ["oss://from-java", "Ready"],
    "followed": ["oss://from-java", "Running", "IncrementalScanning"],
    "accepted": [True, True, True, True],
    "labels": {key: {"von": f"Jäva ☃ {key}"} for key in ("a.txt", "b.txt", "c.png")},
    "picture": ["oss://from-java/c.png", "c.png", "image", "image/png", 64, 48, len(PICTURE)],
    "pages": [["c.png", "b.txt"], ["a.txt"]],
    "hits": [3, 3],
    "aggregations": {
        "sum Size": 3 + len(PICTURE),
        "max Size": len(PICTURE),
        "group MediaType": {"document": 2, "image": 1},
    },
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
    seed_bucket(cloud, "from-go", {"a.txt": b"text"})
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


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_java_and_imm(protocol: str, tmp_path: Path) -> None:
    """The typed Java SDK on a real clock: a binding scans and follows, calls label files, queries nest and page."""
    with running(Config(), https=protocol == "https") as cloud:
        seed_bucket(cloud, "from-java", {"a.txt": b"a", "b.txt": b"bb", "c.png": PICTURE, "d.txt": b"dddd"})
        got = run(java(cloud, "Imm", tmp_path), cloud)
        failures = {step: got.pop(step) for step in ("absent", "again", "wrong")}
        told = {str(entry["request_id"]): entry["code"] for entry in cloud.requests("imm") if entry["status"] == 400}
        assert {request_id: code for code, _, request_id in failures.values()} == told
        assert {
            "absent": ["ResourceNotFound", 400],
            "again": ["ResourceAlreadyExists", 400],
            "wrong": ["InvalidArgument", 400],
        } == {step: failure[:2] for step, failure in failures.items()}
        assert FROM_JAVA == got


def test_without_java_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A skipped test names the tools that are missing."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="no java and no keytool on PATH, so the Java SDK is not tried"):
        java_programs()


def test_java_refuses_an_authority_it_was_not_told_to_trust(tmp_path: Path) -> None:
    """So the run over HTTPS proves that the certificate holds."""
    with running(https=True) as cloud:
        done = start(java(cloud, "Imm", tmp_path, trusting=False), cloud)
        assert 0 != done.returncode
        assert "unable to find valid certification path" in done.stderr
        assert [] == cloud.requests()


def seed_bucket(cloud: LocalCloud, name: str, objects: dict[str, bytes]) -> None:
    """The bucket and the objects that a program indexes."""

    def put(instance: Any) -> None:
        cloud_ = instance.cloud
        cloud_.oss.buckets[name] = Bucket(name, cloud.account_id, cloud.region, cloud_.clock.now())
        for key, data in objects.items():
            put_object(cloud_, name, make_object(key, data, cloud_.clock.now()))

    cloud.run(put)

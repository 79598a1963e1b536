"""Every call that an import makes, and every fault on the wire: the error, the effect, and one request only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import oss2
import pytest

from controller.cloud import mns, openapi, oss_calls
from controller.cloud.errors import CloudError, Throttled, TimedOut, Unavailable
from controller.cloud.ports import IndexedFile, ProjectSpec
from controller.core.facts import QuotaFacts
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports
from tests.mns_sdk import make_results

FILE = IndexedFile("oss://photos/a.jpg", labels={"a": "b"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a port, with the handle of a message. `changed` tells whether it took effect; None: it only reads."""

    service: str
    operation: str
    make: Callable[[Ports, str], object]
    changed: Callable[[LocalCloud], bool] | None = None


def _files(cloud: LocalCloud) -> dict[str, Any]:
    """Metadata by URI."""

    def read(instance: Any) -> dict[str, Any]:
        dataset = instance.cloud.imm(cloud.account_id, cloud.region).projects["media"].datasets["d"]
        return {uri: dict(held.meta) for uri, held in dataset.files.items()}

    return cloud.run(read)


def _accepted(cloud: LocalCloud) -> int:
    """Index calls that are to be done."""
    return cloud.run(lambda instance: len(instance.cloud.imm(cloud.account_id, cloud.region).jobs))


def _messages(cloud: LocalCloud) -> dict[str, str]:
    """Receipt handles by body; none while nobody has received it."""

    def read(instance: Any) -> dict[str, str]:
        queue = instance.cloud.mns(cloud.account_id, cloud.region).queues["results"]
        return {message.body: message.receipt for message in queue.messages.values()}

    return cloud.run(read)


def _objects(cloud: LocalCloud) -> set[str]:
    return cloud.run(lambda instance: set(instance.cloud.oss.buckets["photos"].objects))


CALLS: dict[str, Call] = {
    "files.index": Call(
        *("imm", "BatchIndexFileMeta"),
        lambda ports, _: ports.files.index("media", "d", [FILE], topic="results", user_data="u"),
        lambda cloud: _accepted(cloud) > 0,
    ),
    "files.update": Call(
        *("imm", "BatchUpdateFileMeta"),
        lambda ports, _: ports.files.update("media", "d", [FILE]),
        lambda cloud: "CustomLabels" in _files(cloud)[FILE.uri],
    ),
    "files.delete": Call(
        *("imm", "BatchDeleteFileMeta"),
        lambda ports, _: ports.files.delete("media", "d", [FILE.uri]),
        lambda cloud: FILE.uri not in _files(cloud),
    ),
    "files.get": Call("imm", "BatchGetFileMeta", lambda ports, _: ports.files.get("media", "d", [FILE.uri])),
    "queue.receive": Call(
        *("mns", "BatchReceiveMessage"),
        lambda ports, _: ports.queue.receive(0),
        lambda cloud: _messages(cloud)["waits"] != "",  # hidden, under a handle that nobody got
    ),
    "queue.delete": Call(
        *("mns", "BatchDeleteMessage"),
        lambda ports, handle: ports.queue.delete([handle]),
        lambda cloud: "held" not in _messages(cloud),
    ),
    "queue.send": Call(
        *("mns", "SendMessage"),
        lambda ports, _: ports.queue.send("sent"),
        lambda cloud: "sent" in _messages(cloud),
    ),
    "queue.look": Call("mns", "GetQueueAttributes", lambda ports, _: ports.queue.look()),
    "oss.get_range": Call("oss", "GetObject", lambda ports, _: ports.oss.get_range("photos", "a.jpg", 0, 4)),
    "oss.get_object": Call("oss", "GetObject", lambda ports, _: ports.oss.get_object("photos", "a.jpg")),
    "oss.list_objects": Call("oss", "ListObjectsV2", lambda ports, _: ports.oss.list_objects("photos", "")),
    "oss.put_object": Call(
        *("oss", "PutObject"),
        lambda ports, _: ports.oss.put_object("photos", "report", b"written"),
        lambda cloud: "report" in _objects(cloud),
    ),
    "oss.put_new": Call(
        *("oss", "PutObject"),
        lambda ports, _: ports.oss.put_new("photos", "record", b"written"),
        lambda cloud: "record" in _objects(cloud),
    ),
}
# What stands in the place of an answer. The effect may be there or not.
LOST: dict[str, dict[str, object]] = {
    "drop": {"drop": True},
    "html": {"html": 502},
    "malformed": {"malformed": True},
    "late": {"latency": 0.6},
    "500": {"error": {"status": 500, "code": "InternalError"}},
}
CODES = {"imm": (400, "Throttling.User"), "mns": (403, "QpsLimitExceeded"), "oss": (503, "RequestRateLimitExceeded")}
calls = pytest.mark.parametrize("name", CALLS)


@pytest.fixture
def handle(cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> str:
    """An indexed file, a message that waits, and one that was received: its handle."""
    ports.imm.create_project(ProjectSpec("media"))
    ports.imm.create_dataset("media", "d", template_id=None, description=None, quotas=QuotaFacts())
    make_results(cloud, "results")
    bucket.put_object("a.jpg", b"0123456789")
    ports.files.index("media", "d", [IndexedFile(FILE.uri)], topic="elsewhere", user_data="u")
    cloud.advance(60)
    ports.queue.send("held")
    (message,) = ports.queue.receive(0)
    ports.queue.send("waits")
    return message.handle


def failure(cloud: LocalCloud, ports: Ports, call: Call, handle: str) -> CloudError:
    """How the call fails, with one request and no more."""
    before = cloud.counts()[call.service].get(call.operation, 0)
    with pytest.raises(CloudError) as caught:
        call.make(ports, handle)
    deadline = time.monotonic() + 20
    while cloud.counts()[call.service].get(call.operation, 0) == before and time.monotonic() < deadline:
        time.sleep(0.01)  # the journal has a late answer when it is sent
    assert before + 1 == cloud.counts()[call.service][call.operation]
    return caught.value


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", LOST)
@calls
def test_a_lost_answer_leaves_the_effect_open(
    cloud: LocalCloud, ports: Ports, handle: str, monkeypatch: pytest.MonkeyPatch, name: str, fault: str, when: str
) -> None:
    """The error is the same either way; nobody has asked again, and the next call finds the service as it was."""
    call = CALLS[name]
    cloud.fault({"service": call.service, "operation": call.operation, "when": when, "times": 1, **LOST[fault]})
    with monkeypatch.context() as short:
        if fault == "late":
            short.setattr(openapi, "READ_TIMEOUT_MS", 150)
            short.setattr(oss_calls, "TIMEOUT", 0.15)
            short.setattr(mns, "TIMEOUT", 0.15)
        error = failure(cloud, ports, call, handle)
    assert (TimedOut, True) == (type(error), error.may_have_taken_effect)
    if call.changed is not None:
        assert (when == "after" or fault == "late") == call.changed(cloud)
    assert 0 == ports.limiter.throttles
    if name != "oss.put_new":
        call.make(ports, handle)


@calls
def test_a_service_that_is_busy_took_nothing(cloud: LocalCloud, ports: Ports, handle: str, name: str) -> None:
    """503: OSS means by it that there were too many requests."""
    call = CALLS[name]
    busy = {"error": {"status": 503, "code": "ServiceUnavailable"}}
    cloud.fault({"service": call.service, "operation": call.operation, "times": 1, **busy})
    error = failure(cloud, ports, call, handle)
    assert (Throttled if call.service == "oss" else Unavailable) is type(error)
    assert call.changed is None or not call.changed(cloud)
    call.make(ports, handle)


@pytest.mark.parametrize("after", [None, 400])
@calls
def test_throttling_slows_the_scope_down(
    cloud: LocalCloud, ports: Ports, handle: str, name: str, after: int | None
) -> None:
    """IMM's gateway may say for how long; nothing took effect, and the next call waits for its turn."""
    call = CALLS[name]
    status, code = CODES[call.service]
    refusal = {"error": {"status": status, "code": code, **({"retryAfterMs": after} if after else {})}}
    cloud.fault({"service": call.service, "operation": call.operation, "times": 1, **refusal})
    rate = ports.limiter.rate
    began = time.monotonic()
    error = failure(cloud, ports, call, handle)
    assert isinstance(error, Throttled)
    assert (0.4 if after and call.service == "imm" else None) == error.retry_after
    assert (code, 1, rate / 2) == (error.code, ports.limiter.throttles, ports.limiter.rate)
    assert call.changed is None or not call.changed(cloud)
    call.make(ports, handle)
    assert time.monotonic() - began >= (error.retry_after or 0)


@calls
def test_an_answer_that_takes_its_time_is_waited_for(cloud: LocalCloud, ports: Ports, handle: str, name: str) -> None:
    """Shorter than the call's own patience."""
    call = CALLS[name]
    for when in ("before", "after"):
        slow: dict[str, object] = {"when": when, "times": 1, "latency": 0.2}
        cloud.fault({"service": call.service, "operation": call.operation, **slow})
        if name == "oss.put_new" and when == "after":
            continue
        call.make(ports, handle)
    assert call.changed is None or call.changed(cloud)

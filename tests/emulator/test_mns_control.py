"""MNS's RPC control plane (Mns-open), as the Pulumi provider uses it; every answer is read by the vendor's models."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import alibabacloud_mns_open20220119.models as mns_open_models
import pytest

from emulator.call import Call
from emulator.mns.control import OPERATIONS
from emulator.mns.data import OPERATIONS as DATA
from emulator.mns.data import resolve
from emulator.refusal import Refusal
from tests.emulator.imm_room import ACCOUNT, REGION

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

ENDPOINT = f"acs:mns:{REGION}:{ACCOUNT}:queues/q"


def refused(room: Room, operation: str, **params: object) -> str:
    """The code of the refusal that a call meets."""
    with pytest.raises(Refusal) as caught:
        room.mns(operation, **params)
    return caught.value.code


@pytest.mark.parametrize("operation", sorted(OPERATIONS.by_name))
def test_no_parameter_is_invented(operation: str) -> None:
    """Each is one of the vendor's request."""
    request = getattr(mns_open_models, f"{operation}Request")
    vendors = set(re.findall(r"result\['(\w+)'\]", inspect.getsource(request.to_map)))
    assert OPERATIONS.by_name[operation].params <= vendors


def test_a_queue_with_its_defaults(room: Room) -> None:
    """What GetQueueAttributes shows of a plain queue."""
    created = room.mns("CreateQueue", QueueName="q")
    assert (created["Code"], created["Success"], created["Status"]) == (201, True, "Success")
    data = room.mns("GetQueueAttributes", QueueName="q")["Data"]
    assert data == {
        "QueueName": "q",
        "QueueType": "normal",
        "CreateTime": 1657062208,
        "LastModifyTime": 1657062208,
        "DelaySeconds": 0,
        "MaximumMessageSize": 65536,
        "MessageRetentionPeriod": 345600,
        "VisibilityTimeout": 30,
        "PollingWaitSeconds": 0,
        "LoggingEnabled": False,
        "ActiveMessages": 0,
        "InactiveMessages": 0,
        "DelayMessages": 0,
        "Tags": [],
    }


def test_a_queue_is_changed_and_read_back(room: Room) -> None:
    """Set merges; tags come flattened; the same creation again is 204."""
    room.mns("CreateQueue", **{"QueueName": "q", "DelaySeconds": 5, "Tag.1.Key": "team", "Tag.1.Value": "a"})
    policy = {"Enabled": True, "DeadLetterTargetQueue": "dead", "MaxReceiveCount": 3}
    room.mns("SetQueueAttributes", QueueName="q", EnableLogging="True", VisibilityTimeout=60, DlqPolicy=policy)
    data = room.mns("GetQueueAttributes", QueueName="q")["Data"]
    shown = (data["DelaySeconds"], data["VisibilityTimeout"], data["LoggingEnabled"], data["Tags"])
    assert shown == (5, 60, True, [{"TagKey": "team", "TagValue": "a"}])
    assert data["DlqPolicy"] == {"Enabled": True, "DeadLetterTargetQueue": "dead", "MaxReceiveCount": "3"}
    assert room.mns("CreateQueue", QueueName="q", DelaySeconds=5)["Code"] == 204
    assert refused(room, "CreateQueue", QueueName="q", DelaySeconds=6) == "QueueAlreadyExist"


def test_topics_and_subscriptions(room: Room) -> None:
    """The provider's sequence: create, read, update, delete."""
    room.mns("CreateTopic", TopicName="t", MaxMessageSize=2048)
    room.mns("SetTopicAttributes", TopicName="t", EnableLogging=True)
    topic = room.mns("GetTopicAttributes", TopicName="t")["Data"]
    assert (topic["MaxMessageSize"], topic["LoggingEnabled"], topic["TopicType"]) == (2048, True, "normal")
    place = {"TopicName": "t", "SubscriptionName": "s"}
    created = room.mns("Subscribe", **place, PushType="queue", Endpoint=ENDPOINT, MessageTag="tag")
    assert created["Data"] == "s"
    room.mns("SetSubscriptionAttributes", **place, NotifyStrategy="EXPONENTIAL_DECAY_RETRY")
    data = room.mns("GetSubscriptionAttributes", **place)["Data"]
    names = ("TopicOwner", "Endpoint", "FilterTag", "NotifyStrategy", "NotifyContentFormat")
    assert {name: data[name] for name in names} == {
        "TopicOwner": ACCOUNT,
        "Endpoint": ENDPOINT,
        "FilterTag": "tag",
        "NotifyStrategy": "EXPONENTIAL_DECAY_RETRY",
        "NotifyContentFormat": "XML",
    }
    room.mns("Unsubscribe", **place)
    assert refused(room, "GetSubscriptionAttributes", **place) == "SubscriptionNotExist"
    room.mns("DeleteTopic", TopicName="t")
    assert refused(room, "GetTopicAttributes", TopicName="t") == "TopicNotExist"
    assert refused(room, "GetSubscriptionAttributes", **place) == "TopicNotExist"


def test_lists_come_in_numbered_pages(room: Room) -> None:
    """PageNum from 1, PageSize 10 by default, names by prefix, tags all to be met."""
    for number in range(12):
        tags = {"Tag.1.Key": "odd", "Tag.1.Value": str(number % 2)}
        room.mns("CreateQueue", QueueName=f"q{number:02}", **tags)
        room.mns("CreateTopic", TopicName=f"t{number:02}", **tags)
    for operation in ("ListQueue", "ListTopic"):
        page = room.mns(operation, PageNum=2)["Data"]
        assert (len(page["PageData"]), page["Total"], page["PageSize"]) == (2, 12, 10)
        odd = room.mns(operation, **{"Tag.1.Key": "odd", "Tag.1.Value": "1"})["Data"]
        assert odd["Total"] == 6
    assert room.mns("ListQueue", QueueName="q1")["Data"]["Total"] == 2


def test_subscriptions_are_listed_by_endpoint(room: Room) -> None:
    """EndpointValue narrows."""
    room.mns("CreateTopic", TopicName="t")
    for name in ("a", "b"):
        room.mns("Subscribe", TopicName="t", SubscriptionName=name, PushType="queue", Endpoint=name)
    endpoint = f"acs:mns:{REGION}:{ACCOUNT}:queues/b"
    page = room.mns("ListSubscriptionByTopic", TopicName="t", EndpointValue=endpoint)["Data"]
    assert [item["SubscriptionName"] for item in page["PageData"]] == ["b"]


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("CreateQueue", {}, "MissingQueueName"),
        ("CreateQueue", {"QueueName": "q/r"}, "InvalidQueueName"),
        ("CreateQueue", {"QueueName": "q", "QueueType": "fifo"}, "InvalidArgument"),
        ("CreateQueue", {"QueueName": "q", "MessageRetentionPeriod": 59}, "InvalidArgument"),
        ("CreateQueue", {"QueueName": "q", "DlqPolicy": "["}, "InvalidArgument"),
        ("GetQueueAttributes", {"QueueName": "absent"}, "QueueNotExist"),
        ("DeleteQueue", {"QueueName": "absent"}, "QueueNotExist"),
        ("CreateTopic", {"TopicName": "_"}, "TopicNameInvalid"),
        ("CreateTopic", {"TopicName": "t", "MaxMessageSize": 65537}, "InvalidArgument"),
        ("Subscribe", {"TopicName": "absent", "SubscriptionName": "s"}, "TopicNotExist"),
        ("ListQueue", {"PageSize": 101}, "InvalidArgument"),
    ],
)
def test_bad_calls_are_refused(room: Room, operation: str, params: dict[str, object], code: str) -> None:
    """With the codes that the provider looks for."""
    assert refused(room, operation, **params) == code


@pytest.mark.parametrize("push_type", ["http", "mpush", "alisms", "email"])
def test_other_push_types_are_refused_loudly(room: Room, push_type: str) -> None:
    """Only queues are served."""
    room.mns("CreateTopic", TopicName="t")
    params = {"TopicName": "t", "SubscriptionName": "s", "PushType": push_type, "Endpoint": "http://example.com"}
    assert refused(room, "Subscribe", **params) == "NotImplemented.Emulator"


def test_what_is_received_too_often_goes_to_the_dead_letter_queue(room: Room) -> None:
    """The queue's policy: after MaxReceiveCount receptions, on the next one."""
    policy = {"Enabled": True, "DeadLetterTargetQueue": "dead", "MaxReceiveCount": 2}
    room.mns("CreateQueue", QueueName="dead")
    room.mns("CreateQueue", QueueName="q", DlqPolicy=policy)

    def data(operation: str, queue: str, body: bytes = b"") -> bytes:
        call = Call("mns", operation, ACCOUNT, REGION, "R", body=body, resource=("queues", queue, "messages"))
        answer = DATA.by_name[operation].handler(room.cloud, call).body
        assert isinstance(answer, bytes)
        return answer

    data("SendMessage", "q", b"<Message><MessageBody>poison</MessageBody></Message>")
    for _ in range(2):
        assert b"poison" in data("ReceiveMessage", "q")
        room.advance(30)
    with pytest.raises(Refusal) as caught:
        data("ReceiveMessage", "q")
    assert caught.value.code == "MessageNotExist"
    assert b"poison" in data("ReceiveMessage", "dead")


@pytest.mark.parametrize(
    ("method", "path", "params", "operation"),
    [
        ("GET", ("queues",), {}, "ListQueue"),
        ("POST", ("queues",), {}, None),
        ("PUT", ("queues", "q"), {}, "CreateQueue"),
        ("PUT", ("queues", "q"), {"metaoverride": "true"}, "SetQueueAttributes"),
        ("GET", ("queues", "q", "messages"), {"peekonly": "true", "numOfMessages": "2"}, "BatchPeekMessage"),
        ("GET", ("queues", "q", "messages"), {"waitseconds": "1"}, "ReceiveMessage"),
        ("PUT", ("queues", "q", "messages"), {}, None),
        ("DELETE", ("queues", "q", "messages"), {}, "BatchDeleteMessage"),
        ("PUT", ("topics", "t", "subscriptions", "s"), {}, "Subscribe"),
        ("DELETE", ("topics", "t", "subscriptions", "s"), {}, "Unsubscribe"),
        ("POST", ("topics", "t", "subscriptions", "s"), {}, None),
        ("GET", ("topics", "t", "messages"), {}, None),
        ("GET", ("queues", ""), {}, None),
        ("GET", ("commonbuy", "openservice"), {}, None),
        ("GET", (), {}, None),
    ],
)
def test_a_request_names_its_operation(
    method: str, path: tuple[str, ...], params: dict[str, str], operation: str | None
) -> None:
    """By method, path and query; anything else is None and refused by the server."""
    assert resolve(method, path, params) == operation


def test_every_resolved_operation_is_served() -> None:
    """The table of the data plane has no hole."""
    families = [("queues",), ("queues", "q"), ("queues", "q", "messages"), ("topics",), ("topics", "t")]
    families += [("topics", "t", "messages"), ("topics", "t", "subscriptions"), ("topics", "t", "subscriptions", "s")]
    queries = [{}, {"metaoverride": ""}, {"peekonly": ""}, {"numOfMessages": ""}, {"ReceiptHandle": ""}]
    queries += [{"peekonly": "", "numOfMessages": ""}]
    found = {
        resolve(m, path, query) for m in ("GET", "PUT", "POST", "DELETE") for path in families for query in queries
    }
    assert found - {None} == set(DATA.by_name)

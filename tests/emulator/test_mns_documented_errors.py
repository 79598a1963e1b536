"""MNS's documented errors and limits through its SDKs, and what a subscription makes of every kind of message.

Errors: www.alibabacloud.com/help/doc-detail/27501.html; code, status and request id of each.
"""

from __future__ import annotations

import json
from base64 import b64decode
from functools import partial
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_mns_open20220119 import models
from alibabacloud_mns_open20220119.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from defusedxml.ElementTree import fromstring
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import Base64TopicMessage, TopicMessage, TopicMeta

from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.testing import LocalCloud


@pytest.fixture
def account(cloud: LocalCloud) -> Iterator[Any]:
    """The SDK's account, with a queue and a topic."""
    made = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    made.get_queue("q").create(QueueMeta())
    made.get_topic("t").create(TopicMeta())
    yield made
    made.mns_client.close_connection()


@pytest.fixture
def queue(account: Any) -> Any:
    """The queue, whose bodies pass as they are."""
    found = account.get_queue("q")
    found.set_encoding(False)
    return found


def refused(cloud: LocalCloud, call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the refusal that a call meets; its request id is the journal's."""
    with pytest.raises(MNSServerException) as caught:
        call()
    [entry] = cloud.requests("mns")[-1:]
    assert (entry["request_id"], entry["code"]) == (caught.value.request_id, caught.value.type)
    return int(str(entry["status"])), str(caught.value.type)


ERRORS: dict[str, tuple[Callable[[Any], Any], int, str]] = {
    "no queue": (lambda a: a.get_queue("none").get_attributes(), 404, "QueueNotExist"),
    "no queue to send to": (lambda a: a.get_queue("none").send_message(Message("m")), 404, "QueueNotExist"),
    "no queue to receive from": (lambda a: a.get_queue("none").receive_message(30), 404, "QueueNotExist"),
    "no message": (lambda a: a.get_queue("q").receive_message(), 404, "MessageNotExist"),
    "no messages": (lambda a: a.get_queue("q").batch_receive_message(16), 404, "MessageNotExist"),
    "nothing to peek at": (lambda a: a.get_queue("q").peek_message(), 404, "MessageNotExist"),
    "no handle": (lambda a: a.get_queue("q").delete_message("nonsense"), 400, "ReceiptHandleError"),
    "another queue": (lambda a: a.get_queue("q").create(QueueMeta(31)), 409, "QueueAlreadyExist"),
    "a bad queue's name": (lambda a: a.get_queue("_q").create(QueueMeta()), 400, "InvalidQueueName"),
    "too long a name": (lambda a: a.get_queue("q" * 121).create(QueueMeta()), 400, "InvalidQueueName"),
    "a bad topic's name": (lambda a: a.get_topic("-t").create(TopicMeta()), 400, "TopicNameInvalid"),
    "another topic": (lambda a: a.get_topic("t").create(TopicMeta(2048)), 409, "TopicAlreadyExist"),
    "no topic": (lambda a: a.get_topic("none").publish_message(TopicMessage("m")), 404, "TopicNotExist"),
    "no subscription": (
        lambda a: a.get_topic("t").get_subscription("none").get_attributes(),
        404,
        "SubscriptionNotExist",
    ),
    "no endpoint": (
        lambda a: a.get_topic("t").get_subscription("s").subscribe(SubscriptionMeta("nowhere")),
        400,
        "EndpointInvalid",
    ),
    "too long a wait": (lambda a: a.get_queue("q").receive_message(31), 400, "InvalidArgument"),
    "too many at once": (lambda a: a.get_queue("q").batch_receive_message(17), 400, "InvalidArgument"),
    "too long a body": (lambda a: raw(a).send_message(Message("m" * 65_537)), 400, "InvalidArgument"),
    "too long to publish": (
        lambda a: a.get_topic("t").publish_message(TopicMessage("m" * 65_537)),
        400,
        "InvalidArgument",
    ),
}


def raw(account: Any) -> Any:
    """The queue without the SDK's own encoding."""
    found = account.get_queue("q")
    found.set_encoding(False)
    return found


@pytest.mark.parametrize("name", ERRORS)
def test_a_documented_error_arrives_as_documented(cloud: LocalCloud, account: Any, name: str) -> None:
    """A missing queue is named at once, however long the poll."""
    call, status, code = ERRORS[name]
    assert (status, code) == refused(cloud, lambda: call(account))


@pytest.mark.parametrize(
    ("attribute", "low", "high"),
    [
        ("vis_timeout", 1, 43_200),
        ("max_msg_size", 1024, 65_536),
        ("msg_ttl", 60, 604_800),
        ("delay_sec", 0, 604_800),
        ("polling_wait_sec", 0, 30),
    ],
)
def test_a_queues_numbers_have_their_bounds(
    cloud: LocalCloud, account: Any, attribute: str, low: int, high: int
) -> None:
    """alibabacloud.com/help/en/mns/createqueue: both ends are taken, what lies beyond is refused."""
    queue = account.get_queue("q")
    for value in (low, high):
        queue.set_attributes(QueueMeta(**{attribute: value}))
    for value in (low - 1, high + 1):
        if value <= 0:
            continue  # the SDK refuses a visibility timeout of 0 itself, and leaves a negative number out
        meta = QueueMeta(**{attribute: value})
        assert (400, "InvalidArgument") == refused(cloud, partial(queue.set_attributes, meta))


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("GetQueueAttributes", {"queue_name": "none"}, "QueueNotExist"),
        ("GetTopicAttributes", {"topic_name": "none"}, "TopicNotExist"),
        ("GetSubscriptionAttributes", {"topic_name": "t", "subscription_name": "none"}, "SubscriptionNotExist"),
        ("GetSubscriptionAttributes", {"topic_name": "none", "subscription_name": "s"}, "TopicNotExist"),
        ("CreateQueue", {"queue_name": "q", "visibility_timeout": 7}, "QueueAlreadyExist"),
        ("CreateTopic", {"topic_name": "t", "max_message_size": 2048}, "TopicAlreadyExist"),
        ("CreateQueue", {"queue_name": "p", "visibility_timeout": 0}, "InvalidArgument"),
        ("CreateQueue", {"queue_name": "_"}, "InvalidQueueName"),
        ("ListQueue", {"page_size": 0}, "InvalidArgument"),
        ("ListTopic", {"page_num": 0}, "InvalidArgument"),
    ],
)
@pytest.mark.usefixtures("account")
def test_the_control_plane_refuses_alike(cloud: LocalCloud, operation: str, members: dict[str, Any], code: str) -> None:
    """By the same codes, in the gateway's envelope, with the request id of the journal."""
    request = getattr(models, f"{operation}Request")(**members)
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")
    with pytest.raises(ClientException) as caught:
        getattr(Client(rpc_config(cloud)), snake)(request)
    [entry] = cloud.requests("mns-open")[-1:]
    assert (code, entry["request_id"], entry["status"]) == (
        caught.value.code,
        caught.value.request_id,
        caught.value.status_code,
    )


def unwrapped(content_format: str, body: str) -> str:
    """The message as it was published, out of what a subscription of that format makes of it."""
    if content_format == "SIMPLIFIED":
        return body
    if content_format == "JSON":
        wrapper = json.loads(body)
    else:
        wrapper = {element.tag.rpartition("}")[2]: element.text for element in fromstring(body)}
    names = {"TopicOwner", "TopicName", "Subscriber", "SubscriptionName", "MessageId", "Message", "MessageMD5"}
    assert names | {"PublishTime"} == set(wrapper) - {"MessageTag"}
    return str(wrapper["Message"])


@pytest.mark.parametrize("content_format", ["SIMPLIFIED", "JSON", "XML"])
@pytest.mark.parametrize("encoded", [False, True], ids=["raw", "base64"])
def test_every_format_carries_every_encoding(
    cloud: LocalCloud,
    account: Any,
    queue: Any,
    content_format: str,
    encoded: bool,  # noqa: FBT001 - a parameter
) -> None:
    """TopicMessage sends its text, Base64TopicMessage its base64; a subscription looks into neither."""
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/q"
    topic = account.get_topic("t")
    topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, notify_content_format=content_format))
    topic.publish_message((Base64TopicMessage if encoded else TopicMessage)('{"a": "<ü&>"}'))
    said = unwrapped(content_format, queue.receive_message().message_body)
    assert '{"a": "<ü&>"}' == (b64decode(said, validate=True).decode() if encoded else said)


@pytest.mark.parametrize("content_format", ["SIMPLIFIED", "JSON", "XML"])
def test_every_format_carries_oss_events(
    cloud: LocalCloud, account: Any, queue: Any, bucket: oss2.Bucket, content_format: str
) -> None:
    """A put and a delete of an object, by way of a topic; redelivery counts each on its own."""
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:/queues/q"
    meta = SubscriptionMeta(endpoint, notify_content_format=content_format)
    account.get_topic("t").get_subscription("s").subscribe(meta)
    Client(rpc_config(cloud)).create_event_rule(
        models.CreateEventRuleRequest(
            product_name="oss",
            rule_name="rule",
            event_types=["ObjectCreatedGroup", "ObjectRemoved:DeleteObject"],
            match_rules=[[models.EventMatchRule(prefix="pictures/")]],
            endpoint=models.CreateEventRuleRequestEndpoint(endpoint_type="topic", endpoint_value="t"),
        )
    )
    bucket.put_object("a", b"123")
    bucket.delete_object("a")
    for times in (1, 2, 3):
        received = queue.batch_receive_message(16)
        assert [times, times] == [message.dequeue_count for message in received]
        events = [
            json.loads(b64decode(unwrapped(content_format, message.message_body), validate=True))["events"][0]
            for message in received
        ]
        assert ["ObjectCreated:PutObject", "ObjectRemoved:DeleteObject"] == [event["eventName"] for event in events]
        cloud.advance(30)

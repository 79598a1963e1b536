"""MNS's data plane through its official SDK, over a socket: queues, messages, topics, and its errors."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from emulator.testing import LocalCloud


@pytest.fixture
def accounts(cloud: LocalCloud) -> Iterator[Callable[[], Any]]:
    """Make SDK accounts; each has one connection, closed at the end."""
    made: list[Any] = []

    def make() -> Any:
        made.append(Account(cloud.url, cloud.access_key_id, cloud.access_key_secret))
        return made[-1]

    yield make
    for account in made:
        account.mns_client.close_connection()


@pytest.fixture
def account(accounts: Callable[[], Any]) -> Any:
    """One SDK account."""
    return accounts()


@pytest.fixture
def queue(account: Any) -> Any:
    """A queue whose bodies pass as they are."""
    made = account.get_queue("q")
    made.set_encoding(False)
    made.create(QueueMeta(30))
    return made


def refusal(call: Callable[..., Any], *args: Any) -> str:
    """The error code that a call meets."""
    with pytest.raises(MNSServerException) as caught:
        call(*args)
    assert caught.value.request_id
    return str(caught.value.type)


def subscribed(account: Any, cloud: LocalCloud, queue: str, **meta: str) -> Any:
    """A topic with one subscription to `queue`."""
    topic = account.get_topic("t")
    topic.create(TopicMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{queue}"
    topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, **meta))
    return topic


def test_a_message_goes_through_a_queue(cloud: LocalCloud, queue: Any) -> None:
    """Every field that the SDK's decoder requires is there and true."""
    sent = queue.send_message(Message("héllo <&> \n"))
    received = queue.receive_message()
    assert received.message_body == "héllo <&> \n"
    assert (received.message_id, received.message_body_md5) == (sent.message_id, sent.message_body_md5)
    assert (received.dequeue_count, received.priority) == (1, 8)
    now = round(cloud.now() * 1000)
    times = (received.enqueue_time, received.first_dequeue_time, received.next_visible_time)
    assert times == (now, now, now + 30_000)
    queue.delete_message(received.receipt_handle)
    assert refusal(queue.delete_message, received.receipt_handle) == "MessageNotExist"
    assert refusal(queue.receive_message) == "MessageNotExist"


def test_the_sdks_own_encoding_goes_through_untouched(account: Any, queue: Any) -> None:
    """Whether a body is base64 is between sender and receiver."""
    encoding = account.get_queue("q")
    encoding.set_encoding(True)
    encoding.send_message(Message("grüße"))
    assert queue.peek_message().message_body == "Z3LDvMOfZQ=="
    assert encoding.receive_message().message_body == "grüße".encode()


def test_what_is_not_deleted_comes_back_with_a_new_handle(cloud: LocalCloud, queue: Any) -> None:
    """At least once: DequeueCount counts, the old handle is worth nothing."""
    queue.send_message(Message("again"))
    first = queue.receive_message()
    assert refusal(queue.receive_message) == "MessageNotExist"
    cloud.advance(30)
    assert refusal(queue.delete_message, first.receipt_handle) == "MessageNotExist"
    second = queue.receive_message()
    assert (second.message_id, second.dequeue_count) == (first.message_id, 2)
    assert second.receipt_handle != first.receipt_handle
    assert second.first_dequeue_time == first.first_dequeue_time
    assert refusal(queue.delete_message, first.receipt_handle) == "MessageNotExist"
    queue.delete_message(second.receipt_handle)


def test_a_text_that_is_no_handle_is_refused(queue: Any) -> None:
    """Another code than for a handle whose time is over."""
    assert refusal(queue.delete_message, "nonsense") == "ReceiptHandleError"


def test_visibility_can_be_changed(cloud: LocalCloud, queue: Any) -> None:
    """Longer, then to now; each time under a new handle."""
    queue.send_message(Message("m"))
    received = queue.receive_message()
    longer = queue.change_message_visibility(received.receipt_handle, 100)
    assert int(longer.next_visible_time) == round(cloud.now() * 1000) + 100_000
    cloud.advance(60)
    assert refusal(queue.receive_message) == "MessageNotExist"
    assert refusal(queue.change_message_visibility, received.receipt_handle, 5) == "MessageNotExist"
    queue.change_message_visibility(longer.receipt_handle, 1)
    cloud.advance(1)
    assert queue.receive_message().dequeue_count == 2


def test_delay_priority_and_peek(cloud: LocalCloud, queue: Any) -> None:
    """A delayed message is not there yet; the most urgent comes first; a peek changes nothing."""
    queue.send_message(Message("late", delay_seconds=10))
    queue.send_message(Message("normal"))
    queue.send_message(Message("urgent", priority=1))
    assert [message.message_body for message in queue.batch_peek_message(16)] == ["urgent", "normal"]
    assert queue.peek_message().dequeue_count == 0
    assert [queue.receive_message().message_body for _ in range(2)] == ["urgent", "normal"]
    cloud.advance(10)
    assert queue.receive_message().message_body == "late"


def test_batches(queue: Any) -> None:
    """Sixteen at most; a batch delete tells which handles were no good."""
    sent = queue.batch_send_message([Message(f"m{number}") for number in range(16)])
    assert len({message.message_id for message in sent}) == 16
    assert refusal(queue.batch_send_message, [Message("m")] * 17) == "InvalidArgument"
    received = queue.batch_receive_message(10)
    assert [message.message_body for message in received] == [f"m{number}" for number in range(10)]
    assert refusal(queue.batch_receive_message, 17) == "InvalidArgument"
    queue.batch_delete_message([message.receipt_handle for message in received[:9]])
    with pytest.raises(MNSServerException) as caught:
        queue.batch_delete_message([received[9].receipt_handle, received[0].receipt_handle])
    assert caught.value.sub_errors == [
        {
            "ErrorCode": "MessageNotExist",
            "ErrorMessage": "Message not exist.",
            "ReceiptHandle": received[0].receipt_handle,
        }
    ]
    assert len(queue.batch_receive_message(16)) == 6


def test_messages_do_not_live_for_ever(cloud: LocalCloud, queue: Any) -> None:
    """After the retention period they are gone, received or not."""
    queue.set_attributes(QueueMeta(msg_ttl=60))
    queue.send_message(Message("m"))
    cloud.advance(60)
    assert refusal(queue.receive_message) == "MessageNotExist"
    with pytest.deprecated_call():
        assert queue.get_attributes().message_retention_period == 60


def test_a_body_has_its_limits(queue: Any) -> None:
    """64 KiB by default, less if the queue says so, and not nothing."""
    queue.send_message(Message("m" * 65536))
    assert refusal(queue.send_message, Message("m" * 65537)) == "InvalidArgument"
    queue.set_attributes(QueueMeta(max_msg_size=1024))
    assert refusal(queue.send_message, Message("ü" * 513)) == "InvalidArgument"


def test_a_queue_is_made_once(account: Any, queue: Any) -> None:
    """The same again is no error, another one is; names and ranges are checked."""
    queue.create(QueueMeta(30))
    assert refusal(queue.create, QueueMeta(31)) == "QueueAlreadyExist"
    assert refusal(account.get_queue("-q").create, QueueMeta()) == "InvalidQueueName"
    assert refusal(account.get_queue("r").create, QueueMeta(43201)) == "InvalidArgument"
    assert refusal(account.get_queue("absent").receive_message) == "QueueNotExist"
    queue.delete()
    assert refusal(queue.get_attributes) == "QueueNotExist"


def test_queues_and_topics_are_listed_in_pages(account: Any) -> None:
    """By prefix, after the marker."""
    for name in ("qa", "qb", "qc", "other"):
        account.get_queue(name).create(QueueMeta())
        account.get_topic(name).create(TopicMeta())
    urls, marker = account.list_queue("q", 2, "")
    rest, end = account.list_queue("q", 2, marker)
    assert [url.rpartition("/")[2] for url in [*urls, *rest]] == ["qa", "qb", "qc"]
    assert end == ""
    topics, marker = account.list_topic("q", 2, "")
    assert [url.rpartition("/")[2] for url in topics] == ["qa", "qb"]
    assert marker == "qb"


def test_a_wait_of_more_than_thirty_seconds_is_refused(queue: Any) -> None:
    """At once, also when there is nothing to receive."""
    assert refusal(queue.receive_message, 31) == "InvalidArgument"


def test_a_receive_waits_for_a_message(accounts: Callable[[], Any], queue: Any) -> None:
    """A long poll is answered as soon as there is one."""
    received: list[str] = []
    waiting = accounts().get_queue("q")
    waiting.set_encoding(False)
    poll = threading.Thread(target=lambda: received.append(waiting.receive_message(20).message_body))
    started = time.monotonic()
    poll.start()
    queue.send_message(Message("here"))
    poll.join(60)
    assert received == ["here"]
    assert time.monotonic() - started < 19


@pytest.mark.parametrize("content_format", ["SIMPLIFIED", "JSON", "XML"])
def test_a_published_message_reaches_the_queue(
    cloud: LocalCloud, account: Any, queue: Any, content_format: str
) -> None:
    """As published, or in one of the two wrappers."""
    topic = subscribed(account, cloud, "q", notify_content_format=content_format)
    published = topic.publish_message(TopicMessage('{"a": "<ü>"}'))
    body = queue.receive_message().message_body
    if content_format == "SIMPLIFIED":
        assert body == '{"a": "<ü>"}'
        return
    if content_format == "JSON":
        wrapper = json.loads(body)
    else:
        wrapper = {element.tag.rpartition("}")[2]: element.text for element in fromstring(body)}
    assert (wrapper["Message"], wrapper["MessageId"]) == ('{"a": "<ü>"}', published.message_id)
    assert (wrapper["TopicName"], wrapper["SubscriptionName"]) == ("t", "s")
    assert wrapper["MessageMD5"] == published.message_body_md5


def test_the_default_format_is_xml_and_a_filter_filters(cloud: LocalCloud, account: Any, queue: Any) -> None:
    """A subscription with a tag gets messages of that tag."""
    topic = subscribed(account, cloud, "q", filter_tag="important")
    subscription = topic.get_subscription("s")
    attributes = subscription.get_attributes()
    shown = (attributes.notify_content_format, attributes.notify_strategy, attributes.filter_tag)
    assert shown == ("XML", "BACKOFF_RETRY", "important")
    topic.publish_message(TopicMessage("dropped"))
    topic.publish_message(TopicMessage("kept", "important"))
    assert "kept" in queue.receive_message().message_body
    assert refusal(queue.receive_message) == "MessageNotExist"


def test_subscriptions_come_and_go(cloud: LocalCloud, account: Any, queue: Any) -> None:
    """The strategy can change, nothing else; unsubscribing ends the flow."""
    topic = subscribed(account, cloud, "q")
    subscription = topic.get_subscription("s")
    subscription.set_attributes(SubscriptionMeta(notify_strategy="EXPONENTIAL_DECAY_RETRY"))
    assert subscription.get_attributes().notify_strategy == "EXPONENTIAL_DECAY_RETRY"
    other = SubscriptionMeta(f"acs:mns:{cloud.region}:{cloud.account_id}:queues/other")
    assert refusal(subscription.subscribe, other) == "SubscriptionAlreadyExist"
    assert [url.rpartition("/")[2] for url in topic.list_subscription()[0]] == ["s"]
    subscription.unsubscribe()
    assert refusal(subscription.get_attributes) == "SubscriptionNotExist"
    topic.publish_message(TopicMessage("nobody"))
    assert refusal(queue.receive_message) == "MessageNotExist"
    topic.delete()
    assert refusal(topic.publish_message, TopicMessage("m")) == "TopicNotExist"


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("http://example.com/push", "NotImplemented.Emulator"),
        ("mail:directmail:a@example.com", "NotImplemented.Emulator"),
        ("acs:mns:cn-beijing:1234567890123456:queues/q", "NotImplemented.Emulator"),
        ("nonsense", "EndpointInvalid"),
    ],
)
def test_pushing_anywhere_but_to_an_own_queue_is_refused_loudly(account: Any, endpoint: str, code: str) -> None:
    """Better than accepting and losing."""
    topic = account.get_topic("t")
    topic.create(TopicMeta())
    assert refusal(topic.get_subscription("s").subscribe, SubscriptionMeta(endpoint)) == code


def test_counts_are_true(queue: Any) -> None:
    """To be received, held, delayed; the SDK marks the three as deprecated."""
    for delay in (0, 0, 0, 50):
        queue.send_message(Message("m", delay_seconds=delay))
    queue.receive_message()
    with pytest.deprecated_call():
        meta = queue.get_attributes()
        counts = (meta.active_messages, meta.inactive_messages, meta.delay_messages)
    assert counts == (2, 1, 1)

"""Topics and subscriptions of the data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import (
    STRATEGIES,
    TOPIC_RANGES,
    checked_name,
    chosen,
    create,
    numbers,
    subscription_values,
    switch,
)
from emulator.mns.documents import body_md5, document, read_flat, read_root
from emulator.mns.publish import publish
from emulator.mns.queues import listed
from emulator.mns.state import Subscription, Topic

if TYPE_CHECKING:
    from typing import Any

    from emulator.call import Call
    from emulator.state import Cloud
    from emulator.wire.xml import Node

SERVED = Operations("mns")
WRITTEN = frozenset({*TOPIC_RANGES, "LoggingEnabled"})
PUBLISHED = frozenset({"MessageBody", "MessageTag"})
SUBSCRIBED = frozenset({"Endpoint", "NotifyStrategy", "NotifyContentFormat", "FilterTag"})


def topic_of(cloud: Cloud, call: Call) -> Topic:
    """The topic that the call's path names.

    Raises:
        Refusal: TopicNotExist.
    """
    topic = cloud.mns(call.account, call.region).topics.get(call.resource[1])
    if topic is None:
        raise refusals.topic_absent()
    return topic


@SERVED.serves("CreateTopic", provenance="sdk")
def create_topic(cloud: Cloud, call: Call) -> Reply:
    """201 with a Location; 204 if the same topic is there; 409 TopicAlreadyExist if another is."""
    name = checked_name("Topic", call.resource[1])
    now = cloud.clock.now()
    values = {**_given(call), "created": now, "modified": now}
    is_new = create(cloud.mns(call.account, call.region).topics, name, "Topic", values, Topic)
    return Reply(status=201 if is_new else 204, headers={"location": f"{call.base_url}/topics/{name}"})


@SERVED.serves("GetTopicAttributes", provenance="sdk")
def get_topic_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    return Reply(document("Topic", _shown(topic_of(cloud, call))))


@SERVED.serves("SetTopicAttributes", "metaoverride", provenance="sdk")
def set_topic_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the attributes that are sent."""
    topic = topic_of(cloud, call)
    for attribute, value in _given(call).items():
        setattr(topic, attribute, value)
    topic.modified = cloud.clock.now()
    return Reply(status=204)


@SERVED.serves("DeleteTopic", provenance="sdk")
def delete_topic(cloud: Cloud, call: Call) -> Reply:
    """Delete a topic with its subscriptions."""
    del cloud.mns(call.account, call.region).topics[topic_of(cloud, call).name]
    return Reply(status=204)


@SERVED.serves("ListTopic", provenance="sdk")
def list_topic(cloud: Cloud, call: Call) -> Reply:
    """Topics by name; prefix, marker and number travel in x-mns- headers."""
    held = cloud.mns(call.account, call.region).topics
    names, marker = listed(call, held)
    nodes: list[Node] = []
    for name in names:
        meta = _shown(held[name]) if call.headers.get("x-mns-with-meta") == "true" else []
        nodes.append(("Topic", [("TopicURL", f"{call.base_url}/topics/{name}"), *meta]))
    return Reply(document("Topics", nodes + marker))


@SERVED.serves("PublishMessage", provenance="sdk")
def publish_message(cloud: Cloud, call: Call) -> Reply:
    """Publish to every subscription of the topic."""
    topic = topic_of(cloud, call)
    given = read_flat(read_root(call.body, "Message"), PUBLISHED)
    body = given.get("MessageBody", "")
    if not 1 <= len(body.encode()) <= topic.maximum_message_size:
        raise refusals.invalid_argument(
            f"The value of MessageBody is invalid: it must have 1 to {topic.maximum_message_size} bytes."
        )
    tag = given.get("MessageTag", "")
    message_id = publish(cloud, call.account, call.region, topic.name, body, cloud.clock.now(), tag)
    return Reply(document("Message", [("MessageId", message_id), ("MessageBodyMD5", body_md5(body))]), status=201)


@SERVED.serves("Subscribe", provenance="sdk")
def subscribe(cloud: Cloud, call: Call) -> Reply:
    """Subscribe a queue: 201 with a Location, 204 if it is the same, 409 SubscriptionAlreadyExist if another."""
    topic = topic_of(cloud, call)
    name = checked_name("Subscription", call.resource[3])
    given = read_flat(read_root(call.body, "Subscription"), SUBSCRIBED)
    now = cloud.clock.now()
    values = {**subscription_values(given, call.region, call.account), "created": now, "modified": now}
    is_new = create(topic.subscriptions, name, "Subscription", values, Subscription)
    place = f"{call.base_url}/topics/{topic.name}/subscriptions/{name}"
    return Reply(status=201 if is_new else 204, headers={"location": place})


@SERVED.serves("Unsubscribe", provenance="sdk")
def unsubscribe(cloud: Cloud, call: Call) -> Reply:
    """End a subscription."""
    topic = topic_of(cloud, call)
    del topic.subscriptions[_subscription(topic, call).name]
    return Reply(status=204)


@SERVED.serves("GetSubscriptionAttributes", provenance="sdk")
def get_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    topic = topic_of(cloud, call)
    held = _subscription(topic, call)
    shown: list[Node] = [
        ("TopicOwner", call.account),
        ("TopicName", topic.name),
        ("SubscriptionName", held.name),
        ("Endpoint", held.endpoint),
        ("NotifyStrategy", held.notify_strategy),
        ("NotifyContentFormat", held.notify_content_format),
        *([("FilterTag", held.filter_tag)] if held.filter_tag else []),
        ("CreateTime", int(held.created)),
        ("LastModifyTime", int(held.modified)),
    ]
    return Reply(document("Subscription", shown))


@SERVED.serves("SetSubscriptionAttributes", "metaoverride", provenance="sdk")
def set_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the strategy: the only attribute of a subscription that can change."""
    held = _subscription(topic_of(cloud, call), call)
    given = read_flat(read_root(call.body, "Subscription"), frozenset({"NotifyStrategy"}))
    held.notify_strategy = chosen("NotifyStrategy", given.get("NotifyStrategy", held.notify_strategy), STRATEGIES)
    held.modified = cloud.clock.now()
    return Reply(status=204)


@SERVED.serves("ListSubscriptionByTopic", provenance="sdk")
def list_subscription_by_topic(cloud: Cloud, call: Call) -> Reply:
    """A topic's subscriptions by name."""
    topic = topic_of(cloud, call)
    names, marker = listed(call, topic.subscriptions)
    place = f"{call.base_url}/topics/{topic.name}/subscriptions"
    nodes: list[Node] = [("Subscription", [("SubscriptionURL", f"{place}/{name}")]) for name in names]
    return Reply(document("Subscriptions", nodes + marker))


def _subscription(topic: Topic, call: Call) -> Subscription:
    found = topic.subscriptions.get(call.resource[3])
    if found is None:
        raise refusals.subscription_absent()
    return found


def _given(call: Call) -> dict[str, Any]:
    if not call.body:
        return {}
    given = read_flat(read_root(call.body, "Topic"), WRITTEN)
    found = numbers(given, TOPIC_RANGES)
    if "LoggingEnabled" in given:
        found["logging_enabled"] = switch("LoggingEnabled", given["LoggingEnabled"])
    return found


def _shown(topic: Topic) -> list[Node]:
    return [
        ("TopicName", topic.name),
        ("CreateTime", int(topic.created)),
        ("LastModifyTime", int(topic.modified)),
        ("MaximumMessageSize", topic.maximum_message_size),
        ("MessageRetentionPeriod", topic.message_retention_period),
        ("MessageCount", 0),
        ("LoggingEnabled", "True" if topic.logging_enabled else "False"),
    ]

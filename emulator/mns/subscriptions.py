"""Publishing and subscriptions on the XML data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import STRATEGIES, checked_name, chosen, create, subscription_values
from emulator.mns.data_destinations import listed, topic_of
from emulator.mns.documents import body_md5, document, read_flat, read_root
from emulator.mns.publish import publish
from emulator.mns.state import Subscription

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.mns.state import Topic
    from emulator.state import Cloud
    from emulator.wire.xml import Node

SERVED = Operations("mns")
PUBLISHED = frozenset({"MessageBody", "MessageTag"})
SUBSCRIBED = frozenset({"Endpoint", "NotifyStrategy", "NotifyContentFormat", "FilterTag"})


def find_subscription(topic: Topic, name: str) -> Subscription:
    """A topic's subscription.

    Raises:
        Refusal: SubscriptionNotExist.
    """
    found = topic.subscriptions.get(name)
    if found is None:
        raise refusals.subscription_absent()
    return found


def shown_subscription(call: Call, topic: Topic, held: Subscription) -> dict[str, str | int]:
    """A subscription as both planes show it; the data plane leaves an empty FilterTag out."""
    return {
        "TopicOwner": call.account,
        "TopicName": topic.name,
        "SubscriptionName": held.name,
        "Endpoint": held.endpoint,
        "NotifyStrategy": held.notify_strategy,
        "NotifyContentFormat": held.notify_content_format,
        "FilterTag": held.filter_tag,
        "CreateTime": int(held.created),
        "LastModifyTime": int(held.modified),
    }


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
    del topic.subscriptions[find_subscription(topic, call.resource[3]).name]
    return Reply(status=204)


@SERVED.serves("GetSubscriptionAttributes", provenance="sdk")
def get_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    topic = topic_of(cloud, call)
    shown = shown_subscription(call, topic, find_subscription(topic, call.resource[3]))
    nodes: list[Node] = [(name, value) for name, value in shown.items() if name != "FilterTag" or value]
    return Reply(document("Subscription", nodes))


@SERVED.serves("SetSubscriptionAttributes", "metaoverride", provenance="sdk")
def set_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the strategy: the only attribute of a subscription that can change."""
    held = find_subscription(topic_of(cloud, call), call.resource[3])
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

"""The RPC control plane (Mns-open 2022-01-19) for topics and subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import (
    STRATEGIES,
    checked_name,
    chosen,
    create,
    subscription_values,
    switch,
    whole,
)
from emulator.mns.envelope import DONE, answer, paged, required, shown_tags, tags
from emulator.mns.state import Subscription, Topic

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("mns-open")
TOPIC_TYPES = frozenset({"normal"})


@SERVED.serves("CreateTopic", "TopicName", "MaxMessageSize", "EnableLogging", "TopicType", "Tag", provenance="sdk")
def create_topic(cloud: Cloud, call: Call) -> Reply:
    """Make a topic; the same one again is answered with 204, another one with TopicAlreadyExist."""
    name = checked_name("Topic", required(call, "TopicName"))
    now = cloud.clock.now()
    values = {**_given(call), "created": now, "modified": now}
    if tags(call):
        values["tags"] = tags(call)
    values["topic_type"] = chosen("TopicType", call.params.get("TopicType") or "normal", TOPIC_TYPES)
    is_new = create(cloud.mns(call.account, call.region).topics, name, "Topic", values, Topic)
    return answer(call, DONE, status=201 if is_new else 204)


@SERVED.serves("GetTopicAttributes", "TopicName", "Tag", provenance="sdk")
def get_topic_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    return answer(call, _shown_topic(_topic(cloud, call)))


@SERVED.serves("SetTopicAttributes", "TopicName", "MaxMessageSize", "EnableLogging", provenance="sdk")
def set_topic_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the attributes that are sent."""
    topic = _topic(cloud, call)
    for attribute, value in _given(call).items():
        setattr(topic, attribute, value)
    topic.modified = cloud.clock.now()
    return answer(call, DONE)


@SERVED.serves("DeleteTopic", "TopicName", provenance="sdk")
def delete_topic(cloud: Cloud, call: Call) -> Reply:
    """Delete a topic with its subscriptions."""
    del cloud.mns(call.account, call.region).topics[_topic(cloud, call).name]
    return answer(call, DONE, status=204)


@SERVED.serves("ListTopic", "TopicName", "TopicType", "PageNum", "PageSize", "Tag", provenance="sdk")
def list_topic(cloud: Cloud, call: Call) -> Reply:
    """Topics whose name begins with TopicName, by page."""
    held = cloud.mns(call.account, call.region).topics
    wanted = tags(call).items()
    names = sorted(
        name
        for name, topic in held.items()
        if name.startswith(call.params.get("TopicName", "")) and wanted <= topic.tags.items()
    )
    page = paged(call, names, lambda name: _shown_topic(held[name]))
    return answer(call, {key: page[key] for key in ("PageData", "PageNum", "PageSize", "Total")})


@SERVED.serves(
    "Subscribe",
    "TopicName", "SubscriptionName", "Endpoint", "PushType", "NotifyStrategy", "NotifyContentFormat", "MessageTag",
    provenance="sdk",
)  # fmt: skip
def subscribe(cloud: Cloud, call: Call) -> Reply:
    """Subscribe a queue (PushType queue, the only one served); Data is the subscription's name."""
    topic = _topic(cloud, call)
    name = checked_name("Subscription", required(call, "SubscriptionName"))
    push_type = required(call, "PushType")
    if push_type != "queue":
        raise refusals.not_served(f"PushType {push_type}")
    given = {key: call.params[key] for key in ("NotifyStrategy", "NotifyContentFormat") if call.params.get(key)}
    given |= {"Endpoint": _endpoint(call), "FilterTag": call.params.get("MessageTag", "")}
    now = cloud.clock.now()
    values = {**subscription_values(given, call.region, call.account), "created": now, "modified": now}
    is_new = create(topic.subscriptions, name, "Subscription", values, Subscription)
    return answer(call, name, status=201 if is_new else 204)


@SERVED.serves("Unsubscribe", "TopicName", "SubscriptionName", provenance="sdk")
def unsubscribe(cloud: Cloud, call: Call) -> Reply:
    """End a subscription."""
    topic = _topic(cloud, call)
    del topic.subscriptions[_subscription(topic, call).name]
    return answer(call, {}, status=204)


@SERVED.serves("GetSubscriptionAttributes", "TopicName", "SubscriptionName", provenance="sdk")
def get_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    topic = _topic(cloud, call)
    return answer(call, _shown_subscription(call, topic, _subscription(topic, call)))


@SERVED.serves("SetSubscriptionAttributes", "TopicName", "SubscriptionName", "NotifyStrategy", provenance="sdk")
def set_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the strategy."""
    held = _subscription(_topic(cloud, call), call)
    wanted = call.params.get("NotifyStrategy") or held.notify_strategy
    held.notify_strategy = chosen("NotifyStrategy", wanted, STRATEGIES)
    held.modified = cloud.clock.now()
    return answer(call, DONE)


@SERVED.serves(
    "ListSubscriptionByTopic",
    "TopicName", "SubscriptionName", "EndpointType", "EndpointValue", "PageNum", "PageSize",
    provenance="sdk",
)  # fmt: skip
def list_subscription_by_topic(cloud: Cloud, call: Call) -> Reply:
    """A topic's subscriptions whose name begins with SubscriptionName and whose endpoint is EndpointValue, by page."""
    topic = _topic(cloud, call)
    endpoint = call.params.get("EndpointValue", "")
    names = sorted(
        name
        for name, held in topic.subscriptions.items()
        if name.startswith(call.params.get("SubscriptionName", ""))
        and (not endpoint or held.endpoint == endpoint)
        and call.params.get("EndpointType", held.push_type) in {"", held.push_type}
    )
    return answer(call, paged(call, names, lambda name: _shown_subscription(call, topic, topic.subscriptions[name])))


def _endpoint(call: Call) -> str:
    """A queue's endpoint; a bare queue name, which the API also takes, means one of this account and region."""
    endpoint = required(call, "Endpoint")
    bare = ":" not in endpoint and "/" not in endpoint
    return f"acs:mns:{call.region}:{call.account}:queues/{endpoint}" if bare else endpoint


def _topic(cloud: Cloud, call: Call) -> Topic:
    found = cloud.mns(call.account, call.region).topics.get(required(call, "TopicName"))
    if found is None:
        raise refusals.topic_absent()
    return found


def _subscription(topic: Topic, call: Call) -> Subscription:
    found = topic.subscriptions.get(required(call, "SubscriptionName"))
    if found is None:
        raise refusals.subscription_absent()
    return found


def _given(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if call.params.get("MaxMessageSize"):
        found["maximum_message_size"] = whole("MaxMessageSize", call.params["MaxMessageSize"], 1024, 65536)
    if call.params.get("EnableLogging"):
        found["logging_enabled"] = switch("EnableLogging", call.params["EnableLogging"])
    return found


def _shown_topic(topic: Topic) -> dict[str, object]:
    return {
        "TopicName": topic.name,
        "TopicType": topic.topic_type,
        "CreateTime": int(topic.created),
        "LastModifyTime": int(topic.modified),
        "MaxMessageSize": topic.maximum_message_size,
        "MessageRetentionPeriod": topic.message_retention_period,
        "MessageCount": 0,
        "LoggingEnabled": topic.logging_enabled,
        "Tags": shown_tags(topic.tags),
    }


def _shown_subscription(call: Call, topic: Topic, held: Subscription) -> dict[str, object]:
    return {
        "TopicOwner": call.account,
        "TopicName": topic.name,
        "SubscriptionName": held.name,
        "Endpoint": held.endpoint,
        "FilterTag": held.filter_tag,
        "NotifyStrategy": held.notify_strategy,
        "NotifyContentFormat": held.notify_content_format,
        "CreateTime": int(held.created),
        "LastModifyTime": int(held.modified),
    }

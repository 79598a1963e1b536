"""Subscriptions on the RPC control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import STRATEGIES, checked_name, chosen, create, subscription_values
from emulator.mns.control_destinations import topic_of
from emulator.mns.envelope import DONE, answer, paged, required
from emulator.mns.state import Subscription
from emulator.mns.subscriptions import find_subscription, shown_subscription

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("mns-open")


@SERVED.serves(
    "Subscribe",
    "TopicName", "SubscriptionName", "Endpoint", "PushType", "NotifyStrategy", "NotifyContentFormat", "MessageTag",
    provenance="sdk",
)  # fmt: skip
def subscribe(cloud: Cloud, call: Call) -> Reply:
    """Subscribe a queue (PushType queue, the only one served); Data is the subscription's name."""
    topic = topic_of(cloud, call)
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
    topic = topic_of(cloud, call)
    del topic.subscriptions[find_subscription(topic, required(call, "SubscriptionName")).name]
    return answer(call, DONE, status=204)


@SERVED.serves("GetSubscriptionAttributes", "TopicName", "SubscriptionName", provenance="sdk")
def get_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes."""
    topic = topic_of(cloud, call)
    found = find_subscription(topic, required(call, "SubscriptionName"))
    return answer(call, shown_subscription(call, topic, found))


@SERVED.serves("SetSubscriptionAttributes", "TopicName", "SubscriptionName", "NotifyStrategy", provenance="sdk")
def set_subscription_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the strategy."""
    held = find_subscription(topic_of(cloud, call), required(call, "SubscriptionName"))
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
    topic = topic_of(cloud, call)
    endpoint = call.params.get("EndpointValue", "")
    names = sorted(
        name
        for name, held in topic.subscriptions.items()
        if name.startswith(call.params.get("SubscriptionName", ""))
        and (not endpoint or held.endpoint == endpoint)
        and call.params.get("EndpointType", held.push_type) in {"", held.push_type}
    )
    return answer(call, paged(call, names, lambda name: shown_subscription(call, topic, topic.subscriptions[name])))


def _endpoint(call: Call) -> str:
    """A queue's endpoint; a bare queue name, which the API also takes, means one of this account and region."""
    endpoint = required(call, "Endpoint")
    bare = ":" not in endpoint and "/" not in endpoint
    return f"acs:mns:{call.region}:{call.account}:queues/{endpoint}" if bare else endpoint

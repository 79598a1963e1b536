"""From a topic to its queues: one published message becomes one message in the queue of every subscription."""

from __future__ import annotations

import json
from hashlib import md5, sha256
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from emulator.mns.delivery import deliver

if TYPE_CHECKING:
    from emulator.mns.state import Subscription, Topic
    from emulator.state import Cloud

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"


def publish(cloud: Cloud, account: str, region: str, topic: str, body: str, now: float, tag: str = "") -> str | None:
    """Publish to a topic by name.

    Args:
        cloud: The state.
        account: Owner of the topic.
        region: The topic's region.
        topic: Its name.
        body: Opaque text.
        now: Seconds since the epoch.
        tag: A message tag; a subscription with another FilterTag does not get the message.

    Returns:
        The message id, or None if there is no such topic.
    """
    mns = cloud.mns(account, region)
    found = mns.topics.get(topic)
    if found is None:
        return None
    found.published += 1
    message_id = (
        sha256(f"{account}/{region}/{topic}/{found.created}/{found.published}".encode()).hexdigest()[:32].upper()
    )
    for subscription in found.subscriptions.values():
        place = queue_of_endpoint(subscription.endpoint)
        queue = mns.queues.get(place[2]) if place else None
        if queue is not None and subscription.filter_tag in {"", tag}:
            deliver(cloud, queue, _wrapped(account, found, subscription, message_id, body, tag, now), now)
    return message_id


def queue_of_endpoint(endpoint: str) -> tuple[str, str, str] | None:
    """Region, account and queue of `acs:mns:{region}:{account}:queues/{queue}`, or None if it is no such endpoint.

    The Python SDK writes it so; the provider's own example has `/queues/{queue}` at the end
    (help.aliyun.com/zh/terraform/alicloud-message-service-event-rule).
    """
    parts = endpoint.split(":")
    place = parts[-1].removeprefix("/")
    if len(parts) != 5 or parts[:2] != ["acs", "mns"] or not place.startswith("queues/"):  # noqa: PLR2004 - its parts
        return None
    return parts[2], parts[3], place.removeprefix("queues/")


def _wrapped(
    account: str, topic: Topic, subscription: Subscription, message_id: str, body: str, tag: str, now: float
) -> str:
    """What the queue gets, in the subscription's format."""
    wrapped = {
        "TopicOwner": account,
        "TopicName": topic.name,
        "Subscriber": account,
        "SubscriptionName": subscription.name,
        "MessageId": message_id,
        "Message": body,
        "MessageMD5": md5(body.encode(), usedforsecurity=False).hexdigest().upper(),
        **({"MessageTag": tag} if tag else {}),
        "PublishTime": round(now * 1000),
    }
    match subscription.notify_content_format:
        case "SIMPLIFIED":
            return body
        case "JSON":
            return json.dumps(wrapped, ensure_ascii=False, separators=(",", ":"))
        case _:
            inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in wrapped.items())
            return f'<?xml version="1.0" encoding="utf-8"?><Notification xmlns="{NAMESPACE}">{inside}</Notification>'

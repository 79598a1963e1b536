"""From a topic to its queues: one published message becomes one message in the queue of every subscription."""

from __future__ import annotations

import json
from hashlib import md5, sha256
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from emulator.mns.messages import enqueue

if TYPE_CHECKING:
    from emulator.mns.state import MnsState, Subscription, Topic
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
        if not subscription.filter_tag or subscription.filter_tag == tag:
            _deliver(mns, account, found, subscription, message_id, body, tag, now)
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


def _deliver(
    mns: MnsState,
    account: str,
    topic: Topic,
    subscription: Subscription,
    message_id: str,
    body: str,
    tag: str,
    now: float,
) -> None:
    place = queue_of_endpoint(subscription.endpoint)
    queue = mns.queues.get(place[2]) if place else None
    if queue is None:
        return
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
            text = body
        case "JSON":
            text = json.dumps(wrapped, ensure_ascii=False, separators=(",", ":"))
        case _:
            inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in wrapped.items())
            text = f'<?xml version="1.0" encoding="utf-8"?><Notification xmlns="{NAMESPACE}">{inside}</Notification>'
    enqueue(queue, text, now)

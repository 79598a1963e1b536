"""Queues and topics as the page shows them: counts, not contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.mns.destinations import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.instance import Instance
    from emulator.mns.state import Queue, Topic

MOST = 500


def list_messages(instance: Instance, _: Mapping[str, str]) -> object:
    """Every queue with the messages that wait, are out or delayed; every topic with its subscriptions."""
    now = instance.cloud.clock.now()
    queues: list[dict[str, object]] = []
    topics: list[dict[str, object]] = []
    for account_id, account in instance.cloud.accounts.items():
        for region, mns in account.mns.items():
            place = {"account": account_id, "region": region}
            queues += [{**place, **_queue(queue, now)} for queue in mns.queues.values()]
            topics += [{**place, **_topic(topic)} for topic in mns.topics.values()]
    return {"queues": queues[:MOST], "topics": topics[:MOST]}


def _queue(queue: Queue, now: float) -> dict[str, object]:
    """Counts as GetQueueAttributes tells them apart: a message never received and not yet visible is delayed."""
    found = counts(queue, now)
    return {
        "name": queue.name,
        "created": queue.created,
        "active": found["ActiveMessages"],
        "inactive": found["InactiveMessages"],
        "delayed": found["DelayMessages"],
        "visibility_timeout": queue.visibility_timeout,
    }


def _topic(topic: Topic) -> dict[str, object]:
    return {
        "name": topic.name,
        "created": topic.created,
        "published": topic.published,
        "subscriptions": [
            {"name": item.name, "endpoint": item.endpoint, "format": item.notify_content_format, "tag": item.filter_tag}
            for item in topic.subscriptions.values()
        ],
    }

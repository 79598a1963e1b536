"""Queues and topics as their owner makes them, through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mns.account import Account
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta, SubscriptionNotifyContentFormat
from mns.topic import TopicMeta

from emulator.testing import LocalCloud


@contextmanager
def account_of(cloud: LocalCloud) -> Iterator[Any]:
    """The SDK's account."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    try:
        yield account
    finally:
        account.mns_client.close_connection()


def make_queue(cloud: LocalCloud, name: str) -> None:
    """A queue with the service's defaults."""
    with account_of(cloud) as account:
        account.get_queue(name).create(QueueMeta())


def make_results(cloud: LocalCloud, name: str) -> None:
    """A topic and a queue of one name; what is published there lies here, as it is."""
    make_queue(cloud, name)
    with account_of(cloud) as account:
        account.get_topic(name).create(TopicMeta())
        endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{name}"
        how = SubscriptionMeta(endpoint, notify_content_format=SubscriptionNotifyContentFormat.SIMPLIFIED)
        account.get_topic(name).get_subscription(name).subscribe(how)

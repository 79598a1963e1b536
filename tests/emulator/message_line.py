"""A topic that feeds a queue, as tests of messages use it: both through the vendor's SDK."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.testing import LocalCloud


@dataclass(frozen=True)
class Line:
    """A topic that feeds a queue, both through the vendor's SDK."""

    topic: Any
    queue: Any

    def publish(self, *bodies: str) -> None:
        """One message after the other."""
        for body in bodies:
            self.topic.publish_message(TopicMessage(body))

    def take(self) -> list[Any]:
        """Receive and delete everything that may be received now, in the order of receiving."""
        taken: list[Any] = []
        while True:
            try:
                batch = self.queue.batch_receive_message(16)
            except MNSServerException as refused:
                if refused.type != "MessageNotExist":
                    raise
                return taken
            self.queue.batch_delete_message([message.receipt_handle for message in batch])
            taken += batch

    def bodies(self) -> list[str]:
        """The bodies of `take`."""
        return [message.message_body for message in self.take()]


@contextmanager
def line_of(cloud: LocalCloud, name: str = "q", *, make: bool = True) -> Iterator[Line]:
    """The line that ends in the queue of that name; `make` it, its topic, and the subscription, all of which may be."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    line = Line(account.get_topic("results"), account.get_queue(name))
    line.queue.set_encoding(False)
    try:
        if make:
            line.queue.create(QueueMeta(30))
            line.topic.create(TopicMeta())
            endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{name}"
            line.topic.get_subscription(name).subscribe(SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED"))
        yield line
    finally:
        account.mns_client.close_connection()

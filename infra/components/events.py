"""Where IMM's results arrive: a topic IMM publishes on, a queue the operator reads, and the subscription between them.

A topic keeps nothing for a reader that is away; the queue does, for as long as its retention says.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

RETENTION = 7 * 24 * 3600  # seconds: MNS' longest, so that an operator that was down over a holiday misses nothing
VISIBILITY = 60  # seconds a message stays hidden while it is worked on
LONG_POLL = 30  # seconds: MNS' longest, the fewest billed requests


@dataclass(frozen=True, slots=True)
class EventsArgs:
    """Arguments of `Events`."""

    region: str
    account_id: str
    topic: pulumi.Input[str]
    queue: pulumi.Input[str]


class Events(pulumi.ComponentResource):
    """Topic, queue and subscription."""

    topic: pulumi.Output[str]
    queue: pulumi.Output[str]

    def __init__(self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:messages:Events", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = alicloud.message.ServiceTopic(name, topic_name=args.topic, opts=child)
        queue = alicloud.message.ServiceQueue(
            name,
            queue_name=args.queue,
            message_retention_period=RETENTION,
            visibility_timeout=VISIBILITY,
            polling_wait_seconds=LONG_POLL,
            opts=child,
        )
        subscription = alicloud.message.ServiceSubscription(
            name,
            topic_name=topic.topic_name,
            subscription_name=queue.queue_name,
            endpoint=pulumi.Output.concat("acs:mns:", args.region, ":", args.account_id, ":queues/", queue.queue_name),
            push_type="queue",
            notify_content_format="SIMPLIFIED",  # the message as published; the default wraps it in XML
            notify_strategy="EXPONENTIAL_DECAY_RETRY",  # for a day, instead of three times
            # A changed address is a replacement under the same name, so the old one has to go first.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.topic = subscription.topic_name  # whoever publishes waits until somebody listens
        self.queue = queue.queue_name
        self.register_outputs({"topic": self.topic, "queue": self.queue})

"""Where IMM's results for one operator shard arrive: topic, queue, subscription and dead-letter queue.

A topic keeps a message for a day at most; the queue keeps it for a reader that is away. Each shard has a topic of its
own because a topic gives every queue everything, and IMM takes the topic's name with each call.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

# Seconds: MNS' longest, so that an operator that was down over a holiday misses nothing. It counts from the first
# queue, so a dead letter has what is left of it.
RETENTION = 7 * 24 * 3600
VISIBILITY = 60  # seconds a message stays hidden while it is worked on
LONG_POLL = 30  # seconds: MNS' longest, the fewest billed requests
MOST_RECEIVES = 16  # after so many attempts a message is set aside, where a person can look at it


@dataclass(frozen=True, slots=True)
class EventsArgs:
    """Arguments of `Events`."""

    region: str
    account_id: str
    topic: str
    queue: str
    dead_letter_queue: str


class Events(pulumi.ComponentResource):
    """Topic, queue, subscription and dead-letter queue."""

    topic: pulumi.Output[str]
    queue: pulumi.Output[str]
    dead_letter_queue: pulumi.Output[str]

    def __init__(self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("imm-operator:messages:Events", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        topic = alicloud.message.ServiceTopic(name, topic_name=args.topic, opts=child)
        dead = alicloud.message.ServiceQueue(
            f"{name}-dead-letters",
            queue_name=args.dead_letter_queue,
            message_retention_period=RETENTION,
            polling_wait_seconds=LONG_POLL,
            opts=child,
        )
        queue = alicloud.message.ServiceQueue(
            name,
            queue_name=args.queue,
            message_retention_period=RETENTION,
            visibility_timeout=VISIBILITY,
            polling_wait_seconds=LONG_POLL,
            dlq_policy=alicloud.message.ServiceQueueDlqPolicyArgs(
                enabled=True, dead_letter_target_queue=dead.queue_name, max_receive_count=MOST_RECEIVES
            ),
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
        self.dead_letter_queue = dead.queue_name
        self.register_outputs({"topic": self.topic, "queue": self.queue, "deadLetterQueue": self.dead_letter_queue})

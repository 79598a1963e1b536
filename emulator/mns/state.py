"""What MNS remembers in one account and region. Times are seconds since the epoch on the emulator's clock.

A queue keeps its messages in the order they were sent; which of them can be received is a question of `next_visible`
alone, so there is no second list of hidden ones to go stale.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.mns.event_rules import EventRule


@dataclass(slots=True)
class Message:
    """One message in a queue. `body` is opaque text: whether it is base64 is between sender and receiver."""

    message_id: str
    body: str
    priority: int
    enqueued: float
    next_visible: float
    receipt: str = ""  # valid only until next_visible
    first_dequeued: float = 0.0
    dequeue_count: int = 0


@dataclass(slots=True)
class Queue:
    """A queue with its attributes, in seconds and bytes."""

    name: str
    created: float
    modified: float
    delay_seconds: int = 0
    maximum_message_size: int = 65536
    message_retention_period: int = 345600
    visibility_timeout: int = 30
    polling_wait_seconds: int = 0
    logging_enabled: bool = False
    queue_type: str = "normal"
    dlq_policy: dict[str, object] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)  # by message id, in order of arrival
    sequence: int = 0  # makes message ids and receipts distinct
    overtaken: str = ""  # id of a message that a fault rule holds back until another has arrived


@dataclass(slots=True)
class Subscription:
    """A topic's subscription to a queue endpoint."""

    name: str
    endpoint: str
    created: float
    modified: float
    push_type: str = "queue"
    notify_strategy: str = "BACKOFF_RETRY"
    notify_content_format: str = "XML"
    filter_tag: str = ""


@dataclass(slots=True)
class Topic:
    """A topic with its subscriptions by name."""

    name: str
    created: float
    modified: float
    maximum_message_size: int = 65536
    message_retention_period: int = 86400
    logging_enabled: bool = False
    topic_type: str = "normal"
    tags: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    published: int = 0


@dataclass(slots=True)
class MnsState:
    """One account's queues, topics and event rules in one region."""

    queues: dict[str, Queue] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    event_rules: dict[str, EventRule] = field(default_factory=dict)

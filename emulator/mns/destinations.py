"""Queues and topics, which can do the same on both planes: one table of what tells them apart, and what they share.

Each plane (`data_destinations`, `control`) brings the spelling of names and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import QUEUE_RANGES, TOPIC_RANGES, create
from emulator.mns.state import MnsState, Queue, Topic
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

T = TypeVar("T", Queue, Topic)
Verb = Callable[["Kind[Any]", "Cloud", "Call"], Reply]


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What tells queues from topics.

    Attributes:
        name: As in operations, elements and error codes: Queue.
        family: As in paths: queues.
        ranges: Numeric attributes that can be written, by their names on the data plane.
        absent: The refusal of a name that is not there.
        held: Those of one account and region, by name.
        make: Makes one from its attributes.
        facts: Everything both planes show of one at a moment, besides its name.
    """

    name: str
    family: str
    ranges: Mapping[str, tuple[str, int, int]]
    absent: Callable[[], Refusal]
    held: Callable[[MnsState], dict[str, T]]
    make: Callable[..., T]
    facts: Callable[[T, float], dict[str, object]]


def all_of(kind: Kind[T], cloud: Cloud, call: Call) -> dict[str, T]:
    """The queues or topics of the caller, by name."""
    return kind.held(cloud.mns(call.account, call.region))


def find(kind: Kind[T], cloud: Cloud, call: Call, name: str) -> T:
    """The caller's queue or topic of that name.

    Raises:
        Refusal: QueueNotExist or TopicNotExist.
    """
    found = all_of(kind, cloud, call).get(name)
    if found is None:
        raise kind.absent()
    return found


def add(kind: Kind[T], cloud: Cloud, call: Call, name: str, values: Mapping[str, Any]) -> bool:
    """Make a queue or topic of a checked name; whether it is new. The same one again is no error.

    Raises:
        Refusal: QueueAlreadyExist or TopicAlreadyExist if one of that name has other attributes.
    """
    now = cloud.clock.now()
    dated = {**values, "created": now, "modified": now}
    return create(all_of(kind, cloud, call), name, kind.name, dated, kind.make)


def change(cloud: Cloud, found: Queue | Topic, values: Mapping[str, Any]) -> None:
    """Set attributes of a queue or topic."""
    for attribute, value in values.items():
        setattr(found, attribute, value)
    found.modified = cloud.clock.now()


def remove(kind: Kind[T], cloud: Cloud, call: Call, name: str) -> None:
    """Delete a queue with its messages or a topic with its subscriptions.

    Raises:
        Refusal: QueueNotExist or TopicNotExist.
    """
    del all_of(kind, cloud, call)[find(kind, cloud, call, name).name]


def counts(queue: Queue, now: float) -> dict[str, int]:
    """Messages to be received, held by a receiver, and not due yet."""
    active = inactive = delayed = 0
    for message in queue.messages.values():
        if now >= message.enqueued + queue.message_retention_period:
            continue
        if message.next_visible <= now:
            active += 1
        elif message.dequeue_count:
            inactive += 1
        else:
            delayed += 1
    return {"ActiveMessages": active, "InactiveMessages": inactive, "DelayMessages": delayed}


def _queue_facts(queue: Queue, now: float) -> dict[str, object]:
    return {
        **_times(queue),
        **{name: getattr(queue, attribute) for name, (attribute, _, _) in QUEUE_RANGES.items()},
        "LoggingEnabled": queue.logging_enabled,
        **counts(queue, now),
    }


def _topic_facts(topic: Topic, _: float) -> dict[str, object]:
    return {
        **_times(topic),
        "MaximumMessageSize": topic.maximum_message_size,
        "MessageRetentionPeriod": topic.message_retention_period,
        "MessageCount": 0,
        "LoggingEnabled": topic.logging_enabled,
    }


def serve(served: Operations, kind: Kind[Any], verbs: Mapping[str, tuple[Verb, tuple[str, ...]]]) -> None:
    """Register operations on queues or topics, by names such as `Create{}`, with the parameters each takes."""
    for operation, (verb, params) in verbs.items():
        served.serves(operation.format(kind.name), *params, provenance="sdk")(partial(verb, kind))


def _times(found: Queue | Topic) -> dict[str, object]:
    return {"CreateTime": int(found.created), "LastModifyTime": int(found.modified)}


QUEUE = Kind("Queue", "queues", QUEUE_RANGES, refusals.queue_absent, lambda mns: mns.queues, Queue, _queue_facts)
TOPIC = Kind("Topic", "topics", TOPIC_RANGES, refusals.topic_absent, lambda mns: mns.topics, Topic, _topic_facts)
KINDS: tuple[Kind[Any], ...] = (QUEUE, TOPIC)

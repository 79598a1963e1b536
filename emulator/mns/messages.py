"""A queue's messages: send, receive, peek, delete, change visibility. Times in, no clock read here.

At least once, unordered: a message that was received and not deleted comes back when its visibility timeout is over,
with one more on its DequeueCount and a new receipt handle; the old handle is then worth nothing.
"""

from __future__ import annotations

from hashlib import sha256
from heapq import nsmallest
from operator import attrgetter
from typing import TYPE_CHECKING

from emulator.mns.state import Message

if TYPE_CHECKING:
    from emulator.mns.state import MnsState, Queue

DEFAULT_PRIORITY = 8
_BY_URGENCY = attrgetter("priority", "enqueued")


def enqueue(
    queue: Queue, body: str, now: float, *, delay: int | None = None, priority: int = DEFAULT_PRIORITY
) -> Message:
    """Append a message; it can be received after `delay` seconds, or the queue's own delay."""
    queue.sequence += 1
    message = Message(
        message_id=sha256(f"{queue.name}/{queue.created}/{queue.sequence}".encode()).hexdigest()[:32].upper(),
        body=body,
        priority=priority,
        enqueued=now,
        next_visible=now + (queue.delay_seconds if delay is None else delay),
    )
    queue.messages[message.message_id] = message
    return message


def visible(queue: Queue, now: float) -> list[Message]:
    """Messages that can be received now, most urgent first, oldest first; expired ones are dropped on the way."""
    return sorted(_ready(queue, now), key=_BY_URGENCY)  # stable for what came at once


def _ready(queue: Queue, now: float) -> list[Message]:
    """The same in order of arrival."""
    kept = queue.message_retention_period
    expired = [message.message_id for message in queue.messages.values() if now >= message.enqueued + kept]
    for message_id in expired:
        del queue.messages[message_id]
    return [message for message in queue.messages.values() if message.next_visible <= now]


def any_visible(queue: Queue, now: float) -> bool:
    """Whether a message can be received now, without a look at all of them."""
    kept = queue.message_retention_period
    return any(message.next_visible <= now < message.enqueued + kept for message in queue.messages.values())


def receive(queue: Queue, count: int, now: float) -> list[Message]:
    """Take up to `count` messages: each is hidden for the visibility timeout and gets a new receipt handle."""
    taken: list[Message] = []
    for message in nsmallest(count, _ready(queue, now), key=_BY_URGENCY):  # stable, as sorting is
        message.dequeue_count += 1
        message.first_dequeued = message.first_dequeued or now
        _hide(queue, message, now, queue.visibility_timeout)
        taken.append(message)
    return taken


def find_by_receipt(queue: Queue, receipt: str, now: float) -> Message | None:
    """The message that `receipt` still holds, or None if it never did or its time is over."""
    _, _, message_id = receipt.partition("-")
    message = queue.messages.get(message_id)
    if message is None or message.receipt != receipt or message.next_visible <= now:
        return None
    return message


def change_visibility(queue: Queue, message: Message, seconds: int, now: float) -> None:
    """Hide a held message for `seconds` from now, under a new receipt handle."""
    _hide(queue, message, now, seconds)


def _hide(queue: Queue, message: Message, now: float, seconds: int) -> None:
    queue.sequence += 1
    message.receipt = f"{queue.sequence}-{message.message_id}"
    message.next_visible = now + seconds


def bury(mns: MnsState, queue: Queue, now: float) -> None:
    """Move messages that were received too often to the dead-letter queue, if the queue has that policy."""
    policy = queue.dlq_policy
    target = mns.queues.get(str(policy.get("DeadLetterTargetQueue", "")))
    if not policy.get("Enabled") or target is None:
        return
    limit = int(str(policy.get("MaxReceiveCount", 16)))
    for message in visible(queue, now):
        if message.dequeue_count >= limit:
            del queue.messages[message.message_id]
            enqueue(target, message.body, now, delay=0, priority=message.priority)

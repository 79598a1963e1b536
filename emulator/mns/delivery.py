"""What a topic or an event rule puts into a queue, under the message fault that strikes it, if any.

A message that comes late lies in the queue meanwhile, among its delayed ones, so that it is kept, shown and counted
like every other. What clients send themselves, and dead letters, are no deliveries: no fault strikes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.mns.messages import enqueue

if TYPE_CHECKING:
    from emulator.mns.state import Message, Queue
    from emulator.state import Cloud


def deliver(cloud: Cloud, queue: Queue, body: str, now: float) -> None:
    """Deliver a message, or what the first fault rule that matches makes of it (`emulator.faults.FaultRule`)."""
    held = _overtaken(queue, now)
    rule = cloud.faults.match_delivery(may_swap=held is None)
    if rule is None or rule.duplicate is not None:
        for _ in range(1 + (0 if rule is None else rule.duplicate or 0)):
            enqueue(queue, body, now)
        if held is not None:
            _let_in(queue, held, now)
    elif rule.delay is not None:
        enqueue(queue, body, now + rule.delay)
    elif rule.swap is not None:
        queue.overtaken = enqueue(queue, body, now + rule.swap).message_id


def _overtaken(queue: Queue, now: float) -> Message | None:
    """The message that waits for another to arrive; None if there is none, or it has waited long enough."""
    message = queue.messages.get(queue.overtaken)
    return message if message is not None and now < message.enqueued else None


def _let_in(queue: Queue, message: Message, now: float) -> None:
    """Let it arrive now, behind all that is there."""
    del queue.messages[message.message_id]
    message.enqueued, message.next_visible = now, now + queue.delay_seconds
    queue.messages[message.message_id] = message
    queue.overtaken = ""

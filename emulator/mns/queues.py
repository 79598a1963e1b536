"""Queues of the data plane: create, read, change, delete, list."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import QUEUE_RANGES, checked_name, create, numbers, switch, whole
from emulator.mns.documents import document, read_flat, read_root
from emulator.mns.state import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from emulator.call import Call
    from emulator.state import Cloud
    from emulator.wire.xml import Node

SERVED = Operations("mns")
WRITTEN = frozenset({*QUEUE_RANGES, "LoggingEnabled"})
MAX_LISTED = 1000


def queue_of(cloud: Cloud, call: Call) -> Queue:
    """The queue that the call's path names.

    Raises:
        Refusal: QueueNotExist.
    """
    queue = cloud.mns(call.account, call.region).queues.get(call.resource[1])
    if queue is None:
        raise refusals.queue_absent()
    return queue


@SERVED.serves("CreateQueue", provenance="sdk")
def create_queue(cloud: Cloud, call: Call) -> Reply:
    """201 with a Location; 204 if the same queue is there; 409 QueueAlreadyExist if another is."""
    name = checked_name("Queue", call.resource[1])
    now = cloud.clock.now()
    values = {**_given(call), "created": now, "modified": now}
    is_new = create(cloud.mns(call.account, call.region).queues, name, "Queue", values, Queue)
    return Reply(status=201 if is_new else 204, headers={"location": f"{call.base_url}/queues/{name}"})


@SERVED.serves("GetQueueAttributes", provenance="sdk")
def get_queue_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes and the counts of messages."""
    queue = queue_of(cloud, call)
    return Reply(document("Queue", [("QueueName", queue.name), *_shown(queue, cloud.clock.now())]))


@SERVED.serves("SetQueueAttributes", "metaoverride", provenance="sdk")
def set_queue_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the attributes that are sent."""
    queue = queue_of(cloud, call)
    for attribute, value in _given(call).items():
        setattr(queue, attribute, value)
    queue.modified = cloud.clock.now()
    return Reply(status=204)


@SERVED.serves("DeleteQueue", provenance="sdk")
def delete_queue(cloud: Cloud, call: Call) -> Reply:
    """Delete a queue with its messages."""
    del cloud.mns(call.account, call.region).queues[queue_of(cloud, call).name]
    return Reply(status=204)


@SERVED.serves("ListQueue", provenance="sdk")
def list_queue(cloud: Cloud, call: Call) -> Reply:
    """Queues by name; prefix, marker and number travel in x-mns- headers."""
    held = cloud.mns(call.account, call.region).queues
    names, marker = listed(call, held)
    nodes: list[Node] = []
    for name in names:
        entry: list[Node] = [("QueueURL", f"{call.base_url}/queues/{name}")]
        if call.headers.get("x-mns-with-meta") == "true":
            entry += [("QueueName", name), *_shown(held[name], cloud.clock.now())]
        nodes.append(("Queue", entry))
    return Reply(document("Queues", nodes + marker))


def listed(call: Call, held: Iterable[str]) -> tuple[list[str], list[Node]]:
    """One page of names and its NextMarker, which is left out at the end: the SDK cannot read an empty one."""
    names = sorted(name for name in held if name.startswith(call.headers.get("x-mns-prefix", "")))
    size = whole("x-mns-ret-number", call.headers.get("x-mns-ret-number", str(MAX_LISTED)), 1, MAX_LISTED)
    begin = bisect_right(names, call.headers.get("x-mns-marker", ""))
    chosen = names[begin : begin + size]
    return chosen, [("NextMarker", chosen[-1])] if begin + size < len(names) else []


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


def _given(call: Call) -> dict[str, Any]:
    if not call.body:
        return {}
    given = read_flat(read_root(call.body, "Queue"), WRITTEN)
    found = numbers(given, QUEUE_RANGES)
    if "LoggingEnabled" in given:
        found["logging_enabled"] = switch("LoggingEnabled", given["LoggingEnabled"])
    return found


def _shown(queue: Queue, now: float) -> list[Node]:
    return [
        ("CreateTime", int(queue.created)),
        ("LastModifyTime", int(queue.modified)),
        *[(name, getattr(queue, attribute)) for name, (attribute, _, _) in QUEUE_RANGES.items()],
        ("LoggingEnabled", "True" if queue.logging_enabled else "False"),
        *counts(queue, now).items(),
    ]

"""The RPC control plane (Mns-open 2022-01-19), which the console and the Pulumi provider use, for queues.

Every answer has the envelope `{Code, Status, Success, Message, Data, RequestId}`. Topics are in `control_topics`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emulator.call import Operations, Reply
from emulator.mns import control_topics, event_control, refusals
from emulator.mns.attributes import QUEUE_RANGES, checked_name, chosen, create, numbers, switch
from emulator.mns.envelope import DONE, answer, paged, required, shown_tags, tags
from emulator.mns.queues import counts
from emulator.mns.state import Queue

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

OPERATIONS = Operations("mns-open")
WRITTEN = ("QueueName", *QUEUE_RANGES, "EnableLogging", "DlqPolicy")
QUEUE_TYPES = frozenset({"normal"})


@OPERATIONS.serves("CreateQueue", *WRITTEN, "QueueType", "Tag", provenance="sdk")
def create_queue(cloud: Cloud, call: Call) -> Reply:
    """Make a queue; the same one again is answered with 204, another one with QueueAlreadyExist."""
    name = checked_name("Queue", required(call, "QueueName"))
    now = cloud.clock.now()
    values = {**_given(call), "created": now, "modified": now}
    if tags(call):
        values["tags"] = tags(call)
    values["queue_type"] = chosen("QueueType", call.params.get("QueueType") or "normal", QUEUE_TYPES)
    is_new = create(cloud.mns(call.account, call.region).queues, name, "Queue", values, Queue)
    return answer(call, DONE, status=201 if is_new else 204)


@OPERATIONS.serves("GetQueueAttributes", "QueueName", "Tag", provenance="sdk")
def get_queue_attributes(cloud: Cloud, call: Call) -> Reply:
    """All attributes and the counts of messages."""
    return answer(call, _shown(_queue(cloud, call), cloud.clock.now()))


@OPERATIONS.serves("SetQueueAttributes", *WRITTEN, provenance="sdk")
def set_queue_attributes(cloud: Cloud, call: Call) -> Reply:
    """Change the attributes that are sent."""
    queue = _queue(cloud, call)
    for attribute, value in _given(call).items():
        setattr(queue, attribute, value)
    queue.modified = cloud.clock.now()
    return answer(call, DONE)


@OPERATIONS.serves("DeleteQueue", "QueueName", provenance="sdk")
def delete_queue(cloud: Cloud, call: Call) -> Reply:
    """Delete a queue with its messages."""
    del cloud.mns(call.account, call.region).queues[_queue(cloud, call).name]
    return answer(call, DONE, status=204)


@OPERATIONS.serves("ListQueue", "QueueName", "QueueType", "PageNum", "PageSize", "Tag", provenance="sdk")
def list_queue(cloud: Cloud, call: Call) -> Reply:
    """Queues whose name begins with QueueName, by page."""
    held = cloud.mns(call.account, call.region).queues
    wanted = tags(call).items()
    names = sorted(
        name
        for name, queue in held.items()
        if name.startswith(call.params.get("QueueName", "")) and wanted <= queue.tags.items()
    )
    now = cloud.clock.now()
    return answer(call, paged(call, names, lambda name: _shown(held[name], now)))


def _queue(cloud: Cloud, call: Call) -> Queue:
    found = cloud.mns(call.account, call.region).queues.get(required(call, "QueueName"))
    if found is None:
        raise refusals.queue_absent()
    return found


def _given(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.params.items() if value}
    found = numbers(given, QUEUE_RANGES)
    if "EnableLogging" in given:
        found["logging_enabled"] = switch("EnableLogging", given["EnableLogging"])
    if "DlqPolicy" in given:
        found["dlq_policy"] = _dlq_policy(given["DlqPolicy"])
    return found


def _dlq_policy(text: str) -> dict[str, object]:
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or set(policy) - {"Enabled", "DeadLetterTargetQueue", "MaxReceiveCount"}:
        raise refusals.invalid_argument("The value of DlqPolicy is invalid.")
    if not str(policy.get("MaxReceiveCount", 16)).isdecimal():
        raise refusals.invalid_argument("The value of DlqPolicy.MaxReceiveCount is invalid.")
    return policy


def _shown(queue: Queue, now: float) -> dict[str, object]:
    policy = queue.dlq_policy
    shown: dict[str, object] = {
        "QueueName": queue.name,
        "QueueType": queue.queue_type,
        "CreateTime": int(queue.created),
        "LastModifyTime": int(queue.modified),
        **{name: getattr(queue, attribute) for name, (attribute, _, _) in QUEUE_RANGES.items()},
        "LoggingEnabled": queue.logging_enabled,
        **counts(queue, now),
        "Tags": shown_tags(queue.tags),
    }
    if policy:
        shown["DlqPolicy"] = {
            "Enabled": bool(policy.get("Enabled")),
            "DeadLetterTargetQueue": str(policy.get("DeadLetterTargetQueue", "")),
            "MaxReceiveCount": str(policy.get("MaxReceiveCount", "")),
        }
    return shown


for room in (control_topics, event_control):
    OPERATIONS.by_name.update(room.SERVED.by_name)

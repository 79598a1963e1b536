"""Messages of the data plane: send, receive, peek, delete, change visibility, alone or up to sixteen at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.mns import refusals
from emulator.mns.attributes import WEEK, whole
from emulator.mns.data_destinations import queue_of
from emulator.mns.documents import body_md5, document, milliseconds, read_flat, read_root, shown_message
from emulator.mns.messages import (
    DEFAULT_PRIORITY,
    any_visible,
    bury,
    change_visibility,
    enqueue,
    find_by_receipt,
    receive,
    visible,
)
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.call import Call
    from emulator.mns.state import Message, Queue
    from emulator.state import Cloud
    from emulator.wire.xml import Node

SERVED = Operations("mns")
SENT = frozenset({"MessageBody", "DelaySeconds", "Priority"})
MAX_BATCH = 16
MAX_WAIT = 30  # seconds
MAX_HIDDEN = 43200  # seconds


@SERVED.serves("SendMessage", provenance="sdk")
def send_message(cloud: Cloud, call: Call) -> Reply:
    """One `<Message>`, or up to sixteen in `<Messages>`; all of a batch are checked before any is taken."""
    queue = queue_of(cloud, call)
    root = read_root(call.body, "Message", "Messages")
    batch = list(root) if root.tag == "Messages" else [root]
    if not 1 <= len(batch) <= MAX_BATCH or any(element.tag != "Message" for element in batch):
        raise refusals.invalid_argument(f"A batch must have 1 to {MAX_BATCH} messages.")
    given = [_checked(queue, read_flat(element, SENT)) for element in batch]
    sent = [enqueue(queue, body, cloud.clock.now(), delay=delay, priority=priority) for body, delay, priority in given]
    shown = [_sent(message) for message in sent]
    if root.tag == "Message":
        return Reply(document("Message", shown[0]), status=201)
    return Reply(document("Messages", [("Message", nodes) for nodes in shown]), status=201)


@SERVED.serves("ReceiveMessage", "waitseconds", provenance="sdk")
def receive_message(cloud: Cloud, call: Call) -> Reply:
    """One message, hidden for the queue's visibility timeout, or 404 MessageNotExist."""
    _wait_seconds(call)
    return Reply(document("Message", shown_message(_received(cloud, call, 1)[0], held=True)))


@SERVED.serves("BatchReceiveMessage", "waitseconds", "numOfMessages", provenance="sdk")
def batch_receive_message(cloud: Cloud, call: Call) -> Reply:
    """One to numOfMessages messages, or 404 MessageNotExist."""
    _wait_seconds(call)
    received = _received(cloud, call, _batch_size(call))
    return Reply(document("Messages", [("Message", shown_message(message, held=True)) for message in received]))


@SERVED.serves("PeekMessage", "peekonly", provenance="sdk")
def peek_message(cloud: Cloud, call: Call) -> Reply:
    """The message that would be received next, left as it is."""
    return Reply(document("Message", shown_message(_peeked(cloud, call, 1)[0], held=False)))


@SERVED.serves("BatchPeekMessage", "peekonly", "numOfMessages", provenance="sdk")
def batch_peek_message(cloud: Cloud, call: Call) -> Reply:
    """The next messages, left as they are."""
    peeked = _peeked(cloud, call, _batch_size(call))
    return Reply(document("Messages", [("Message", shown_message(message, held=False)) for message in peeked]))


@SERVED.serves("DeleteMessage", "ReceiptHandle", provenance="sdk")
def delete_message(cloud: Cloud, call: Call) -> Reply:
    """Delete a message that is held under a receipt handle still good."""
    queue = queue_of(cloud, call)
    del queue.messages[_held(cloud, queue, call.params["ReceiptHandle"]).message_id]
    return Reply(status=204)


@SERVED.serves("BatchDeleteMessage", provenance="sdk")
def batch_delete_message(cloud: Cloud, call: Call) -> Reply:
    """Delete what can be deleted; the handles that are no good are answered one by one, with 404."""
    queue = queue_of(cloud, call)
    root = read_root(call.body, "ReceiptHandles")
    handles = [element.text or "" for element in root if element.tag == "ReceiptHandle"]
    if not 1 <= len(handles) <= MAX_BATCH:
        raise refusals.invalid_argument(f"A batch must have 1 to {MAX_BATCH} receipt handles.")
    errors: list[Node] = []
    for handle in handles:
        try:
            del queue.messages[_held(cloud, queue, handle).message_id]
        except Refusal as refusal:
            errors.append(
                (
                    "Error",
                    [("ErrorCode", refusal.code), ("ErrorMessage", refusal.message), ("ReceiptHandle", handle)],
                )
            )
    return Reply(document("Errors", errors), status=404) if errors else Reply(status=204)


@SERVED.serves(
    "ChangeMessageVisibility",
    *("ReceiptHandle", "VisibilityTimeout", "receiptHandle", "visibilityTimeout"),
    provenance="sdk",
)
def change_message_visibility(cloud: Cloud, call: Call) -> Reply:
    """Hide a held message for VisibilityTimeout seconds from now; the old handle is then worth nothing.

    The Python SDK writes the parameters' first letters large, the Node SDK small.
    """
    queue = queue_of(cloud, call)
    given = {name[:1].upper() + name[1:]: value for name, value in call.params.items()}
    seconds = whole("VisibilityTimeout", given.get("VisibilityTimeout", ""), 0, MAX_HIDDEN)
    message = _held(cloud, queue, given["ReceiptHandle"])
    change_visibility(queue, message, seconds, cloud.clock.now())
    shown: list[Node] = [
        ("ReceiptHandle", message.receipt),
        ("NextVisibleTime", milliseconds(message.next_visible)),
    ]
    return Reply(document("ChangeVisibility", shown))


def has_message(cloud: Cloud, call: Call) -> bool:
    """Whether a receive would be answered now: with a message, or with a refusal that waiting will not cure."""
    queue = cloud.mns(call.account, call.region).queues.get(call.resource[1]) if len(call.resource) > 1 else None
    if queue is None or call.operation not in {"ReceiveMessage", "BatchReceiveMessage"}:
        return True
    return any_visible(queue, cloud.clock.now())


def wait_seconds(cloud: Cloud, call: Call) -> int:
    """How long a receive may wait for a message: its own waitseconds, or the queue's PollingWaitSeconds.

    A bad value waits no time: the operation itself refuses it.
    """
    if "waitseconds" in call.params:
        try:
            return _wait_seconds(call)
        except Refusal:
            return 0
    queue = cloud.mns(call.account, call.region).queues.get(call.resource[1])
    return queue.polling_wait_seconds if queue is not None else 0


def _received(cloud: Cloud, call: Call, count: int) -> list[Message]:
    queue = queue_of(cloud, call)
    bury(cloud.mns(call.account, call.region), queue, cloud.clock.now())
    received = receive(queue, count, cloud.clock.now())
    if not received:
        raise refusals.message_absent()
    return received


def _peeked(cloud: Cloud, call: Call, count: int) -> list[Message]:
    found = visible(queue_of(cloud, call), cloud.clock.now())[:count]
    if not found:
        raise refusals.message_absent()
    return found


def _held(cloud: Cloud, queue: Queue, handle: str) -> Message:
    number, dash, message_id = handle.partition("-")
    if not number.isdecimal() or not dash or not message_id:
        raise refusals.receipt_invalid()
    message = find_by_receipt(queue, handle, cloud.clock.now())
    if message is None:
        raise refusals.message_absent()
    return message


def _batch_size(call: Call) -> int:
    return whole("numOfMessages", call.params.get("numOfMessages", ""), 1, MAX_BATCH)


def _wait_seconds(call: Call) -> int:
    return whole("waitseconds", call.params.get("waitseconds", "0"), 0, MAX_WAIT)


def _checked(queue: Queue, given: Mapping[str, str]) -> tuple[str, int | None, int]:
    body = given.get("MessageBody", "")
    if not body:
        raise refusals.invalid_argument("The value of MessageBody is invalid: it must not be empty.")
    size = len(body.encode())
    if size > queue.maximum_message_size:
        raise refusals.invalid_argument(
            f"The value of MessageBody is invalid: {size} bytes, at most {queue.maximum_message_size} are allowed."
        )
    delay = whole("DelaySeconds", given["DelaySeconds"], 0, WEEK) if "DelaySeconds" in given else None
    priority = whole("Priority", given["Priority"], 1, 16) if "Priority" in given else DEFAULT_PRIORITY
    return body, delay, priority


def _sent(message: Message) -> list[Node]:
    return [("MessageId", message.message_id), ("MessageBodyMD5", body_md5(message.body))]

"""The data plane's XML bodies: flat elements in, flat elements out."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

from emulator.mns import refusals
from emulator.wire.xml import Node, parse, render

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from emulator.mns.state import Message

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"


def document(root: str, nodes: list[Node]) -> bytes:
    """An answer's body."""
    return render(root, nodes, namespace=NAMESPACE)


def read_root(body: bytes, *roots: str) -> Element:
    """The root element, which must be one of `roots`.

    Raises:
        Refusal: MalformedXML.
    """
    root = parse(body)
    if root is None or root.tag not in roots:
        raise refusals.malformed_xml()
    return root


def read_flat(element: Element, known: frozenset[str]) -> dict[str, str]:
    """An element's children as names and texts.

    Raises:
        Refusal: `NotImplemented.Emulator` for a child that the local cloud does not know.
    """
    found = {}
    for child in element:
        if child.tag not in known:
            raise refusals.not_served(f"<{child.tag}> in <{element.tag}>")
        found[child.tag] = child.text or ""
    return found


def body_md5(body: str) -> str:
    """A message body's MD5 as MNS shows it: upper-case hex."""
    return md5(body.encode(), usedforsecurity=False).hexdigest().upper()


def milliseconds(moment: float) -> str:
    """Seconds since the epoch as MNS shows a message's times."""
    return str(round(moment * 1000))


def shown_message(message: Message, *, held: bool) -> list[Node]:
    """A received (`held`) or peeked message; a peeked one has no receipt handle to give."""
    nodes: list[Node] = [
        ("MessageId", message.message_id),
        ("MessageBodyMD5", body_md5(message.body)),
        ("MessageBody", message.body),
        ("EnqueueTime", milliseconds(message.enqueued)),
        ("FirstDequeueTime", milliseconds(message.first_dequeued or message.enqueued)),
        ("DequeueCount", message.dequeue_count),
        ("Priority", message.priority),
    ]
    if held:
        nodes += [("ReceiptHandle", message.receipt), ("NextVisibleTime", milliseconds(message.next_visible))]
    return nodes

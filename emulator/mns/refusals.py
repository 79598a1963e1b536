"""MNS's error codes, used by the XML data plane and the RPC control plane alike.

Statuses are the data plane's (www.alibabacloud.com/help/doc-detail/27501.html); the control plane's are assumed equal.
"""

from __future__ import annotations

from emulator.refusal import Refusal


def invalid_argument(message: str) -> Refusal:
    """An attribute or parameter is out of its range."""
    return Refusal(400, "InvalidArgument", message)


def malformed_xml(message: str = "The XML you provided was not well-formed.") -> Refusal:
    """A body that is not the XML the operation takes."""
    return Refusal(400, "MalformedXML", message)


def queue_absent() -> Refusal:
    """No such queue."""
    return Refusal(404, "QueueNotExist", "The queue name you provided is not exist.")


def topic_absent() -> Refusal:
    """No such topic."""
    return Refusal(404, "TopicNotExist", "The topic name you provided is not exist.")


def subscription_absent() -> Refusal:
    """No such subscription."""
    return Refusal(404, "SubscriptionNotExist", "The subscription name you provided is not exist.")


def message_absent() -> Refusal:
    """Nothing to receive, or a receipt handle whose time is over: an everyday answer."""
    return Refusal(404, "MessageNotExist", "Message not exist.")


def receipt_invalid() -> Refusal:
    """A text that was never a receipt handle of this queue."""
    return Refusal(400, "ReceiptHandleError", "The receipt handle you provided is not valid.")


def exists_differently(kind: str) -> Refusal:
    """A queue, topic or subscription of that name is there with other attributes."""
    return Refusal(409, f"{kind}AlreadyExist", f"The {kind.lower()} you want to create is already exist.")


def not_served(what: str) -> Refusal:
    """A real feature that the local cloud does not have; better a loud refusal than a silent loss."""
    return Refusal(400, "NotImplemented.Emulator", f"{what} is not served by the local cloud (emulator/mns).")

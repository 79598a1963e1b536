"""The XML data plane (x-mns-version 2015-06-06): which operation an HTTP request is, and who serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations
from emulator.mns import data_destinations, subscriptions, traffic
from emulator.mns.traffic import has_message, wait_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OPERATIONS", "has_message", "resolve", "wait_seconds"]

OPERATIONS = Operations("mns")
for room in (data_destinations, traffic, subscriptions):
    OPERATIONS.by_name.update(room.SERVED.by_name)


def resolve(method: str, path: tuple[str, ...], params: Mapping[str, str]) -> str | None:
    """The operation's name, or None if the local cloud has none for this request.

    Args:
        method: The HTTP method.
        path: The parts of the path, such as `("queues", "q", "messages")`.
        params: The decoded query.
    """
    match path:
        case ("queues" | "topics" as family,):
            return ("ListQueue" if family == "queues" else "ListTopic") if method == "GET" else None
        case ("queues" | "topics" as family, name) if name:
            return _thing(method, "Queue" if family == "queues" else "Topic", params)
        case ("queues", name, "messages") if name:
            return _message(method, params)
        case ("topics", *_):
            return _of_topic(method, path[1:], params)
        case _:
            return None


def _of_topic(method: str, path: tuple[str, ...], params: Mapping[str, str]) -> str | None:
    match path:
        case (topic, "messages") if topic and method == "POST":
            return "PublishMessage"
        case (topic, "subscriptions") if topic and method == "GET":
            return "ListSubscriptionByTopic"
        case (topic, "subscriptions", name) if topic and name:
            renamed = {"CreateSubscription": "Subscribe", "DeleteSubscription": "Unsubscribe"}
            operation = _thing(method, "Subscription", params)
            return None if operation is None else renamed.get(operation, operation)
        case _:
            return None


def _thing(method: str, kind: str, params: Mapping[str, str]) -> str | None:
    match method:
        case "PUT":
            return f"Set{kind}Attributes" if "metaoverride" in params else f"Create{kind}"
        case "GET":
            return f"Get{kind}Attributes"
        case "DELETE":
            return f"Delete{kind}"
        case _:
            return None


def _message(method: str, params: Mapping[str, str]) -> str | None:
    batch = "Batch" if "numOfMessages" in params else ""
    match method:
        case "POST":
            return "SendMessage"
        case "GET":
            return f"{batch}PeekMessage" if "peekonly" in params else f"{batch}ReceiveMessage"
        case "DELETE":
            return "DeleteMessage" if "ReceiptHandle" in params else "BatchDeleteMessage"
        case "PUT" if "ReceiptHandle" in params or "receiptHandle" in params:
            return "ChangeMessageVisibility"
        case _:
            return None

"""Queue, topic and subscription attributes: names, ranges, and whether two of the same name are the same.

The two planes spell the same attribute differently (LoggingEnabled, EnableLogging); each brings its own spelling here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from emulator.mns import refusals
from emulator.mns.publish import queue_of_endpoint
from emulator.refusal import Refusal

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
WEEK = 604800
# data-plane name → attribute, smallest, largest (vendor: CreateQueue, CreateTopic)
QUEUE_RANGES = {
    "DelaySeconds": ("delay_seconds", 0, WEEK),
    "MaximumMessageSize": ("maximum_message_size", 1024, 65536),
    "MessageRetentionPeriod": ("message_retention_period", 60, WEEK),
    "VisibilityTimeout": ("visibility_timeout", 1, 43200),
    "PollingWaitSeconds": ("polling_wait_seconds", 0, 30),
}
TOPIC_RANGES = {"MaximumMessageSize": ("maximum_message_size", 1024, 65536)}
STRATEGIES = frozenset({"BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"})
FORMATS = frozenset({"XML", "JSON", "SIMPLIFIED"})
MAX_TAG = 16  # characters of a filter tag


def checked_name(kind: str, name: str) -> str:
    """A queue's, topic's or subscription's name: 1 to 120 letters, digits, `-`, `_`, beginning with a letter or digit.

    Raises:
        Refusal: InvalidQueueName, TopicNameInvalid or SubscriptionNameInvalid.
    """
    if not NAME.fullmatch(name):
        code = "InvalidQueueName" if kind == "Queue" else f"{kind}NameInvalid"
        raise Refusal(400, code, f"The {kind.lower()} name you provided is invalid.")
    return name


def numbers(given: Mapping[str, str], ranges: Mapping[str, tuple[str, int, int]]) -> dict[str, Any]:
    """Numeric attributes within their ranges, by attribute.

    Raises:
        Refusal: InvalidArgument.
    """
    found: dict[str, Any] = {}
    for name, (attribute, low, high) in ranges.items():
        if name in given:
            found[attribute] = whole(name, given[name], low, high)
    return found


def whole(name: str, text: str, low: int, high: int) -> int:
    """A whole number within [low, high].

    Raises:
        Refusal: InvalidArgument.
    """
    if not re.fullmatch(r"-?\d{1,18}", text) or not low <= int(text) <= high:
        raise refusals.invalid_argument(f"The value of {name} is invalid: it must be between {low} and {high}.")
    return int(text)


def switch(name: str, text: str) -> bool:
    """`true` or `false` in any case.

    Raises:
        Refusal: InvalidArgument.
    """
    if text.lower() not in {"true", "false"}:
        raise refusals.invalid_argument(f"The value of {name} is invalid: it must be true or false.")
    return text.lower() == "true"


def subscription_values(given: Mapping[str, str], region: str, account: str) -> dict[str, Any]:
    """A new subscription's attributes from Endpoint, NotifyStrategy, NotifyContentFormat and FilterTag.

    Raises:
        Refusal: EndpointInvalid, InvalidArgument; `NotImplemented.Emulator` for an endpoint that is no queue of the
            same account and region.
    """
    endpoint = given.get("Endpoint", "")
    place = queue_of_endpoint(endpoint)
    if place is None:
        if endpoint.startswith(("http://", "https://", "mail:", "sms:", "acs:")):
            raise refusals.not_served(f"Pushing to {endpoint}")
        raise Refusal(400, "EndpointInvalid", "The endpoint you provided is invalid.")
    if place[:2] != (region, account):
        raise refusals.not_served(f"Pushing to a queue of another account or region ({endpoint})")
    filter_tag = given.get("FilterTag", "")
    if len(filter_tag) > MAX_TAG:
        raise refusals.invalid_argument(f"The value of FilterTag is invalid: at most {MAX_TAG} characters.")
    return {
        "endpoint": endpoint,
        "notify_strategy": chosen("NotifyStrategy", given.get("NotifyStrategy", "BACKOFF_RETRY"), STRATEGIES),
        "notify_content_format": chosen("NotifyContentFormat", given.get("NotifyContentFormat", "XML"), FORMATS),
        "filter_tag": filter_tag,
    }


def chosen(name: str, text: str, allowed: frozenset[str]) -> str:
    """One of a set of words.

    Raises:
        Refusal: InvalidArgument.
    """
    if text not in allowed:
        raise refusals.invalid_argument(
            f"The value of {name} is invalid: it must be one of {', '.join(sorted(allowed))}."
        )
    return text


def create(held: dict[str, T], name: str, kind: str, values: Mapping[str, Any], make: Callable[..., T]) -> bool:
    """Put a new thing under `name`; whether it is new. The same one again is no error.

    Raises:
        Refusal: `{kind}AlreadyExist` if one of that name has other attributes.
    """
    there = held.get(name)
    if there is None:
        held[name] = make(name=name, **values)
        return True
    wanted = make(name=name, **values)
    ignored = {"created", "modified"}
    if any(getattr(there, attribute) != getattr(wanted, attribute) for attribute in values if attribute not in ignored):
        raise refusals.exists_differently(kind)
    return False

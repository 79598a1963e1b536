"""What each MNS operation needs, from "Permission policies and examples" (doc-detail/27447).

The data plane and Mns-open share their actions and resources. No table that could be read has the event rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rights import Need, Places, Table

if TYPE_CHECKING:
    from emulator.call import Call

_QUEUE = ("CreateQueue", "GetQueueAttributes", "SetQueueAttributes", "DeleteQueue")
_TOPIC = ("CreateTopic", "GetTopicAttributes", "SetTopicAttributes", "DeleteTopic")
_SUBSCRIPTION = ("Subscribe", "Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes")
_MESSAGES = (
    "SendMessage",
    "ReceiveMessage",
    "BatchReceiveMessage",
    "PeekMessage",
    "BatchPeekMessage",
    "DeleteMessage",
    "BatchDeleteMessage",
    "ChangeMessageVisibility",
    "PublishMessage",
)
_RULES = ("CreateEventRule", "GetEventRule", "DeleteEventRule", "ListEventRules")


def mns_arn(region: str, account: str, path: str) -> str:
    """A resource's name in policies: its path, such as `/queues/q/messages`."""
    return f"acs:mns:{region}:{account}:{path}"


def _path(call: Call) -> tuple[str, ...]:
    """The data plane's resource is the request's path."""
    return (mns_arn(call.region, call.account, "/" + "/".join(call.resource)),)


def _named(path: str) -> Places:
    """The control plane's resource, from the call's parameters: `/topics/{TopicName}`."""

    def places(call: Call) -> tuple[str, ...]:
        names = {name: call.params.get(name, "") for name in ("QueueName", "TopicName", "SubscriptionName")}
        return (mns_arn(call.region, call.account, path.format_map(names)),)

    return places


def _at(operations: tuple[str, ...], places: Places) -> dict[str, tuple[Need, ...]]:
    return {operation: (Need(f"mns:{operation}", places),) for operation in operations}


_LISTS = ("ListQueue", "ListTopic", "ListSubscriptionByTopic")
NEEDS: Table = _at((*_QUEUE, *_TOPIC, *_SUBSCRIPTION, *_MESSAGES, *_LISTS), _path)
OPEN_NEEDS: Table = {
    **_at(_QUEUE, _named("/queues/{QueueName}")),
    **_at(_TOPIC, _named("/topics/{TopicName}")),
    **_at(_SUBSCRIPTION, _named("/topics/{TopicName}/subscriptions/{SubscriptionName}")),
    **_at(("ListQueue",), _named("/queues")),
    **_at(("ListTopic",), _named("/topics")),
    **_at(("ListSubscriptionByTopic",), _named("/topics/{TopicName}/subscriptions")),
    **{operation: (Need(f"mns:{operation}", _named("*"), "assumed"),) for operation in _RULES},
}

"""A call's Notification: to whom IMM shall tell that it is done. Other channels are refused rather than dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm import params, refusals

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud


def mns_topic(cloud: Cloud, call: Call) -> str:
    """The MNS topic to announce to, or "".

    Raises:
        Refusal: NotImplemented.Emulator for RocketMQ and ExtendedMessageURI; InvalidArgument without a topic's name,
            or, if switched so, for a topic that does not exist.
    """
    notification = params.structure(call, "Notification")
    if not notification:
        return ""
    others = sorted(set(notification) - {"MNS"})
    if others:
        raise refusals.not_served(f"Notification.{others[0]}, unlike Notification.MNS.TopicName,")
    mns = notification.get("MNS")
    topic = mns.get("TopicName") if isinstance(mns, dict) else None
    if not isinstance(topic, str) or not topic:
        raise refusals.invalid_argument("The parameter Notification.MNS.TopicName is required but not provided.")
    if cloud.switches.topic_missing != "lost" and topic not in cloud.mns(call.account, call.region).topics:
        raise refusals.invalid_argument(f"The topic {topic} does not exist.")
    return topic

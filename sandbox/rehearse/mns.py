"""MNS resources through Mns-open 2022-01-19, as the provider makes them: topic, queue and subscription."""

from __future__ import annotations

from typing import Any

from alibabacloud_mns_open20220119 import models

from sandbox.rehearse.kinds import Inputs, Kind
from sandbox.rehearse.place import Place, absent_is_success, exists

# Codes the Terraform provider takes for absence (cloud-side names of its service_alicloud_message_service).
TOPIC_ABSENT = ("TopicNotExist",)
QUEUE_ABSENT = ("QueueNotExist", "RESOURCE_NOT_FOUND", "ResourceNotFound")
SUBSCRIPTION_ABSENT = ("SubscriptionNotExist", *TOPIC_ABSENT)

TOPIC_INPUTS = {"topicName": "topic_name", "maxMessageSize": "max_message_size", "enableLogging": "enable_logging"}
QUEUE_INPUTS = {
    "queueName": "queue_name",
    "delaySeconds": "delay_seconds",
    "maximumMessageSize": "maximum_message_size",
    "messageRetentionPeriod": "message_retention_period",
    "pollingWaitSeconds": "polling_wait_seconds",
    "visibilityTimeout": "visibility_timeout",
    "loggingEnabled": "enable_logging",
}
SUBSCRIPTION_INPUTS = {
    "topicName": "topic_name",
    "subscriptionName": "subscription_name",
    "endpoint": "endpoint",
    "pushType": "push_type",
    "filterTag": "message_tag",
    "notifyContentFormat": "notify_content_format",
    "notifyStrategy": "notify_strategy",
}


def _fields(names: dict[str, str], inputs: Inputs) -> dict[str, Any]:
    return {names[key]: value for key, value in inputs.items() if key in names}


def _create_topic(place: Place, inputs: Inputs) -> dict[str, Any]:
    place.mns("create_topic", models.CreateTopicRequest(**_fields(TOPIC_INPUTS, inputs)))
    return {}


def _update_topic(place: Place, _old: Inputs, new: Inputs) -> None:
    place.mns("set_topic_attributes", models.SetTopicAttributesRequest(**_fields(TOPIC_INPUTS, new)))


def _delete_topic(place: Place, id_: str, _inputs: Inputs) -> None:
    request = models.DeleteTopicRequest(topic_name=id_)
    absent_is_success(TOPIC_ABSENT, lambda: place.mns("delete_topic", request))


def _topic_exists(place: Place, id_: str, _inputs: Inputs) -> bool:
    request = models.GetTopicAttributesRequest(topic_name=id_)
    return exists(TOPIC_ABSENT, lambda: place.mns("get_topic_attributes", request))


def _create_queue(place: Place, inputs: Inputs) -> dict[str, Any]:
    place.mns("create_queue", models.CreateQueueRequest(**_fields(QUEUE_INPUTS, inputs)))
    return {}


def _update_queue(place: Place, _old: Inputs, new: Inputs) -> None:
    place.mns("set_queue_attributes", models.SetQueueAttributesRequest(**_fields(QUEUE_INPUTS, new)))


def _delete_queue(place: Place, id_: str, _inputs: Inputs) -> None:
    request = models.DeleteQueueRequest(queue_name=id_)
    absent_is_success(QUEUE_ABSENT, lambda: place.mns("delete_queue", request))


def _queue_exists(place: Place, id_: str, _inputs: Inputs) -> bool:
    request = models.GetQueueAttributesRequest(queue_name=id_)
    return exists(QUEUE_ABSENT, lambda: place.mns("get_queue_attributes", request))


def _subscribe(place: Place, inputs: Inputs) -> dict[str, Any]:
    place.mns("subscribe", models.SubscribeRequest(**_fields(SUBSCRIPTION_INPUTS, inputs)))
    return {}


def _update_subscription(place: Place, _old: Inputs, new: Inputs) -> None:
    changeable = {"topicName", "subscriptionName", "notifyStrategy"}
    fields = _fields(SUBSCRIPTION_INPUTS, {key: value for key, value in new.items() if key in changeable})
    place.mns("set_subscription_attributes", models.SetSubscriptionAttributesRequest(**fields))


def _unsubscribe(place: Place, _id: str, inputs: Inputs) -> None:
    request = models.UnsubscribeRequest(topic_name=inputs["topicName"], subscription_name=inputs["subscriptionName"])
    absent_is_success(SUBSCRIPTION_ABSENT, lambda: place.mns("unsubscribe", request))


def _subscription_exists(place: Place, _id: str, inputs: Inputs) -> bool:
    names = {"topic_name": inputs["topicName"], "subscription_name": inputs["subscriptionName"]}
    request = models.GetSubscriptionAttributesRequest(**names)
    return exists(SUBSCRIPTION_ABSENT, lambda: place.mns("get_subscription_attributes", request))


TOPIC = Kind(
    inputs=frozenset(TOPIC_INPUTS),
    replacing=frozenset({"topicName"}),
    identify=lambda inputs: str(inputs["topicName"]),
    create=_create_topic,
    update=_update_topic,
    delete=_delete_topic,
    exists=_topic_exists,
)
QUEUE = Kind(
    inputs=frozenset(QUEUE_INPUTS),
    replacing=frozenset({"queueName"}),
    identify=lambda inputs: str(inputs["queueName"]),
    create=_create_queue,
    update=_update_queue,
    delete=_delete_queue,
    exists=_queue_exists,
)
SUBSCRIPTION = Kind(
    inputs=frozenset(SUBSCRIPTION_INPUTS),
    replacing=frozenset(SUBSCRIPTION_INPUTS) - {"notifyStrategy"},
    identify=lambda inputs: f"{inputs['topicName']}:{inputs['subscriptionName']}",
    create=_subscribe,
    update=_update_subscription,
    delete=_unsubscribe,
    exists=_subscription_exists,
)

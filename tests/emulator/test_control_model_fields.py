"""Field by field for MNS's control plane, RAM and STS: no member of an answer is empty without a reason.

The other direction, that no answer has a member which the vendor's model does not know, is checked by `Room.mns` with
every call, and by `test_ram_fields` for RAM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import alibabacloud_mns_open20220119.models as mns_open_models
import alibabacloud_ram20150501.models as ram_models
from alibabacloud_sts20150401 import models as sts_models

from emulator.auth.identity import root_identity
from emulator.call import Call
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCOUNT, Config, start
from emulator.mns.control import OPERATIONS as MNS_OPEN
from emulator.ram.operations import OPERATIONS as RAM
from tests.emulator.model_members import Members
from tests.emulator.test_ram_fields import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

POLICY = {"Enabled": True, "DeadLetterTargetQueue": "dead", "MaxReceiveCount": 3}
RULE: dict[str, Any] = {
    "RuleName": "r",
    "EventTypes": ["ObjectCreated:PutObject"],
    "MatchRules": [[{"Prefix": "b/", "Suffix": ".jpg"}], [{"Name": "b/k"}]],
    "Endpoint": {"EndpointType": "topic", "EndpointValue": "t"},
    "DeliveryMode": "DIRECT",
}
T, S, Q, R = {"TopicName": "t"}, {"SubscriptionName": "s"}, {"QueueName": "q"}, {"RuleName": "r", "ProductName": "oss"}
TAGS = {"Tag.1.Key": "k", "Tag.1.Value": "v"}
JOURNEY: list[tuple[str, dict[str, Any]]] = [
    ("CreateQueue", {**Q, **TAGS, "DlqPolicy": POLICY}),
    ("SetQueueAttributes", {**Q, "EnableLogging": True}),
    ("GetQueueAttributes", Q),
    ("ListQueue", {}),
    ("CreateTopic", {**T, **TAGS}),
    ("SetTopicAttributes", {**T, "EnableLogging": True}),
    ("GetTopicAttributes", T),
    ("ListTopic", {}),
    ("Subscribe", {**T, **S, "PushType": "queue", "Endpoint": "q", "MessageTag": "g"}),
    ("SetSubscriptionAttributes", {**T, **S, "NotifyStrategy": "BACKOFF_RETRY"}),
    ("GetSubscriptionAttributes", {**T, **S}),
    ("ListSubscriptionByTopic", T),
    ("CreateEventRule", {**RULE, "ProductName": "oss"}),
    ("GetEventRule", R),
    ("ListEventRules", {"ProductName": "oss"}),
    ("DeleteEventRule", R),
    ("Unsubscribe", {**T, **S}),
    ("DeleteTopic", T),
    ("DeleteQueue", Q),
]
ENCRYPTION = "messages are not encrypted at rest; a request that asks for it is refused"
ELSEWHERE = "an address in the cloud, which would lead clients away from the local one"
ENCRYPTED = dict.fromkeys(["EnableSSE", "EncryptionEnabled", "KmsKeyId", "SseAlgorithm", "SseType"], ENCRYPTION)
ADDRESSES = dict.fromkeys(["TopicInnerUrl", "TopicUrl"], ELSEWHERE)
RATES = {"TenantRateLimitPolicy": "the throttling of a queue's receivers is refused"}
DEAD = {"DlqPolicy": "a subscription's dead-letter policy is refused; a queue's is served"}
# Model → members never filled → why.
NEVER_MNS: dict[str, dict[str, str]] = {
    "GetQueueAttributesResponseBodyData": {**ENCRYPTED, **RATES},
    "ListQueueResponseBodyDataPageData": ENCRYPTED,
    "GetTopicAttributesResponseBodyData": {**ENCRYPTED, **ADDRESSES},
    "ListTopicResponseBodyDataPageData": {**ENCRYPTED, **ADDRESSES},
    "GetSubscriptionAttributesResponseBodyData": {**DEAD, **RATES},
    "ListSubscriptionByTopicResponseBodyDataPageData": DEAD,
}
CONSOLE = {"AllowConsoleLogin": "there is no console to log on to"}
LINKED = "service-linked roles are made by services; none here does"
SECOND_PAGE = "the account of the script has one page; test_ram_identities has more"
NEVER_RAM: dict[str, dict[str, str]] = {
    "CreateRoleResponseBodyRole": CONSOLE,
    "UpdateRoleResponseBodyRole": CONSOLE,
    "ListRolesResponseBodyRolesRole": {**CONSOLE, "Tags": "tags are read by ListTagResources"},
    "GetRoleResponseBodyRole": {
        **CONSOLE,
        "IsServiceLinkedRole": LINKED,
        "LatestDeletionTask": LINKED,
        "RolePrincipalName": "the name with the account's domain, which the local cloud has none of",
    },
    "GetUserResponseBodyUser": {"LastLoginDate": "there is no console to log on to"},
    "ListPoliciesResponseBodyPoliciesPolicy": {"Tags": "tags are read by ListTagResources"},
    "ListRolesResponseBody": {"Marker": SECOND_PAGE},
    "ListUsersResponseBody": {"Marker": SECOND_PAGE},
    "ListTagResourcesResponseBody": {"NextToken": SECOND_PAGE},
}


def test_the_control_plane_of_mns(room: Room) -> None:
    """Queues, topics, subscriptions and event rules: made, changed, read, listed, deleted."""
    assert {name for name, _ in JOURNEY} == MNS_OPEN.by_name.keys()
    seen = Members(mns_open_models)
    for name, params in JOURNEY:
        seen.note(room.mns(name, **params), getattr(mns_open_models, f"{name}ResponseBody"))
    assert {model: set(why) for model, why in NEVER_MNS.items()} == seen.missing()


def test_ram() -> None:
    """The whole life of a role, a policy and a user that `test_ram_fields` plays."""
    instance = start(Config(virtual_clock=True))
    seen = Members(ram_models)
    for name, params in SCRIPT:
        call = Call(
            service="ram",
            operation=name,
            account=DEFAULT_ACCOUNT,
            region="cn-hangzhou",
            request_id="r",
            params=params,
            identity=root_identity(DEFAULT_ACCOUNT, DEFAULT_ACCESS_KEY_ID),
        )
        body = RAM.by_name[name].handler(instance.cloud, call).body
        assert isinstance(body, dict)
        seen.note({"RequestId": "r", **body}, getattr(ram_models, f"{name}ResponseBody"))
    assert {model: set(why) for model, why in NEVER_RAM.items()} == seen.missing()


def test_sts_says_who_calls(cloud: LocalCloud, sts_of: Callable[..., Any]) -> None:
    """For an account's own key there is no role and no user; everything else is filled."""
    seen = Members(sts_models)
    seen.note(sts_of(cloud).get_caller_identity().body.to_map(), sts_models.GetCallerIdentityResponseBody)
    assert {"GetCallerIdentityResponseBody": {"RoleId", "UserId"}} == seen.missing()

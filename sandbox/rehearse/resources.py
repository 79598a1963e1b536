"""The resource types a rehearsal knows, each done as Pulumi does a dynamic resource: by a provider in Python."""

import json
import os
import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import oss2
import pulumi
from alibabacloud_mns_open20220119 import models as mns
from alibabacloud_mns_open20220119.client import Client as MnsClient
from alibabacloud_ram20150501 import models as ram
from alibabacloud_ram20150501.client import Client as RamClient
from oss2 import models as oss
from pulumi import dynamic
from Tea.exceptions import TeaException

from controller.cloud.openapi import client_config
from infra import environment as env

Values = dict[str, Any]
# Of MNS and RAM the calls that make, show, change and delete: what each takes, the SDK's request models say. Of OSS the
# settings; the bucket itself can be made, the others are settings of a bucket that another resource makes.
TYPES = {
    "message:ServiceQueue": "CreateQueue GetQueueAttributes SetQueueAttributes DeleteQueue",
    "message:ServiceSubscription": "Subscribe GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe",
    "message:ServiceTopic": "CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic",
    "oss:Bucket": "lifecycleRules logging serverSideEncryptionRule tags versioning",
    "oss:BucketAcl": "acl",
    "oss:BucketPublicAccessBlock": "blockPublicAccess",
    "ram:AccessKey": "CreateAccessKey ListAccessKeys - DeleteAccessKey",
    "ram:Policy": "CreatePolicy GetPolicy CreatePolicyVersion DeletePolicy",
    "ram:Role": "CreateRole GetRole UpdateRole DeleteRole",
    "ram:RolePolicyAttachment": "AttachPolicyToRole ListPoliciesForRole - DetachPolicyFromRole",
    "ram:User": "CreateUser GetUser UpdateUser DeleteUser",
    "ram:UserPolicyAttachment": "AttachPolicyToUser ListPoliciesForUser - DetachPolicyFromUser",
}
# Parameters that are not called like their input, those that no input fills, and outputs by the field of an answer.
PARAMETERS = {"accessKeyId": "UserAccessKeyId", "loggingEnabled": "EnableLogging", "name": "UserName"}
FIXED = {"PolicyType": "Custom", "CascadingDelete": True, "SetAsDefault": True}
OUTPUTS = {"AccessKeyId": "accessKeyId", "AccessKeySecret": "secret", "Arn": "arn", "RoleId": "roleId"}
RULE = {"id", "prefix", "enabled", "expirations", "noncurrentVersionExpirations", "abortMultipartUploads"}
ENCRYPTION = ("sseAlgorithm", "kmsMasterKeyId")
SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {  # what oss2 calls the setting, and its model of the input
    "acl": ("acl", str),
    "blockPublicAccess": ("public_access_block", bool),
    "lifecycleRules": ("lifecycle", lambda it: oss.BucketLifecycle([_rule(rule) for rule in it])),
    "logging": ("logging", lambda it: oss.BucketLogging(it["targetBucket"], it.get("targetPrefix", ""))),
    "serverSideEncryptionRule": ("encryption", lambda it: oss.ServerSideEncryptionRule(*map(it.get, ENCRYPTION))),
    "tags": ("tagging", lambda it: oss.Tagging(SimpleNamespace(tagging_rule=it))),
    "versioning": ("versioning", lambda it: oss.BucketVersioningConfig(it["status"])),
}


class Known(dynamic.ResourceProvider):
    """A type as Pulumi has dynamic resources; `do` takes a verb, what is (to be) there and what was there before."""

    def __init__(self, do: Callable[..., Values | None], inputs: set[str], final: set[str], *, whole: bool) -> None:
        self.do, self.inputs, self.final, self.whole = do, inputs, final, whole

    def check(self, _olds: Values, news: Values) -> dynamic.CheckResult:
        unknown = sorted(news.keys() - self.inputs)
        return dynamic.CheckResult(news, [dynamic.CheckFailure(name, "an unknown input") for name in unknown])

    def diff(self, _id: str, olds: Values, news: Values) -> dynamic.DiffResult:
        return dynamic.DiffResult(replaces=[name for name in self.final if olds.get(name) != news.get(name)])

    def create(self, props: Values) -> dynamic.CreateResult:
        if self.whole and self.do("read", props) is not None:
            raise pulumi.RunError("it exists already and does not belong to this stack: choose another name")
        try:
            outs = self.do("create", props) or {}
        except (oss2.exceptions.OssError, pulumi.RunError):  # a bucket without all of its settings is not made
            self.do("delete", props)
            raise
        return dynamic.CreateResult(outs.get("accessKeyId", "-"), outs)

    def read(self, id_: str, props: Values) -> dynamic.ReadResult:
        return dynamic.ReadResult("" if (shown := self.do("read", props)) is None else id_, shown)

    def update(self, _id: str, olds: Values, news: Values) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(self.do("update", news, olds))

    def delete(self, _id: str, props: Values) -> None:
        self.do("delete", props)


def known(type_: str) -> Known:
    kind = re.sub("^alicloud:([a-z]+)/.*:", r"\1:", type_)
    if kind not in TYPES:
        raise pulumi.RunError("a rehearsal does not know this type: add it to sandbox/rehearse, or use the pulumi CLI")
    words = TYPES[kind].split()
    if kind.startswith("oss:"):
        final = {"bucket", "redundancyType", "storageClass"} if kind == "oss:Bucket" else {"bucket"}
        return Known(partial(_oss, whole=len(final) > 1), final.union(words), final, whole=len(final) > 1)
    making, _, changing, deleting = map(_takes, words)
    calls = dict(zip(("create", "read", "update", "delete"), words, strict=True))
    return Known(partial(_rpc, calls), making | changing, making - changing | deleting, whole=True)


def _rpc(calls: dict[str, str], verb: str, props: Values, _olds: Values | None = None) -> Values | None:
    """The outputs, or what is read; None if there is nothing to read or to delete."""
    action, fields = calls[verb], FIXED | _fields(props)
    request = _request(action).from_map(fields | {f"New{name}": value for name, value in fields.items()})
    client = RamClient(_config()) if hasattr(ram, f"{action}Request") else MnsClient(_config())
    try:
        answer = getattr(client, re.sub("(?<=.)([A-Z])", r"_\1", action).lower())(request).body.to_map()
    except TeaException as error:
        if verb in {"read", "delete"} and "NotExist" in str(error.code):
            return None
        raise
    shown = {name: it for part in answer.values() if isinstance(part, dict) for name, it in part.items()}
    if verb != "read":
        return {name: shown[field] for field, name in OUTPUTS.items() if field in shown}
    if action.startswith("List"):
        given = fields | {"AccessKeyId": props.get("accessKeyId")}
        listed = (item for items in shown.values() for item in items)
        shown = next((item for item in listed if all(given.get(name, it) == it for name, it in item.items())), {})
    return {name[0].lower() + name[1:]: it for name, it in shown.items()} or None


def _oss(verb: str, props: Values, olds: Values | None = None, *, whole: bool) -> Values | None:
    """What is read, None if there is no bucket; `whole` is the bucket itself, else it is a setting of it."""
    at = _config()
    auth = oss2.AuthV4(at.access_key_id, at.access_key_secret)
    bucket = oss2.Bucket(auth, f"{at.protocol}://{at.endpoint}", props["bucket"], region=at.region_id)
    try:
        bucket.get_bucket_info()
    except oss2.exceptions.NoSuchBucket:
        if verb != "create" or not whole:
            return None
        kind = oss.BucketCreateConfig(props.get("storageClass", "Standard"), props.get("redundancyType"))
        bucket.create_bucket("private", kind)
    if verb == "read":
        return {name: _shown(bucket, SETTINGS[name][0]) for name in props if name in SETTINGS}
    if verb == "delete" and whole:
        return bucket.delete_bucket() and None
    news, olds = ({}, props) if verb == "delete" else (props, olds or {})
    for name, (setting, model) in SETTINGS.items():
        if name in news:
            getattr(bucket, f"put_bucket_{setting}")(model(news[name]))
        elif name in olds and name not in {"acl", "versioning"}:  # which OSS cannot take back
            getattr(bucket, f"delete_bucket_{setting}")()
    return {}


def _config() -> Any:
    region = pulumi.Config("alicloud").require("region")
    return client_config(env.credentials(os.environ), region=region, endpoint=env.emulator_url(os.environ))


def _request(action: str) -> Any:
    return getattr(ram if hasattr(ram, f"{action}Request") else mns, f"{action}Request")()


def _takes(action: str) -> set[str]:
    names = vars(_request(action)) if action != "-" else ()
    takes = {"".join(part.capitalize() for part in name.removeprefix("new_").split("_")) for name in names}
    return {name[0].lower() + name[1:] for name in takes} | {name for name, it in PARAMETERS.items() if it in takes}


def _fields(props: Values) -> Values:
    named = {PARAMETERS.get(name, name[0].upper() + name[1:]): value for name, value in props.items()}
    return {name: _fields(value) if isinstance(value, dict) else value for name, value in named.items()}


def _shown(bucket: oss2.Bucket, setting: str) -> str:
    try:
        result = vars(getattr(bucket, f"get_bucket_{setting}")())
    except oss2.exceptions.ServerError as error:  # NoSuch…, which oss2 has no class for in every case
        return str(error.code)
    facts = result.keys() - {"resp", "headers", "request_id", "versionid", "delete_marker"}
    return json.dumps({fact: result[fact] for fact in facts}, default=vars, sort_keys=True)


def _rule(given: Values) -> oss.LifecycleRule:
    if given.keys() - RULE:
        raise pulumi.RunError(f"of a lifecycle rule, a rehearsal knows {', '.join(sorted(RULE))}")
    rule = oss.LifecycleRule(given["id"], given.get("prefix", ""), "Enabled" if given["enabled"] else "Disabled")
    for it in given.get("expirations", ()):  # oss2 would write the marker as True
        marker = it.get("expiredObjectDeleteMarker") and "true"
        rule.expiration = oss.LifecycleExpiration(it.get("days"), None, None, marker)
    for it in given.get("noncurrentVersionExpirations", ()):
        rule.noncurrent_version_expiration = oss.NoncurrentVersionExpiration(it["days"])
    for it in given.get("abortMultipartUploads", ()):
        rule.abort_multipart_upload = oss.AbortMultipartUpload(it["days"])
    return rule

"""A bucket's settings: sub-resources that are put, read back and deleted as documents.

Each is checked against the documented shape before it is kept. What an unset one answers differs and matters: the
Pulumi provider reads them all after every change, takes a 404 for some, and fails on an error for logging, referer and
tagging, which answer 200 with an empty document.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

from emulator.call import Call, Reply
from emulator.oss.access import check_acl_allowed, owned_bucket
from emulator.oss.buckets import ACLS, ENCRYPTIONS, owner_node
from emulator.oss.lifecycle_rules import take_rules
from emulator.oss.object_facts import read_tag_set, tag_document
from emulator.oss.registry import serves
from emulator.oss.resolve import SETTINGS
from emulator.refusal import Refusal
from emulator.wire.xml import Node, child_text, parse, render

if TYPE_CHECKING:
    from emulator.state import Cloud

_MOST_BUCKET_TAGS = 20
_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema."
_BOOLEAN = {"true", "false"}
_CHOICES: dict[str, set[str]] = {
    "CORSRule/AllowedMethod": {"GET", "PUT", "DELETE", "POST", "HEAD"},
    "Rule/Status": {"Enabled", "Disabled"},
    "ApplyServerSideEncryptionByDefault/SSEAlgorithm": set(ENCRYPTIONS),
    "BlockPublicAccess": _BOOLEAN,
    "Payer": {"BucketOwner", "Requester"},
    "Status": {"Enabled", "Disabled"},
    "TLS/Enable": _BOOLEAN,
    "Enabled": _BOOLEAN,
    "AllowEmptyReferer": _BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One sub-resource: its document's root, elements it must hold, and the answer while it is unset."""

    root: str
    required: tuple[str, ...] = ()
    unset: bytes | None = None  # an empty document, or
    missing: tuple[str, str] = ("", "")  # code and message of a 404
    deletable: bool = True


def _empty(root: str, *children: Node) -> bytes:
    return render(root, list(children))


XML_SETTINGS = {
    "accessmonitor": Setting(
        "AccessMonitorConfiguration",
        ("Status",),
        unset=_empty("AccessMonitorConfiguration", ("Status", "Disabled")),
        deletable=False,
    ),
    "bucketArchiveDirectRead": Setting(
        "ArchiveDirectReadConfiguration",
        ("Enabled",),
        unset=_empty("ArchiveDirectReadConfiguration", ("Enabled", "false")),
        deletable=False,
    ),
    "cors": Setting(
        "CORSConfiguration",
        ("CORSRule/AllowedOrigin", "CORSRule/AllowedMethod"),
        missing=("NoSuchCORSConfiguration", "The CORS Configuration does not exist."),
    ),
    "encryption": Setting(
        "ServerSideEncryptionRule",
        ("ApplyServerSideEncryptionByDefault/SSEAlgorithm",),
        missing=("NoSuchServerSideEncryptionRule", "The server side encryption rule does not exist."),
    ),
    "httpsConfig": Setting(
        "HttpsConfiguration",
        ("TLS/Enable",),
        unset=_empty("HttpsConfiguration", ("TLS", [("Enable", "false")])),
        deletable=False,
    ),
    "lifecycle": Setting(
        "LifecycleConfiguration",
        ("Rule/Status",),
        missing=("NoSuchLifecycle", "No Row found in Lifecycle Table."),
    ),
    "logging": Setting("BucketLoggingStatus", unset=_empty("BucketLoggingStatus")),
    "publicAccessBlock": Setting(
        "PublicAccessBlockConfiguration",
        ("BlockPublicAccess",),
        missing=("NoSuchPublicAccessBlockConfiguration", "The public access block configuration does not exist."),
    ),
    "referer": Setting(
        "RefererConfiguration",
        ("AllowEmptyReferer",),
        unset=_empty("RefererConfiguration", ("AllowEmptyReferer", "true"), ("RefererList", "")),
    ),
    "requestPayment": Setting(
        "RequestPaymentConfiguration",
        ("Payer",),
        unset=_empty("RequestPaymentConfiguration", ("Payer", "BucketOwner")),
        deletable=False,
    ),
    "tagging": Setting("Tagging", unset=tag_document({})),
    "transferAcceleration": Setting(
        "TransferAccelerationConfiguration",
        ("Enabled",),
        missing=("NoSuchTransferAccelerationConfiguration", "The transfer acceleration configuration does not exist."),
    ),
    "website": Setting(
        "WebsiteConfiguration",
        missing=("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration."),
    ),
}
_ANSWER_ON_DELETE = 204


def _put(name: str, setting: Setting) -> Callable[[Cloud, Call], Reply]:
    def put(cloud: Cloud, call: Call) -> Reply:
        bucket = owned_bucket(cloud, call)
        root = parse(call.body)
        if root is None or root.tag != setting.root:
            raise Refusal(400, "MalformedXML", _MALFORMED)
        _check_elements(root, setting)
        if name == "tagging":
            read_tag_set(call.body, _MOST_BUCKET_TAGS)
        if name == "lifecycle":
            take_rules(root)
            bucket.lifecycle_ran, bucket.lifecycle_after = cloud.clock.now(), ""
        # Kept without namespaces and declaration, so that reading it back is always the same shape.
        bucket.documents[name] = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="utf-8")
        return Reply()

    return put


def _check_elements(root: Element, setting: Setting) -> None:
    for path in setting.required:
        parent, _, child = path.rpartition("/")
        holders = root.findall(parent) if parent else [root]
        if not holders or any(not child_text(holder, child) for holder in holders):
            raise Refusal(400, "MalformedXML", f"{_MALFORMED} {path} is required.")
        allowed = _CHOICES.get(path)
        elements = [element for holder in holders for element in holder.findall(child)]
        if allowed == _BOOLEAN:
            for element in elements:  # SDKs send Python's True as well
                element.text = (element.text or "").lower()
        if allowed is not None and not {element.text for element in elements} <= allowed:
            message = f"{path} must be one of {', '.join(sorted(allowed))}."
            raise Refusal(400, "MalformedXML", message)


def _get(name: str, setting: Setting) -> Callable[[Cloud, Call], Reply]:
    def get(cloud: Cloud, call: Call) -> Reply:
        document = owned_bucket(cloud, call).documents.get(name, setting.unset)
        if document is None:
            raise Refusal(404, *setting.missing)
        return Reply(document)

    return get


def _delete(name: str) -> Callable[[Cloud, Call], Reply]:
    def delete(cloud: Cloud, call: Call) -> Reply:
        owned_bucket(cloud, call).documents.pop(name, None)
        return Reply(status=_ANSWER_ON_DELETE)

    return delete


for _name, _setting in XML_SETTINGS.items():
    _suffix = SETTINGS[_name]
    serves(f"Put{_suffix}", _name)(_put(_name, _setting))
    serves(f"Get{_suffix}", _name)(_get(_name, _setting))
    if _setting.deletable:
        serves(f"Delete{_suffix}", _name)(_delete(_name))


@serves("PutBucketPolicy", "policy")
def put_policy(cloud: Cloud, call: Call) -> Reply:
    """Keep a bucket policy; it is stored and read back, not evaluated."""
    bucket = owned_bucket(cloud, call)
    try:
        document = json.loads(call.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), list):
        raise Refusal(400, "InvalidPolicyDocument", "Policy document is malformed.")
    bucket.documents["policy"] = call.body
    return Reply()


@serves("GetBucketPolicy", "policy")
def get_policy(cloud: Cloud, call: Call) -> Reply:
    """The bucket policy as it was put."""
    document = owned_bucket(cloud, call).documents.get("policy")
    if document is None:
        raise Refusal(404, "NoSuchBucketPolicy", "The bucket policy does not exist.")
    return Reply(document, headers={"content-type": "application/json"})


serves("DeleteBucketPolicy", "policy")(_delete("policy"))


@serves("GetBucketPolicyStatus", "policyStatus")
def get_policy_status(cloud: Cloud, call: Call) -> Reply:
    """Whether the policy lets everybody in: it allows `*` something without a condition."""
    document = owned_bucket(cloud, call).documents.get("policy")
    statements = [] if document is None else json.loads(document)["Statement"]
    return Reply(render("PolicyStatus", [("IsPublic", any(_is_for_all(statement) for statement in statements))]))


def _is_for_all(statement: object) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    principal = statement.get("Principal")
    return "*" in (principal if isinstance(principal, list) else [principal])


@serves("GetBucketAcl", "acl")
def get_acl(cloud: Cloud, call: Call) -> Reply:
    """Owner and grant."""
    bucket = owned_bucket(cloud, call)
    body: list[Node] = [owner_node(bucket.account), ("AccessControlList", [("Grant", bucket.acl)])]
    return Reply(render("AccessControlPolicy", body))


@serves("PutBucketAcl", "acl", "x-oss-acl")
def put_acl(cloud: Cloud, call: Call) -> Reply:
    """Set the ACL, named in the header or in the body."""
    bucket = owned_bucket(cloud, call)
    root = parse(call.body) if call.body else None
    in_body = "" if root is None else (root.findtext("AccessControlList/Grant") or "")
    acl = call.headers.get("x-oss-acl") or in_body
    if acl not in ACLS:
        raise Refusal(400, "InvalidArgument", f"no such bucket access control exists: {acl}")
    check_acl_allowed(bucket, acl)
    bucket.acl = acl
    return Reply()


@serves("GetBucketResourceGroup", "resourceGroup")
def get_resource_group(cloud: Cloud, call: Call) -> Reply:
    """The bucket's resource group."""
    group = owned_bucket(cloud, call).resource_group
    return Reply(render("BucketResourceGroupConfiguration", [("ResourceGroupId", group)]))


@serves("PutBucketResourceGroup", "resourceGroup")
def put_resource_group(cloud: Cloud, call: Call) -> Reply:
    """Move the bucket to another resource group; groups themselves are not kept."""
    bucket = owned_bucket(cloud, call)
    root = parse(call.body)
    if root is None or root.tag != "BucketResourceGroupConfiguration" or not child_text(root, "ResourceGroupId"):
        raise Refusal(400, "MalformedXML", _MALFORMED)
    bucket.resource_group = child_text(root, "ResourceGroupId")
    return Reply()

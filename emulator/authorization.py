"""May the caller do this: the rights a call needs, held against the caller's policies, and the refusal as it is worded.

Every service has its own words for it. IMM's and Mns-open's code is not documented: a switch. OSS lets a RAM user do
what an access control list lets everybody do, unless a policy denies it (0003-00000001).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.bss import rights as bss
from emulator.call import Call
from emulator.imagesearch import rights as imagesearch
from emulator.imm import rights as imm
from emulator.ims import rights as ims
from emulator.location import rights as location
from emulator.mns import rights as mns
from emulator.oss import rights as oss
from emulator.oss.access import is_open
from emulator.ram import rights as ram
from emulator.ram.permissions import Verdict, judge
from emulator.refusal import Refusal
from emulator.rights import Right, Table, rights_of
from emulator.sts import rights as sts

if TYPE_CHECKING:
    from emulator.auth.identity import Identity
    from emulator.state import Cloud
    from emulator.switches import Switches
    from emulator.wire.http import HttpRequest

NEEDS: Mapping[str, Table] = {
    "oss": oss.NEEDS,
    "imm": imm.NEEDS,
    "imm-2017": imm.OLD_NEEDS,
    "imagesearch": imagesearch.NEEDS,
    "mns": mns.NEEDS,
    "mns-open": mns.OPEN_NEEDS,
    "ram": ram.NEEDS,
    "ims": ims.NEEDS,
    "sts": sts.NEEDS,
    "location": location.NEEDS,
    "bssopenapi": bss.NEEDS,
}
_FORBIDDEN = 403
_LISTINGS = frozenset({"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads"})


def needed(switches: Switches, call: Call) -> tuple[Right, ...]:
    """The rights that a signed call needs; none for one without a signature, which has no policies."""
    if call.identity is None or not is_declared(call):
        return ()
    return rights_of(NEEDS[call.service], switches, call)


def is_declared(call: Call) -> bool:
    """Whether it is known what the call's operation needs."""
    return call.operation in NEEDS.get(call.service, {})


def authorize(cloud: Cloud, call: Call, request: HttpRequest) -> Refusal | None:
    """Why the caller's policies do not allow the call; None if they do, or if it is signed by nobody."""
    identity = call.identity
    if identity is None or identity.kind == "Account":
        return None
    if not is_declared(call):
        message = (
            f"The emulator does not know what rights {call.service} {call.operation} needs, so only the account's "
        )
        message += f"own key may call it. Declare them in emulator/{call.service.partition('-')[0]}/rights.py."
        return Refusal(400, "NotImplemented.Emulator", message)
    known = facts(cloud, call, request)
    account = cloud.accounts[identity.account_id]
    for right in needed(cloud.switches, call):
        verdict = judge(account.ram, identity, right, known)
        open_to_all = call.service == "oss" and verdict.decision == "ImplicitDeny" and is_open(cloud, call)
        if verdict.decision != "Allow" and not open_to_all:
            return refusal(cloud.switches, call.service, identity, right, verdict)
    return None


def facts(cloud: Cloud, call: Call, request: HttpRequest) -> dict[str, str]:
    """What conditions can ask about a request (`emulator.ram.documents.CONDITION_KEYS`), by keys in lower case."""
    known = {
        "acs:currenttime": datetime.fromtimestamp(cloud.clock.now(), tz=UTC).isoformat(),
        "acs:principalarn": "" if call.identity is None else call.identity.arn,
        "acs:securetransport": "true" if request.scheme == "https" else "false",
        "acs:sourceip": request.source,
        "acs:useragent": call.headers.get("user-agent", ""),
    }
    if call.service == "imm":
        known["acs:service"] = "imm.aliyuncs.com"  # whom a role is passed to
    if call.service == "oss":
        acls = {f"oss:{name}": call.headers[name] for name in ("x-oss-acl", "x-oss-object-acl") if name in call.headers}
        known.update(acls)
    if call.service == "oss" and call.operation in _LISTINGS:
        known |= {"oss:prefix": call.params.get("prefix", ""), "oss:delimiter": call.params.get("delimiter", "")}
    return known


def refusal(switches: Switches, service: str, identity: Identity, right: Right, verdict: Verdict) -> Refusal:
    """The refusal of a missing right, in the service's own words."""
    on = f"{right.action} on {right.resource}"
    denied = _detail(identity, right, verdict)
    match service:
        case "mns":  # www.alibabacloud.com/help/doc-detail/39220.htm
            message = "The OwnerId that your Access Key Id associated to is forbidden for this operation."
            return Refusal(_FORBIDDEN, "AccessDenied", f"{message} RAM does not allow {on}.", denied=denied)
        case "oss":
            explicit = verdict.decision == "ExplicitDeny"
            because = "by bucket policy" if explicit else "because of bucket acl"  # the vendor's words for RAM's no
            message = f"Access denied {because}." if explicit else f"You have no right to access this object {because}."
            return Refusal(_FORBIDDEN, "AccessDenied", f"{message} RAM does not allow {on}.", denied=denied)
        case "imagesearch":  # help.aliyun.com/document_detail/66619
            message = f"You are not authorized to perform this operation. RAM does not allow {on}."
            return Refusal(_FORBIDDEN, "NoPermission", message, denied=denied)
        case "ram" | "ims" | "sts":
            message = "You are not authorized to do this action. You should be authorized by RAM."
            message = f"{message} Resource: {right.resource} Action: {right.action}"
            return Refusal(_FORBIDDEN, "NoPermission", message, denied=denied)
        case _:
            message = f"You are not authorized to operate {right.action} on the specified resource {right.resource}."
            return Refusal(_FORBIDDEN, switches.no_permission_code, message, denied=denied)


def _detail(identity: Identity, right: Right, verdict: Verdict) -> dict[str, str]:
    """AccessDeniedDetail (help.aliyun.com/en/oss/user-guide/0003-00000201); its encoded part is plain JSON here."""
    session = identity.kind == "AssumedRoleUser"
    name = identity.arn.partition("assumed-role/")[2].replace("/", ":") if session else identity.user_id
    diagnosis = {
        "AuthAction": right.action,
        "AuthResource": right.resource,
        "ExplicitDeny": verdict.decision == "ExplicitDeny",
    }
    return {
        "PolicyType": verdict.policy_type,
        "AuthPrincipalOwnerId": identity.account_id,
        "AuthPrincipalType": "AssumedRoleUser" if session else "SubUser",
        "AuthPrincipalDisplayName": name,
        "NoPermissionType": verdict.decision,
        "AuthAction": right.action,
        "EncodedDiagnosticMessage": b64encode(json.dumps(diagnosis).encode("utf-8", "replace")).decode(),
    }

"""Who signed a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.refusal import Refusal
from emulator.sts.registry import serves

if TYPE_CHECKING:
    from emulator.state import Cloud


@serves("GetCallerIdentity", provenance="sdk")
def get_caller_identity(_: Cloud, call: Call) -> Reply:
    """Who signed the request; a user is told its UserId, a role's session its RoleId."""
    identity = call.identity
    if identity is None:
        raise Refusal(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
    body: dict[str, object] = {
        "AccountId": identity.account_id,
        "Arn": identity.arn,
        "IdentityType": identity.kind,
        "PrincipalId": identity.principal_id,
    }
    if identity.kind == "RAMUser":
        body["UserId"] = identity.user_id
    if identity.kind == "AssumedRoleUser":
        body["RoleId"] = identity.principal_id.partition(":")[0]
    return Reply(body)

"""STS operations. Temporary credentials are not issued yet: `Key.token` in `emulator.auth.identity` waits for them."""

from __future__ import annotations

from emulator.call import Call, Operations, Refusal, Reply
from emulator.state import Cloud

OPERATIONS = Operations("sts")


@OPERATIONS.serves("GetCallerIdentity", provenance="sdk")
def get_caller_identity(_: Cloud, call: Call) -> Reply:
    """Who signed the request."""
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
    return Reply(body)

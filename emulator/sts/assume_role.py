"""AssumeRole: a user or another role takes on a role that trusts it.

Codes and messages: help.aliyun.com/document_detail/42775.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.refusal import Refusal
from emulator.sts.registry import serves
from emulator.sts.requested import requested
from emulator.sts.sessions import open_session
from emulator.sts.trust import caller_names, trusts

if TYPE_CHECKING:
    from emulator.state import Cloud

_EXTERNAL_ID = "ExternalId"


@serves("AssumeRole", "RoleArn", "RoleSessionName", "DurationSeconds", "Policy", _EXTERNAL_ID)
def assume_role(cloud: Cloud, call: Call) -> Reply:
    """Give a temporary key of the role to whom its trust policy names.

    Source: help.aliyun.com/en/ram/developer-reference/api-sts-2015-04-01-assumerole.
    """
    identity = call.identity
    if identity is None or identity.kind == "Account":
        raise Refusal(403, "NoPermission", "Roles may not be assumed by root accounts.")
    wanted = requested(cloud, call)
    known = {"sts:ExternalId": call.params[_EXTERNAL_ID]} if call.params.get(_EXTERNAL_ID) else {}
    if not trusts(wanted.role, "RAM", caller_names(identity), known):
        message = "No permission perform sts:AssumeRole on this Role. Maybe you are not authorized to perform "
        raise Refusal(403, "NoPermission", f"{message}sts:AssumeRole or the specified role does not trust you.")
    return Reply(open_session(cloud, wanted))

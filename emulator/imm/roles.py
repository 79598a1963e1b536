"""Service roles: IMM acts as a RAM role of the project's account, and reads what that role may read.

The console's one-click authorisation makes the default roles, never a program: they count as authorised until an
account makes a role of that name itself. Whoever gives a project a role must hold all that the role allows, the default
one excepted (www.alibabacloud.com/help/en/imm/user-guide/configure-a-service-role-for-a-project).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm import refusals
from emulator.ram.evaluate import decide
from emulator.ram.permissions import granted_beyond, role_statements
from emulator.refusal import Refusal
from emulator.rights import Right
from emulator.sts.trust import trusts

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVICE = "imm.aliyuncs.com"
DEFAULT_ROLE = "AliyunIMMDefaultRole"
DEFAULT_ROLES = frozenset({DEFAULT_ROLE, "AliyunIMMBatchTriggerRole"})
_FORBIDDEN = 403


def known_role(cloud: Cloud, call: Call, name: str) -> str:
    """The role's name, if the account has it and the caller may give it.

    Raises:
        Refusal: As `Switches.service_role_unknown` says; `Switches.no_permission_code` where the caller may do less
            than the role.
    """
    ram = cloud.accounts[call.account].ram
    role = ram.roles.get(name)
    if role is not None and call.identity is not None:
        beyond = granted_beyond(ram, call.identity, role)
        if beyond is not None:
            message = f"The service role {name} allows {beyond.action} on {beyond.resource}, which you may not do."
            message += " Who gives a project a role must hold all permissions of that role."
            raise Refusal(_FORBIDDEN, cloud.switches.no_permission_code, message)
    code = cloud.switches.service_role_unknown
    if code == "accepted" or name in DEFAULT_ROLES or role is not None:
        return name
    raise Refusal(refusals.BAD_REQUEST, code, f"The service role {name} does not exist in RAM. Create it first.")


def cannot_list(cloud: Cloud, account: str, role: str, bucket: str) -> str:
    """Why IMM cannot list a bucket as this role; "" if it can."""
    return _why_not(cloud, account, role, Right("oss:ListObjects", f"acs:oss:*:{account}:{bucket}"))


def cannot_read(cloud: Cloud, account: str, role: str, bucket: str, key: str) -> str:
    """Why IMM cannot read an object as this role; "" if it can."""
    return _why_not(cloud, account, role, Right("oss:GetObject", f"acs:oss:*:{account}:{bucket}/{key}"))


def cannot_publish(cloud: Cloud, account: str, region: str, role: str, topic: str) -> str:
    """Why IMM cannot publish to a topic as this role; "" if it can."""
    right = Right("mns:PublishMessage", f"acs:mns:{region}:{account}:/topics/{topic}/messages")
    return _why_not(cloud, account, role, right)


def _why_not(cloud: Cloud, account: str, name: str, right: Right) -> str:
    ram = cloud.accounts[account].ram
    role = ram.roles.get(name)
    if role is None:
        return "" if name in DEFAULT_ROLES else f"The service role {name} does not exist."
    if not trusts(role, "Service", {SERVICE}, {}):
        return f"The service role {name} does not trust {SERVICE}."
    if decide(role_statements(ram, role), right, {}) != "Allow":
        return f"The service role {name} may not {right.action} on {right.resource}."
    return ""

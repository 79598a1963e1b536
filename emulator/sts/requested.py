"""What a caller asks of a role: its parameters, checked.

Rules: the reference of AssumeRole, www.alibabacloud.com/help/doc-detail/28763.htm; codes:
help.aliyun.com/document_detail/42775.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.call import Call
from emulator.ram.documents import check_policy
from emulator.ram.parameters import required
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ram.state import Role
    from emulator.state import Account, Cloud

_SHORTEST = 900  # seconds
_USUAL = 3600
_LONGEST_POLICY = 2048  # characters
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@\-_]{2,64}")
_ROLE_ARN = re.compile(r"acs:ram::(\d+):role/([^/]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Requested:
    """A role and the session that somebody wants of it."""

    account: Account
    role: Role
    session_name: str
    policy: str | None
    duration: int  # seconds


def requested(cloud: Cloud, call: Call) -> Requested:
    """The role and the session that the call names.

    Raises:
        Refusal: A parameter is missing or malformed, or there is no such role.
    """
    account, role = _role(cloud, required(call, "RoleArn"))
    name = required(call, "RoleSessionName")
    if _SESSION_NAME.fullmatch(name) is None:
        message = "The parameter RoleSessionName is wrongly formed."
        raise Refusal(400, "InvalidParameter.RoleSessionName", message)
    return Requested(account, role, name, _policy(call), _duration(call, role))


def _role(cloud: Cloud, arn: str) -> tuple[Account, Role]:
    named = _ROLE_ARN.fullmatch(arn)
    if named is None:
        raise Refusal(400, "InvalidParameter.RoleArn", f"The parameter RoleArn is wrongly formed: {arn}")
    account = cloud.accounts.get(named.group(1))
    for role in [] if account is None else account.ram.roles.values():
        if account is not None and role.name.lower() == named.group(2).lower():
            return account, role
    raise Refusal(404, "EntityNotExist.Role", f"The role not exists: {arn}.")


def _policy(call: Call) -> str | None:
    text = call.params.get("Policy", "")
    if not text:
        return None
    if len(text) > _LONGEST_POLICY:
        message = f"The parameter Policy has more than {_LONGEST_POLICY} characters."
        raise Refusal(400, "InvalidParameter.PolicySize", message)
    try:
        return check_policy(text)
    except Refusal as refusal:
        message = f"The parameter Policy has not passed grammar check. {refusal.message}"
        raise Refusal(400, "InvalidParameter.PolicyGrammar", message) from refusal


def _duration(call: Call, role: Role) -> int:
    """Seconds; without a wish an hour, which every role allows."""
    text = call.params.get("DurationSeconds", "") or str(_USUAL)
    longest = role.max_session_duration
    if not (text.isascii() and text.isdigit() and len(text) < 10 and _SHORTEST <= int(text) <= longest):  # noqa: PLR2004 - no bound has ten digits
        message = f"The Min/Max value of DurationSeconds is {_SHORTEST}/{longest} seconds."
        raise Refusal(400, "InvalidParameter.DurationSeconds", message)
    return int(text)

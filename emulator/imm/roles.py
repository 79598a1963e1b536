"""Service roles: IMM acts as a RAM role of the caller's account. What the role may do is not looked at here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.imm import refusals

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

# Made by the console's one-click authorisation, never by a program, so they count as there.
DEFAULT_ROLES = frozenset({"AliyunIMMDefaultRole", "AliyunIMMBatchTriggerRole"})


def known_role(cloud: Cloud, call: Call, name: str) -> str:
    """The role's name, if the account has it.

    Raises:
        Refusal: As `Switches.service_role_unknown` says.
    """
    code = cloud.switches.service_role_unknown
    if code == "accepted" or name in DEFAULT_ROLES or name in cloud.accounts[call.account].ram.roles:
        return name
    raise Refusal(refusals.BAD_REQUEST, code, f"The service role {name} does not exist in RAM. Create it first.")

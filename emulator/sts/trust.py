"""Whether a role trusts somebody: its trust policy, held against who asks.

A statement that denies wins over those that allow. `Service` principals are never callers: services take on roles
inside the cloud (`emulator.imm.roles`). How principals are named: www.alibabacloud.com/help/doc-detail/93733.htm.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from emulator.ram.conditions import Facts, holds
from emulator.ram.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.auth.identity import Identity
    from emulator.ram.state import Role

ACTION = "sts:assumerole"


def trusts(role: Role, kind: Literal["RAM", "Federated", "Service"], names: Collection[str], facts: Facts) -> bool:
    """Whether the role lets one of these names assume it.

    Args:
        role: Its trust policy is valid: it was checked when it was put.
        kind: What sort of principal asks.
        names: Everything that a trust policy may call the one who asks.
        facts: What conditions may ask about.
    """
    lower = {name.lower() for name in names}
    allowed = False
    for statement in json.loads(role.trust_policy)["Statement"]:
        denies = statement["Effect"] == "Deny"
        if not _concerns(statement, kind, lower) or not _applies(statement, facts, denies=denies):
            continue
        if denies:
            return False
        allowed = True
    return allowed


def caller_names(identity: Identity) -> set[str]:
    """What a trust policy may call a caller: itself, or the whole account (`root`) whose policies decide further."""
    names = {f"acs:ram::{identity.account_id}:root", identity.arn}
    if identity.role_name is not None:
        names.add(f"acs:ram::{identity.account_id}:role/{identity.role_name}")
    return names


def _concerns(statement: dict[str, Any], kind: str, names: Collection[str]) -> bool:
    principals = _listed(statement.get("Principal", {}).get(kind, []))
    actions = _listed(statement.get("Action", []))
    return any(p.lower() in names for p in principals) and any(matches(a.lower(), ACTION) for a in actions)


def _applies(statement: dict[str, Any], facts: Facts, *, denies: bool) -> bool:
    """Whether the Condition holds; one that cannot be read allows nothing and lifts no denial."""
    try:
        return holds(statement.get("Condition"), facts)
    except ValueError:
        return denies


def _listed(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]

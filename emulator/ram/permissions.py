"""What the identities of an account may do: their policies found and evaluated together.

A user has the policies attached to it (groups are not served); a role's session has what both the role's policies and
the session's own allow; the account itself may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from emulator.ram.evaluate import Decision, Statement, decide, parse
from emulator.ram.policies import find_policy
from emulator.rights import Right

if TYPE_CHECKING:
    from emulator.auth.identity import Identity
    from emulator.ram.conditions import Facts
    from emulator.ram.state import Attachment, RamState, Role

BY_IDENTITY = "AccountLevelIdentityBasedPolicy"
BY_SESSION = "SessionPolicy"


class Verdict(NamedTuple):
    """A decision, and the type of policy that brought it about, as AccessDeniedDetail names it."""

    decision: Decision
    policy_type: str = BY_IDENTITY


def judge(ram: RamState, identity: Identity, right: Right, facts: Facts) -> Verdict:
    """Whether an identity of this account has a right in a request; `facts` by keys in lower case."""
    if identity.kind == "Account":
        return Verdict("Allow")
    own = decide(identity_statements(ram, identity), right, facts)
    if own != "Allow" or identity.session_policy is None:
        return Verdict(own)
    return Verdict(decide(parse(identity.session_policy), right, facts), BY_SESSION)


def identity_statements(ram: RamState, identity: Identity) -> list[Statement]:
    """Every statement of the policies attached to a user, or to the role of a session."""
    if identity.kind == "RAMUser":
        user = next((user for user in ram.users.values() if user.user_id == identity.user_id), None)
        return [] if user is None else _statements(ram, user.attachments)
    role = ram.roles.get(identity.role_name or "")
    return [] if role is None else role_statements(ram, role)


def role_statements(ram: RamState, role: Role) -> list[Statement]:
    """Every statement of the policies attached to a role."""
    return _statements(ram, role.attachments)


def _statements(ram: RamState, attachments: Iterable[Attachment]) -> list[Statement]:
    return [
        statement
        for attachment in attachments
        for statement in parse(find_policy(ram, attachment.policy_type, attachment.policy_name).document)
    ]


def granted_beyond(ram: RamState, identity: Identity, role: Role) -> Right | None:
    """Something that a role allows and the identity does not have; None if it has it all.

    A pattern of the role has to be covered by the identity's own as if it were a name: `oss:*` is held by who has
    `oss:*` or `*`. Conditions on either side are not compared, so an identity's conditional right counts for nothing.
    """
    for statement in role_statements(ram, role):
        if statement.effect == "Allow":
            for right in _patterns(statement):
                if judge(ram, identity, right, {}).decision != "Allow":
                    return right
    return None


def _patterns(statement: Statement) -> list[Right]:
    actions = {"*"} if statement.action.excepted else statement.action.texts
    resources = {"*"} if statement.resource.excepted else statement.resource.texts
    return [Right(action, resource) for action in sorted(actions) for resource in sorted(resources)]

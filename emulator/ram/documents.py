"""Policy documents: checked when they are put, so that a program with a broken policy fails here as it would there.

The checks are those any valid policy passes; the code `MalformedPolicyDocument` is assumed. A condition on something
that the emulator cannot say of a request is refused as the emulator's own shortcoming: it would silently never hold.
"""

from __future__ import annotations

import json
from typing import Any

from emulator.ram.conditions import read_conditions
from emulator.refusal import Refusal

_LONGEST = 6144  # characters without spaces, for a custom policy
_EFFECTS = frozenset({"Allow", "Deny"})
# What `emulator.authorization` can say of a request.
CONDITION_KEYS = (
    "acs:CurrentTime", "acs:PrincipalARN", "acs:SecureTransport", "acs:Service", "acs:SourceIp", "acs:UserAgent",
    "oss:Delimiter", "oss:Prefix", "oss:x-oss-acl", "oss:x-oss-object-acl",
)  # fmt: skip
_KNOWN_KEYS = frozenset(key.lower() for key in CONDITION_KEYS)
_STATEMENT_KEYS = frozenset(
    {"Action", "NotAction", "Condition", "Effect", "NotPrincipal", "NotResource", "Principal", "Resource", "Sid"}
)


def check_policy(text: str) -> str:
    """The document of a policy, as it came, if it is one."""
    for statement in _statements(text):
        if not ("Action" in statement) ^ ("NotAction" in statement):
            raise _malformed("a statement needs Action or NotAction")
        if not ("Resource" in statement) ^ ("NotResource" in statement):
            raise _malformed("a statement needs Resource or NotResource")
        if "Principal" in statement:
            raise _malformed("an identity's policy has no Principal")
        _check_conditions(statement.get("Condition", {}))
    return text


def check_trust_policy(text: str) -> str:
    """The document that says who may assume a role, as it came, if it is one."""
    for statement in _statements(text):
        principal = statement.get("Principal")
        actions = _texts(statement.get("Action"))
        if not isinstance(principal, dict) or not set(principal) & {"RAM", "Service", "Federated"}:
            raise _malformed("a trust policy names a Principal of RAM, Service or Federated")
        if not actions or not all(action.startswith("sts:") for action in actions):
            raise _malformed("a trust policy's Action is sts:AssumeRole")
    return text


def _check_conditions(block: object) -> None:
    try:
        conditions = read_conditions(block)
    except ValueError as error:
        raise _malformed(str(error)) from None
    unknown = sorted({condition.key for condition in conditions} - _KNOWN_KEYS)
    if unknown:
        message = f"The emulator does not know the condition key {unknown[0]}; it knows {', '.join(CONDITION_KEYS)}. "
        raise Refusal(400, "NotImplemented.Emulator", f"{message}Add it in emulator/authorization.py.")


def _statements(text: str) -> list[dict[str, Any]]:
    if len("".join(text.split())) > _LONGEST:
        raise _malformed(f"it is longer than {_LONGEST} characters")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(document, dict) or document.get("Version") != "1":
        raise _malformed('its Version is not "1"')
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise _malformed("it has no list of statements")
    for statement in statements:
        if not isinstance(statement, dict) or not _effect_is_known(statement):
            raise _malformed("a statement's Effect is Allow or Deny")
        unknown = set(statement) - _STATEMENT_KEYS
        if unknown:
            raise _malformed(f"a statement holds {', '.join(sorted(unknown))}")
        for name in ("Action", "NotAction", "Resource", "NotResource"):
            if name in statement and not _texts(statement[name]):
                raise _malformed(f"{name} is a text or a list of texts")
    return statements


def _effect_is_known(statement: dict[str, Any]) -> bool:
    effect = statement.get("Effect")
    return isinstance(effect, str) and effect in _EFFECTS


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, str)] if all(isinstance(i, str) for i in listed) else []


def _malformed(why: str) -> Refusal:
    return Refusal(400, "MalformedPolicyDocument", f"The policy document is not valid: {why}.")

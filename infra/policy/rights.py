"""Rules for RAM: a policy names its actions and resources, a trust names who is trusted, a key stays out of sight.

Only what a statement allows is judged: a wildcard in a Deny takes rights away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.policy.declared import Declared, Rule

POLICY = "alicloud:ram/policy:Policy"
ROLE = "alicloud:ram/role:Role"
ROLE_ATTACHMENT = "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"
USER_ATTACHMENT = "alicloud:ram/userPolicyAttachment:UserPolicyAttachment"
ACCESS_KEY = "alicloud:ram/accessKey:AccessKey"
PROVIDER = "pulumi:providers:alicloud"
KEYS = ("accessKey", "secretKey", "securityToken")
WILD = ("*", "?")
# How many parts of a resource's path say which one is meant: `BUCKET/…` for OSS, `KIND/NAME/…` everywhere else.
NAMING = {"oss": 1}
FORM = "acs:SERVICE:REGION:ACCOUNT:NAME"
# For these their pages give "all resources": RAM asks for them on nothing narrower, and a policy on less may be void.
UNSCOPED = frozenset(
    f"imagesearch:{operation}" for operation in ("CheckImageExists", "Detail", "IncreaseInstance", "IncreaseList")
)


def wildcards(resource: Declared, _stack: str) -> str | None:
    """Allowed actions with a wildcard, and allowed resources that name none."""
    document = _document(resource.properties, "policyDocument", "document")
    if document is None:
        return "has no policy document in JSON: give policy_document as pulumi.Output.json_dumps(…)"
    found = []
    for statement in _allowed(document):
        found += [f"everything outside a {key}" for key in ("NotAction", "NotResource") if key in statement]
        actions = _texts(statement.get("Action"))
        found += [f"action {action!r}" for action in actions if _wild(action)]
        unscoped = bool(actions) and UNSCOPED.issuperset(actions)
        found += [
            f"resource {name!r}"
            for name in _texts(statement.get("Resource"))
            if not _names_one(name) and not (unscoped and name == "*")
        ]
    if not found:
        return None
    return (
        f"allows {', '.join(found)}: list each action by its name, and each resource as {FORM}; "
        "a wildcard may stand only below the name, as in acs:oss:*:ACCOUNT:BUCKET/*"
    )


def anyone_trusted(resource: Declared, _stack: str) -> str | None:
    """A role that everybody may take, or every pod of a cluster."""
    document = _document(resource.properties, "assumeRolePolicyDocument", "document")
    if document is None:
        return "has no trust policy in JSON: give assume_role_policy_document as pulumi.Output.json_dumps(…)"
    for statement in _allowed(document):
        principal = statement.get("Principal", "*")  # none named is everybody
        named = principal if isinstance(principal, Mapping) else {"": principal}
        names = [name for value in named.values() for name in _texts(value)]
        if not names or any(_wild(name) for name in names):
            return "may be taken by anybody: name the service, role or identity provider under Principal"
        exact = (statement.get("Condition") or {}).get("StringEquals") or {}
        if "Federated" in named and not all(exact.get(key) for key in ("oidc:aud", "oidc:sub")):
            return (
                "may be taken by every account of the identity provider: add a Condition StringEquals with oidc:aud "
                "and oidc:sub (system:serviceaccount:NAMESPACE:NAME)"
            )
    return None


def foreign_policy(resource: Declared, _stack: str) -> str | None:
    """The vendor's ready-made policies are wildcards that no rule of ours can read."""
    if resource.properties.get("policyType") == "Custom":
        return None
    return (
        f"attaches {resource.properties.get('policyName')!r}, a policy of the vendor: declare a ram.Policy with the "
        "actions that are needed and attach it with policy_type 'Custom'"
    )


def key_in_the_open(resource: Declared, _stack: str) -> str | None:
    """An AccessKey whose secret would stand in a file, or readable in the state and in outputs made of it."""
    if resource.properties.get("secretFile"):
        return "writes its secret to a file: leave secret_file out and export the secret as a secret output"
    if "secret" not in resource.secret_outputs and not resource.properties.get("pgpKey"):
        return "has its secret in the open: give additional_secret_outputs=['secret']"
    return None


def key_in_the_state(resource: Declared, _stack: str) -> str | None:
    """A provider's inputs are kept in the state."""
    given = [key for key in KEYS if resource.properties.get(key)]
    if not given:
        return None
    return f"is given {', '.join(given)}, which the state keeps: leave them to ALIBABA_CLOUD_ACCESS_KEY_ID and its kin"


def _document(properties: Mapping[str, Any], *keys: str) -> Mapping[str, Any] | None:
    text = next((properties[key] for key in keys if properties.get(key)), None)
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _allowed(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    statements = document.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed if statement.get("Effect") != "Deny"]


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _wild(text: str) -> bool:
    return any(mark in text for mark in WILD)


def _names_one(name: str) -> bool:
    parts = name.split(":", 4)
    if len(parts) != len(FORM.split(":")):
        return False
    service, account, path = parts[1], parts[3], parts[4].lstrip("/")
    naming = path.split("/")[: NAMING.get(service, 2)]
    return bool(account and path) and not any(_wild(part) for part in (service, account, *naming))


RULES = (
    Rule("rights-named", "RAM policies name their actions and resources", frozenset({POLICY}), wildcards),
    Rule("trust-named", "A role says who may take it", frozenset({ROLE}), anyone_trusted),
    Rule(
        "rights-ours",
        "Only policies of this program are attached",
        frozenset({ROLE_ATTACHMENT, USER_ATTACHMENT}),
        foreign_policy,
    ),
    Rule("key-secret", "The secret of an AccessKey is a secret output", frozenset({ACCESS_KEY}), key_in_the_open),
    Rule("key-of-environment", "No key among the provider's inputs", frozenset({PROVIDER}), key_in_the_state),
)

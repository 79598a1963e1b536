"""Turns a pydantic finding about the configuration into a sentence: which key, of which stack, and the way out."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from controller.api.fields import AccountId, BucketName, Endpoint, ImmName, ObjectName, RegionId
from infra.names import MnsName, RoleName


def _pattern(field: Any) -> str:
    schema: dict[str, str] = TypeAdapter(field).json_schema()
    return schema["pattern"]


# The rules in words; a pattern that is missing here is printed as it is.
RULES = {
    _pattern(BucketName): "a bucket name is 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
    _pattern(ImmName): "an IMM name is letters, digits, - and _, and starts with a letter or _",
    _pattern(ObjectName): "a Kubernetes name is lower-case letters, digits, - and ., starting and ending alphanumeric",
    _pattern(AccountId): "an account id is 5 to 20 digits",
    _pattern(RegionId): "a region looks like cn-hangzhou",
    _pattern(MnsName): "a topic or queue name is letters, digits and hyphens, and starts with a letter or digit",
    _pattern(RoleName): "a role name is 1 to 64 letters, digits and hyphens",
    _pattern(Endpoint): "an address is http:// or https://, a host, and a port if it is not the usual one",
}


def explain(detail: ErrorDetails, *, prefix: str, stack: str) -> str:
    """Say what is wrong with one key of a stack and how to set it right.

    Args:
        detail: One entry of `ValidationError.errors()`.
        prefix: Namespace of the keys, e.g. `imm-operator:`.
        stack: The stack whose configuration it is.
    """
    if detail["type"] == "value_error":  # our own words name the key already
        return f"{prefix}{detail['ctx']['error']}"
    path = _path(detail["loc"])
    if path == "region":
        prefix, path = "", "alicloud:region"
    if detail["type"] == "missing":
        said = "is missing"
    elif detail["type"] == "extra_forbidden":
        return f"{prefix}{path} of stack {stack} is no known key: remove it from environments/Pulumi.{stack}.yaml"
    else:
        said = f"is {detail['input']!r}: {_rule(detail)}"
    return f"{prefix}{path} of stack {stack} {said}. Set it: pulumi config set --stack {stack} --path '{path}' VALUE"


def _rule(detail: ErrorDetails) -> str:
    pattern = detail.get("ctx", {}).get("pattern", "")
    return RULES.get(pattern, detail["msg"][:1].lower() + detail["msg"][1:])


def _path(loc: tuple[int | str, ...]) -> str:
    """Pulumi's property path: `projects[0].datasets[1].name`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".")

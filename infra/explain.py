"""Turns a pydantic finding about the configuration into a sentence: which key, of which stack, and the way out."""

from __future__ import annotations

from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from controller.api import fields
from controller.api.fields import SPELLING
from infra import names

NAMED = (
    fields.AccountId,
    fields.BucketName,
    fields.Endpoint,
    fields.ImmName,
    fields.MnsName,
    fields.ObjectName,
    fields.RegionId,
    names.InstanceName,
    names.IssuerUrl,
    names.KmsKeyId,
    names.LogPrefix,
    names.OidcProviderName,
    names.Prefix,
    names.RoleName,
    names.ShardName,
    names.TagKey,
    names.TagValue,
)
_SCHEMAS = [TypeAdapter(field).json_schema() for field in NAMED]
# The rules in words by their pattern; a pattern that is missing here is printed as it is.
RULES: dict[str, str] = {schema["pattern"]: schema[SPELLING] for schema in _SCHEMAS}


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

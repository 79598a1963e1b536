"""Turns a pydantic finding about the configuration into a sentence: which key, of which stack, and the way out."""

from __future__ import annotations

import json
import re

from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from controller.api import fields
from controller.api.fields import SPELLING
from infra import environment as env
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
KEY = "[key]"  # pydantic's last part of a place where the key itself is refused
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
    path = _path(detail["loc"])
    if detail["type"] == "value_error":  # our own words have the way out, and of the whole configuration the key
        key, said = (path, str(detail["ctx"]["error"])) if path else str(detail["ctx"]["error"]).split(": ", 1)
        return f"{prefix}{key} of stack {stack}: {said}"
    if detail["loc"][-1] == KEY:
        return (
            f"{prefix}{_path(detail['loc'][:-2])} of stack {stack} has the key {detail['input']!r}: {_rule(detail)}. "
            f"Remove it: pulumi config rm --stack {stack} --path '{path}'"
        )
    if path == "region":
        prefix, path = "", "alicloud:region"
    if detail["type"] == "missing":
        said = "is missing"
    elif detail["type"] == "extra_forbidden":
        return f"{prefix}{path} of stack {stack} is no known key: remove it from environments/Pulumi.{stack}.yaml"
    else:
        said = f"is {detail['input']!r}: {_rule(detail)}"
    if detail["type"] in {"too_short", "too_long"}:
        return f"{prefix}{path} of stack {stack} {said}. Change it in environments/Pulumi.{stack}.yaml"
    if path == "accountId":  # which no file shall hold
        return f"{prefix}{path} of stack {stack} {said}. It belongs into {env.ACCOUNT_ID}, not a file: {env.WAY_OUT}"
    return f"{prefix}{path} of stack {stack} {said}. Set it: pulumi config set --stack {stack} --path '{path}' VALUE"


def _rule(detail: ErrorDetails) -> str:
    about = detail.get("ctx", {})
    if detail["type"] == "too_short":  # of a list or an object; a text's is string_too_short
        return f"there has to be at least {about['min_length']} entry"
    if detail["type"] == "too_long":
        return f"there may be at most {about['max_length']} entries"
    pattern = about.get("pattern", "")
    return RULES.get(pattern, detail["msg"][:1].lower() + detail["msg"][1:])


def _path(loc: tuple[int | str, ...]) -> str:
    """Pulumi's property path: `projects[0].datasets[1].name`, and `tags["a.b"]` where a key is not plain."""
    path = ""
    for part in (part for part in loc if part != KEY):
        plain = isinstance(part, str) and re.fullmatch("[A-Za-z_][A-Za-z0-9_-]*", part)
        path += f".{part}" if plain else f"[{json.dumps(part)}]"
    return path.lstrip(".")

"""Reads the stack's configuration into `infra.settings`, refused before anything is created.

Names are checked against the vendor's rules, the same that the CRDs enforce, because the cloud would refuse a bad one
only halfway through an update. Defaults stand in the models and, for the Pulumi CLI, in Pulumi.yaml; a test compares
them. An empty text means that the key is not set, since the CLI wants a default for every key that may be left out.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pulumi import RunError
from pydantic import ValidationError

from infra import environment as env
from infra.explain import explain
from infra.policy.lasting import production
from infra.settings import StackSettings

REGION_KEY = "alicloud:region"
MISSING = "00000"  # in place of an account id that is not there, so that all else is looked at, too
UNREAD = object()  # of a key whose text is refused already


def read(config: Mapping[str, str], environment: Mapping[str, str], *, project: str, stack: str) -> StackSettings:
    """Make the settings out of Pulumi's configuration (`namespace:key` to text; JSON where it is no string).

    Raises:
        pulumi.RunError: with every problem, each naming its key, the stack and the way out.
    """
    prefix = f"{project}:"
    given = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix) and value}
    problems = _unknown(given, prefix, stack)
    values = {key: _parse(key, value, problems, prefix, stack) for key, value in given.items() if key in _types()}
    values["region"] = config.get(REGION_KEY, "")
    if "accountId" not in given:
        values["accountId"] = environment.get(env.ACCOUNT_ID, "").strip() or MISSING
    elif environment.get(env.ACCOUNT_ID) not in (None, "", given["accountId"]):
        problems.append(
            f"{prefix}accountId of stack {stack} is {given['accountId']}, but {env.ACCOUNT_ID} is "
            f"{environment[env.ACCOUNT_ID]}: use the credentials of the stack's account"
        )
    settings: StackSettings | None = None
    try:
        settings = StackSettings.model_validate({key: value for key, value in values.items() if value is not UNREAD})
        problems += _careless(settings, prefix, stack)
    except ValidationError as error:
        unread = {key for key, value in values.items() if value is UNREAD}
        problems += [
            explain(detail, prefix=prefix, stack=stack)
            for detail in error.errors()
            if not unread & set(detail["loc"][:1])
        ]
    if values["accountId"] is MISSING:
        problems.insert(
            0, f"{prefix}accountId of stack {stack} is missing and {env.ACCOUNT_ID} is not set: {env.WAY_OUT}"
        )
    if settings is None or problems:
        raise RunError("\n".join(["the stack's configuration is refused; nothing was changed", *problems]))
    return settings


def _careless(settings: StackSettings, prefix: str, stack: str) -> list[str]:
    """What production may not go without."""
    if not production(stack):
        return []
    problems = []
    if not settings.protect:
        problems.append(
            f"{prefix}protect of stack {stack} is false, so a mistaken run could delete what production holds. Set "
            f"it: pulumi config set --stack {stack} protect true. To delete one thing after all: pulumi state unprotect"
        )
    if settings.storage.access_log is None:
        problems.append(
            f"{prefix}storage.accessLog of stack {stack} is missing, so nobody could tell who read the media. Set it: "
            f"pulumi config set --stack {stack} --path 'storage.accessLog.bucket' BUCKET"
        )
    return problems


@cache
def _types() -> dict[str, str]:
    """JSON type of each key a stack file may set; "" for what is described elsewhere in the schema."""
    properties: dict[str, dict[str, Any]] = StackSettings.model_json_schema()["properties"]
    return {key: _type(schema) for key, schema in properties.items() if key != "region"}


def _type(schema: Mapping[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option != {"type": "null"}]
    return str(options[0].get("type", ""))


def _unknown(given: Iterable[str], prefix: str, stack: str) -> list[str]:
    known = _types()
    problems = []
    for key in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {prefix}{near[0]}?" if near else f"known keys are {', '.join(sorted(known))}"
        problems.append(
            f"{prefix}{key} of stack {stack} is no known key: {hint} "
            f"(remove it with: pulumi config rm --stack {stack} {key})"
        )
    return problems


def _parse(key: str, value: str, problems: list[str], prefix: str, stack: str) -> Any:
    if _types()[key] == "string":
        return value
    try:
        return json.loads(value)
    except ValueError:
        problems.append(
            f"{prefix}{key} of stack {stack} is {value!r}, which is no JSON {_types()[key] or 'object'}: "
            f"write it as YAML in environments/Pulumi.{stack}.yaml"
        )
        return UNREAD

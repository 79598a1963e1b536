"""Reading a call's parameters: text in, typed values out, the documented refusal otherwise.

Clients send booleans as Python text (`True`), numbers as decimal text and structures as JSON in one parameter.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from emulator.imm import refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.call import Call

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
MAX_DESCRIPTION = 256


def text(call: Call, name: str) -> str:
    """A required text parameter.

    Raises:
        Refusal: `Missing{name}`.
    """
    value = call.params.get(name, "")
    if not value:
        raise refusals.missing(name)
    return value


def resource_name(call: Call, parameter: str) -> str:
    """A required project or dataset name: 1 to 128 letters, digits, `-`, `_`, beginning with a letter or `_`."""
    value = text(call, parameter)
    if not NAME.fullmatch(value):
        raise refusals.malformed(parameter)
    return value


def integer(call: Call, name: str, low: int, high: int) -> int | None:
    """A whole number within [low, high], or None if it was not sent."""
    value = call.params.get(name, "")
    if not value:
        return None
    if not re.fullmatch(r"-?\d{1,19}", value) or not low <= int(value) <= high:
        raise refusals.malformed(name)
    return int(value)


def boolean(call: Call, name: str) -> bool:
    """`true` or `false` in any case; absent is false."""
    value = call.params.get(name, "").lower()
    if value not in {"", "true", "false"}:
        raise refusals.malformed(name)
    return value == "true"


def description(call: Call) -> str | None:
    """A description of at most 256 characters, or None if it was not sent."""
    value = call.params.get("Description")
    if value is not None and len(value) > MAX_DESCRIPTION:
        raise refusals.malformed("Description")
    return value


def structure(call: Call, name: str) -> dict[str, Any] | None:
    """A JSON object, or None if it was not sent."""
    value = _json(call, name)
    if value is not None and not isinstance(value, dict):
        raise refusals.invalid_json(name)
    return value


def structures(call: Call, name: str) -> list[dict[str, Any]] | None:
    """A JSON array of objects, or None if it was not sent."""
    value = _json(call, name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refusals.invalid_json(name)
    return value


def texts(call: Call, name: str) -> list[str] | None:
    """A JSON array of strings, or None if it was not sent."""
    value = _json(call, name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refusals.invalid_json(name)
    return value


def tags(call: Call, parameter: str) -> dict[str, str] | None:
    """`[{"Key", "Value"}]` as a mapping, or None if it was not sent."""
    listed = structures(call, parameter)
    if listed is None:
        return None
    for tag in listed:
        if not isinstance(tag.get("Key"), str) or not tag["Key"] or not isinstance(tag.get("Value", ""), str):
            raise refusals.malformed(parameter)
    return {tag["Key"]: tag.get("Value", "") for tag in listed}


def shown_tags(held: Mapping[str, str]) -> list[dict[str, str]]:
    """The response form of tags, which is not the request's."""
    return [{"TagKey": key, "TagValue": value} for key, value in held.items()]


def _json(call: Call, name: str) -> Any:
    value = call.params.get(name, "")
    if not value:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise refusals.invalid_json(name) from None


def choice(call: Call, name: str, values: tuple[str, ...]) -> str:
    """One of the values, or "" if it was not sent."""
    value = call.params.get(name, "")
    if value and value not in values:
        raise refusals.malformed(name)
    return value


def tag_map(call: Call, name: str) -> dict[str, str] | None:
    """`{"key": "value"}`, or None if it was not sent."""
    held = structure(call, name)
    if held is not None and not all(isinstance(value, str) for value in held.values()):
        raise refusals.malformed(name)
    return held


def tag_selector(call: Call) -> dict[str, str]:
    """TagSelector, `key=value`; several, joined by commas, must all hold (assumed: the sample shows one)."""
    selector: dict[str, str] = {}
    for part in filter(None, call.params.get("TagSelector", "").split(",")):
        key, equals, value = part.partition("=")
        if not key or not equals:
            raise refusals.malformed("TagSelector")
        selector[key] = value
    return selector

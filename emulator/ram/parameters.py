"""RAM's rules for parameters, its refusals, and its way of paging, naming and dating.

Codes follow RAM's pattern `EntityNotExist.Role`, `DeleteConflict.Role.Policy`. Rules for names and sessions:
www.alibabacloud.com/help/doc-detail/159988.htm (role) and 159987.htm (policy).
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.call import Call
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.ram.state import RamState
    from emulator.state import Cloud

_NAMES = {
    "RoleName": re.compile(r"[A-Za-z0-9.\-]{1,64}"),
    "PolicyName": re.compile(r"[A-Za-z0-9\-]{1,128}"),
    "UserName": re.compile(r"[A-Za-z0-9.\-_]{1,64}"),
    "NewUserName": re.compile(r"[A-Za-z0-9.\-_]{1,64}"),
}


def ram_of(cloud: Cloud, call: Call) -> RamState:
    """The caller's RAM."""
    return cloud.accounts[call.account].ram


def required(call: Call, name: str) -> str:
    """A parameter that must be there."""
    value = call.params.get(name, "")
    if not value:
        raise Refusal(400, f"Missing{name}", f"{name} is mandatory for this action.")
    return value


def name_of(call: Call, parameter: str) -> str:
    """A name for something new, by its kind's rule."""
    name = required(call, parameter)
    if _NAMES[parameter].fullmatch(name) is None:
        message = f"The parameter {parameter} is too long or contains invalid chars: {name}"
        raise Refusal(400, f"InvalidParameter.{parameter}.InvalidChars", message)
    return name


def number_of(call: Call, name: str, default: int, low: int, high: int) -> int:
    """A whole number within bounds."""
    text = call.params.get(name, "") or str(default)
    short = text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 - no bound of RAM has ten digits
    if not short or not low <= int(text) <= high:
        raise Refusal(400, f"InvalidParameter.{name}", f"The parameter {name} must be between {low} and {high}: {text}")
    return int(text)


def absent(kind: str, name: str) -> Refusal:
    """`EntityNotExist.{kind}`."""
    return Refusal(404, f"EntityNotExist.{kind}", f"The {kind.lower()} does not exist: {name}.")


def exists(kind: str, name: str) -> Refusal:
    """`EntityAlreadyExists.{kind}`."""
    return Refusal(409, f"EntityAlreadyExists.{kind}", f"The {kind.lower()} already exists: {name}.")


def conflict(kind: str, message: str) -> Refusal:
    """`DeleteConflict.{kind}`: something still hangs on what was to be deleted."""
    return Refusal(409, f"DeleteConflict.{kind}", message)


def date(seconds: float) -> str:
    """`2026-11-22T05:23:00Z`."""
    return datetime.fromtimestamp(int(seconds), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def page(call: Call, names: Sequence[str]) -> tuple[list[str], dict[str, object]]:
    """One page of sorted names after `Marker`, and the paging part of the answer."""
    limit = number_of(call, "MaxItems", 100, 1, 1000)
    rest = [name for name in sorted(names) if name > call.params.get("Marker", "")]
    shown = rest[:limit]
    more = len(rest) > limit
    return shown, {"IsTruncated": more, **({"Marker": shown[-1]} if more else {})}


def tag_pairs(call: Call) -> dict[str, str]:
    """Tags, which travel flattened (`Tag.1.Key`, `Tag.1.Value`) or as a JSON list, depending on the SDK."""
    found: dict[str, str] = {}
    for name, value in call.params.items():
        match = re.fullmatch(r"Tag\.(\d+)\.Key", name)
        if match is not None:
            found[value] = call.params.get(f"Tag.{match.group(1)}.Value", "")
    if "Tag" not in call.params:
        return found
    try:
        listed = json.loads(call.params["Tag"])
        return {**found, **{str(tag["Key"]): str(tag.get("Value", "")) for tag in listed}}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Refusal(400, "InvalidParameter.Tag", "The parameter Tag is a list of Key and Value.") from None

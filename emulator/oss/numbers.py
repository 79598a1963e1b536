"""Reading whole numbers out of a query, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_number(params: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """The parameter as a number from `low` to `high`; `default` if it is absent or empty."""
    text = params.get(name, "")
    if not text:
        return default
    digits = text.isascii() and text.isdigit() and len(text) < 20  # noqa: PLR2004 - longer than any 64-bit number
    if not digits or not low <= int(text) <= high:
        raise Refusal(400, "InvalidArgument", f"Argument {name} must be an integer between {low} and {high}: {text}")
    return int(text)

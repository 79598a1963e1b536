"""Reading a call's parameters: text in, typed values out, the refusal of the error table otherwise."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

from emulator.imagesearch.filters import Condition, FilterError, read_filter
from emulator.imagesearch.pictures import IntAttrs, StrAttrs, attribute
from emulator.imagesearch.refusals import bad_request, missing, refused
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call

INT_NAMES = tuple(attribute("IntAttr", number) for number in range(1, 5))
STR_NAMES = tuple(attribute("StrAttr", number) for number in range(1, 5))
_LONGEST_CONTENT = 8 * 1024 * 1024  # characters; the page of limits gives a request's body so many bytes


def text(call: Call, name: str) -> str:
    """A required text.

    Raises:
        Refusal: `Missing{name}`.
    """
    value = call.params.get(name, "")
    if not value:
        raise missing(name)
    return value


def integer(call: Call, name: str) -> int | None:
    """A whole number, or None if it was not sent."""
    value = call.params.get(name, "")
    if not value:
        return None
    if not re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
        raise bad_request(f"{name} is {value[:40]!r}, which is no whole number.")
    return int(value)


def boolean(call: Call, name: str, *, default: bool) -> bool:
    """`true` or `false` in any case."""
    value = call.params.get(name, "").lower()
    if value not in {"", "true", "false"}:
        raise bad_request(f"{name} is {value[:40]!r}, which is neither true nor false.")
    return value == "true" if value else default


def int_attrs(call: Call) -> IntAttrs:
    """IntAttr, IntAttr2, IntAttr3 and IntAttr4; None where not sent."""
    one, two, three, four = (integer(call, name) for name in INT_NAMES)
    return one, two, three, four


def str_attrs(call: Call) -> StrAttrs:
    """StrAttr to StrAttr4, likewise."""
    one, two, three, four = (call.params.get(name) for name in STR_NAMES)
    return one, two, three, four


def content(call: Call, code: str) -> bytes:
    """PicContent: a picture's bytes in base64. `code` is the refusal's if there is none.

    Raises:
        Refusal: It is missing, or no base64.
    """
    value = call.params.get("PicContent", "")
    if not value:
        raise refused(code)
    if value.startswith(("http://", "https://")):
        message = "PicContent as an address, which the SDK's …_advance calls send, is not served: send it in base64."
        raise Refusal(400, "NotImplemented.Emulator", message)
    if len(value) > _LONGEST_CONTENT:
        raise bad_request(f"PicContent has {len(value):,} characters; a request has at most {_LONGEST_CONTENT:,}.")
    try:
        return b64decode(value, validate=True)
    except Base64Error as error:
        raise bad_request(f"PicContent is no base64: {error}.") from None


def condition(call: Call, *, lists: bool = True) -> Condition | None:
    """Filter, or None if it was not sent."""
    value = call.params.get("Filter", "")
    if not value.strip():
        return None
    try:
        return read_filter(value, lists=lists)
    except FilterError as error:
        raise bad_request(str(error)) from None


def threshold(call: Call) -> float:
    """ScoreThreshold: 0.00 to 1.00 with at most two decimals, 0 if it was not sent."""
    value = call.params.get("ScoreThreshold", "") or "0"
    if not re.fullmatch(r"0(\.\d{1,2})?|1(\.0{1,2})?", value, re.ASCII):
        raise bad_request(f"ScoreThreshold is {value[:40]!r}; 0.00 to 1.00 with at most two decimals is taken.")
    return float(value)

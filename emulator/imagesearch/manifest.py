"""The grammar of an `increment.meta`: the vendor's guide "Batch operations" (document_detail/66580), line by line.

Written without a look at how clients check the same rules: it is their second opinion. What the guide says fails the
whole operation is `broken`; what breaks a rule of one entry isolates that line. Where the guide is silent, a switch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from emulator.imagesearch.subject import Box

if TYPE_CHECKING:
    from emulator.switches import Switches

NAME = "increment.meta"
MAX_ID = 256  # characters of ProductId and of PicName
MAX_CUSTOM_CONTENT = 4096
MAX_STR_ATTR = 128
_FORBIDDEN = re.compile(r"[\\¥$&%]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REGION = re.compile(r"(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})", re.ASCII)
_BOM = b"\xef\xbb\xbf"
_WHITE = " \t\r"
_FIELDS = frozenset(
    {
        "OperationType",
        "ProductId",
        "PicName",
        "CustomContent",
        "CategoryId",
        "IntAttr",
        "StrAttr",
        "Crop",
        "Region",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that breaks no rule of its own. `pic_name` is empty only for a DELETE of a whole product."""

    operation: Literal["ADD", "DELETE"]
    product_id: str
    pic_name: str = ""
    custom_content: str = ""
    category_id: int | None = None
    int_attr: int | None = None
    str_attr: str | None = None
    crop: bool = True
    region: Box | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line was isolated, with as much of its entry as can be read."""

    code: str
    message: str
    operation: str = ""
    product_id: str = ""
    pic_name: str = ""


class _Wrong(Exception):
    """A rule is broken: code and message."""


def lines_of(content: bytes, offset: int = 0) -> Iterator[tuple[bytes, int]]:
    """The lines from a byte on, each with where the next one begins; what follows the last line's end is no line."""
    while offset < len(content):
        end = content.find(b"\n", offset)
        following = len(content) if end < 0 else end + 1
        yield content[offset : len(content) if end < 0 else end], following
        offset = following


def read_object(line: bytes, switches: Switches, *, first: bool) -> dict[str, Any] | str | None:
    """The JSON object of a line; a text that says why it fails the whole operation; None for a line to pass over."""
    if first and switches.increment_byte_order_mark == "skipped":
        line = line.removeprefix(_BOM)
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8"
    if not text.strip(_WHITE):
        return None if switches.increment_blank_line == "skipped" else "it is blank"
    try:
        return _decoded(text, switches)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return f"it is not JSON ({error})"


def read_entry(found: dict[str, Any], switches: Switches) -> Entry | Fault:
    """The entry that a line's object states, or why it is isolated."""
    try:
        return _entry(found, switches)
    except _Wrong as wrong:
        code, message = wrong.args
        shown = (_shown(found, "OperationType"), _shown(found, "ProductId"), _shown(found, "PicName"))
        return Fault(code, message, *shown)


def _decoded(text: str, switches: Switches) -> dict[str, Any] | str:
    decoder = _DECODER if switches.increment_duplicate_field == "last" else _PAIRED
    begin = len(text) - len(text.lstrip(_WHITE))
    found, end = decoder.raw_decode(text, begin)
    if text[end:].strip(_WHITE):
        return "it holds more than one entry"
    return found if isinstance(found, dict) else "it is not a JSON object"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _paired(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        found[_TWICE] = True
    return found


_TWICE = "\x00twice"  # no field of a line can have this name and be known
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_PAIRED = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_paired)


def _entry(found: dict[str, Any], switches: Switches) -> Entry:
    operation = found.get("OperationType")
    if not isinstance(operation, str) or operation not in {"ADD", "DELETE"}:
        raise _Wrong("InvalidOperationType", "OperationType must be ADD or DELETE.")
    if _TWICE in found:
        raise _Wrong("InvalidField", "A field is there twice.")
    unknown = sorted(found.keys() - _FIELDS)
    if unknown and switches.increment_unknown_field == "isolated":
        raise _Wrong("InvalidField", f"The field {unknown[0][:100]!r} is unknown.")
    adding = operation == "ADD"
    return Entry(
        operation="ADD" if adding else "DELETE",
        product_id=_identifier(found, "ProductId", required=True) or "",
        pic_name=_pic_name(found, required=adding),
        custom_content=_text(found, "CustomContent", MAX_CUSTOM_CONTENT, required=adding) or "",
        category_id=_integer(found, "CategoryId"),
        int_attr=_integer(found, "IntAttr"),
        str_attr=_str_attr(found),
        crop=_crop(found),
        region=_region(found),
    )


def _text(found: dict[str, Any], name: str, longest: int, *, required: bool = False) -> str | None:
    if name not in found:
        if required:
            raise _Wrong(f"Invalid{name}", f"{name} is missing.")
        return None
    value = found[name]
    if not isinstance(value, str):
        raise _Wrong(f"Invalid{name}", f"{name} must be a string.")
    if len(value) > longest:
        raise _Wrong(f"Invalid{name}", f"{name} has {len(value)} characters; {longest} are allowed.")
    if not value.isascii() and _SURROGATE.search(value):
        raise _Wrong(f"Invalid{name}", f"{name} holds half a character.")
    return value


def _identifier(found: dict[str, Any], name: str, *, required: bool) -> str | None:
    value = _text(found, name, MAX_ID, required=required)
    if value is not None and not value.strip():
        raise _Wrong(f"Invalid{name}", f"{name} is empty.")
    return value


def _pic_name(found: dict[str, Any], *, required: bool) -> str:
    value = _identifier(found, "PicName", required=required)
    if value is None:
        return ""
    if value.startswith("/"):
        raise _Wrong("InvalidPicName", "PicName must be relative, without a leading slash.")
    stem, dot, extension = value.rpartition("/")[2].rpartition(".")
    if not (stem and dot and extension):
        raise _Wrong("InvalidPicName", "PicName must include the file extension.")
    return value


def _integer(found: dict[str, Any], name: str) -> int | None:
    if name not in found:
        return None
    value = found[name]
    if type(value) is not int:
        raise _Wrong(f"Invalid{name}", f"{name} must be an integer.")
    return value


def _str_attr(found: dict[str, Any]) -> str | None:
    value = _text(found, "StrAttr", MAX_STR_ATTR)
    match = None if value is None else _FORBIDDEN.search(value)
    if match is not None:
        raise _Wrong("InvalidStrAttr", f"StrAttr holds {match[0]}, which is not supported.")
    return value


def _crop(found: dict[str, Any]) -> bool:
    value = found.get("Crop", True)
    if not isinstance(value, bool):
        raise _Wrong("InvalidCrop", "Crop must be true or false.")
    return value


def _region(found: dict[str, Any]) -> Box | None:
    value = _text(found, "Region", MAX_ID)
    if value is None:
        return None
    match = _REGION.fullmatch(value)
    if match is None:
        raise _Wrong("InvalidRegion", "Region must be x1,x2,y1,y2 in whole pixels.")
    region = Box(*map(int, match.groups()))
    if region.x1 >= region.x2 or region.y1 >= region.y2:
        raise _Wrong("InvalidRegion", f"Region {region} is no area: x1 must be below x2, and y1 below y2.")
    return region


def _shown(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value[:MAX_CUSTOM_CONTENT]) if isinstance(value, str) else ""

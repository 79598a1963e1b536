"""The value of one field of a line, held against every rule of that field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from controller.api.importsource import Operation
from controller.core.imports.rules import shown
from controller.core.manifest import rules
from controller.core.manifest.lines import LEAST_INTEGER, MOST_ATTRIBUTE, MOST_CONTENT, MOST_ID, MOST_INTEGER, MOST_NAME
from controller.core.manifest.rules import Rule

INTEGERS = ("CategoryId", "IntAttr")
PLAIN = ("ProductId", "PicName", "StrAttr")  # texts without control characters
LENGTHS = {
    "ProductId": MOST_ID,
    "PicName": MOST_NAME,
    "CustomContent": MOST_CONTENT,
    "StrAttr": MOST_ATTRIBUTE,
}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# One name of a picture; several are matched at once, each with a line break after it, which no name has.
PIC_NAME = r"(?:(?!\.{1,2}/)[^/\\\n]+/)*+[^/\\\n]+\.[A-Za-z0-9]+"
_EXTENSION = re.compile(r"[^/\\]+\.[A-Za-z0-9]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SURROGATE = re.compile("[\ud800-\udfff]")
_OPERATIONS = frozenset(operation.value for operation in Operation)
Said = tuple[Rule, str]  # a broken rule, and the particulars


class Odd(msgspec.Struct, frozen=True):
    """A number that no field takes, as it is written, and the rule that it breaks where a number is needed."""

    text: str
    rule: Rule


def check(name: str, value: Any) -> Iterator[Said]:
    """The rules that a value of a field breaks; `name` is the field's in a manifest, and known."""
    if value is None:
        yield rules.NULL, ""
    elif isinstance(value, dict | list | tuple):
        yield rules.NESTED, ""
    elif isinstance(value, Odd) and value.rule is rules.NO_NUMBER:
        yield rules.NO_NUMBER, ""
    elif name in INTEGERS:
        yield from _check_integer(value)
    elif name == "Crop":
        if not isinstance(value, bool):
            yield rules.BOOLEAN, ""
    elif isinstance(value, str):
        yield from _check_text(name, value)
    else:
        yield rules.TEXT, ""


def written(value: Any) -> str:
    """A value as it is written, as much of it as fits."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Odd():
            return shown(value.text)
        case tuple():
            return f"{len(value)} entries"
    return shown(value)


def check_pic_name(name: str) -> Iterator[Rule]:
    """The rules that the name of a picture breaks, its length and its characters aside."""
    if _ADDRESS.match(name):
        yield rules.ADDRESS
        return
    *folders, file = name.split("/")
    if "\\" in name:
        yield rules.BACKSLASH
    if name.startswith("/"):
        yield rules.LEADING_SLASH
    if "//" in name:
        yield rules.EMPTY_FOLDER
    if not {".", ".."}.isdisjoint(folders):
        yield rules.DOTS
    if not _EXTENSION.fullmatch(file.rpartition("\\")[2]):
        yield rules.EXTENSION


def _check_integer(value: Any) -> Iterator[Said]:
    if isinstance(value, Odd):
        yield value.rule, ""
    elif not isinstance(value, int) or isinstance(value, bool):
        yield rules.INTEGER, ""
    elif not LEAST_INTEGER <= value <= MOST_INTEGER:
        yield rules.INTEGER_RANGE, ""


def _check_text(name: str, value: str) -> Iterator[Said]:
    if _SURROGATE.search(value):
        yield rules.SURROGATE, ""
    if name == "OperationType":
        if value not in _OPERATIONS:
            yield rules.OPERATION, ""
    elif name == "Region":
        region = rules.read_region(value)
        if isinstance(region, Rule):
            yield region, ""
    else:
        yield from _check_free_text(name, value)


def _check_free_text(name: str, value: str) -> Iterator[Said]:
    if len(value) > LENGTHS[name]:
        yield rules.LENGTHS[name], f"it has {len(value)}"
    if name in PLAIN and CONTROL.search(value):
        yield rules.CONTROL, ""
    if name == "StrAttr":
        if not set(rules.FORBIDDEN).isdisjoint(value):
            yield rules.STR_ATTR, ""
    elif not value:
        yield rules.EMPTY, ""
    elif name == "PicName":
        yield from ((rule, "") for rule in check_pic_name(value))

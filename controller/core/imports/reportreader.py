"""The report of a batch task, whichever shape it has: which lines it names, and whether each of them failed.

The vendor shows no such document. JSON Lines, a JSON array and CSV with a header are read, with whatever spelling of
the members' names; anything else, or one entry in it that is not understood, is no report at all (None): half of the
truth would pass failures for successes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from sys import intern
from typing import Any

import msgspec

from controller.api.bounds import cut

MAX_REPORT = 256 * 1024 * 1024  # bytes; about 250 for each line of a million
MAX_ERROR = 512
UNSAID = "Image Search names it in the report of what failed, and gives no reason"
PRODUCT = frozenset({"productid", "product"})
PICTURE = frozenset({"picname", "pic", "picture", "picturename", "image", "imagename", "filename", "file"})
OUTCOME = frozenset({"success", "succeeded", "ok", "status", "state", "result", "outcome"})
CODE = frozenset({"code", "errorcode", "errcode", "errno"})
MESSAGE = frozenset({"message", "msg", "errormessage", "errormsg", "errmsg", "error", "reason", "detail"})
WELL = frozenset({"success", "succeeded", "successful", "ok", "true", "normal", "done", "imported"})
BADLY = frozenset({"fail", "failed", "failure", "error", "false", "isolated", "invalid"})
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SPELLING = re.compile(r"[^a-z]+")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a report says of a line.

    Attributes:
        product_id: Empty where it names the picture only.
        pic_name: None where it names the product only.
        ok: Whether the line succeeded; None where the report does not say.
        message: Why it failed.
    """

    product_id: str
    pic_name: str | None
    ok: bool | None
    message: str


class Report(msgspec.Struct, frozen=True):
    """A report that could be read to its end."""

    entries: tuple[Entry, ...]


def read_report(data: bytes) -> Report | None:
    """The report, or None where it cannot be understood; the work is bounded by its length."""
    if len(data) > MAX_REPORT:
        return None
    data = data.removeprefix(b"\xef\xbb\xbf").strip()
    read = {b"[": _array, b"{": _objects}.get(data[:1], _table)
    try:
        return Report(tuple(_entry(one) for one in read(data)))
    except (ValueError, csv.Error, RecursionError):  # what msgspec raises is a ValueError
        return None


def _array(data: bytes) -> Iterator[Mapping[str, Any]]:
    for one in msgspec.json.decode(data, type=list[msgspec.Raw]):
        yield msgspec.json.decode(one, type=dict[str, Any])


def _objects(data: bytes) -> Iterator[Mapping[str, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for line in _lines_of(data):
        if line.strip():
            yield decoder.decode(line)


def _table(data: bytes) -> Iterator[Mapping[str, Any]]:
    rows = csv.reader(_lines_of(data), strict=True)
    header = [_spelled(name) for name in next(rows, [])]
    if data and not {*header} & (PRODUCT | PICTURE):
        raise ValueError("a header that names neither product nor picture")
    for row in rows:
        if row:
            yield dict(zip(header, row, strict=True))


def _lines_of(data: bytes) -> Iterator[str]:
    """With their ends, one after the other: a report may have a million."""
    return (found[0] for found in _LINE.finditer(data.decode()))


def _entry(record: Mapping[str, Any]) -> Entry:
    stated: dict[str, Any] = {}
    for name, value in record.items():
        if value is not None and value != "":
            stated.setdefault(_spelled(name), value)
    product, picture = _text(stated, PRODUCT), _text(stated, PICTURE)
    if not (product or picture):
        raise ValueError("an entry that names neither product nor picture")
    code, message = _text(stated, CODE), _text(stated, MESSAGE)
    ok = _outcome(_text(stated, OUTCOME), code, message)
    said = f"[{code}] {message}" if code and message else message or code or UNSAID
    return Entry(product, picture or None, ok, "" if ok else intern(cut(said, MAX_ERROR)))


def _outcome(outcome: str, code: str, message: str) -> bool | None:
    """The first that says it: a word for the outcome, a code, which is 0 where all went well, or the message itself."""
    word = outcome.casefold()
    if word in WELL | BADLY:
        return word in WELL
    if code:
        return code == "0"
    return True if message.casefold() in WELL else None


def _text(stated: Mapping[str, Any], names: frozenset[str]) -> str:
    for name, value in stated.items():
        if name in names:
            if isinstance(value, str | int):
                return str(value)
            raise ValueError(f"{name} is no text")
    return ""


def _spelled(name: str) -> str:
    """A member's name without what spellings differ in: `Pic_Name`, `picName` and `PicName` are one."""
    return _SPELLING.sub("", name.casefold())

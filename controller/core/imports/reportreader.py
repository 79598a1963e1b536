"""The report of a batch task, whichever shape it has: which lines it names, and whether each of them failed.

The vendor shows no such document. JSON Lines, a JSON array and CSV with a header are read, with whatever spelling of
the members' names; anything else, or one entry in it that is not understood, is no report at all (None): half of the
truth would pass failures for successes. It may have a million entries: they are read one after the other, and what is
said of a line is read again when it is wanted, so that little more than its bytes is in memory.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import msgspec

from controller.api.bounds import cut
from controller.core.imports.items import fingerprint

MAX_REPORT = 128 * 1024 * 1024  # bytes, held in memory while it is judged; about 130 for each line of a million
MAX_ERROR = 512
KEPT_NAME = 64  # characters; no member that is looked for has as many, whatever its spelling
UNSAID = "Image Search names it in the report of what failed, and gives no reason"
PRODUCT = frozenset({"productid", "product"})
PICTURE = frozenset({"picname", "pic", "picture", "picturename", "image", "imagename", "filename", "file"})
OUTCOME = frozenset({"success", "succeeded", "ok", "status", "state", "result", "outcome"})
CODE = frozenset({"code", "errorcode", "errcode", "errno"})
MESSAGE = frozenset({"message", "msg", "errormessage", "errormsg", "errmsg", "error", "reason", "detail"})
WELL = frozenset({"success", "succeeded", "successful", "ok", "true", "normal", "done", "imported"})
BADLY = frozenset({"fail", "failed", "failure", "error", "false", "isolated", "invalid"})
_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*")
_BLANK = re.compile(rb"\s*")
_COMMA = re.compile(rb"\s*,\s*(?=\{)")
_CLOSED = re.compile(rb"\s*\]\s*")
# Nothing is tried twice, whatever the bytes are: no repetition gives back what it took, and a text may end with them.
_FLAT = re.compile(rb'\{(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+\}', re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}]', re.DOTALL)
_decoder = msgspec.json.Decoder(dict[str, Any])
_Placed = tuple[int, Mapping[str, Any]]  # where in the report, and the members
_Read = Callable[[bytes, int], Iterator[_Placed]]  # from there on
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


@dataclass(frozen=True, slots=True)
class Report:
    """A report that could be read to its end: its bytes, and 13 bytes more for each entry.

    Attributes:
        names: The fingerprint of what each entry names, as `name_print` gives it.
        well: 1 for each entry that says that its line succeeded, else 0.
        kinds: Of all entries: whether product and picture are named.
    """

    names: array[int]
    well: bytearray
    kinds: frozenset[tuple[bool, bool]]
    _places: array[int]
    _data: bytes
    _read: _Read

    def entry(self, number: int) -> Entry:
        """An entry, counted from 0: it is read again."""
        return _entry(next(self._read(self._data, self._places[number]))[1])


def read_report(data: bytes) -> Report | None:
    """The report, or None where it cannot be understood; the work is bounded by its length."""
    if len(data) > MAX_REPORT:
        return None
    names, well, places = array("Q"), bytearray(), array("I")
    kinds: set[tuple[bool, bool]] = set()
    try:
        read, begin = _form(data)
        for place, record in read(data, begin):
            one = _entry(record)
            names.append(name_print(one.product_id, one.pic_name))
            well.append(one.ok is True)
            places.append(place)
            kinds.add((bool(one.product_id), one.pic_name is not None))
    except (ValueError, csv.Error, RecursionError):  # what msgspec raises is a ValueError
        return None
    return Report(names, well, frozenset(kinds), places, data, read)


def name_print(product: str, picture: str | None) -> int:
    """64 bits that tell one name of a line from every other; the product is empty where it is not named."""
    return fingerprint(f"{len(product)}:{product}" if picture is None else f"{len(product)}:{product}/{picture}")


def _form(data: bytes) -> tuple[_Read, int]:
    """How it is read, and where its first entry begins."""
    begin = _BEGIN.match(data).end()  # type: ignore[union-attr] # it matches nothing, too
    match data[begin : begin + 1]:
        case b"[":
            return _array, _BLANK.match(data, begin + 1).end()  # type: ignore[union-attr] # likewise
        case b"{" | b"":
            return _objects, begin
    end = len(data)
    while data[end - 1 : end].isspace():
        end -= 1
    rows = _rows(data, begin, end)
    _, names = next(rows)
    header = [_spelled(name) for name in names]
    if not {*header} & (PRODUCT | PICTURE):
        raise ValueError("a header that names neither product nor picture")
    return partial(_table, header, end), next(rows, (end, []))[0]


def _array(data: bytes, at: int) -> Iterator[_Placed]:
    while data[at : at + 1] == b"{":
        end = _end_of_object(data, at)
        yield at, _decoder.decode(data[at:end])
        following = _COMMA.match(data, end)
        at = following.end() if following else end
    if not _CLOSED.fullmatch(data, at):
        raise ValueError("an array that does not end, or with something else than objects")


def _end_of_object(data: bytes, at: int) -> int:
    """One that holds no other is found at once."""
    flat = _FLAT.match(data, at)
    if flat:
        return flat.end()
    depth = 0
    for found in _TOKEN.finditer(data, at):
        depth += {b"{": 1, b"}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    raise ValueError("an object that does not end")


def _objects(data: bytes, at: int) -> Iterator[_Placed]:
    for place, line in _lines_of(data, at, len(data)):
        if line.strip():
            yield place, _decoder.decode(line)


def _table(header: Sequence[str], end: int, data: bytes, at: int) -> Iterator[_Placed]:
    for place, row in _rows(data, at, end):
        if row:
            yield place, dict(zip(header, row, strict=True))


def _rows(data: bytes, at: int, end: int) -> Iterator[tuple[int, list[str]]]:
    """Each with the place of its first line; the reader takes no line before it needs it."""
    here = at

    def lines() -> Iterator[str]:
        nonlocal here
        for place, line in _lines_of(data, at, end):
            here = place + len(line)
            yield line.decode()

    begin = here
    for row in csv.reader(lines(), strict=True):
        yield begin, row
        begin = here


def _lines_of(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """With their places and ends, one after the other: a report may have a million."""
    while at < end:
        following = data.find(b"\n", at, end) + 1 or end
        yield at, data[at:following]
        at = following


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
    return Entry(product, picture or None, ok, "" if ok else cut(said, MAX_ERROR))


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
    return _spelled_short(name) if len(name) <= KEPT_NAME else ""


@lru_cache(maxsize=256)
def _spelled_short(name: str) -> str:
    return _SPELLING.sub("", name.casefold())

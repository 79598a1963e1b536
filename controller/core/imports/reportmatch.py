"""Which lines of a task the entries of its report name.

An entry may name product and picture, only one of them, or the picture with the folder that it lies in. One that names
no line, or more than one, means that the report is not understood. Names are matched by their fingerprints, and nothing
is an object: a million entries against a million lines take some 30 MB.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from controller.core.imports.records import Range
from controller.core.imports.reportreader import Report, name_print
from controller.core.manifest.lines import Line

_TAKEN = 2
_Name = tuple[str, str | None]  # product, empty where it is not named; picture


class Stray(NamedTuple):
    """An entry that names no line of ours, or several, in words."""

    words: str


@dataclass(frozen=True, slots=True)
class Named:
    """The entry of each line that is named.

    Attributes:
        well, badly: Whether any line is named as succeeded, or as anything else.
    """

    report: Report
    well: bool
    badly: bool
    _first: int
    _numbers: array[int]  # of the lines from the first on; 0 where a line is not named, else one more than its entry's

    def number(self, index: int) -> int | None:
        """The number of a line's entry."""
        number = self._numbers[index - self._first] if self._numbers else 0
        return number - 1 if number else None


class _Numbers:
    """Fingerprints and their numbers as an open hash table of 4 bytes a slot beside the fingerprints."""

    def __init__(self, names: array[int]) -> None:
        self._names = names
        self._mask = (1 << (len(names) * 3 // 2).bit_length()) - 1
        self._slots = array("I", bytes(4 * (self._mask + 1)))  # one more than the number; 0 is free

    def find(self, name: int) -> int | None:
        """The number of a fingerprint that was put."""
        held = self._slots[self._slot(name)]
        return held - 1 if held else None

    def put(self, number: int) -> int | None:
        """Put a number in its fingerprint's place; what stood there."""
        slot = self._slot(self._names[number])
        before = self._slots[slot]
        self._slots[slot] = number + 1
        return before - 1 if before else None

    def _slot(self, name: int) -> int:
        slot = name & self._mask
        while (held := self._slots[slot]) and self._names[held - 1] != name:
            slot = (slot + 1) & self._mask
        return slot


def match(report: Report, items: Iterable[tuple[int, Line]], ranges: Sequence[Range], path: str) -> Named | Stray:
    """The entries of the lines, whose indices are those of the ranges; no line is read for a report without any."""
    if not report.names:
        return Named(report, well=False, badly=False, _first=0, _numbers=array("I"))
    wanted, states = _wanted(report)
    first = ranges[0][0]
    found = array("I", bytes(4 * (ranges[-1][1] - first)))
    wide, wide_at = array("Q"), array("Q")
    for index, line in items:
        if line.pic_name is None:
            wide.append(name_print(line.product_id, None))
            wide_at.append(index)
        named = next(_entries(line, path, report, wanted), None)
        if named is None:
            continue
        number, name = named
        if states[number] == _TAKEN:
            return Stray(f"more than one line by {_words(name)}")
        states[number] = _TAKEN
        found[index - first] = number + 1
    products = _Numbers(wide)
    for at in range(len(wide)):
        products.put(at)
    for number in _left(states):  # pictures of products that are deleted as a whole
        one = report.entry(number)
        product = products.find(name_print(one.product_id, None))
        if product is None:
            return Stray(f"{_words((one.product_id, one.pic_name))}, which is no line of the task")
        at = wide_at[product] - first
        if not found[at] or report.well[found[at] - 1]:
            found[at] = number + 1
    well = any(number and report.well[number - 1] for number in found)
    badly = any(number and not report.well[number - 1] for number in found)
    return Named(report, well, badly, first, found)


def _wanted(report: Report) -> tuple[_Numbers, bytearray]:
    """The entries by name, and a 1 for each that counts: of two words on one line the one that is no success."""
    wanted = _Numbers(report.names)
    counts = bytearray(len(report.names))
    for number in range(len(report.names)):
        before = wanted.put(number)
        if before is not None and not report.well[before]:
            wanted.put(before)
            continue
        if before is not None:
            counts[before] = 0
        counts[number] = 1
    return wanted, counts


def _left(states: bytearray) -> Iterator[int]:
    at = states.find(1)
    while at >= 0:
        yield at
        at = states.find(1, at + 1)


def _entries(line: Line, path: str, report: Report, wanted: _Numbers) -> Iterator[tuple[int, _Name]]:
    """What names a line, the surest first."""
    for name in _names(line, path):
        if (bool(name[0]), name[1] is not None) in report.kinds:
            number = wanted.find(name_print(*name))
            if number is not None:
                yield number, name


def _names(line: Line, path: str) -> Iterator[_Name]:
    """Everything that a line may be named by."""
    product, picture = line.product_id, line.pic_name
    yield product, picture
    if picture is not None:
        if path:
            yield product, path + picture
        yield product, None
        yield "", picture
        if path:
            yield "", path + picture


def _words(name: _Name) -> str:
    product, picture = name
    return " ".join(
        filter(None, (f"product {product!r}" if product else "", f"picture {picture!r}" if picture else ""))
    )

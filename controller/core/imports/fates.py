"""What is known of each item of a run: one byte each, counted as they change.

A batch task may hold a million items in a handful of ranges, so a range is turned as a whole, without a Python object
for each of its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from controller.core.imports.records import Range


class Fate(IntEnum):
    """What is known of an item, as a byte."""

    UNSENT = 0
    SENT = 1  # in a chunk that was planned, and not told of yet
    SUCCEEDED = 2
    FAILED = 3
    UNKNOWN = 4
    CANCELLED = 5


class Fates:
    """The fates of so many items, all unsent at first.

    Attributes:
        marks: A `Fate` an item; changed by these methods only.
    """

    def __init__(self, size: int) -> None:
        self.marks = bytearray(size)
        self._counts = [size, *[0] * (len(Fate) - 1)]
        self._cursor = 0  # nothing before it is unsent

    def count(self, fate: Fate) -> int:
        """How many items have that fate."""
        return self._counts[fate]

    def set(self, index: int, fate: Fate) -> None:
        """Change one."""
        self._counts[self.marks[index]] -= 1
        self._counts[fate] += 1
        self.marks[index] = fate
        if fate == Fate.UNSENT:
            self._cursor = min(self._cursor, index)

    def turn(self, before: Fate, after: Fate, ranges: Iterable[Range]) -> None:
        """Change all of one fate in these ranges to another."""
        for first, end in ranges:
            found = self.marks.count(before, first, end)
            if found:
                self.marks[first:end] = self.marks[first:end].replace(bytes((before,)), bytes((after,)))
                self._counts[before] -= found
                self._counts[after] += found
        if after == Fate.UNSENT:
            self._cursor = 0

    def turn_all(self, before: Fate, after: Fate) -> None:
        """Change every one of that fate."""
        self.turn(before, after, [(0, len(self.marks))])

    def among(self, fate: Fate, ranges: Iterable[Range]) -> int:
        """How many in these ranges have that fate."""
        return sum(self.marks.count(fate, first, end) for first, end in ranges)

    def first_unsent(self, limit: int) -> list[int]:
        """The first items that are unsent, in order."""
        found: list[int] = []
        at = self.marks.find(Fate.UNSENT, self._cursor)
        self._cursor = at if at >= 0 else len(self.marks)
        while at >= 0 and len(found) < limit:
            found.append(at)
            at = self.marks.find(Fate.UNSENT, at + 1)
        return found

    def indices(self, fate: Fate) -> Iterator[int]:
        """Every item with that fate, in order."""
        at = self.marks.find(fate)
        while at >= 0:
            yield at
            at = self.marks.find(fate, at + 1)

    def ranges(self, fate: Fate) -> tuple[Range, ...]:
        """The same as the fewest ranges."""
        found: list[Range] = []
        at = self.marks.find(fate)
        while at >= 0:
            end = self._end(fate, at)
            found.append((at, end))
            at = self.marks.find(fate, end)
        return tuple(found)

    def _end(self, fate: Fate, at: int) -> int:
        """The end of the run of equal marks that begins there, in steps that double: each is looked at in C."""
        step = 64
        while at < len(self.marks):
            block = self.marks[at : at + step]
            same = len(block) - len(block.lstrip(bytes((fate,))))
            at += same
            if same < len(block):
                break
            step *= 2
        return at

"""Bytes in blocks, as they come, taken apart into lines: at any moment only what one line, or record of several, needs.

Whoever reads lines may find that a record is not there as a whole yet. Then it goes back to where the record began and
waits for the next block, so that a parser that keeps no state between calls, such as csv's, can be used on a stream.
"""

from __future__ import annotations

LONGEST = 64 * 1024  # bytes of a record, its line breaks included
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Dry(Exception):
    """The record goes on in a block that has not come yet."""


class TooLong(Exception):
    """The record is longer than LONGEST."""


class Lines:
    """Iterates over the lines of the blocks fed so far, each with its line break; empty ones between records go by.

    A reader takes lines until it has a record, then calls `accept`. After `Dry` or at the end it calls `wait`, and
    after a record that is none `skip`, which goes on with the line after the record's first.

    Attributes:
        number: The line in which the record begins that is read now, from 1 on.
    """

    def __init__(self) -> None:
        self.number = 1
        self._buffer = b""
        self._begin = 0  # of the record that is read now
        self._at = 0
        self._taken = 0  # lines of the record so far
        self._last = False
        self._skipping = False  # over the rest of a line that is too long

    def feed(self, block: bytes, *, last: bool) -> None:
        """Add a block; `last` says that there is no other."""
        self._last = last
        self._buffer = self._buffer[self._begin :] + block
        self._begin = self._at = 0
        if self._skipping:
            self._skip_rest()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> bytes:
        while True:
            end = self._buffer.find(b"\n", self._at) + 1 or len(self._buffer)
            if end - self._begin > LONGEST:
                raise TooLong
            if not self._last and not self._buffer.endswith(b"\n", self._at, end):
                raise Dry
            if self._at == end:
                raise StopIteration
            line = self._buffer[self._at : end]
            self._at = end
            self._taken += 1
            if self._taken == self.number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            if self._taken > 1 or line.strip():
                return line
            self.accept()

    def accept(self) -> None:
        """The lines taken were a record."""
        self.number += self._taken
        self._begin, self._taken = self._at, 0

    def wait(self) -> None:
        """The lines taken are not the whole record: they will be read again."""
        self._at, self._taken = self._begin, 0

    def skip(self) -> None:
        """The lines taken are no record: go on after the first of them, whatever length it has."""
        self._at, self._taken = self._begin, 0
        self._skip_rest()

    def _skip_rest(self) -> None:
        end = self._buffer.find(b"\n", self._begin) + 1
        self._skipping = not end and not self._last
        self._begin = self._at = end or len(self._buffer)
        self.number += not self._skipping

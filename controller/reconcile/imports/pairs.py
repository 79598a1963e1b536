"""Lines of a manifest that contradict or repeat each other, found among millions: an index on disk, in bounded memory.

An entry is a digest of the product and one of the picture, 128 bits each, and the line's number. The latest entries are
a sorted list in memory; when that is full it goes to a temporary file as a run, of which every hundredth entry stays in
memory. A filter (Bloom's) knows of nearly every new line that it is new, so that runs are hardly ever read.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain, combinations
from pathlib import Path
from typing import NamedTuple

from controller.api.importsource import Operation
from controller.core.imports.items import Finding
from controller.core.imports.rules import shown
from controller.core.manifest import rules
from controller.core.manifest.lines import Line

DIGEST = 16  # bytes of a digest
ENTRY = 2 * DIGEST + 8  # product, picture, mark: the line's number and, as the last bit, whether it is a DELETE
_Entry = tuple[bytes, int]  # both digests, and the mark
EVERY = bytes(DIGEST)  # stands for the picture where all of a product are deleted
RECENT = 1 << 16  # entries in memory: some 6 MiB
PAGE = 100  # entries between two of a run that are in memory: half a byte of each line of a manifest
PLACES = 1 << 23  # bytes of the filter
MASKS = (2 * [sum(1 << bit for bit in three) for three in combinations(range(8), 3)])[:64]  # three bits of a byte


class _Filter:
    """Which keys may have been added: never wrong about one that was, and seldom about another."""

    def __init__(self) -> None:
        self._places = bytearray(PLACES)

    def has(self, key: bytes) -> bool:
        mark = hash(key)
        mask = MASKS[mark >> 32 & 63]
        return self._places[mark % PLACES] & mask == mask

    def add(self, key: bytes) -> bool:
        """Whether it may have been there already."""
        mark = hash(key)
        mask, place = MASKS[mark >> 32 & 63], mark % PLACES
        there = self._places[place]
        self._places[place] = there | mask
        return there & mask == mask


class _Run(NamedTuple):
    """Sorted entries in the file from byte `begin` on, and the first of each page."""

    begin: int
    size: int
    firsts: list[bytes]


class Pairs:
    """The pictures that the lines so far are about. Lines that are refused leave no trace.

    After a restart it is made anew: give it the lines that were taken, and it is as it was.

    Args:
        directory: For the temporary file, 40 bytes a line; the system's own if None.
        where: A line's place by its number, for people.
    """

    def __init__(self, directory: Path | None = None, where: Callable[[int], str] = "line {}".format) -> None:
        self._file = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115 - it is open until `close`
        self._where = where
        self._filter = _Filter()
        self._runs: list[_Run] = []
        self._recent: list[bytes] = []
        self._fresh: dict[bytes, int] = {}  # of the batch at hand: marks by keys
        self._products: dict[bytes, _Entry] | None = None  # of the batch at hand, the first of each, once it is needed
        self._wide = 0

    def close(self) -> None:
        """Give up the file; the index is of no use any more."""
        self._file.close()

    def add_batch(self, lines: Sequence[tuple[int, Line]]) -> dict[int, tuple[Finding, ...]]:
        """Take down lines with their numbers, best thousands at once, and tell which are not taken, and why.

        Raises:
            OSError: the temporary file cannot be written, as the disk is full.
        """
        found: dict[int, tuple[Finding, ...]] = {}
        product_id, product = "", b""
        for number, line in lines:
            if line.product_id != product_id:
                product_id = line.product_id
                product = _digest(product_id)
            if line.pic_name is None:
                key, other = product + EVERY, self._of_product(product)
            else:
                key, every = product + _digest(line.pic_name), product + EVERY
                other = self._find(every) if self._wide and self._filter.has(every) else None
            if other is None and self._filter.add(key):
                other = self._find(key)
            if other is None:
                mark = self._fresh[key] = number << 1 | (line.operation is Operation.DELETE)
                self._wide += line.pic_name is None
                if self._products is not None:
                    self._products.setdefault(product, (key, mark))
            else:
                found[number] = (self._refuse(number, line, other),)
        self._keep()
        return found

    def _find(self, key: bytes) -> _Entry | None:
        """The entry of that key."""
        mark = self._fresh.get(key)
        return (key, mark) if mark is not None else next(self._entries(key), None)

    def _of_product(self, product: bytes) -> _Entry | None:
        """An entry of that product, one of the earliest."""
        if self._products is None:
            self._products = {}
            for key, mark in self._fresh.items():
                self._products.setdefault(key[:DIGEST], (key, mark))
        return min(self._entries(product), key=lambda entry: entry[1], default=self._products.get(product))

    def _entries(self, begin: bytes) -> Iterator[_Entry]:
        """Of all entries that begin so, the first in memory and the first of each run; not of the batch at hand."""
        at = bisect_left(self._recent, begin)
        found = [self._recent[at]] if at < len(self._recent) else []
        for entry in chain(found, (self._first_of(run, begin) for run in self._runs)):
            if entry.startswith(begin):
                yield entry[: 2 * DIGEST], int.from_bytes(entry[2 * DIGEST :], "big")

    def _first_of(self, run: _Run, begin: bytes) -> bytes:
        """The first entry of a run that is not before `begin`; nothing where there is none."""
        page = bisect_left(run.firsts, begin)
        after = run.firsts[page] if page < len(run.firsts) else b""
        if page == 0:
            return after
        size = min(PAGE, run.size - (page - 1) * PAGE)
        data = os.pread(self._file.fileno(), size * ENTRY, run.begin + (page - 1) * PAGE * ENTRY)
        at = bisect_left(range(size), begin, key=lambda index: data[index * ENTRY : (index + 1) * ENTRY])
        return data[at * ENTRY : (at + 1) * ENTRY] if at < size else after

    def _keep(self) -> None:
        """Put the batch at hand to the others."""
        self._recent += [key + mark.to_bytes(8, "big") for key, mark in self._fresh.items()]
        self._recent.sort()
        self._fresh, self._products = {}, None
        if len(self._recent) >= RECENT:
            begin = self._file.tell()
            self._file.write(b"".join(self._recent))
            self._file.flush()
            self._runs.append(_Run(begin, len(self._recent), self._recent[::PAGE]))
            self._recent = []

    def _refuse(self, number: int, line: Line, other: _Entry) -> Finding:
        key, mark = other
        if line.pic_name is None:
            rule = rules.WHOLE_TWICE if key.endswith(EVERY) else rules.WHOLE_AND_PART
        elif key.endswith(EVERY):
            rule = rules.WHOLE_AND_PART
        else:
            same = bool(mark & 1) == (line.operation is Operation.DELETE)
            rule = rules.DUPLICATE_PAIR if same else rules.ADD_AND_DELETE
        field, value = ("ProductId", line.product_id) if line.pic_name is None else ("PicName", line.pic_name)
        return rule.broken(self._where(number), field, shown(value), f"the other is {self._where(mark >> 1)}")


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST).digest()

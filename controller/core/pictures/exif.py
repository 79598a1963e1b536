"""The directory of a TIFF, which is what EXIF is as well: size and orientation, from its first directory only.

Later directories hold pages or thumbnails; their number is not bounded and nothing here follows them, so that a loop of
them is no trap. Sources: TIFF 6.0 section 2, BigTIFF (libtiff's bigtiffdesign), EXIF 2.32 section 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import Window

WIDTH, HEIGHT, ORIENTATION = 256, 257, 274
PREFIX = b"Exif\0\0"
_NUMBERS = {1: 1, 3: 2, 4: 4, 16: 8}  # types of whole numbers, BYTE, SHORT, LONG and LONG8, to their bytes
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}


@dataclass(frozen=True, slots=True)
class Directory:
    """The numbers of a first directory by tag, None for what is not one number; and whether there is another one."""

    numbers: dict[int, int | None]
    more: bool

    def turn(self, seen: Seen) -> None:
        """Take in what it says of the rotation."""
        if ORIENTATION in self.numbers and self.numbers[ORIENTATION] is None:
            raise Puzzling("its Orientation is not one number")
        seen.turn(self.numbers.get(ORIENTATION))


def read_orientation(window: Window, start: int, end: int, seen: Seen) -> None:
    """Take in what EXIF data from `start` to `end` say of the rotation; raises as `Window.at`."""
    if window.at(start, min(len(PREFIX), max(0, end - start))) == PREFIX:
        start += len(PREFIX)
    try:
        read_directory(window, start, end).turn(seen)
    except Puzzling as puzzling:
        seen.doubt = seen.doubt or f"its EXIF data cannot be read: {puzzling}"


def read_directory(window: Window, start: int, end: int) -> Directory:
    """The first directory of the TIFF that lies from `start` to `end`.

    Raises:
        Puzzling: it is none.
        controller.core.pictures.window.TooFar: it is too large.
        controller.core.pictures.window.Ended: the file ends before `end`.
    """

    def part(offset: int, count: int) -> bytes:
        if start + offset + count > end:
            raise Puzzling("it points beyond its end")
        return window.at(start + offset, count)

    order = _ORDERS.get(part(0, 2))
    if order is None:
        raise Puzzling("it begins with neither II nor MM")

    def number(offset: int, count: int) -> int:
        return int.from_bytes(part(offset, count), order)

    big = number(2, 2) == 43  # noqa: PLR2004 - BigTIFF's version number; TIFF's is 42
    wide, counted, each = (8, 8, 20) if big else (4, 2, 12)  # bytes of an offset, of the count and of an entry
    where = number(8 if big else 4, wide)
    entries = number(where, counted) * each
    first = where + counted
    block = part(first, entries)
    found: dict[int, int | None] = {}
    for at in range(0, entries, each):
        tag = int.from_bytes(block[at : at + 2], order)
        if tag in (WIDTH, HEIGHT, ORIENTATION):
            found.setdefault(tag, _value(block[at : at + each], wide, order))
    last = start + first + entries + wide > end  # EXIF may leave out where the next one lies
    return Directory(found, more=not last and number(first + entries, wide) not in (0, where))


def _value(entry: bytes, wide: int, order: Literal["little", "big"]) -> int | None:
    size = _NUMBERS.get(int.from_bytes(entry[2:4], order), 0)
    count = int.from_bytes(entry[4 : 4 + wide], order)
    if count != 1 or not 0 < size <= wide:
        return None
    return int.from_bytes(entry[4 + wide : 4 + wide + size], order)

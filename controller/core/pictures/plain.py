"""Formats whose header says everything: BMP, the Netpbm family, and TIFF.

Sources: Microsoft's BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER; Netpbm's ppm(5); TIFF 6.0.
"""

from __future__ import annotations

from controller.core.pictures.exif import HEIGHT, WIDTH, read_directory
from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import BUDGET, TooFar, Window

BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of a BMP's second header, which tell its version
_OF_OS2 = 12
_DIGITS = 10  # of a number in a Netpbm header; a picture has no larger one


def walk_bmp(window: Window, seen: Seen) -> None:
    """See `formats`. Rows from top to bottom are a negative height."""
    seen.turn(None)
    seen.animated = False
    if window.number(14, 4) == _OF_OS2:
        seen.measure(window.number(18, 2), window.number(20, 2))
        return
    sizes = window.at(18, 8)
    width, height = (int.from_bytes(sizes[at : at + 4], "little", signed=True) for at in (0, 4))
    if width < 0:
        seen.broken = f"its header says a width of {width}"
        return
    seen.measure(width, abs(height))


def walk_netpbm(window: Window, seen: Seen) -> None:
    """See `formats`. Any number of comments may stand between the numbers."""
    seen.turn(None)
    seen.animated = False
    width, at = _decimal(window, 2)
    height, _ = _decimal(window, at)
    if width is None or height is None:
        seen.broken = "its header does not say its size"
        return
    seen.measure(width, height)


def walk_tiff(window: Window, seen: Seen) -> None:
    """See `formats`. Several pages count as animated."""
    try:
        directory = read_directory(window, 0, window.size)
    except Puzzling as puzzling:
        seen.broken = f"its directory cannot be read: {puzzling}"
        return
    seen.animated = directory.more
    width, height = (directory.numbers.get(tag) for tag in (WIDTH, HEIGHT))
    if width is None or height is None:
        seen.broken = "its directory does not say its size"
        return
    seen.measure(width, height)
    directory.turn(seen)


def _decimal(window: Window, at: int) -> tuple[int | None, int]:
    """The number that comes next and the place after it; None where something else comes."""
    comment, digits = False, b""
    while at < BUDGET:
        byte = window.at(at, 1)
        at += 1
        if comment:
            comment = byte not in b"\r\n"
            if digits and not comment:
                return int(digits), at
        elif byte.isdigit() and len(digits) < _DIGITS:
            digits += byte
        elif byte == b"#":
            comment = True
        elif digits and byte.isspace():
            return int(digits), at
        elif digits or not byte.isspace():
            return None, at
    raise TooFar

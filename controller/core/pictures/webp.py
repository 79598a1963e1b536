"""WebP: the flags of its extended header say whether it moves and has EXIF, which lies behind the pixels.

Sources: RFC 9649 section 2 (container) and section 3.4 (lossless header); RFC 6386 section 9.1 (lossy header).
"""

from __future__ import annotations

from controller.core.pictures.exif import read_orientation
from controller.core.pictures.seen import Seen
from controller.core.pictures.window import Ended, Window

_MOVES, _EXIF = 0x02, 0x08
_FOURTEEN = 0x3FFF  # bits of a width; two more of a lossy one say how much larger it should be shown


def walk(window: Window, seen: Seen) -> None:
    """See `formats`."""
    kind, flags = window.at(12, 4), 0
    if kind == b"VP8X":
        flags = window.number(20, 1)
        seen.measure(window.number(24, 3) + 1, window.number(27, 3) + 1)
    elif kind == b"VP8L" and window.at(20, 1) == b"\x2f":
        bits = window.number(21, 4)
        seen.measure((bits & _FOURTEEN) + 1, (bits >> 14 & _FOURTEEN) + 1)
    elif kind == b"VP8 " and window.at(23, 3) == b"\x9d\x01\x2a":
        seen.measure(window.number(26, 2) & _FOURTEEN, window.number(28, 2) & _FOURTEEN)
    else:
        seen.broken = "it begins with none of the chunks VP8, VP8L and VP8X"
        return
    seen.animated = bool(flags & _MOVES)
    end = window.number(4, 4) + 8
    if end > window.size:
        raise Ended(end)
    if flags & _EXIF:
        _find_exif(window, seen, end)
    if not seen.doubt:
        seen.turn(None)


def _find_exif(window: Window, seen: Seen, end: int) -> None:
    at = 12
    while at + 8 <= end:
        head = window.at(at, 8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"EXIF":
            read_orientation(window, at + 8, at + 8 + length, seen)
            return
        at += 8 + length + length % 2

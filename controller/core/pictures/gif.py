"""GIF: from block to block. The pixels of a frame are in blocks of at most 255 bytes, so they can only be read through.

Whether a second frame follows a large first one is therefore unknown, unless the picture says before it that it loops.
Source: GIF89a specification, sections 18 to 27.
"""

from __future__ import annotations

from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import Window

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION = 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def walk(window: Window, seen: Seen) -> None:
    """See `formats`. A GIF has no place for a rotation."""
    window.greedy = True
    seen.turn(None)
    seen.measure(window.number(6, 2), window.number(8, 2))
    at = 13 + _table(window.at(10, 1)[0])
    frames = 0
    while frames < 2:  # noqa: PLR2004 - a second frame is what makes it move
        kind = window.at(at, 1)[0] if at < window.size or not frames else _TRAILER
        if kind == _TRAILER:
            break
        if kind == _EXTENSION:
            if window.at(at + 1, 1)[0] == _APPLICATION and window.at(at + 3, 11) in _LOOPS:
                seen.animated = True
                return
            at = _beyond_blocks(window, at + 2)
        elif kind == _FRAME:
            at = _beyond_blocks(window, at + 11 + _table(window.at(at + 9, 1)[0]))
            frames += 1
        else:
            raise Puzzling(f"there is no block at byte {at}, where the one before ends")
    if not frames:
        seen.broken = "it has no frame"
    seen.animated = frames > 1


def _table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _beyond_blocks(window: Window, at: int) -> int:
    """Where the sub-blocks end that begin here."""
    while length := window.at(at, 1)[0]:
        at += 1 + length
    return at + 1

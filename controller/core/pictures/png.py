"""PNG: from chunk to chunk by their lengths; EXIF may stand before the pixels or behind them.

The pixels lie in chunks of 8 KiB with one widespread encoder, hundreds of them, all of one length but the last. They
follow one another by the rules, so all but the last are stepped over at once. Source: PNG, third edition, sections 5.6
and 11.3.
"""

from __future__ import annotations

from controller.core.pictures.exif import read_orientation
from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import Window

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AROUND = 12  # bytes of a chunk besides its data: length, type, checksum
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PROFILES = (b"Raw profile type exif\0", b"Raw profile type APP1\0")  # how EXIF was kept before there was eXIf


def walk(window: Window, seen: Seen) -> None:
    """See `formats`."""
    header = window.at(8, 16)
    if header[:8] != b"\0\0\0\x0dIHDR":
        seen.broken = "it does not begin with the chunk IHDR"
        return
    seen.measure(int.from_bytes(header[8:12], "big"), int.from_bytes(header[12:16], "big"))
    at, pixels = 8, False
    while True:
        length, kind = _chunk(window, at)
        if kind == b"IEND":
            break
        if kind == b"IDAT" and not pixels:
            pixels = True
            seen.animated = bool(seen.animated)
            at = _last_alike(window, at, length)
            continue
        _take(window, seen, at + 8, length, kind)
        if seen.rotation and pixels:
            break
        at += _AROUND + length
    if not pixels:
        seen.broken = "it has no pixels"
    if not seen.doubt:
        seen.turn(None)


def _chunk(window: Window, at: int) -> tuple[int, bytes]:
    """Length and type. A type is four letters; anything else is none, and its length tells nothing."""
    head = window.at(at, 8)
    if not (head[4:].isalpha() and head[4:].isascii()):
        raise Puzzling(f"there is no chunk at byte {at}, where the one before ends")
    return int.from_bytes(head[:4], "big"), head[4:]


def _take(window: Window, seen: Seen, at: int, length: int, kind: bytes) -> None:
    if kind == b"eXIf":
        read_orientation(window, at, at + length, seen)
    elif kind == b"acTL":
        seen.animated = int.from_bytes(window.at(at, 4), "big") > 1
    elif kind in _TEXTS and window.at(at, min(length, len(_PROFILES[0]))) in _PROFILES:
        seen.doubt = seen.doubt or "its EXIF data lie in a text chunk, which is not unpacked"


def _last_alike(window: Window, first: int, length: int) -> int:
    """Where the last chunk of pixels of the first one's length begins, if they are alike; else the chunk after it."""
    step = _AROUND + length
    steps = (window.size - _AROUND - first) // step
    last = first + steps * step
    if steps > 1 and window.at(last, 8)[4:] == b"IDAT":
        return last
    return first + step

"""JPEG: from segment to segment by their lengths, so that thumbnails and colour profiles are stepped over.

A profile for print has half a megabyte, in nine segments, all of one length but the last: those between the first and
the last are stepped over at once. Sources: ITU-T T.81 annex B; EXIF 2.32 section 4.7 (APP1); ICC.1 annex B.4 (APP2).
"""

from __future__ import annotations

from controller.core.pictures.exif import PREFIX, read_orientation
from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import Window

_ALONE = {0x01, *range(0xD0, 0xD8)}  # TEM and RST: markers without a length
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF; the others are DHT, JPG and DAC
_END, _SCAN, _APP1, _APP2 = 0xD9, 0xDA, 0xE1, 0xE2
_PROFILE = b"ICC_PROFILE\0"  # and the part's number and how many there are, a byte each
_PART = len(_PROFILE) + 2


def walk(window: Window, seen: Seen) -> None:
    """See `formats`. Everything of use stands before the first scan."""
    seen.animated = False
    at = 2
    while not (seen.rotation and seen.width is not None):
        at, marker = _marker(window, at)
        if marker in _ALONE:
            continue
        if marker == _END:
            break
        length = int.from_bytes(window.at(at, 2), "big")
        if length < 2:  # noqa: PLR2004 - its own two bytes
            raise Puzzling(f"the segment at byte {at - 2} is shorter than its own length")
        if marker == _SCAN:
            break
        if marker in _FRAMES:
            frame = window.at(at + 2, 5)
            seen.measure(int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big"))
        elif marker == _APP1 and _is_exif(window, at, length):
            read_orientation(window, at + 2, at + length, seen)
        at = _last_part(window, at, length) if marker == _APP2 else at + length
    if seen.width is None:
        seen.broken = "it has no frame before its pixels"
    if not seen.doubt:
        seen.turn(None)


def _marker(window: Window, at: int) -> tuple[int, int]:
    """The next marker and where it ends; it may stand behind any number of fill bytes."""
    if window.at(at, 1) != b"\xff":
        raise Puzzling(f"there is no marker at byte {at}, where the segment before ends")
    while window.at(at, 1) == b"\xff":
        at += 1
    return at + 1, window.at(at, 1)[0]


def _is_exif(window: Window, at: int, length: int) -> bool:
    return length >= 2 + len(PREFIX) and window.at(at + 2, len(PREFIX)) == PREFIX


def _last_part(window: Window, at: int, length: int) -> int:
    """Where the last part of a profile begins, if they are alike; else the segment after this part."""
    stated = window.at(at + 2, _PART) if length >= 2 + _PART else b""
    if stated.startswith(_PROFILE):
        number, count = stated[-2:]
        last = at - 2 + (count - number) * (2 + length)
        if count > number + 1 and last + 4 + _PART <= window.size:
            there = window.at(last, 4 + _PART)
            if there[:2] == bytes([0xFF, _APP2]) and there[4:] == _PROFILE + bytes([count, count]):
                return last
    return at + length

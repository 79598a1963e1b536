"""Whether a JPEG is all there, without decoding it.

Inside compressed data a byte FF is always followed by 00 or a restart marker, so the first FF D9 after the start of the
scan is the end marker and nothing else; one before it may belong to an embedded thumbnail.
"""

from __future__ import annotations

START_OF_SCAN = 0xDA
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def has_end(data: bytes) -> bool:
    """Whether an end marker follows the start of the first scan."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:  # noqa: PLR2004 - every marker begins with it
            return False
        marker = data[position + 1]
        if marker == START_OF_SCAN:
            return data.find(b"\xff\xd9", position) >= 0
        if marker == 0xFF:  # noqa: PLR2004 - a fill byte
            position += 1
        elif marker in STANDALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return False

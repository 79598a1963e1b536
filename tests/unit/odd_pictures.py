"""Pictures as they come: made by Pillow where it can make them, else by hand, byte for byte."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

from PIL import Image

from controller.core.pictures.window import BUDGET

ORIENTATION = 274
SHORT, LONG, BYTE = 3, 4, 1


def reader(content: bytes, asked: list[int], size: int | None = None) -> Callable[[int, int], bytes]:
    """Read from memory; what is asked for outside of it, or at all beyond 64 KiB, is a failure.

    Args:
        content: What there is.
        asked: Takes how many bytes were asked for, each time.
        size: How many bytes there are said to be; none but those that there are where it is not given.
    """
    end = len(content) if size is None else size

    def read(offset: int, count: int) -> bytes:
        assert 0 <= offset < offset + count <= end
        asked.append(count)
        assert sum(asked) <= BUDGET
        return content[offset : offset + count]

    return read


def made(kind: str, size: tuple[int, int] = (320, 240), mode: str = "RGB", **options: Any) -> bytes:
    """A plain picture of one colour; `kind` is Pillow's name of the format."""
    content = BytesIO()
    Image.new(mode, size, 200 if mode in {"L", "P"} else None).save(content, kind, **options)
    return content.getvalue()


def noise(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    """A picture that no format makes small."""
    content = BytesIO()
    pixels = random.Random(7).randbytes(size[0] * size[1] * 3)  # noqa: S311 - to be the same each time
    Image.frombytes("RGB", size, pixels).save(content, kind, **options)
    return content.getvalue()


def frames(kind: str, count: int = 3, size: tuple[int, int] = (320, 240), **options: Any) -> bytes:
    """A picture of several frames or pages."""
    content = BytesIO()
    first, *rest = [Image.new("RGB", size, (40 * number, 90, 200)) for number in range(count)]
    first.save(content, kind, save_all=True, append_images=rest, **options)
    return content.getvalue()


def exif(value: int = 6, *, order: str = "<", kind: int = SHORT, count: int = 1, padding: int = 0) -> bytes:
    """A TIFF with an Orientation and nothing else, and so many bytes of a thumbnail behind it."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    stated = struct.pack(order + {SHORT: "Hxx", LONG: "I", BYTE: "Bxxx"}[kind], value)
    entry = struct.pack(order + "HHI", ORIENTATION, kind, count) + stated
    return mark + struct.pack(order + "IH", 8, 1) + entry + bytes(4) + b"\xab" * padding


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(picture: bytes, *segments: bytes) -> bytes:
    """A JPEG with more segments at its begin."""
    return picture[:2] + b"".join(segments) + picture[2:]


def app1(data: bytes) -> bytes:
    """EXIF in a JPEG."""
    return segment(0xE1, b"Exif\0\0" + data)


def profile(size: int) -> Sequence[bytes]:
    """A colour profile of that size, in as many segments as it takes."""
    parts = [bytes(min(65519, size - at)) for at in range(0, size, 65519)]
    return [
        segment(0xE2, b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part) for number, part in enumerate(parts, 1)
    ]


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(picture: bytes, added: bytes, *, before: bytes) -> bytes:
    """A PNG with a chunk more."""
    at = picture.rindex(before) - 4 if before == b"IEND" else picture.index(before) - 4
    return picture[:at] + added + picture[at:]


def split_png(picture: bytes, length: int) -> bytes:
    """A PNG whose pixels lie in chunks of that length, as libpng writes them."""
    at = picture.index(b"IDAT") - 4
    data = b""
    end = at
    while picture[end + 4 : end + 8] == b"IDAT":
        size = int.from_bytes(picture[end : end + 4], "big")
        data += picture[end + 8 : end + 8 + size]
        end += 12 + size
    parts = b"".join(chunk(b"IDAT", data[start : start + length]) for start in range(0, len(data), length))
    return picture[:at] + parts + picture[end:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP by hand."""
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extended(flags: int, size: tuple[int, int] = (320, 240)) -> tuple[bytes, bytes]:
    """The extended header of a WebP."""
    width, height = (edge - 1 for edge in size)
    return b"VP8X", bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def tiff(
    entries: Sequence[tuple[int, int, int, int]],
    *,
    order: str = "<",
    big: bool = False,
    at: int | None = None,
    more: int = 0,
    named: int | None = None,
) -> bytes:
    """A TIFF of these tags (tag, type, count, value), its directory at `at`; `named` is how many it says there are."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    begin = 16 if big else 8
    at = begin if at is None else at
    head += struct.pack(order + ("HHQ" if big else "I"), *((8, 0, at) if big else (at,)))
    count = len(entries) if named is None else named
    body = struct.pack(order + ("Q" if big else "H"), count)
    for tag, kind, number, value in entries:
        stated = struct.pack(order + {SHORT: "H", LONG: "I", BYTE: "B", 16: "Q", 5: "I"}[kind], value)
        body += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, number) + stated.ljust(8 if big else 4, b"\0")
    return head + bytes(at - begin) + body + struct.pack(order + ("Q" if big else "I"), more)


def sized(width: int = 320, height: int = 240, *more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """The tags of a TIFF that say its size, and others."""
    return [(256, SHORT, 1, width), (257, LONG, 1, height), *more]


def bmp(header: int, width: int = 320, height: int = 240) -> bytes:
    """A BMP without pixels, of the version that this length of its header means."""
    numbers = struct.pack("<HH" if header == 12 else "<ii", width, height)
    info = struct.pack("<I", header) + numbers + struct.pack("<HH", 1, 24)
    return b"BM" + struct.pack("<IHHI", 14 + header, 0, 0, 14 + header) + info.ljust(header, b"\0")


def gif(*blocks: bytes, size: tuple[int, int] = (320, 240), end: bytes = b";") -> bytes:
    """A GIF by hand."""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0x80, 0, 0) + bytes(6) + b"".join(blocks) + end


def frame(pixels: int = 20) -> bytes:
    """A frame of a GIF with so many bytes of pixels."""
    data = b"".join(bytes([min(255, pixels - at)]) + bytes(min(255, pixels - at)) for at in range(0, pixels, 255))
    return b"," + struct.pack("<HHHHB", 0, 0, 320, 240, 0) + b"\2" + data + b"\0"


def ftyp(brand: bytes) -> bytes:
    """The begin of an ISO media file."""
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + brand + b"mif1" + bytes(200)

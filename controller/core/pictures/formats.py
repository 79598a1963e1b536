"""Which format the first bytes are of, and how to walk through it. A name's extension counts for nothing here.

A walk takes the window on the picture and notes in `Seen` what it finds. It may raise `Ended`, `TooFar` or `Puzzling`
anywhere; what it found before stays. Formats that Image Search does not take are named, so that people see why.
"""

from __future__ import annotations

from collections.abc import Callable

from controller.core.pictures import gif, jpeg, png, webp
from controller.core.pictures.plain import BMP_HEADERS, walk_bmp, walk_netpbm, walk_tiff
from controller.core.pictures.seen import Seen
from controller.core.pictures.window import Window

Walk = Callable[[Window, Seen], None]

_BY_BEGINNING: tuple[tuple[bytes, str, Walk | None], ...] = (
    (b"\xff\xd8\xff", "JPEG", jpeg.walk),
    (png.SIGNATURE, "PNG", png.walk),
    (b"GIF87a", "GIF", gif.walk),
    (b"GIF89a", "GIF", gif.walk),
    (b"II*\0\x10\0\0\0CR\2", "CR2 camera file", None),
    (b"II*\0", "TIFF", walk_tiff),
    (b"MM\0*", "TIFF", walk_tiff),
    (b"II+\0", "TIFF", walk_tiff),
    (b"MM\0+", "TIFF", walk_tiff),
    (b"%PDF-", "PDF", None),
    (b"8BPS", "Photoshop document", None),
    (b"\0\0\1\0", "ICO", None),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", None),
    (b"\xff\x4f\xff\x51", "JPEG 2000", None),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", None),
    (b"\xff\x0a", "JPEG XL", None),
    (b"PK\3\4", "ZIP archive", None),
    (b"\x1f\x8b", "gzip archive", None),
)
_NETPBM = {b"P1": "PBM", b"P4": "PBM", b"P2": "PGM", b"P5": "PGM", b"P3": "PPM", b"P6": "PPM", b"P7": "PAM"}
_BRANDS = {  # ISO/IEC 23008-12 annex B, AV1 image file format section 6
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
}


def recognise(head: bytes) -> tuple[str | None, Walk | None]:
    """Name and walk of the format that a file of this beginning has; no walk of what Image Search does not take."""
    for beginning, name, walk in _BY_BEGINNING:
        if head.startswith(beginning):
            return name, walk
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP", webp.walk
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return "BMP", walk_bmp
    if head[:2] in _NETPBM and (head[2:3].isspace() or head[2:3] == b"#"):
        name = _NETPBM[head[:2]]
        return name, walk_netpbm if name == "PPM" else None
    return _other(head), None


def _other(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "MP4 video")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "HTML page"
    return "SVG" if text.startswith(b"<") and b"<svg" in text else None

"""Small pictures for the page. The content is anybody's, so everything about decoding it is bounded.

Only raster formats that Pillow decodes itself are tried: its reader of EPS would start Ghostscript.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

SMALL = 240  # pixels of the longer edge
LARGE = 960
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
CONTENT_TYPES = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/avif"}
)
_MOST_BYTES = 64 * 1024**2
_MOST_PIXELS = 60_000_000  # below Pillow's own alarm


def make(data: bytes, edge: int) -> bytes | None:
    """The picture upright, as WebP within a square of `edge` pixels; None if it cannot be read or is too large."""
    if len(data) > _MOST_BYTES:
        return None
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            picture.draft("RGB", (edge, edge))  # a JPEG is decoded at an eighth of its size where that suffices
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((edge, edge))
            small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    except Exception:  # noqa: BLE001 - a decoder of hostile files may raise anything
        return None
    content = BytesIO()
    small.save(content, "WEBP", quality=80)
    return content.getvalue()

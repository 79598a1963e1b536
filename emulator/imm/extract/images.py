"""Pictures: format by content, dimensions, EXIF. Only headers are read: no pixel is ever decoded.

That is what makes a picture of a gigapixel as cheap as a thumbnail, and a decompression bomb harmless.
"""

from __future__ import annotations

import json
import re
import warnings
from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, UnidentifiedImageError

from emulator.imm.extract.jpeg import has_end
from emulator.imm.extract.outcome import Extracted, broken

READABLE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff"})
MAX_TEXT = 1024  # characters of one EXIF value kept
GPS = ExifTags.IFD.GPSInfo
DETAILS = ExifTags.IFD.Exif
CAPTURED = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
OFFSET = re.compile(r"[+-]\d\d:\d\d")


def extract_image(data: bytes, content_type: str) -> Extracted:
    """ImageWidth, ImageHeight, Orientation, EXIF, ProduceTime, LatLong and Artist of a picture.

    A format that Pillow does not read (HEIC, SVG, camera raw) gives no fields and is no problem.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a large or oddly tagged picture is not our trouble: only headers are read
            return _read(data)
    except Image.DecompressionBombError as error:
        return broken("Image", error)
    except Exception as error:  # noqa: BLE001 - a parser of hostile files may raise anything; extraction never does
        return broken("Image", _plain(error, content_type)) if content_type in READABLE else Extracted()


def _read(data: bytes) -> Extracted:
    with Image.open(BytesIO(data)) as picture:
        fields: dict[str, object] = {"ImageWidth": picture.width, "ImageHeight": picture.height}
        picture_format = picture.format or ""
        # Asking a PNG for EXIF that its header lacks would decode all its pixels in search of a late chunk.
        exif = Image.Exif() if picture_format == "PNG" and "exif" not in picture.info else picture.getexif()
        main = dict(exif)
        details = exif.get_ifd(DETAILS)
        gps = exif.get_ifd(GPS)
    orientation = main.get(ExifTags.Base.Orientation)
    if isinstance(orientation, int):
        fields["Orientation"] = orientation
    _set(fields, "ProduceTime", _produced(main, details))
    _set(fields, "LatLong", _position(gps))
    _set(fields, "Artist", _text(main.get(ExifTags.Base.Artist)))
    facts = {
        "FileSize": len(data),
        "Format": picture_format.lower().replace("jpeg", "jpg"),
        "ImageHeight": fields["ImageHeight"],
        "ImageWidth": fields["ImageWidth"],
        **_named(main, ExifTags.TAGS),
        **_named(details, ExifTags.TAGS),
        **_named(gps, ExifTags.GPSTAGS),
    }
    fields["EXIF"] = json.dumps({name: {"value": str(value)} for name, value in facts.items()}, separators=(",", ":"))
    return Extracted(fields, _incomplete(data, picture_format))


def _incomplete(data: bytes, picture_format: str) -> str:
    """What is wrong behind readable headers, as far as that shows without decoding."""
    if picture_format == "JPEG" and not has_end(data):
        return broken("Image", "The picture data stops before its end marker.").problem
    if picture_format == "PNG":
        try:
            with Image.open(BytesIO(data)) as picture:
                picture.verify()  # checksums of the chunks
        except Exception as error:  # noqa: BLE001 - a damaged chunk may surface as anything
            return broken("Image", error).problem
    return ""


def _named(tags: dict[int, Any], names: dict[int, str]) -> dict[str, str]:
    found = {}
    for tag, value in tags.items():
        text = _text(value)
        if tag in names and text and tag not in {DETAILS, GPS}:
            found[names[tag]] = text
    return found


def _produced(main: dict[int, Any], details: dict[int, Any]) -> str:
    stamp = details.get(ExifTags.Base.DateTimeOriginal) or main.get(ExifTags.Base.DateTime) or ""
    matched = CAPTURED.match(str(stamp))
    if matched is None:
        return ""
    offset = str(details.get(ExifTags.Base.OffsetTimeOriginal) or "")
    zone = offset if OFFSET.fullmatch(offset) else "+08:00"
    return f"{matched[1]}-{matched[2]}-{matched[3]}T{matched[4]}{zone}"


def _position(gps: dict[int, Any]) -> str:
    """`latitude,longitude` in degrees, south and west negative; empty if the tags are incomplete or impossible."""
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return ""
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004 - the globe; also false for NaN
        return ""
    return f"{latitude:.6f},{longitude:.6f}"


def _degrees(parts: Any, reference: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    size = degrees + minutes / 60 + seconds / 3600
    return -size if str(reference).strip("\x00 ").upper() == negative else size


def _text(value: Any) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    text = str(value).partition("\x00")[0].strip()
    with suppress(UnicodeError):  # EXIF texts are ASCII by the book and UTF-8 in practice; Pillow reads Latin-1
        text = text.encode("latin-1").decode("utf-8")
    return text[:MAX_TEXT]


def _set(fields: dict[str, object], name: str, value: str) -> None:
    if value:
        fields[name] = value


def _plain(error: Exception, content_type: str) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"The content is not a picture that can be read, although its type is {content_type}."
    return f"{type(error).__name__}: {error}"

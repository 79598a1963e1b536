"""Pictures made by Pillow for tests."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import ExifTags, Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), exif: Image.Exif | None = None) -> bytes:
    """A plain picture; `kind` is Pillow's name of the format."""
    content = BytesIO()
    extra: dict[str, Any] = {} if exif is None else {"exif": exif}
    Image.new("RGB", size, (200, 30, 60)).save(content, kind, **extra)
    return content.getvalue()


def camera_exif() -> Image.Exif:
    """What a camera with GPS writes: south of the equator, west of Greenwich, turned, with a time zone."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Nikon"
    exif[ExifTags.Base.Model] = "Z 8"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Renee"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2021:06:29 14:50:15"
    details[ExifTags.Base.OffsetTimeOriginal] = "-03:00"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "S"
    gps[ExifTags.GPS.GPSLatitude] = (22.0, 54.0, 36.0)
    gps[ExifTags.GPS.GPSLongitudeRef] = "W"
    gps[ExifTags.GPS.GPSLongitude] = (43.0, 12.0, 9.0)
    return exif

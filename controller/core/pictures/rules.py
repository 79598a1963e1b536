"""The rules of a picture as values, like those of a line, and a picture held against them.

The source is the vendor's guide to batch operations, "Image requirements" and "Example". Where it leaves room:

- "The image cannot contain rotation information": an Orientation of 1 says that the picture is not rotated, and nearly
  every camera writes it, so it passes. Any other value is refused, those too that EXIF does not define.
- "Maximum size: 4 MB": it does not say what an MB is. More than 4,194,304 bytes are refused in either case; more than
  4,000,000 are a warning.
- It says nothing of animation, nor of names that do not fit the content: warnings.
- Size, format and resolution are stated for product and generic image search: warnings for other types.
- "Transmission latency must be less than 5 seconds" cannot be checked from here.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.imports.items import Finding, Severity
from controller.core.imports.rules import shown
from controller.core.manifest.rules import GENERIC, PRODUCTS, Rule
from controller.core.pictures.inspection import Inspection

MOST_BYTES = 4 * 1024 * 1024
SURE_BYTES = 4_000_000
LEAST_PIXELS, MOST_PIXELS = 100, 4096  # of width and height each
EXTENSIONS = {
    "PNG": ("png",),
    "JPEG": ("jpg", "jpeg"),
    "BMP": ("bmp",),
    "GIF": ("gif",),
    "WEBP": ("webp",),
    "TIFF": ("tiff", "tif"),
    "PPM": ("ppm",),
}
NO_PICTURES = frozenset({"PDF", "ZIP archive", "gzip archive", "HTML page", "MP4 video"})  # of formats that have a name
NOT_ROTATED = 1
FIELD = "PicName"
Broken = tuple[Rule, str]  # and the particulars

_TAKEN = "PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF and PPM"
_PIXELS = f"{LEAST_PIXELS} x {LEAST_PIXELS} to {MOST_PIXELS} x {MOST_PIXELS} pixels"
_GUIDE, _SILENT, _OSS = "Image requirements", "ours: the guide is silent", "GetObject, OSS 2013-10-15"

MISSING = Rule("picture-missing", "there is no such picture: upload it, or correct the name", "File rules: Location")
ARCHIVED = Rule("picture-archived", "it is archived and cannot be read: restore it first", _OSS)
KEY = Rule("picture-key", "OSS allows no object of that name: rename the picture", _OSS)
EMPTY = Rule("picture-empty", "it is empty: upload the picture again", _GUIDE)
BYTES = Rule("picture-size", f"Image Search takes 4 MB ({MOST_BYTES} bytes): make it smaller", _GUIDE)
BYTES_UNSURE = Rule(
    "picture-size-unsure",
    f"Image Search takes 4 MB, and whether that is {MOST_BYTES} bytes nobody has confirmed: make it smaller if refused",
    _GUIDE,
    Severity.WARNING,
)
BYTES_UNSTATED = Rule(
    "picture-size-unstated",
    "product and generic image search take 4 MB: make it smaller if this instance, of another type, refuses it",
    _GUIDE,
    Severity.WARNING,
)
NO_PICTURE = Rule(
    "picture-unknown", f"its content is no picture; Image Search takes {_TAKEN}: upload the picture again", _GUIDE
)
FORMAT = Rule(
    "picture-format", f"Image Search takes {_TAKEN} by content, whatever the name says: convert the picture", _GUIDE
)
FORMAT_UNSTATED = Rule(
    "picture-format-unstated",
    f"product and generic image search take {_TAKEN}: convert it if this instance, of another type, refuses it",
    _GUIDE,
    Severity.WARNING,
)
NOT_WHOLE = Rule("picture-broken", "it begins like a picture and is no whole one: upload it again", _GUIDE)
PIXELS = Rule("picture-pixels", f"product and generic image search take {_PIXELS}: scale it", _GUIDE)
PIXELS_UNSTATED = Rule(
    "picture-pixels-unstated",
    f"product and generic image search take {_PIXELS}: scale it if this instance, of another type, refuses it",
    _GUIDE,
    Severity.WARNING,
)
ROTATION = Rule(
    "picture-rotation",
    "a picture cannot contain rotation information: turn its pixels instead, and remove the Orientation tag",
    _GUIDE,
)
ANIMATION = Rule(
    "picture-animation",
    "it is animated or has several pages, and which of them is taken is stated nowhere: send one if that matters",
    _SILENT,
    Severity.WARNING,
)
EXTENSION = Rule(
    "picture-extension",
    "its content is of another format than its name says: rename it if it is refused",
    _SILENT,
    Severity.WARNING,
)
UNCHECKED = Rule(
    "picture-unchecked",
    "unchecked, as its first bytes do not tell: save it without metadata to have it checked",
    _SILENT,
    Severity.WARNING,
)
RULES = (
    MISSING, ARCHIVED, KEY, EMPTY, BYTES, BYTES_UNSURE, BYTES_UNSTATED, NO_PICTURE, FORMAT, FORMAT_UNSTATED, NOT_WHOLE,
    PIXELS, PIXELS_UNSTATED, ROTATION, ANIMATION, EXTENSION, UNCHECKED,
)  # fmt: skip


def broken(rule: Rule, name: str, where: str, detail: str = "") -> Finding:
    """A picture of that name breaks the rule."""
    return rule.broken(where, FIELD, shown(name), detail)


def findings(
    inspection: Inspection, size: int, name: str, service_type: int | None, where: str = ""
) -> tuple[Finding, ...]:
    """Every rule that a picture breaks, problems before warnings.

    Args:
        inspection: What its bytes say.
        size: Its bytes.
        name: Its name, whose extension should fit.
        service_type: Of the instance; None where it is not known.
        where: The place, for people.
    """
    found = sorted(_judge(inspection, size, name, service_type), key=lambda one: one[0].severity is Severity.WARNING)
    return tuple(broken(rule, name, where, detail) for rule, detail in found)


def _judge(seen: Inspection, size: int, name: str, service_type: int | None) -> Iterator[Broken]:
    if size <= 0:
        yield EMPTY, ""
        return
    stated = service_type in (PRODUCTS, GENERIC)
    if size > SURE_BYTES:
        rule = BYTES if size > MOST_BYTES else BYTES_UNSURE
        yield rule if stated else BYTES_UNSTATED, f"it has {size}"
    if seen.format is None:
        yield NO_PICTURE, ""
    elif seen.format not in EXTENSIONS:
        yield FORMAT if stated or seen.format in NO_PICTURES else FORMAT_UNSTATED, f"it is {seen.format}"
    elif seen.broken:
        yield NOT_WHOLE, f"{seen.format}: {seen.broken}"
    else:
        yield from _picture(seen, service_type)
        if name.rpartition("/")[2].rpartition(".")[2].lower() not in EXTENSIONS[seen.format]:
            yield EXTENSION, f"it is {seen.format}"


def _picture(seen: Inspection, service_type: int | None) -> Iterator[Broken]:
    edges = seen.width, seen.height
    if any(edge is not None and not LEAST_PIXELS <= edge <= MOST_PIXELS for edge in edges):
        stated = service_type in (PRODUCTS, GENERIC)
        yield PIXELS if stated else PIXELS_UNSTATED, f"it has {seen.width} x {seen.height}"
    if seen.orientation not in (None, NOT_ROTATED):
        yield ROTATION, f"its Orientation is {seen.orientation}"
    if seen.animated:
        yield ANIMATION, ""
    for what in seen.unchecked:
        yield UNCHECKED, what

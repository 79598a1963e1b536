"""From a picture's bytes to what is kept of it, or why it cannot be taken.

The limits are those of AddImage's page: 4 MB, seven formats by content, 100 to 4,096 pixels each way (fabric and
trademark instances have their own), no rotation information. Reading the same bytes again costs a digest: batches name
the same picture many times.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import ExifTags, Image, UnidentifiedImageError

from emulator.imagesearch.features import features_of
from emulator.imagesearch.refusals import Unfit
from emulator.imagesearch.subject import Box, read_region, subject_of

MAX_SIZE = 4 * 1024 * 1024
FABRIC = 2
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_SIDES = {FABRIC: (448, 4096), 3: (200, 4095), 7: (200, 4095)}  # by service type; 3 and 7 are trademarks
_USUAL_SIDES = (100, 4096)
_SMALL = 256  # pixels each way at most of what is looked at
_DECODED = 2 * _SMALL
_KEPT = 4096  # looks remembered: about 2 MB
_looks: OrderedDict[tuple[object, ...], Look | Unfit] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of a picture; `region` is the subject."""

    width: int
    height: int
    size: int
    region: Box
    features: bytes


def look_at(
    content: bytes, service_type: int, *, crop: bool, region: str, rotated_fits: bool, digest: str = ""
) -> Look | Unfit:
    """What a picture looks like, of the `region` if one is given, else of its subject if `crop`, else as a whole.

    `digest` names the bytes, where the caller has such a name; without one they are digested.
    """
    if service_type == FABRIC:
        crop, region = False, ""
    if len(content) > MAX_SIZE:
        return Unfit("BadRequest", f"The picture has {len(content):,} bytes; at most {MAX_SIZE:,} are taken.")
    key = (digest or sha256(content).digest(), service_type, crop, region, rotated_fits)
    if key not in _looks:
        _looks[key] = _look_at(content, service_type, crop=crop, region=region, rotated_fits=rotated_fits)
        if len(_looks) > _KEPT:
            _looks.popitem(last=False)
    return _looks[key]


def _look_at(content: bytes, service_type: int, *, crop: bool, region: str, rotated_fits: bool) -> Look | Unfit:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an oddly tagged picture may be taken; a large one is refused below
            return _decoded(content, service_type, crop=crop, region=region, rotated_fits=rotated_fits)
    except UnidentifiedImageError:
        return Unfit("BadRequest", "The picture is none of PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF and PPM.")
    except Exception as error:  # noqa: BLE001 - a parser of hostile files may raise anything
        return Unfit("BadRequest", f"The picture cannot be decoded: {error}.")


def _decoded(content: bytes, service_type: int, *, crop: bool, region: str, rotated_fits: bool) -> Look | Unfit:
    with Image.open(BytesIO(content), formats=_FORMATS) as picture:
        problem = _problem(picture, service_type, rotated_fits=rotated_fits)
        if problem:
            return Unfit("BadRequest", problem)
        width, height = picture.size
        asked = read_region(region, width, height) if region else None
        if isinstance(asked, str):
            return Unfit("BadRequest", asked)
        small = _small(picture, asked)
    if asked is not None:
        return Look(width, height, len(content), asked, features_of(small))
    whole = Box(0, width, 0, height)
    box = subject_of(small, width, height) if crop else whole
    features = features_of(small) if box == whole else features_of(_part(small, box, width, height), small)
    return Look(width, height, len(content), box, features)


def _problem(picture: Image.Image, service_type: int, *, rotated_fits: bool) -> str:
    low, high = _SIDES.get(service_type, _USUAL_SIDES)
    if not all(low <= side <= high for side in picture.size):
        width, height = picture.size
        return f"The picture has {width} x {height} pixels; each side must have {low} to {high:,}."
    if not rotated_fits and picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        return "The picture has rotation information (EXIF Orientation)."
    return ""


def _small(picture: Image.Image, asked: Box | None) -> Image.Image:
    """The part asked for, small, in RGB, on white where it is transparent."""
    if asked is None:
        picture.draft("RGB", (_DECODED, _DECODED))  # a JPEG is decoded at an eighth of its size where that is enough
    part = picture if asked is None else picture.crop((asked.x1, asked.y1, asked.x2, asked.y2))
    if part.has_transparency_data:
        rgba = part.convert("RGBA")
        part = Image.new("RGB", rgba.size, "white")
        part.paste(rgba, mask=rgba.getchannel("A"))
    elif part.mode.startswith("I;16") or part.mode in {"I", "F"}:
        part = part.point(lambda value: value / 256).convert("L") if part.mode != "F" else part.convert("L")
    small = part.convert("RGB")
    small.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX)
    return small


def _part(small: Image.Image, box: Box, width: int, height: int) -> Image.Image:
    """The box, whose pixels are those of the whole picture, of the small one."""
    x, y = small.width / width, small.height / height
    left, top = min(int(box.x1 * x), small.width - 1), min(int(box.y1 * y), small.height - 1)
    return small.crop((left, top, max(left + 1, round(box.x2 * x)), max(top + 1, round(box.y2 * y))))

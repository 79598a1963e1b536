"""Pictures: what Pillow can say from headers, and broken ones that name their trouble."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from PIL import Image

from emulator.imm.extract.files import extract
from emulator.imm.extract.outcome import Extracted
from tests.emulator.pictures import camera_exif, picture


def read(data: bytes, name: str = "photo.jpg", declared: str = "") -> Extracted:
    """What extraction finds."""
    return extract(name, declared, data)[1]


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
    ],
)
def test_the_format_comes_from_the_content(kind: str, content_type: str) -> None:
    """Whatever the name and the label say."""
    found, extracted = extract("wrong.txt", "application/pdf", picture(kind, (31, 17)))
    assert (found.content_type, found.media_type) == (content_type, "image")
    assert (extracted.fields["ImageWidth"], extracted.fields["ImageHeight"], extracted.problem) == (31, 17, "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_is_read_from_every_format_that_carries_it(kind: str) -> None:
    """Time with its zone, place with its hemispheres, orientation, artist."""
    fields = read(picture(kind, exif=camera_exif())).fields
    told = {name: fields[name] for name in ("ProduceTime", "LatLong", "Orientation", "Artist")}
    assert told == {
        "ProduceTime": "2021-06-29T14:50:15-03:00",
        "LatLong": "-22.910000,-43.202500",
        "Orientation": 6,
        "Artist": "Renee",
    }


def test_exif_is_kept_whole_in_the_vendors_form() -> None:
    """A JSON string of name → {value}, with camera make and model."""
    exif = json.loads(str(read(picture(exif=camera_exif())).fields["EXIF"]))
    assert (exif["Make"], exif["Model"], exif["Format"]) == ({"value": "Nikon"}, {"value": "Z 8"}, {"value": "jpg"})
    assert (exif["ImageWidth"], exif["GPSLatitudeRef"]) == ({"value": "64"}, {"value": "S"})


def test_a_time_without_zone_is_read_as_chinas() -> None:
    """EXIF seldom knows its zone; the vendor's examples show +08:00."""
    exif = Image.Exif()
    exif[0x0132] = "2021:06:29 14:50:15"
    assert read(picture(exif=exif)).fields["ProduceTime"] == "2021-06-29T14:50:15+08:00"


@pytest.mark.parametrize("position", [((91.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ((1.0, 2.0), (1.0, 2.0, 3.0))])
def test_an_impossible_place_is_no_place(position: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    """Nothing is invented from half a GPS block."""
    exif = camera_exif()
    gps = exif.get_ifd(0x8825)
    gps[2], gps[4] = position
    fields = read(picture(exif=exif)).fields
    assert "LatLong" not in fields
    assert fields["Orientation"] == 6


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    """Not a pixel is decoded; the reason is Pillow's."""
    extracted = read(_png_of(60_000, 60_000), "bomb.png")
    assert extracted.problem.startswith("[InvalidImage] Image size (3600000000 pixels) exceeds limit")


def test_a_large_picture_is_read_without_its_pixels() -> None:
    """Between Pillow's warning and its refusal lie real panoramas."""
    extracted = read(_png_of(12_000, 10_000), "panorama.png")
    assert (extracted.fields["ImageWidth"], extracted.problem) == (12_000, "")


def test_broken_pictures_name_their_trouble() -> None:
    """Text, nothing, a torn header, a torn body, a flipped bit."""
    whole = picture(size=(400, 300))
    flipped = bytearray(picture("PNG"))
    flipped[45] ^= 0xFF
    problems = [
        read(b"not a picture").problem,
        read(b"").problem,
        read(whole[:30]).problem,
        read(whole[:-50]).problem,
        read(bytes(flipped), "flipped.png").problem,
    ]
    assert [problem.split("]")[0] for problem in problems] == ["[InvalidImage"] * 5
    assert problems[3] == "[InvalidImage] The picture data stops before its end marker."
    assert read(whole[:-50]).fields["ImageWidth"] == 400


def test_a_thumbnails_end_is_not_the_pictures_end() -> None:
    """An end marker inside the EXIF block does not make a torn JPEG whole."""
    whole = picture(size=(400, 300))
    thumbnail = picture(size=(8, 8))
    segment = b"\xff\xe5" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    torn = whole[:2] + segment + whole[2:-50]
    assert read(whole[:2] + segment + whole[2:]).problem == ""
    assert read(torn).problem == "[InvalidImage] The picture data stops before its end marker."


@pytest.mark.parametrize("name", ["drawing.svg", "raw.heic", "camera.nef"])
def test_formats_that_cannot_be_read_are_no_trouble(name: str) -> None:
    """They are indexed by their object's facts."""
    kind, extracted = extract(name, "image/svg+xml" if name.endswith("svg") else "image/x-raw", b"<svg/>")
    assert (kind.media_type, extracted) == ("image", Extracted())


@pytest.mark.parametrize("cut", range(0, 1200, 37))
def test_no_cut_of_a_picture_raises(cut: int) -> None:
    """Extraction never raises."""
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF"):
        read(picture(kind, exif=camera_exif() if kind != "GIF" else None)[:cut])

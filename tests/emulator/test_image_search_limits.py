"""What Image Search does not take: each documented limit at its edge, with the code and the words of the refusal."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import ExifTags, Image

from emulator.imagesearch.pictures import NO_INTS, NO_TEXTS, problem_of
from emulator.imagesearch.reading import MAX_SIZE, Look, look_at
from tests.emulator.image_room import encoded, scene

if TYPE_CHECKING:
    from tests.emulator.image_room import Images

pytest_plugins = ["tests.emulator.image_fixtures"]

PLACE = {"product_id": "p", "pic_name": "a.png"}
FABRIC, TRADEMARK = 2, 3


def plain(width: int, height: int, kind: str = "PNG") -> bytes:
    """A picture of that size, small in bytes."""
    return encoded(Image.new("RGB", (width, height), "teal"), kind)


def turned() -> bytes:
    """A picture with rotation information."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = BytesIO()
    scene(1).save(content, "JPEG", exif=exif)
    return content.getvalue()


def promising(side: int) -> bytes:
    """A few bytes that say they are a huge picture."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + b"\x00\x00\x00\x04IDAT"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (plain(99, 100), "99 x 100 pixels; each side must have 100 to 4,096"),
        (plain(100, 99), "100 x 99 pixels"),
        (plain(4097, 100), "4097 x 100 pixels"),
        (plain(100, 4097), "100 x 4097 pixels"),
        (turned(), "rotation information (EXIF Orientation)"),
        (b"not a picture at all", "none of PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF and PPM"),
        (plain(120, 120, "ICO"), "none of PNG"),
        (plain(120, 120)[:60], "cannot be decoded"),
        (plain(120, 120) + bytes(MAX_SIZE), "at most 4,194,304 are taken"),
        (promising(30_000), "cannot be decoded"),
        (promising(10_000), "10000 x 10000 pixels"),
    ],
    ids=["narrow", "low", "wide", "high", "turned", "text", "icon", "cut", "big", "bomb", "small bomb"],
)
def test_a_picture_that_does_not_fit_is_refused(images: Images, content: bytes, said: str) -> None:
    """To be added, and to be searched with; nothing is kept."""
    for operation, more in (("add_image", PLACE), ("search_image_by_pic", {})):
        status, code, message = images.refused(operation, pic_content=content, **more)
        assert (400, "BadRequest") == (status, code)
        assert said in message
    assert 0 == images.call("detail")["Instance"]["TotalCount"]


@pytest.mark.parametrize(("width", "height"), [(100, 100), (4096, 100), (100, 4096)])
def test_a_picture_at_the_edge_is_taken(images: Images, width: int, height: int) -> None:
    """Sizes include their ends; so do bytes, which may follow the picture."""
    filled = plain(width, height)
    filled += bytes(MAX_SIZE - len(filled))
    assert images.add("p", "a.png", filled)["Success"]


@pytest.mark.parametrize(
    ("service_type", "side", "fits"),
    [
        (FABRIC, 447, False),
        (FABRIC, 448, True),
        (TRADEMARK, 199, False),
        (TRADEMARK, 200, True),
        (TRADEMARK, 4096, False),
    ],
)
def test_other_kinds_of_instances_have_other_sizes(service_type: int, side: int, fits: bool) -> None:  # noqa: FBT001 - a column
    """Fabric from 448 pixels, trademarks from 200 to below 4,096."""
    look = look_at(plain(side, max(side, 500)), service_type, crop=True, region="", rotated_fits=False)
    assert fits == isinstance(look, Look)


def test_fabric_is_always_looked_at_as_a_whole() -> None:
    """Crop and Region are ignored, even a region that is none."""
    fabric = encoded(scene(3, (500, 500), margin=0.3))
    looks = [
        look_at(fabric, FABRIC, crop=crop, region=region, rotated_fits=False)
        for crop, region in ((True, ""), (False, ""), (True, "no region"))
    ]
    assert all(isinstance(look, Look) and str(look.region) == "0,500,0,500" for look in looks)
    assert looks[0] == looks[1] == looks[2]


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"product_id": "p" * 257}, "BadRequest", "ProductId has 257 characters; at most 256"),
        ({"product_id": ""}, "MissingProductId", "ProductId is mandatory"),
        ({"pic_name": "n" * 257}, "BadRequest", "PicName has 257 characters; at most 256"),
        ({"pic_name": ""}, "MissingPicName", "PicName is mandatory"),
        ({"custom_content": "c" * 4097}, "BadRequest", "CustomContent has 4,097 characters; at most 4,096"),
        ({"str_attr": "s" * 129}, "BadRequest", "StrAttr has 129 characters; at most 128"),
        ({"str_attr_4": "s" * 129}, "BadRequest", "StrAttr4 has 129 characters"),
        ({"str_attr_2": "a\\b"}, "BadRequest", "StrAttr2 has the character \\"),
        ({"str_attr": "5 ¥"}, "BadRequest", "StrAttr has the character ¥"),
        ({"str_attr": "$"}, "BadRequest", "StrAttr has the character $"),
        ({"str_attr_3": "a&b"}, "BadRequest", "StrAttr3 has the character &"),
        ({"str_attr": "5%"}, "BadRequest", "StrAttr has the character %"),
        ({"int_attr": "1.5"}, "BadRequest", "IntAttr is '1.5', which is no whole number"),
        ({"int_attr_2": 2**31}, "BadRequest", "IntAttr2 is 2147483648; a whole number of 32 bits"),
        ({"category_id": 10}, "InvalidCategory", "CategoryId 10 is none of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22"),
        ({"category_id": "shoes"}, "BadRequest", "CategoryId is 'shoes'"),
        ({"crop": "maybe"}, "BadRequest", "Crop is 'maybe', which is neither true nor false"),
        ({"region": "0,0,10,10"}, "BadRequest", "is no part of a picture of 320 x 240 pixels"),
        ({"region": "0,321,0,240"}, "BadRequest", "Region 0,321,0,240 (x1,x2,y1,y2) is no part"),
        ({"region": "0,320,100,241"}, "BadRequest", "is no part"),
        ({"region": "9,9,0,240"}, "BadRequest", "is no part"),
        ({"region": "1,2,3"}, "BadRequest", "Region '1,2,3' is not x1,x2,y1,y2 in whole pixels"),
        ({"region": "-1,2,3,4"}, "BadRequest", "is not x1,x2,y1,y2"),
        ({"region": "0, 10, 0, 10"}, "BadRequest", "is not x1,x2,y1,y2"),
        ({"pic_content": "???"}, "BadRequest", "PicContent is no base64"),
        ({"pic_content": ""}, "NoSpecifiedAddPic", "The image to insert is not specified."),
        ({"pic_content": "http://bucket.oss/key"}, "NotImplemented.Emulator", "send it in base64"),
        ({"pic_content": "A" * (8 * 1024 * 1024 + 4)}, "BadRequest", "a request has at most 8,388,608"),
    ],
)
def test_what_is_said_of_a_picture_has_limits(images: Images, fields: dict[str, Any], code: str, said: str) -> None:
    """Each with its name in the message; nothing is kept."""
    content = base64.b64encode(encoded(scene(1))).decode()
    status, refused, message = images.refused("add_image", **{**PLACE, "pic_content": content, **fields})
    assert (400, code) == (status, refused)
    assert said in message
    assert 0 == images.call("detail")["Instance"]["TotalCount"]


def test_the_edges_of_texts_are_taken(images: Images) -> None:
    """256, 4,096 and 128 characters, counted as characters and not as bytes."""
    said = {"custom_content": "容" * 4096, "str_attr": "属" * 128, "int_attr": -(2**31), "region": "0,320,0,240"}
    assert images.add("品" * 256, "名" * 256, scene(1), **said)["Success"]
    assert not problem_of("p", "n", "", NO_INTS, NO_TEXTS)


def test_a_full_instance_takes_no_other_picture(images: Images) -> None:
    """Replacing one is no other one, and deleting makes room."""
    images.cloud.image_search_instance("small", capacity=1)
    images.name = "small"
    images.add("p", "a.png", scene(1))
    images.add("p", "a.png", scene(2))
    refused = images.refused("add_image", product_id="p", pic_name="b.png", pic_content=encoded(scene(3)))
    assert (400, "BadRequest") == refused[:2]
    assert "full: it holds 1 pictures" in refused[2]
    images.call("delete_image", product_id="p")
    images.add("p", "b.png", scene(3))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"num": 101}, "OverflowMaxReturnNum"),
        ({"num": 0}, "InvalidNumParameter"),
        ({"num": -1}, "InvalidNumParameter"),
        ({"start": 500}, "InvalidStartParameter"),
        ({"start": -1}, "InvalidStartParameter"),
        ({"start": 495, "num": 6}, "OverflowMaxResultNum"),
        ({"score_threshold": "1.01"}, "BadRequest"),
        ({"score_threshold": "0.123"}, "BadRequest"),
        ({"score_threshold": "high"}, "BadRequest"),
        ({"filter": "int_attr ="}, "BadRequest"),
        ({"filter": "int_attr=1 OR " * 300 + "int_attr=1"}, "BadRequest"),
        ({"text": "t" * 513}, "BadRequest"),
        ({"text": ""}, "MissingText"),
    ],
)
def test_what_a_search_asks_for_has_limits(images: Images, fields: dict[str, Any], code: str) -> None:
    """Num 1 to 100, Start 0 to 499, both together 500, a threshold of two decimals, Filter of 4,096 characters."""
    assert (400, code) == images.refused("search_image_by_text", **{"text": "shoe", **fields})[:2]
    if "text" not in fields:
        content = encoded(scene(1))
        assert (400, code) == images.refused("search_image_by_pic", pic_content=content, **fields)[:2]
        assert (400, code) == images.refused("search_image_by_name", **PLACE, **fields)[:2]
    if "text" not in fields and "score_threshold" not in fields:
        assert (400, code) == images.refused("search_image_by_filter", **{"filter": "int_attr=1", **fields})[:2]


@pytest.mark.parametrize(
    ("operation", "fields", "code"),
    [
        ("search_image_by_pic", {}, "NoSpecifiedSearchPic"),
        ("search_image_by_pic", {"pic_content": encoded(scene(1)), "category_id": 23}, "InvalidCategory"),
        ("search_image_by_pic", {"pic_content": encoded(scene(1)), "region": "5,5,5,5"}, "BadRequest"),
        ("search_image_by_name", {**PLACE, "category_id": 23}, "InvalidCategory"),
        ("search_image_by_name", {"product_id": "p"}, "MissingPicName"),
        ("search_image_by_name", {"pic_name": "a"}, "MissingProductId"),
        ("search_image_by_name", PLACE, "NoSpecifiedSearchPic"),
        ("search_image_by_filter", {}, "MissingFilter"),
        ("search_image_by_filter", {"filter": "  "}, "MissingFilter"),
        ("check_image_exists", {"product_id": "p"}, "MissingPicName"),
        ("update_image", {"product_id": "p"}, "MissingPicName"),
        ("update_image", PLACE, "BadRequest"),
        ("update_image", {**PLACE, "str_attr_4": "%"}, "BadRequest"),
        ("delete_image", {}, "MissingProductId"),
    ],
)
def test_what_is_needed_is_asked_for(images: Images, operation: str, fields: dict[str, Any], code: str) -> None:
    """By the code of the error table, or the gateway's for a parameter that is mandatory."""
    assert (400, code) == images.refused(operation, **fields)[:2]

"""The rules of an `increment.meta`, each broken by itself, and what then becomes of the line or of the operation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.emulator.image_batch_room import ISOLATED, LINE, PICTURE, BatchRoom, line
from tests.emulator.pictures import camera_exif, picture

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

pytest_plugins = ["tests.emulator.image_batch_fixtures"]

DELETE = {"OperationType": "DELETE", "CustomContent": None}
# A line, and what its isolation's code and message begin with.
ISOLATED_LINES: list[tuple[dict[str, object], str, str]] = [
    ({"OperationType": None}, "InvalidOperationType", "OperationType must be ADD or DELETE"),
    ({"OperationType": "UPDATE"}, "InvalidOperationType", "OperationType must be ADD or DELETE"),
    ({"OperationType": "add"}, "InvalidOperationType", "OperationType must be ADD or DELETE"),
    ({"OperationType": 1}, "InvalidOperationType", "OperationType must be ADD or DELETE"),
    ({"OperationType": ["ADD"]}, "InvalidOperationType", "OperationType must be ADD or DELETE"),
    ({"ProductId": None}, "InvalidProductId", "ProductId is missing"),
    ({"ProductId": ""}, "InvalidProductId", "ProductId is empty"),
    ({"ProductId": "  "}, "InvalidProductId", "ProductId is empty"),
    ({"ProductId": 1000}, "InvalidProductId", "ProductId must be a string"),
    ({"ProductId": "x" * 257}, "InvalidProductId", "ProductId has 257 characters; 256"),
    ({"ProductId": "\ud800"}, "InvalidProductId", "ProductId holds half a character"),
    ({"PicName": None}, "InvalidPicName", "PicName is missing"),
    ({"PicName": ""}, "InvalidPicName", "PicName is empty"),
    ({"PicName": ["a.jpg"]}, "InvalidPicName", "PicName must be a string"),
    ({"PicName": "girl_cloth10"}, "InvalidPicName", "PicName must include the file extension"),
    ({"PicName": "a.jpg/b"}, "InvalidPicName", "PicName must include the file extension"),
    ({"PicName": "folder/.jpg"}, "InvalidPicName", "PicName must include the file extension"),
    ({"PicName": "a."}, "InvalidPicName", "PicName must include the file extension"),
    ({"PicName": "/a.jpg"}, "InvalidPicName", "PicName must be relative"),
    ({"PicName": f"{'x' * 253}.jpg"}, "InvalidPicName", "PicName has 257 characters; 256"),
    ({"PicName": "gone.jpg"}, "BadRequest", "The request has invalid parameters. The picture gone.jpg does not exist"),
    ({"PicName": "A.JPG"}, "BadRequest", "The request has invalid parameters. The picture A.JPG does not exist"),
    ({"PicName": "./a.jpg"}, "BadRequest", "The request has invalid parameters. The picture ./a.jpg does not exist"),
    ({"CustomContent": None}, "InvalidCustomContent", "CustomContent is missing"),
    ({"CustomContent": {"k1": "v1"}}, "InvalidCustomContent", "CustomContent must be a string"),
    ({"CustomContent": "x" * 4097}, "InvalidCustomContent", "CustomContent has 4097 characters; 4096"),
    ({"CategoryId": "0"}, "InvalidCategoryId", "CategoryId must be an integer"),
    ({"CategoryId": 1.0}, "InvalidCategoryId", "CategoryId must be an integer"),
    ({"CategoryId": True}, "InvalidCategoryId", "CategoryId must be an integer"),
    ({"CategoryId": 10}, "InvalidCategory", "The specified category is invalid"),
    ({"CategoryId": -1}, "InvalidCategory", "The specified category is invalid"),
    ({"IntAttr": "7"}, "InvalidIntAttr", "IntAttr must be an integer"),
    ({"IntAttr": 7.5}, "InvalidIntAttr", "IntAttr must be an integer"),
    ({"IntAttr": 2**31}, "BadRequest", "The request has invalid parameters. IntAttr is 2147483648"),
    ({"StrAttr": 7}, "InvalidStrAttr", "StrAttr must be a string"),
    ({"StrAttr": "x" * 129}, "InvalidStrAttr", "StrAttr has 129 characters; 128"),
    ({"StrAttr": "a\\b"}, "InvalidStrAttr", "StrAttr holds \\"),
    ({"StrAttr": "¥5"}, "InvalidStrAttr", "StrAttr holds ¥"),
    ({"StrAttr": "$5"}, "InvalidStrAttr", "StrAttr holds $"),
    ({"StrAttr": "a&b"}, "InvalidStrAttr", "StrAttr holds &"),
    ({"StrAttr": "5%"}, "InvalidStrAttr", "StrAttr holds %"),
    ({"Crop": "false"}, "InvalidCrop", "Crop must be true or false"),
    ({"Crop": 0}, "InvalidCrop", "Crop must be true or false"),
    ({"Region": [20, 40, 60, 80]}, "InvalidRegion", "Region must be a string"),
    ({"Region": "20,40,60"}, "InvalidRegion", "Region must be x1,x2,y1,y2"),
    ({"Region": "20, 40, 60, 80"}, "InvalidRegion", "Region must be x1,x2,y1,y2"),
    ({"Region": "-1,40,60,80"}, "InvalidRegion", "Region must be x1,x2,y1,y2"),
    ({"Region": "0.5,40,60,80"}, "InvalidRegion", "Region must be x1,x2,y1,y2"),
    ({"Region": "٢٠,40,60,80"}, "InvalidRegion", "Region must be x1,x2,y1,y2"),
    ({"Region": "40,20,60,80"}, "InvalidRegion", "Region 40,20,60,80 is no area"),
    ({"Region": "20,40,60,60"}, "InvalidRegion", "Region 20,40,60,60 is no area"),
    ({"Region": "20,121,60,80"}, "BadRequest", "The request has invalid parameters. Region 20,121,60,80"),
    ({"Region": "20,40,60,111"}, "BadRequest", "The request has invalid parameters. Region 20,40,60,111"),
    ({"Colour": "red"}, "InvalidField", "The field 'Colour' is unknown"),
    ({"productId": "1"}, "InvalidField", "The field 'productId' is unknown"),
    ({**DELETE, "ProductId": None}, "InvalidProductId", "ProductId is missing"),
    ({**DELETE, "PicName": "/a.jpg"}, "InvalidPicName", "PicName must be relative"),
    ({**DELETE, "PicName": "a"}, "InvalidPicName", "PicName must include the file extension"),
]
GOOD_LINES: list[dict[str, object]] = [
    {"ProductId": "x" * 256},
    {"ProductId": "中" * 256},
    {"ProductId": "a/b?c#d%e f"},
    {"CustomContent": ""},
    {"CustomContent": "x" * 4096},
    {"CustomContent": 'a,"b"\n\t'},
    {"CategoryId": 88888888},
    {"IntAttr": -(2**31)},
    {"StrAttr": "x" * 128},
    {"StrAttr": "价格 5 (é)"},
    {"Region": "0,120,0,110"},
    {"Region": "20,40,60,80", "Crop": False},
    {"Crop": True},
]
# The whole file, and what the message of the failed operation says.
FAILING: list[tuple[bytes, str, str]] = [
    (b"%L%%L%", "InvalidMetaItem", "Line 1 of increment.meta: it holds more than one entry."),
    (b"%L% %L%\n", "InvalidMetaItem", "Line 1 of increment.meta: it holds more than one entry."),
    (b"%L%,%L%\n", "InvalidMetaItem", "Line 1 of increment.meta: it holds more than one entry."),
    (b"%L%\r%L%\n", "InvalidMetaItem", "Line 1 of increment.meta: it holds more than one entry."),
    (b"%L%\n[%L%,%L%]\n", "InvalidMetaItem", "Line 2 of increment.meta: it is not a JSON object."),
    (b"%L%\n%L%\nnonsense\n", "InvalidMetaItem", "Line 3 of increment.meta: it is not JSON"),
    (b'{"OperationType": "ADD",\n"ProductId": "1"}\n', "InvalidMetaItem", "Line 1 of increment.meta: it is not JSON"),
    (b"{'OperationType': 'ADD'}\n", "InvalidMetaItem", "Line 1 of increment.meta: it is not JSON"),
    (b'{"IntAttr": NaN}\n', "InvalidMetaItem", "Line 1 of increment.meta: it is not JSON (NaN is no JSON value)"),
    (b'"ADD"\n', "InvalidMetaItem", "Line 1 of increment.meta: it is not a JSON object."),
    (b"17\n", "InvalidMetaItem", "Line 1 of increment.meta: it is not a JSON object."),
    (b"null\n", "InvalidMetaItem", "Line 1 of increment.meta: it is not a JSON object."),
    (b"\xef\xbb\xbf%L%\n", "InvalidMetaItem", "Line 1 of increment.meta: it is not JSON"),
    (b'%L%\n{"ProductId": "\xff"}\n', "InvalidMetaItem", "Line 2 of increment.meta: it is not UTF-8."),
    (b"%L%\n" + b"[" * 200_000 + b"\n", "InvalidMetaItem", "Line 2 of increment.meta: it is nested too deeply."),
    (b"", "EmptyMeta", "increment.meta holds no entry."),
    (b"\n \r\n\n", "EmptyMeta", "increment.meta holds no entry."),
]


def test_bad_lines_are_isolated_each_with_its_reason(shop: BatchRoom) -> None:
    """All in one manifest with good ones between, which are worked off."""
    lines: list[str] = []
    for number, (changed, _, _) in enumerate(ISOLATED_LINES):
        lines += [line(**changed), line(ProductId=f"good {number}")]
    task = shop.run(*lines)
    assert ("SUCCESS", "0", ISOLATED) == (task.status, task.code, task.msg)
    rows = shop.faults(task)
    assert list(range(1, len(lines), 2)) == [row["Line"] for row in rows]
    for row, (changed, code, message) in zip(rows, ISOLATED_LINES, strict=True):
        assert (changed, code) == (changed, row["Code"])
        assert row["Message"].startswith(message), (changed, row)
        assert {"Line", "OperationType", "ProductId", "PicName", "Code", "Message"} == row.keys()
    assert {f"good {number}" for number in range(len(ISOLATED_LINES))} == {product for product, _ in shop.pictures()}


def test_good_lines_are_taken(shop: BatchRoom) -> None:
    """At the very limits."""
    task = shop.run(*(line(**{"ProductId": str(number), **one}) for number, one in enumerate(GOOD_LINES)))
    assert ("SUCCESS", "success", "") == (task.status, task.msg, task.error_url)
    assert len(GOOD_LINES) == len(shop.pictures())


def test_line_ends_of_windows_blank_lines_and_a_missing_last_end_are_no_harm(shop: BatchRoom) -> None:
    """Lines are counted with the blank ones."""
    one = line().encode()
    shop.put("increment.meta", content=b"%b\r\n\r\n\n%b\n%b" % (one, line(PicName="gone.jpg").encode(), one))
    task_id = shop.increase()
    shop.cloud.advance(60)
    assert [4] == [row["Line"] for row in shop.faults(shop.task(task_id))]


@pytest.mark.parametrize(("content", "code", "message"), FAILING)
def test_what_is_not_one_object_per_line_fails_the_operation(
    shop: BatchRoom, content: bytes, code: str, message: str
) -> None:
    """And nothing is done, whatever stands before it."""
    shop.put("increment.meta", content=content.replace(b"%L%", json.dumps(LINE).encode()))
    task_id = shop.increase()
    shop.cloud.advance(60)
    task = shop.task(task_id)
    assert ("FAIL", code, "", {}) == (task.status, task.code, task.error_url, shop.pictures())
    assert task.msg.startswith(message)


def rotated() -> bytes:
    """A picture that a camera turned."""
    return picture(size=(120, 110), exif=camera_exif())


PICTURES: list[tuple[str, bytes, str]] = [
    ("empty.jpg", b"", "none of PNG"),
    ("text.jpg", b"not a picture", "none of PNG"),
    ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='200' height='200'/>", "none of PNG"),
    ("icon.ico", picture("ICO", (120, 110)), "none of PNG"),
    ("cut.png", picture("PNG", (120, 110))[:60], "The picture cannot be decoded"),
    ("cut.jpg", PICTURE[:300], "The picture cannot be decoded"),
    ("low.jpg", picture(size=(120, 99)), "120 x 99 pixels; each side must have 100 to 4,096"),
    ("narrow.png", picture("PNG", (99, 4096)), "99 x 4096 pixels"),
    ("wide.png", picture("PNG", (4097, 100)), "4097 x 100 pixels"),
    ("heavy.bmp", picture("BMP", (1400, 1000)), "The picture has 4,200,054 bytes; at most 4,194,304"),
    ("turned.jpg", rotated(), "rotation information"),
]


def test_odd_pictures_are_isolated(shop: BatchRoom) -> None:
    """By what they are, not by what they are called."""
    for name, content, _ in PICTURES:
        shop.put(name, content=content)
    task = shop.run(*(line(ProductId=name, PicName=name) for name, _, _ in PICTURES))
    rows = {row["PicName"]: row["Message"] for row in shop.faults(task)}
    assert [name for name, _, _ in PICTURES] == list(rows)
    for name, _, message in PICTURES:
        assert message in rows[name], name
    assert {} == shop.pictures()


def test_every_format_of_the_guide_is_taken_under_any_name(shop: BatchRoom) -> None:
    """PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF, PPM: by their content."""
    kinds = ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"]
    for kind in kinds:
        shop.put(f"{kind}.dat", content=picture(kind, (4096, 100) if kind in {"PNG", "GIF"} else (100, 100)))
    task = shop.run(*(line(PicName=f"{kind}.dat") for kind in kinds))
    assert ("success", len(kinds)) == (task.msg, len(shop.pictures()))


def test_a_full_instance_takes_no_more(cloud: LocalCloud, shop: BatchRoom) -> None:
    """But overwrites what it has."""
    cloud.image_search_instance("shop", capacity=2)
    task = shop.run(line(), line(ProductId="2"), line(ProductId="3"), line(CustomContent="again"))
    [row] = shop.faults(task)
    assert (3, True) == (row["Line"], "full" in row["Message"])
    assert "again" == shop.pictures()["1", "a.jpg"].custom_content


def test_pictures_lie_beside_the_manifest(shop: BatchRoom) -> None:
    """Names are relative to its folder, not to the bucket's root."""
    shop.put("x/y/in/b.jpg")
    shop.manifest(line(PicName="in/b.jpg"), line(), folder="x/y/")
    task_id = shop.increase("/x/y")
    shop.cloud.advance(60)
    assert [2] == [row["Line"] for row in shop.faults(shop.task(task_id))]
    assert [("1", "in/b.jpg")] == list(shop.pictures())

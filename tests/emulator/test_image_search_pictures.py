"""Adding, changing, deleting and asking for pictures, by the official SDK over a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from tests.emulator.image_room import encoded, scene

if TYPE_CHECKING:
    from tests.emulator.image_room import Images

pytest_plugins = ["tests.emulator.image_fixtures"]

GENERIC = 1
OTHERS = 88888888


def test_an_added_picture_is_there_with_all_that_was_said_of_it(images: Images) -> None:
    """Attributes one to four, which the SDK puts into the form."""
    said = {"int_attr": 0, "int_attr_2": -2, "int_attr_3": 3, "int_attr_4": 2**31 - 1}
    texts = {"str_attr": "a", "str_attr_2": "b b", "str_attr_3": "ü", "str_attr_4": "衣"}
    answer = images.add("p/1", "sub/a.png", scene(1), category_id=9, custom_content="k1:v1,k2:v2", **said, **texts)
    assert (True, 0) == (answer["Success"], answer["Code"])
    info = answer["PicInfo"]
    assert (9, "0,320,0,240", [{"Region": "0,320,0,240"}]) == (info["CategoryId"], info["Region"], info["MultiRegion"])
    assert {"Id": 22, "Name": "Digital device"} in info["AllCategories"]
    held = images.call("check_image_exists", product_id="p/1", pic_name="sub/a.png")
    assert held["Exists"]
    assert held["Auctions"] == {
        "ProductId": "p/1",
        "PicName": "sub/a.png",
        "CategoryId": 9,
        "CustomContent": "k1:v1,k2:v2",
        "IntAttr": 0,
        "IntAttr2": -2,
        "IntAttr3": 3,
        "IntAttr4": 2**31 - 1,
        "StrAttr": "a",
        "StrAttr2": "b b",
        "StrAttr3": "ü",
        "StrAttr4": "衣",
    }


def test_a_picture_that_is_not_there_does_not_exist(images: Images) -> None:
    """No error: Exists is false, and nothing is shown."""
    answer = images.call("check_image_exists", product_id="p", pic_name="a.png")
    assert (True, False, None) == (answer["Success"], answer["Exists"], answer.get("Auctions"))


def test_adding_again_replaces(images: Images) -> None:
    """ProductId and PicName are the identity: one picture, which looks and is described as the last one."""
    images.add("p", "a.png", scene(1), int_attr=1, str_attr="old")
    images.add("p", "a.png", scene(2), custom_content="new")
    assert 1 == images.call("detail")["Instance"]["TotalCount"]
    [hit] = images.call("search_image_by_pic", pic_content=encoded(scene(2)))["Auctions"]
    assert (1.0, "new", None) == (hit["Score"], hit["CustomContent"], hit.get("StrAttr"))


def test_pairs_that_read_alike_are_two_pictures(images: Images) -> None:
    """A slash may belong to the product or to the picture."""
    images.add("a/b", "c.png", scene(1))
    images.add("a", "b/c.png", scene(2))
    images.add("a%2Fb", "c.png", scene(3))
    assert 3 == images.call("detail")["Instance"]["TotalCount"]
    assert ["c.png"] == images.call("delete_image", product_id="a/b")["Data"]["PicNames"]
    assert images.call("check_image_exists", product_id="a", pic_name="b/c.png")["Exists"]


def test_a_category_that_nobody_said_is_others(images: Images) -> None:
    """The stand-in for the service's model says so of every picture."""
    assert OTHERS == images.add("p", "a.png", scene(1))["PicInfo"]["CategoryId"]


def test_a_generic_instance_has_one_category(images: Images) -> None:
    """Whatever is said, even what no product instance takes."""
    images.cloud.image_search_instance("any", service_type=GENERIC)
    images.name = "any"
    info = images.add("p", "a.png", scene(1), category_id=4711)["PicInfo"]
    assert (OTHERS, [{"Id": OTHERS, "Name": "Others"}]) == (info["CategoryId"], info["AllCategories"])


def test_the_subject_is_found_on_a_plain_ground(images: Images) -> None:
    """And told as x1,x2,y1,y2, unless it is not looked for or a region is said."""
    plain = scene(1, (400, 200), margin=0.3)
    x1, x2, y1, y2 = map(int, images.add("p", "a.png", plain)["PicInfo"]["Region"].split(","))
    assert 100 <= x1 < x2 <= 300
    assert 50 <= y1 < y2 <= 150
    assert "0,400,0,200" == images.add("p", "a.png", plain, crop=False)["PicInfo"]["Region"]
    assert "10,50,20,120" == images.add("p", "a.png", plain, crop=True, region="10,50,20,120")["PicInfo"]["Region"]


def test_a_picture_is_deleted_by_its_name(images: Images) -> None:
    """The other ones of the product stay; deleting what is not there succeeds."""
    images.add("p", "a.png", scene(1))
    images.add("p", "b.png", scene(2))
    assert ["a.png"] == images.call("delete_image", product_id="p", pic_name="a.png")["Data"]["PicNames"]
    again = images.call("delete_image", product_id="p", pic_name="a.png")
    assert (True, []) == (again["Success"], again["Data"].get("PicNames", []))
    assert ["b.png"] == images.call("delete_image", product_id="p")["Data"]["PicNames"]
    assert 0 == images.call("detail")["Instance"]["TotalCount"]
    assert images.call("delete_image", product_id="never")["Success"]


def test_pictures_are_deleted_by_a_condition(images: Images) -> None:
    """IsDeleteByFilter needs Filter and no ProductId; `in` is not documented for it."""
    for number in range(4):
        images.add("p", f"{number}.png", scene(number), int_attr=number)
    gone = images.call("delete_image", is_delete_by_filter=True, filter="int_attr >= 2")
    assert ["2.png", "3.png"] == gone["Data"]["PicNames"]
    assert (400, "MissingFilter") == images.refused("delete_image", is_delete_by_filter=True)[:2]
    assert (400, "MissingProductId") == images.refused("delete_image", filter="int_attr >= 0")[:2]
    assert (400, "BadRequest") == images.refused("delete_image", is_delete_by_filter=True, filter="int_attr in (1)")[:2]
    assert 2 == images.call("detail")["Instance"]["TotalCount"]


def test_an_update_changes_what_is_said_and_leaves_the_rest(images: Images) -> None:
    """IntAttr3, IntAttr4, StrAttr3 and StrAttr4 come in the query, the others in the form; the look stays."""
    images.add("p", "a.png", scene(1), int_attr=1, str_attr="x", custom_content="old")
    images.call(
        "update_image", product_id="p", pic_name="a.png", int_attr=2, int_attr_3=3, int_attr_4=4, str_attr_3="s"
    )
    held = images.call("check_image_exists", product_id="p", pic_name="a.png")["Auctions"]
    assert ("old", "x", 2, 3, 4, "s") == tuple(
        held[name] for name in ("CustomContent", "StrAttr", "IntAttr", "IntAttr3", "IntAttr4", "StrAttr3")
    )
    images.call("update_image", product_id="p", pic_name="a.png", custom_content="new", str_attr_4="t")
    [hit] = images.call(
        "search_image_by_pic", pic_content=encoded(scene(1)), filter='int_attr = 2 AND str_attr4 = "t"'
    )["Auctions"]
    assert (1.0, "new") == (hit["Score"], hit["CustomContent"])


def test_what_a_call_cannot_know_is_refused_by_name(images: Images) -> None:
    """A parameter that the operation does not have."""
    with pytest.raises(AlibabaCloudException, match="does not know the parameter Colour") as caught:
        images.send("Detail", InstanceName="demo", Colour="red")
    assert "NotImplemented.Emulator" == caught.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_seven_formats_are_taken_by_content(images: Images, kind: str) -> None:
    """Whatever the name says, and found again from another format."""
    images.add("p", "anything.txt", encoded(scene(7), kind))
    [hit] = images.call("search_image_by_pic", pic_content=encoded(scene(7)))["Auctions"]
    assert hit["Score"] > 0.9

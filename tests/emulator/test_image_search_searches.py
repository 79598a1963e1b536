"""The four searches, by the official SDK: what narrows them, how they are paged, and what text search is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.image_room import encoded, scene

if TYPE_CHECKING:
    from tests.emulator.image_room import Images

pytest_plugins = ["tests.emulator.image_fixtures"]


@pytest.fixture
def shop(images: Images) -> Images:
    """Six pictures of three products."""
    images.add("shoe", "1.png", scene(1), category_id=4, int_attr=10, str_attr="red", custom_content="A red shoe")
    images.add("shoe", "2.png", scene(2), category_id=4, int_attr=20, str_attr="blue", custom_content="A blue shoe")
    images.add("dress", "3.png", scene(3), category_id=1, int_attr=30, str_attr="red", custom_content="红色 连衣裙")
    images.add("dress", "4.png", scene(4), category_id=1, int_attr_2=5, custom_content="green_dress")
    images.add("bag-4711", "5.png", scene(5), category_id=3, str_attr="red")
    images.add("bag-4711", "6.png", scene(6))
    return images


def test_a_search_by_name_finds_the_picture_itself_first(shop: Images) -> None:
    """And tells its category and subject."""
    answer = shop.call("search_image_by_name", product_id="dress", pic_name="3.png", num=100)
    assert ("dress", "3.png", 1.0) == tuple(answer["Auctions"][0][name] for name in ("ProductId", "PicName", "Score"))
    again = shop.add("dress", "3.png", scene(3), category_id=1)["PicInfo"]
    assert again == answer["PicInfo"]
    assert answer["Head"]["DocsFound"] == answer["Head"]["DocsReturn"] == len(answer["Auctions"])


def test_a_category_that_is_said_narrows(shop: Images) -> None:
    """One that is not said narrows nothing; a generic instance knows only one."""
    content = encoded(scene(6))
    assert {"1.png", "2.png"} == set(shop.names("search_image_by_pic", pic_content=content, category_id=4))
    assert ["6.png"] == shop.names("search_image_by_pic", pic_content=content, category_id=88888888)
    assert "6.png" == shop.names("search_image_by_pic", pic_content=content)[0]
    assert {"3.png", "4.png"} == set(
        shop.names("search_image_by_name", product_id="shoe", pic_name="1.png", category_id=1)
    )
    shop.cloud.image_search_instance("any", service_type=1)
    shop.name = "any"
    shop.add("p", "x.png", scene(1))
    assert ["x.png"] == shop.names("search_image_by_pic", pic_content=encoded(scene(1)), category_id=4)


def test_a_filter_narrows_every_search(shop: Images) -> None:
    """The same condition in all four."""
    red = 'str_attr = "red"'
    found = {"1.png", "3.png", "5.png"}
    assert found == set(shop.names("search_image_by_pic", pic_content=encoded(scene(1)), filter=red))
    assert found == set(shop.names("search_image_by_name", product_id="shoe", pic_name="1.png", filter=red))
    assert ["1.png", "3.png", "5.png"] == shop.names("search_image_by_filter", filter=red)
    assert ["1.png"] == shop.names("search_image_by_text", text="shoe", filter=red)


def test_a_product_is_listed_once_if_asked(shop: Images) -> None:
    """By its best picture, and the count is of products."""
    content = encoded(scene(2))
    answer = shop.call("search_image_by_pic", pic_content=content, distinct_product_id=True)
    assert ("shoe", "2.png") == (answer["Auctions"][0]["ProductId"], answer["Auctions"][0]["PicName"])
    products = [hit["ProductId"] for hit in answer["Auctions"]]
    assert len(products) == len(set(products)) == answer["Head"]["DocsFound"]


def test_a_threshold_leaves_out_what_scores_less(shop: Images) -> None:
    """At 1.00 only the picture itself is left."""
    content = encoded(scene(3))
    assert ["3.png"] == shop.names("search_image_by_pic", pic_content=content, score_threshold="1.00")
    assert ["3.png"] == shop.names("search_image_by_pic", pic_content=content, score_threshold="0.9")
    assert ["3.png"] == shop.names("search_image_by_name", product_id="dress", pic_name="3.png", score_threshold="1")
    assert ["1.png"] == shop.names("search_image_by_text", text="red shoe", score_threshold="0.75")


def test_results_are_paged(images: Images) -> None:
    """Ten by default; Start and Num cut a list that stays in order."""
    images.cloud.image_search_instance("demo", qps=10)
    for number in range(13):
        images.add("p", f"{number:02}", scene(number), int_attr=1)
    content = encoded(scene(0))
    whole = images.names("search_image_by_pic", pic_content=content, num=100)
    assert whole[:10] == images.names("search_image_by_pic", pic_content=content)
    assert whole[4:7] == images.names("search_image_by_pic", pic_content=content, start=4, num=3)
    answer = images.call("search_image_by_pic", pic_content=content, start=10, num=5)
    assert (len(whole), len(whole) - 10) == (answer["Head"]["DocsFound"], answer["Head"]["DocsReturn"])
    assert ["02", "03"] == images.names("search_image_by_filter", filter="int_attr=1", start=2, num=2)
    assert [] == images.names("search_image_by_filter", filter="int_attr=1", start=400)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("red shoe", ["1.png", "2.png"]),
        ("SHOE blue", ["2.png", "1.png"]),
        ("连衣裙", ["3.png"]),
        ("dress", ["3.png", "4.png"]),  # the product's name, and a word joined to another by an underscore
        ("4711", ["5.png", "6.png"]),
        ("footwear", []),
        ("!?", []),
    ],
)
def test_a_text_is_matched_word_by_word(shop: Images, text: str, names: list[str]) -> None:
    """Against content, name and product: the share of words found is the score. No model reads the pictures."""
    assert names == shop.names("search_image_by_text", text=text)


def test_a_text_search_says_what_the_vendors_does(shop: Images) -> None:
    """A head, a score, the categories; nothing of a subject."""
    answer = shop.call("search_image_by_text", text="red shoe")
    assert [1.0, 0.5] == [hit["Score"] for hit in answer["Auctions"]]
    assert (2, 2) == (answer["Head"]["DocsFound"], answer["Head"]["DocsReturn"])
    assert ["AllCategories"] == list(answer["PicInfo"])


def test_an_empty_instance_finds_nothing(images: Images) -> None:
    """Every search answers all the same."""
    assert [] == images.names("search_image_by_pic", pic_content=encoded(scene(1)))
    assert [] == images.names("search_image_by_filter", filter="int_attr=1")
    assert [] == images.names("search_image_by_text", text="shoe")

"""A picture finds itself first, then its copies, among pictures that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from emulator.imagesearch.features import likeness
from emulator.imagesearch.gallery import Gallery
from emulator.imagesearch.reading import Look, look_at
from emulator.imagesearch.state import Instance, Picture
from tests.emulator.image_room import encoded, scene

if TYPE_CHECKING:
    from tests.emulator.image_room import Images

pytest_plugins = ["tests.emulator.image_fixtures"]

HALF = (160, 120)


def look(content: bytes, *, crop: bool = True, region: str = "") -> Look:
    """What a picture looks like."""
    found = look_at(content, 0, crop=crop, region=region, rotated_fits=False)
    assert isinstance(found, Look)
    return found


def gallery_of(looks: list[Look]) -> Instance:
    """An instance of pictures that look so, named by their number."""
    instance = Instance("id", "name", "cn-hangzhou", 0, 1)
    for number, one in enumerate(looks):
        instance.keep(Picture("p", str(number), 0, one.features, one.width, one.height, one.size))
    return instance


def test_a_picture_ranks_first_then_its_copies_then_the_others(images: Images) -> None:
    """A copy at half the size and one at JPEG quality 30, among a dozen other pictures."""
    images.add("p", "itself.png", scene(1))
    images.add("p", "half.png", scene(1).resize(HALF))
    images.add("p", "poor.jpg", encoded(scene(1), "JPEG", quality=30))
    for number in range(2, 14):
        images.add("other", f"{number}.png", scene(number))
    hits = images.call("search_image_by_pic", pic_content=encoded(scene(1)), num=100)["Auctions"]
    assert "itself.png" == hits[0]["PicName"]
    assert {"half.png", "poor.jpg"} == {hit["PicName"] for hit in hits[1:3]}
    scores = [hit["Score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert 1.0 == scores[0]
    assert scores[2] > 0.9
    assert scores[3] < 0.7
    values = [float(hit["SortExprValues"].partition(";")[0]) for hit in hits]
    assert values == sorted(values, reverse=True)


def test_a_poor_small_copy_finds_its_original(images: Images) -> None:
    """The other way around: the query is the copy."""
    for number in range(12):
        images.add("p", str(number), scene(number))
    copy = encoded(scene(5).resize(HALF), "JPEG", quality=30)
    assert "5" == images.names("search_image_by_pic", pic_content=copy)[0]


@pytest.mark.parametrize("margin", [0.0, 0.2], ids=["full", "on a plain ground"])
def test_every_copy_of_two_hundred_pictures_finds_its_original(margin: float) -> None:
    """Half the size, quality 30, both, enlarged in another format: the original first, far ahead of the next."""
    scenes = [scene(number, margin=margin) for number in range(200)]
    instance = gallery_of([look(encoded(one)) for one in scenes])
    _, matrix = instance.gallery.matrix(instance.pictures)
    for number, one in enumerate(scenes):
        copies = [
            encoded(one.resize(HALF)),
            encoded(one, "JPEG", quality=30),
            encoded(one.resize(HALF), "JPEG", quality=30),
            encoded(one.resize((900, 675), Image.Resampling.BICUBIC), "WEBP", quality=50),
        ]
        for copy in copies:
            scores = likeness(look(copy).features, matrix)
            assert number == int(scores.argmax())
            assert scores[number] > 0.85


def test_a_region_is_what_is_compared() -> None:
    """Two pictures side by side: each is found by its part, and not by the whole."""
    both = Image.new("RGB", (640, 240))
    both.paste(scene(1), (0, 0))
    both.paste(scene(2), (320, 0))
    joined = encoded(both)
    instance = gallery_of([look(encoded(scene(1))), look(encoded(scene(2))), look(joined, crop=False)])
    _, matrix = instance.gallery.matrix(instance.pictures)
    left = likeness(look(joined, region="0,320,0,240").features, matrix)
    right = likeness(look(joined, region="320,640,0,240").features, matrix)
    whole = likeness(look(joined, crop=False).features, matrix)
    assert [0, 1, 2] == [int(scores.argmax()) for scores in (left, right, whole)]
    assert (1.0, 1.0, 1.0) == (left[0], right[1], whole[2])
    assert max(left[1], right[0]) < 0.7


def test_a_region_is_kept_with_the_picture(images: Images) -> None:
    """What was added by a region is found by what is in it."""
    both = Image.new("RGB", (640, 240))
    both.paste(scene(1), (0, 0))
    both.paste(scene(2), (320, 0))
    images.add("p", "left", both, region="0,320,0,240")
    images.add("p", "right", both, region="320,640,0,240")
    for number, name in ((1, "left"), (2, "right")):
        hits = images.call("search_image_by_pic", pic_content=encoded(scene(number)))["Auctions"]
        assert (name, 1.0) == (hits[0]["PicName"], hits[0]["Score"])


def test_a_subject_is_found_on_another_ground() -> None:
    """With Crop the close-up finds the picture with a wide margin; without, it looks like something else."""
    close = scene(4, (200, 150))
    wide = Image.new("RGB", (600, 450), "white")
    wide.paste(close, (200, 150))
    instance = gallery_of([look(encoded(scene(n, (600, 450), margin=0.2))) for n in range(20)] + [look(encoded(wide))])
    _, matrix = instance.gallery.matrix(instance.pictures)
    scores = likeness(look(encoded(close)).features, matrix)
    assert 20 == int(scores.argmax())
    apart = gallery_of([look(encoded(wide), crop=False)])
    _, one = apart.gallery.matrix(apart.pictures)
    assert likeness(look(encoded(close)).features, one)[0] < scores[20]


def test_transparency_is_white_and_grey_is_a_picture() -> None:
    """Every mode that the formats know is read: the same picture, whatever it is stored as."""
    picture = scene(9)
    clear = picture.convert("RGBA")
    clear.putalpha(Image.new("L", picture.size, 255))
    stored = [encoded(picture.convert("P"), "GIF"), encoded(clear), encoded(picture.convert("CMYK"), "TIFF")]
    instance = gallery_of([look(encoded(picture))])
    _, matrix = instance.gallery.matrix(instance.pictures)
    assert all(likeness(look(one).features, matrix)[0] > 0.9 for one in stored)
    empty = Image.new("RGBA", (120, 120), (0, 0, 0, 0))
    assert look(encoded(empty)).features == look(encoded(Image.new("RGB", (120, 120), "white"))).features
    deep = encoded(Image.linear_gradient("L").convert("I").point(lambda value: value * 256).convert("I;16"))
    shallow = encoded(Image.linear_gradient("L"))
    _, grey = (found := gallery_of([look(shallow)])).gallery.matrix(found.pictures)
    assert likeness(look(deep).features, grey)[0] > 0.9


def test_the_gallery_follows_every_change() -> None:
    """Adding, replacing and forgetting after the matrix was built."""
    instance = gallery_of([look(encoded(scene(1))), look(encoded(scene(2)))])
    assert 2 == len(instance.gallery.matrix(instance.pictures)[0])
    assert instance.forget("p/0")
    assert not instance.forget("p/0")
    keys, matrix = instance.gallery.matrix(instance.pictures)
    assert (["p/1"], 1) == (keys, len(matrix))
    instance.forget("p/1")
    assert [] == instance.gallery.matrix(instance.pictures)[0]
    assert [] == Gallery().of_product("p")

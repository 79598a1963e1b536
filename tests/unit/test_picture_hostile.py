"""Files that are made to do harm, or came to harm: a look at one ends, and raises nothing."""

from __future__ import annotations

import random
import struct
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.pictures.inspection import Inspection, inspect
from controller.core.pictures.rules import findings
from controller.core.pictures.window import BUDGET, MOST_READS
from tests.unit.odd_pictures import (
    app1,
    bmp,
    chunk,
    exif,
    extended,
    frame,
    frames,
    gif,
    made,
    noise,
    profile,
    reader,
    riff,
    segment,
    sized,
    split_png,
    tiff,
    with_chunk,
    with_segments,
)

PICTURES = {
    "JPEG": with_segments(made("JPEG"), app1(exif(6))),
    "PNG": with_chunk(made("PNG"), chunk(b"eXIf", exif(6)), before=b"IEND"),
    "GIF": frames("GIF"),
    "WEBP": made("WEBP", exif=exif(6)),
    "BMP": bmp(124),
    "PPM": b"P6 # comment\n320 240 255\n" + bytes(40),
    "TIFF": tiff(sized(320, 240, (274, 3, 1, 6)), order=">"),
    "big TIFF": tiff(sized(320, 240, (274, 3, 1, 6)), big=True),
}
BEGINNINGS = [content[:length] for content in PICTURES.values() for length in (2, 12, 40)]


def look(content: bytes, size: int | None = None) -> Inspection:
    """Inspect bytes in memory, and see that nothing is asked for that may not be."""
    asked: list[int] = []
    whole = len(content) if size is None else size
    seen = inspect(whole, reader(content, asked, whole))
    assert sum(asked) == seen.bytes_read <= BUDGET
    assert len(asked) <= MOST_READS
    for name in ("a.jpg", "a", ""):
        for one in findings(seen, whole, name, 0, "line 1"):
            assert len(str(one)) < 500
    return seen


@given(st.binary(max_size=3000))
@settings(max_examples=300, deadline=None)
def test_random_bytes_harm_nothing(content: bytes) -> None:
    """Hardly any of them is a picture."""
    look(content)


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=2000), st.integers(0, 2**40))
@settings(max_examples=500, deadline=None)
def test_random_bytes_behind_a_true_beginning_harm_nothing(begin: bytes, rest: bytes, size: int) -> None:
    """However large the file says that it is."""
    look(begin + rest)
    look(begin + rest, len(begin + rest) + size)


@given(st.sampled_from(sorted(PICTURES)), st.data())
@settings(max_examples=500, deadline=None)
def test_pictures_with_wrong_bytes_harm_nothing(name: str, data: st.DataObject) -> None:
    """A few of them, anywhere: lengths, offsets, counts, types."""
    content = bytearray(PICTURES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(400, len(content) - 1)))] = data.draw(st.integers(0, 255))
    look(bytes(content))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_is_cut_anywhere_in_its_head_is_never_taken_for_another(name: str) -> None:
    """What is said of it is what its whole says, or that it is none, or not whole, or that something is unchecked."""
    content = PICTURES[name]
    whole = look(content)
    assert whole.format is not None
    for length in range(min(len(content), 600)):
        seen = look(content[:length])
        assert seen.format in (None, whole.format)
        assert seen.width in (None, whole.width)
        assert seen.orientation in (None, whole.orientation)
        if seen.format is None or seen.broken or seen.unchecked:
            continue
        assert replace(whole, bytes_read=0, animated=None) == replace(seen, bytes_read=0, animated=None), length
        assert seen.animated in (whole.animated, False)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff" * 200_000,
        b"\xff\xd8" + segment(0xE0, b"") * 50_000,
        b"\xff\xd8" + b"".join(segment(0xE0, bytes(2000)) for _ in range(1000)),
        made("PNG")[:33] + chunk(b"tEXt") * 20_000,
        made("PNG")[:33] + b"".join(chunk(b"tEXt", bytes(3000)) for _ in range(500)),
        gif(b"!\xfe" + b"\1x" * 100_000 + b"\0"),
        gif(*[b"!\xfe\1x\0"] * 30_000),
        riff(extended(8), *[(b"ABCD", b"")] * 30_000),
        tiff([(300, 3, 1, 0)] * 60_000),
        b"P6" + b"#\n" * 60_000,
        b"P6" + b" " * 120_000,
        b"P6 " + b"0" * 120_000,
    ],
    ids=[
        "jpeg of fill bytes", "jpeg of empty segments", "jpeg of many segments", "png of empty chunks",
        "png of many chunks", "gif of tiny blocks", "gif of tiny extensions", "webp of empty chunks",
        "tiff of many tags", "ppm of comments", "ppm of spaces", "ppm of zeros",
    ],
)  # fmt: skip
def test_a_file_made_to_be_walked_for_ever_is_left(content: bytes) -> None:
    """It costs 64 KiB, at most 24 requests, and no more memory than a few times that."""
    tracemalloc.start()
    try:
        seen = look(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen.unchecked or seen.broken
    assert peak < 4 * BUDGET


def test_directories_that_follow_each_other_for_ever_are_not_followed() -> None:
    """Nor is a directory within EXIF that names itself."""
    first = tiff(sized(320, 240, (274, 3, 1, 6)), more=4000).ljust(4000, b"\0") + struct.pack("<HI", 0, 8)
    assert (6, True) == (look(first).orientation, look(first).animated)
    assert 6 == look(with_segments(made("JPEG"), app1(tiff([(274, 3, 1, 6)], more=8)))).orientation


def test_an_object_that_is_shorter_than_was_said_is_not_whole() -> None:
    """It cannot be, where it is read by its ETag; a local file may shrink."""
    assert "it goes on to byte" in look(made("JPEG")[:120], size=100_000).broken
    assert Inspection(None) == replace(look(b"", size=100_000), bytes_read=0, broken="")


def test_a_reader_that_gives_too_much_is_cut_short() -> None:
    """The budget is of what was asked for."""
    content = noise("JPEG", (300, 300))
    seen = inspect(len(content), lambda offset, _count: content[offset:])
    assert (300, 300) == (seen.width, seen.height)


def test_what_the_reader_raises_passes_through() -> None:
    """A failed call is no property of the picture."""

    def read(_offset: int, _count: int) -> bytes:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        inspect(1000, read)


@pytest.mark.parametrize(
    ("content", "most", "requests"),
    [
        (noise("JPEG", (800, 600)), 8192, 1),
        (with_segments(noise("JPEG", (800, 600)), app1(exif(1, padding=60_000))), 9216, 2),
        (with_segments(noise("JPEG", (800, 600)), app1(exif(1, padding=60_000)), *profile(560_000)), 11_264, 4),
        (noise("PNG", (1000, 1000)), 10_240, 3),
        (split_png(noise("PNG", (1000, 1000)), 8192), 10_240, 3),
        (noise("TIFF", (800, 600)), 8192, 1),
        (noise("WEBP", (800, 600), exif=exif(1)), 9216, 2),
        (noise("BMP", (800, 600)), 8192, 1),
        (frames("GIF", loop=0), 8192, 1),
        (gif(frame(random.Random(1).randrange(200_000, 300_000))), BUDGET, 2),  # noqa: S311 - any size will do
    ],
    ids=[
        "jpeg", "jpeg with a thumbnail", "jpeg with a thumbnail and a printer's profile", "png", "png of libpng",
        "tiff", "webp with exif", "bmp", "gif", "gif with a large frame",
    ],
)  # fmt: skip
def test_what_a_look_costs(content: bytes, most: int, requests: int) -> None:
    """Bytes and requests by the kind of picture; they may become fewer."""
    asked: list[int] = []

    def read(offset: int, count: int) -> bytes:
        asked.append(count)
        return content[offset : offset + count]

    assert inspect(len(content), read).bytes_read <= most
    assert len(asked) <= requests

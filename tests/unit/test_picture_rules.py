"""Odd pictures, each with the exact words that are said of it, and Pillow's opinion on what it can read as well."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

import pytest
from PIL import Image

from controller.core.imports.items import Finding, Severity
from controller.core.pictures import rules
from controller.core.pictures.inspection import inspect
from controller.core.pictures.rules import RULES, findings
from tests.unit.odd_pictures import (
    BYTE,
    LONG,
    ORIENTATION,
    SHORT,
    app1,
    bmp,
    chunk,
    exif,
    extended,
    frame,
    frames,
    ftyp,
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

MB = 4 * 1024 * 1024
TAKES = "Image Search takes PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF and PPM"
EMPTY = "problem: it is empty: upload the picture again"
NO_PICTURE = f"problem: its content is no picture; {TAKES}: upload the picture again"
ANIMATED = (
    "warning: it is animated or has several pages, and which of them is taken is stated nowhere: send one if that "
    "matters"
)
SMALL_OF_ANOTHER_TYPE = (
    "warning: product and generic image search take 100 x 100 to 4096 x 4096 pixels: scale it if this instance, of "
    "another type, refuses it (it has 99 x 100)"
)
LARGE_OF_ANOTHER_TYPE = (
    "warning: product and generic image search take 4 MB: make it smaller if this instance, of another type, refuses "
    "it (it has 5000000)"
)
HEIC_OF_ANOTHER_TYPE = (
    "warning: product and generic image search take PNG, JPG, JPEG, BMP, GIF, WEBP, TIFF and PPM: convert it if this "
    "instance, of another type, refuses it (it is HEIC)"
)
FAR = "more than 64 KiB, or more than 24 of its parts, would have to be read"


def is_a(name: str) -> str:
    return f"problem: {TAKES} by content, whatever the name says: convert the picture (it is {name})"


def not_whole(detail: str) -> str:
    return f"problem: it begins like a picture and is no whole one: upload it again ({detail})"


def ends(kind: str, needed: int, size: int) -> str:
    return not_whole(f"{kind}: it goes on to byte {needed} at least, and ends after {size}")


def turned(value: int) -> str:
    return (
        "problem: a picture cannot contain rotation information: turn its pixels instead, and remove the Orientation "
        f"tag (its Orientation is {value})"
    )


def measures(width: int, height: int) -> str:
    return (
        "problem: product and generic image search take 100 x 100 to 4096 x 4096 pixels: scale it "
        f"(it has {width} x {height})"
    )


def renamed(kind: str) -> str:
    return f"warning: its content is of another format than its name says: rename it if it is refused (it is {kind})"


def unchecked(what: str) -> str:
    return f"warning: unchecked, as its first bytes do not tell: save it without metadata to have it checked ({what})"


def large(size: int) -> str:
    return f"problem: Image Search takes 4 MB (4194304 bytes): make it smaller (it has {size})"


def doubtful(size: int) -> str:
    return (
        "warning: Image Search takes 4 MB, and whether that is 4194304 bytes nobody has confirmed: make it smaller if "
        f"refused (it has {size})"
    )


@dataclass(frozen=True)
class Odd:
    """A picture and what is said of it."""

    content: bytes
    name: str
    said: tuple[str, ...] = ()
    service_type: int | None = 0


JPEG = made("JPEG")
PNG = made("PNG")
NOISE = noise("PNG", (500, 500))
MANY = [segment(0xE4, bytes(60_000))] * 30
UNLIKE = [segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 4]) + bytes(9000 * number)) for number in (1, 2, 3, 4)]
TURNED = 6

ODD: dict[str, Odd] = {
    # Each format as it comes.
    "jpeg": Odd(JPEG, "a.jpg"),
    "jpeg-named-jpeg": Odd(JPEG, "folder.png/a.JPEG"),
    "jpeg-grey": Odd(made("JPEG", mode="L"), "a.jpg"),
    "jpeg-progressive": Odd(made("JPEG", progressive=True), "a.jpg"),
    "jpeg-cmyk": Odd(made("JPEG", mode="CMYK"), "a.jpg"),
    "jpeg-restarts": Odd(made("JPEG", restart_marker_blocks=2), "a.jpg"),
    "png": Odd(PNG, "a.png"),
    "png-palette": Odd(made("PNG", mode="P"), "a.png"),
    "png-16-bit": Odd(made("PNG", mode="I;16"), "a.png"),
    "gif": Odd(made("GIF", mode="P"), "a.gif"),
    "webp-lossy": Odd(made("WEBP"), "a.webp"),
    "webp-lossless": Odd(made("WEBP", lossless=True), "a.webp"),
    "webp-alpha": Odd(made("WEBP", mode="RGBA"), "a.webp"),
    "bmp": Odd(made("BMP"), "a.bmp"),
    "tiff": Odd(made("TIFF"), "a.tiff"),
    "tiff-named-tif": Odd(made("TIFF", compression="tiff_lzw"), "a.tif"),
    "ppm": Odd(made("PPM"), "a.ppm"),
    # JPEG: what lies before its frame.
    "jpeg-large-thumbnail": Odd(with_segments(JPEG, app1(exif(1, padding=60_000))), "a.jpg"),
    "jpeg-turned-large-thumbnail": Odd(with_segments(JPEG, app1(exif(8, padding=60_000))), "a.jpg", (turned(8),)),
    "jpeg-profile": Odd(with_segments(JPEG, *profile(560_000)), "a.jpg"),
    "jpeg-turned-profile": Odd(with_segments(JPEG, *profile(560_000), app1(exif(3))), "a.jpg", (turned(3),)),
    "jpeg-endless-profile": Odd(with_segments(JPEG, *profile(3_900_000)), "a.jpg"),
    "jpeg-profile-in-unlike-parts": Odd(with_segments(JPEG, *UNLIKE, app1(exif(TURNED))), "a.jpg", (turned(6),)),
    "jpeg-profile-that-counts-wrong": Odd(
        with_segments(JPEG, segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(900)), app1(exif(TURNED))),
        "a.jpg",
        (turned(6),),
    ),
    "jpeg-short-profile": Odd(with_segments(JPEG, segment(0xE2, b"ICC"), app1(exif(TURNED))), "a.jpg", (turned(6),)),
    "jpeg-many-segments": Odd(
        with_segments(JPEG, *MANY),
        "a.jpg",
        (unchecked(f"size in pixels: {FAR}"), unchecked(f"rotation: {FAR}")),
    ),
    "jpeg-exif-before-many-segments": Odd(
        with_segments(JPEG, app1(exif(5)), *MANY),
        "a.jpg",
        (turned(5), unchecked(f"size in pixels: {FAR}")),
    ),
    "jpeg-fill-bytes": Odd(JPEG[:2] + b"\xff" * 300 + JPEG[2:], "a.jpg"),
    "jpeg-xmp-first": Odd(
        with_segments(JPEG, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), app1(exif(TURNED))),
        "a.jpg",
        (turned(6),),
    ),
    # EXIF in all its spellings.
    **{
        f"jpeg-orientation-{value}-{order}": Odd(
            with_segments(JPEG, app1(exif(value, order={"II": "<", "MM": ">"}[order]))),
            "a.jpg",
            () if value == 1 else (turned(value),),
        )
        for value in range(1, 9)
        for order in ("II", "MM")
    },
    "jpeg-orientation-0": Odd(with_segments(JPEG, app1(exif(0))), "a.jpg", (turned(0),)),
    "jpeg-orientation-9": Odd(with_segments(JPEG, app1(exif(9))), "a.jpg", (turned(9),)),
    "jpeg-orientation-long": Odd(with_segments(JPEG, app1(exif(TURNED, kind=LONG, order=">"))), "a.jpg", (turned(6),)),
    "jpeg-orientation-byte": Odd(with_segments(JPEG, app1(exif(TURNED, kind=BYTE))), "a.jpg", (turned(6),)),
    "jpeg-orientation-two-of-them": Odd(
        with_segments(JPEG, app1(exif(TURNED, count=2))),
        "a.jpg",
        (unchecked("rotation: its EXIF data cannot be read: its Orientation is not one number"),),
    ),
    "jpeg-exif-without-orientation": Odd(with_segments(JPEG, app1(tiff([(271, LONG, 1, 0)]))), "a.jpg"),
    "jpeg-exif-beyond-its-segment": Odd(
        with_segments(JPEG, app1(b"II*\0\xff\xff\0\0")),
        "a.jpg",
        (unchecked("rotation: its EXIF data cannot be read: it points beyond its end"),),
    ),
    "jpeg-exif-says-many-tags": Odd(
        with_segments(JPEG, app1(tiff([], named=65_535))),
        "a.jpg",
        (unchecked("rotation: its EXIF data cannot be read: it points beyond its end"),),
    ),
    "jpeg-exif-of-another-kind": Odd(
        with_segments(JPEG, app1(b"no TIFF at all")),
        "a.jpg",
        (unchecked("rotation: its EXIF data cannot be read: it begins with neither II nor MM"),),
    ),
    "jpeg-exif-empty": Odd(
        with_segments(JPEG, app1(b"")),
        "a.jpg",
        (unchecked("rotation: its EXIF data cannot be read: it points beyond its end"),),
    ),
    "jpeg-second-exif-is-right": Odd(
        with_segments(JPEG, app1(b"no TIFF at all"), app1(exif(TURNED))), "a.jpg", (turned(6),)
    ),
    "jpeg-exif-that-follows-itself": Odd(
        with_segments(JPEG, app1(tiff([(ORIENTATION, SHORT, 1, 6)], more=8))), "a.jpg", (turned(6),)
    ),
    # JPEG that is none.
    "jpeg-no-frame": Odd(
        b"\xff\xd8" + segment(0xE0, b"JFIF\0") + b"\xff\xd9",
        "a.jpg",
        (not_whole("JPEG: it has no frame before its pixels"),),
    ),
    "jpeg-scan-first": Odd(
        b"\xff\xd8" + segment(0xDA, bytes(8)), "a.jpg", (not_whole("JPEG: it has no frame before its pixels"),)
    ),
    "jpeg-lying-length": Odd(
        b"\xff\xd8" + segment(0xE0, bytes(30)).replace(b"\0\x20", b"\0\x11", 1) + JPEG[2:],
        "a.jpg",
        (
            unchecked("size in pixels: there is no marker at byte 21, where the segment before ends"),
            unchecked("rotation: there is no marker at byte 21, where the segment before ends"),
        ),
    ),
    "jpeg-length-of-1": Odd(
        b"\xff\xd8\xff\xe0\0\1" + JPEG,
        "a.jpg",
        (
            unchecked("size in pixels: the segment at byte 2 is shorter than its own length"),
            unchecked("rotation: the segment at byte 2 is shorter than its own length"),
        ),
    ),
    "jpeg-length-beyond-its-end": Odd(JPEG[:4] + b"\xff\xff" + JPEG[6:300], "a.jpg", (ends("JPEG", 65_540, 300),)),
    "jpeg-cut-in-its-head": Odd(JPEG[:100], "a.jpg", (ends("JPEG", 159, 100),)),
    # PNG: EXIF before and behind the pixels, animation, and chunks.
    "png-exif-before": Odd(with_chunk(PNG, chunk(b"eXIf", exif(3)), before=b"IDAT"), "a.png", (turned(3),)),
    "png-exif-behind": Odd(with_chunk(PNG, chunk(b"eXIf", exif(5, order=">")), before=b"IEND"), "a.png", (turned(5),)),
    "png-exif-behind-many-chunks": Odd(
        with_chunk(split_png(NOISE, 8192), chunk(b"eXIf", exif(TURNED)), before=b"IEND"), "a.png", (turned(6),)
    ),
    "png-many-chunks": Odd(split_png(NOISE, 8192), "a.png"),
    "png-many-unlike-chunks": Odd(
        with_chunk(split_png(NOISE, 8192), chunk(b"tEXt", bytes(9000)), before=b"IEND"),
        "a.png",
        (unchecked(f"rotation: {FAR}"),),
    ),
    "png-upright": Odd(with_chunk(PNG, chunk(b"eXIf", exif(1)), before=b"IDAT"), "a.png"),
    "png-exif-in-text": Odd(
        with_chunk(PNG, chunk(b"zTXt", b"Raw profile type exif\0\0..."), before=b"IDAT"),
        "a.png",
        (unchecked("rotation: its EXIF data lie in a text chunk, which is not unpacked"),),
    ),
    "png-text": Odd(with_chunk(PNG, chunk(b"tEXt", b"Comment\0no") + chunk(b"tEXt"), before=b"IDAT"), "a.png"),
    "png-animated": Odd(frames("PNG"), "a.png", (ANIMATED,)),
    "png-one-frame-of-an-animation": Odd(with_chunk(PNG, chunk(b"acTL", b"\0\0\0\1\0\0\0\0"), before=b"IDAT"), "a.png"),
    "png-no-header-first": Odd(
        b"\x89PNG\r\n\x1a\n" + PNG[33:], "a.png", (not_whole("PNG: it does not begin with the chunk IHDR"),)
    ),
    "png-no-pixels": Odd(PNG[:33] + chunk(b"IEND"), "a.png", (not_whole("PNG: it has no pixels"),)),
    "png-cut": Odd(NOISE[:100_000], "a.png", (ends("PNG", 131_137, 100_000),)),
    "png-lying-length": Odd(
        PNG[:33] + b"\0\0\0\x05" + chunk(b"tEXt", b"some text here")[4:] + PNG[33:],
        "a.png",
        (
            unchecked("rotation: there is no chunk at byte 50, where the one before ends"),
            unchecked("animation: there is no chunk at byte 50, where the one before ends"),
        ),
    ),
    "png-exif-beyond-its-end": Odd(
        PNG[:33] + b"\x7f\xff\xff\xff" + chunk(b"eXIf", exif(TURNED))[4:], "a.png", (ends("PNG", 2_147_483_700, 71),)
    ),
    # GIF.
    "gif-animated-looping": Odd(frames("GIF", loop=0), "a.gif", (ANIMATED,)),
    "gif-animated-once": Odd(frames("GIF"), "a.gif", (ANIMATED,)),
    "gif-two-frames": Odd(gif(frame(), frame()), "a.gif", (ANIMATED,)),
    "gif-no-trailer": Odd(gif(frame(), end=b""), "a.gif"),
    "gif-comment": Odd(gif(b"!\xfe\5hello\0", frame()), "a.gif"),
    "gif-no-frame": Odd(gif(), "a.gif", (not_whole("GIF: it has no frame"),)),
    "gif-large-frame": Odd(gif(frame(90_000)), "a.gif", (unchecked(f"animation: {FAR}"),)),
    "gif-second-frame-far-away": Odd(gif(frame(90_000), frame()), "a.gif", (unchecked(f"animation: {FAR}"),)),
    "gif-unknown-block": Odd(
        gif(b"?"), "a.gif", (unchecked("animation: there is no block at byte 19, where the one before ends"),)
    ),
    "gif-cut": Odd(gif(frame(3000))[:2000], "a.gif", (ends("GIF", 2079, 2000),)),
    "gif-wide": Odd(gif(frame(), size=(40_000, 40_000)), "a.gif", (measures(40_000, 40_000),)),
    # WebP.
    "webp-turned": Odd(made("WEBP", exif=exif(TURNED)), "a.webp", (turned(6),)),
    "webp-turned-with-prefix": Odd(made("WEBP", exif=b"Exif\0\0" + exif(7, order=">")), "a.webp", (turned(7),)),
    "webp-animated": Odd(frames("WEBP"), "a.webp", (ANIMATED,)),
    "webp-flag-without-exif": Odd(riff(extended(8), (b"VP8 ", bytes(999))), "a.webp"),
    "webp-turned-behind-an-odd-chunk": Odd(
        riff(extended(8), (b"VP8 ", bytes(999)), (b"EXIF", exif(TURNED))), "a.webp", (turned(6),)
    ),
    "webp-unknown-chunk": Odd(
        riff((b"ABCD", bytes(20))), "a.webp", (not_whole("WEBP: it begins with none of the chunks VP8, VP8L and VP8X"),)
    ),
    "webp-cut": Odd(made("WEBP")[:60], "a.webp", (ends("WEBP", len(made("WEBP")), 60),)),
    "webp-many-parts": Odd(
        riff(extended(8), *[(b"ANMF", bytes(3000))] * 40, (b"EXIF", exif(TURNED))),
        "a.webp",
        (unchecked(f"rotation: {FAR}"),),
    ),
    # BMP and the Netpbm family.
    "bmp-os2": Odd(bmp(12), "a.bmp"),
    "bmp-v4": Odd(bmp(108), "a.bmp"),
    "bmp-v5-top-down": Odd(bmp(124, height=-240), "a.bmp"),
    "bmp-v3-negative-width": Odd(bmp(40, width=-320), "a.bmp", (not_whole("BMP: its header says a width of -320"),)),
    "bmp-unknown-version": Odd(b"BM" + bytes(200), "a.bmp", (NO_PICTURE,)),
    "ppm-plain": Odd(b"P3\n320 240\n255\n" + b"0 " * 99, "a.ppm"),
    "ppm-comments": Odd(b"P6#one\n#two\r 320 # three\n240#four\n255\n" + bytes(99), "a.ppm"),
    "ppm-comment-in-number": Odd(b"P6 320#x\n240 255\n" + bytes(99), "a.ppm"),
    "ppm-endless-comment": Odd(
        b"P6 #" + b"x" * 70_000,
        "a.ppm",
        (unchecked(f"size in pixels: {FAR}"),),
    ),
    "ppm-no-size": Odd(b"P6 what\n", "a.ppm", (not_whole("PPM: its header does not say its size"),)),
    "ppm-long-number": Odd(b"P6 12345678901 240 255\n", "a.ppm", (not_whole("PPM: its header does not say its size"),)),
    "ppm-cut": Odd(b"P6 320 24", "a.ppm", (ends("PPM", 10, 9),)),
    "pgm": Odd(b"P5 320 240 255\n" + bytes(99), "a.ppm", (is_a("PGM"),)),
    "pbm": Odd(b"P4\n320 240\n" + bytes(99), "a.ppm", (is_a("PBM"),)),
    # TIFF.
    **{
        f"tiff-{order}-turned": Odd(
            tiff(sized(320, 240, (ORIENTATION, SHORT, 1, 6)), order=order), "a.tif", (turned(6),)
        )
        for order in "<>"
    },
    "tiff-upright": Odd(tiff(sized(320, 240, (ORIENTATION, SHORT, 1, 1))), "a.tif"),
    "tiff-orientation-long": Odd(tiff(sized(320, 240, (ORIENTATION, LONG, 1, 4)), order=">"), "a.tif", (turned(4),)),
    "tiff-orientation-rational": Odd(
        tiff(sized(320, 240, (ORIENTATION, 5, 1, 6))),
        "a.tif",
        (unchecked("rotation: its Orientation is not one number"),),
    ),
    "tiff-big": Odd(
        tiff([(256, 16, 1, 320), (257, LONG, 1, 240), (ORIENTATION, SHORT, 1, 2)], big=True, order=">"),
        "a.tif",
        (turned(2),),
    ),
    "tiff-directory-at-its-end": Odd(tiff(sized(), at=3_000_000), "a.tif"),
    "tiff-pages": Odd(frames("TIFF"), "a.tif", (ANIMATED,)),
    "tiff-that-follows-itself": Odd(tiff(sized(), more=8), "a.tif"),
    "tiff-two-that-follow-each-other": Odd(tiff(sized(), more=10), "a.tif", (ANIMATED,)),
    "tiff-many-tags": Odd(
        tiff([(100, SHORT, 1, 0)] * 6000 + sized()),
        "a.tif",
        tuple(unchecked(f"{what}: {FAR}") for what in ("size in pixels", "rotation", "animation")),
    ),
    "tiff-no-tags": Odd(tiff([]), "a.tif", (not_whole("TIFF: its directory does not say its size"),)),
    "tiff-beyond-its-end": Odd(
        b"II*\0\xff\xff\xff\x7f" + bytes(99),
        "a.tif",
        (not_whole("TIFF: its directory cannot be read: it points beyond its end"),),
    ),
    "tiff-big-says-endless-tags": Odd(
        tiff([], big=True, named=2**63),
        "a.tif",
        (not_whole("TIFF: its directory cannot be read: it points beyond its end"),),
    ),
    # What is none of them.
    "heic": Odd(ftyp(b"heic"), "a.jpg", (is_a("HEIC"),)),
    "heic-of-another-type": Odd(ftyp(b"heic"), "a.jpg", (HEIC_OF_ANOTHER_TYPE,), service_type=3),
    "avif": Odd(ftyp(b"avif"), "a.png", (is_a("AVIF"),)),
    "mp4": Odd(ftyp(b"isom"), "a.gif", (is_a("MP4 video"),)),
    "svg": Odd(b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="320" height="240"/>', "a.png", (is_a("SVG"),)),
    "pdf": Odd(b"%PDF-1.7\n" + bytes(200), "a.jpg", (is_a("PDF"),)),
    "html": Odd(b"\n<!DOCTYPE html><html>404</html>", "a.jpg", (is_a("HTML page"),)),
    "zip": Odd(b"PK\3\4" + bytes(200), "a.jpg", (is_a("ZIP archive"),)),
    "jpeg-2000": Odd(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99), "a.jpg", (is_a("JPEG 2000"),)),
    "jpeg-xl": Odd(b"\xff\x0a" + bytes(99), "a.jpg", (is_a("JPEG XL"),)),
    "photoshop": Odd(b"8BPS\0\1" + bytes(99), "a.tif", (is_a("Photoshop document"),)),
    "icon": Odd(b"\0\0\1\0" + bytes(99), "a.bmp", (is_a("ICO"),)),
    "camera-raw": Odd(b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "a.tif", (is_a("CR2 camera file"),)),
    "text": Odd(b"not a picture, whatever its name says", "a.jpg", (NO_PICTURE,)),
    "xml": Odd(b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a.jpg", (NO_PICTURE,)),
    "riff-of-another-kind": Odd(b"RIFF\x24\0\0\0WAVEfmt " + bytes(99), "a.webp", (NO_PICTURE,)),
    "zeros": Odd(bytes(5000), "a.png", (NO_PICTURE,)),
    "empty": Odd(b"", "a.jpg", (EMPTY,)),
    "one-byte": Odd(b"\xff", "a.jpg", (NO_PICTURE,)),
    # The name against the content.
    "png-named-jpg": Odd(PNG, "a.jpg", (renamed("PNG"),)),
    "jpeg-named-png": Odd(JPEG, "x/y.png", (renamed("JPEG"),)),
    "jpeg-named-jfif": Odd(JPEG, "a.jfif", (renamed("JPEG"),)),
    "jpeg-no-extension": Odd(JPEG, "folder.jpg/a", (renamed("JPEG"),)),
    "webp-named-jpg-and-turned": Odd(made("WEBP", exif=exif(TURNED)), "a.jpg", (turned(6), renamed("WEBP"))),
    # Size in pixels.
    "pixels-99x100": Odd(made("PNG", (99, 100)), "a.png", (measures(99, 100),)),
    "pixels-100x99": Odd(made("JPEG", (100, 99)), "a.jpg", (measures(100, 99),)),
    "pixels-100x100": Odd(made("JPEG", (100, 100)), "a.jpg"),
    "pixels-100x100-webp": Odd(made("WEBP", (100, 100)), "a.webp"),
    "pixels-4096x4096": Odd(made("PNG", (4096, 4096), mode="1"), "a.png"),
    "pixels-4096x4096-webp": Odd(riff(extended(0, (4096, 4096))), "a.webp"),
    "pixels-4097x100": Odd(made("GIF", (4097, 100), mode="P"), "a.gif", (measures(4097, 100),)),
    "pixels-100x4097": Odd(bmp(40, 100, 4097), "a.bmp", (measures(100, 4097),)),
    "pixels-none": Odd(bmp(12, 0, 0), "a.bmp", (measures(0, 0),)),
    "pixels-none-in-jpeg": Odd(
        b"\xff\xd8" + segment(0xC0, b"\x08\0\0\1\x40\3" + bytes(9)) + segment(0xDA, bytes(10)),
        "a.jpg",
        (measures(320, 0),),
    ),
    "pixels-two-thousand-million": Odd(bmp(40, 2**31 - 1, -(2**31)), "a.bmp", (measures(2**31 - 1, 2**31),)),
    "pixels-of-generic": Odd(made("PNG", (99, 100)), "a.png", (measures(99, 100),), service_type=1),
    "pixels-of-another-type": Odd(
        made("PNG", (99, 100)),
        "a.png",
        (SMALL_OF_ANOTHER_TYPE,),
        service_type=3,
    ),
    "pixels-of-an-unknown-type": Odd(
        made("PNG", (99, 100)),
        "a.png",
        (SMALL_OF_ANOTHER_TYPE,),
        service_type=None,
    ),
    # Size in bytes.
    "bytes-of-another-type": Odd(JPEG.ljust(5_000_000, b"\0"), "a.jpg", (LARGE_OF_ANOTHER_TYPE,), service_type=2),
    "bytes-of-an-unknown-type": Odd(JPEG.ljust(5_000_000, b"\0"), "a.jpg", (LARGE_OF_ANOTHER_TYPE,), service_type=None),
    "bytes-4000000": Odd(JPEG.ljust(4_000_000, b"\0"), "a.jpg"),
    "bytes-4000001": Odd(JPEG.ljust(4_000_001, b"\0"), "a.jpg", (doubtful(4_000_001),)),
    "bytes-4-mb": Odd(JPEG.ljust(MB, b"\0"), "a.jpg", (doubtful(MB),)),
    "bytes-4-mb-and-one": Odd(JPEG.ljust(MB + 1, b"\0"), "a.jpg", (large(MB + 1),)),
    "bytes-of-another-format": Odd(b"%PDF-1.7".ljust(MB + 1, b"\0"), "a.jpg", (large(MB + 1), is_a("PDF"))),
    "everything-at-once": Odd(
        with_segments(made("JPEG", (50, 5000)), app1(exif(TURNED))).ljust(MB + 5, b"\0"),
        "a.png",
        (large(MB + 5), measures(50, 5000), turned(6), renamed("JPEG")),
    ),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_every_rule_that_a_picture_breaks_is_said_in_words(odd: Odd) -> None:
    """Problems first; nothing of a picture that breaks none; never more than 64 KiB of it."""
    asked: list[int] = []
    inspection = inspect(len(odd.content), reader(odd.content, asked))
    found = findings(inspection, len(odd.content), odd.name, odd.service_type, "line 7")
    assert odd.said == tuple(f"{one.severity}: {one.rule}" for one in found)
    assert {("line 7", "PicName", odd.name)} >= {(one.where, one.field, one.value) for one in found}
    assert sum(asked) == inspection.bytes_read


def test_a_finding_says_where_and_what() -> None:
    """As it stands in a report."""
    content = ODD["png-named-jpg"].content
    (found,) = findings(inspect(len(content), reader(content, [])), len(content), "a.jpg", 0, "line 7")
    rule = "its content is of another format than its name says: rename it if it is refused (it is PNG)"
    assert Finding("line 7", "PicName", "a.jpg", rule, Severity.WARNING) == found
    assert f"line 7: PicName 'a.jpg': {rule}" == str(found)


def test_every_rule_has_a_name_of_its_own_and_a_picture_that_breaks_it() -> None:
    """But those that the place of a picture breaks, which the contract tests have."""
    said = " ".join(text for odd in ODD.values() for text in odd.said)
    unsaid = {rule.id for rule in RULES if rule.text not in said}
    assert {rules.MISSING.id, rules.ARCHIVED.id, rules.KEY.id} == unsaid
    assert len(RULES) == len({rule.id for rule in RULES})


# What Pillow says otherwise, and why that does not count.
PILLOW_DIFFERS = {
    "jpeg-orientation-byte": "it gives the byte as a text",
    "jpeg-second-exif-is-right": "it looks at the first EXIF only",
    "png-one-frame-of-an-animation": "it counts the picture besides the animation",
}


def test_pillow_sees_the_same_pictures() -> None:
    """Size, rotation and frames of whatever it opens; it is given the whole file."""
    opinions = {name: pillow(odd.content) for name, odd in ODD.items()}
    others = {}
    agreed = 0
    for name, opinion in opinions.items():
        content = ODD[name].content
        seen = inspect(len(content), reader(content, []))
        if opinion is None or seen.width is None or seen.broken or seen.unchecked:
            continue
        agreed += 1
        if opinion != ((seen.width, seen.height), seen.orientation, seen.animated):
            others[name] = opinion
    assert PILLOW_DIFFERS.keys() == others.keys(), others
    assert agreed > 80


def pillow(content: bytes) -> tuple[tuple[int, int], int | None, bool] | None:
    """Its opinion; None of what it does not open, such as what is made by hand without pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(BytesIO(content))
            return picture.size, picture.getexif().get(ORIENTATION), getattr(picture, "n_frames", 1) > 1
        except Exception:  # noqa: BLE001 - its readers raise anything
            return None

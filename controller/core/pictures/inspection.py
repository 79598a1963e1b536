"""What a picture says of itself, read from at most 64 KiB of it at the places that its container names.

No library answers that, as none says what it could not decide. Pillow reads a WebP as a whole and every segment of a
JPEG, finds EXIF behind a PNG's pixels only by decoding them, and warns through a switch that all threads of a process
share; imagesize errs on BMP of OS/2 and on wide GIFs, sees EXIF in JPEG and TIFF only, and takes one that it cannot
read for none. So the walks are ours, and Pillow is the second opinion in the tests. Pixels are never decoded.

Rotation is what EXIF and TIFF say of it; XMP, which no decoder turns a picture by, is not read.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.core.pictures.formats import recognise
from controller.core.pictures.seen import Puzzling, Seen
from controller.core.pictures.window import BUDGET, FIRST, MOST_READS, Ended, Read, TooFar, Window

BEYOND = f"more than {BUDGET >> 10} KiB, or more than {MOST_READS} of its parts, would have to be read"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a picture.

    Attributes:
        format: `JPEG`, `PNG` …, also of what Image Search does not take, such as `PDF`; None of what nobody knows.
        width: In pixels, as stored.
        height: Likewise.
        orientation: What EXIF or TIFF says; None where it says nothing, unless `unchecked` has it.
        animated: Whether it has several frames or pages; None where `unchecked` has it, or nothing can be said.
        unchecked: What could not be decided, and why, in words.
        broken: Why it is no whole picture, in words; empty of one that may be.
        bytes_read: What was asked for.
    """

    format: str | None
    width: int | None = None
    height: int | None = None
    orientation: int | None = None
    animated: bool | None = None
    unchecked: tuple[str, ...] = ()
    broken: str = ""
    bytes_read: int = 0


def inspect(size: int, read: Read) -> Inspection:
    """Look at a picture of `size` bytes; raises nothing but what `read` raises.

    Args:
        size: Bytes of the whole file.
        read: Gives at most so many bytes (its second argument) from an offset (its first) on. It is never asked for
            more than 64 KiB in total, nor for anything outside of the file, and first for the first 8 KiB.
    """
    window, seen = Window(size, read), Seen()
    if size <= 0:
        return Inspection(None)
    name: str | None = None
    why = ""
    try:
        name, walk = recognise(window.upto(0, FIRST))
        if walk is None:
            return Inspection(name, bytes_read=window.bytes_read)
        walk(window, seen)
    except Ended as ended:
        seen.broken = seen.broken or f"it goes on to byte {ended.needed} at least, and ends after {size}"
    except TooFar:
        why = BEYOND
    except Puzzling as puzzling:
        why = str(puzzling)
    return Inspection(
        name,
        seen.width,
        seen.height,
        seen.orientation,
        seen.animated,
        unchecked=() if seen.broken else seen.undecided(why),
        broken=seen.broken,
        bytes_read=window.bytes_read,
    )

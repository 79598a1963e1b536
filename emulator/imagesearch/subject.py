"""Where the subject of a picture is: what stands out from a background of one colour.

The service finds subjects with a model. This stand-in trims a plain border, which is what product pictures have, and
takes everything else to be the subject as a whole; it never finds a second one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 64  # of the grid that is looked at
_PLAIN = 24  # how far a channel of the border may be from the border's middle
_MOSTLY = 0.95  # of the border must be so
_STANDS_OUT = 48
_LEAST = 8  # cells a subject has, each way; less is dirt
_REGION = re.compile(r"(\d{1,5}),(\d{1,5}),(\d{1,5}),(\d{1,5})", re.ASCII)


class Box(NamedTuple):
    """A part of a picture in pixels, in the order the service writes it: x1,x2,y1,y2."""

    x1: int
    x2: int
    y1: int
    y2: int

    def __str__(self) -> str:
        return f"{self.x1},{self.x2},{self.y1},{self.y2}"


def read_region(text: str, width: int, height: int) -> Box | str:
    """A region that lies within a picture, or what is wrong with it."""
    match = _REGION.fullmatch(text)
    if match is None:
        return f"Region {text!r} is not x1,x2,y1,y2 in whole pixels."
    box = Box(*map(int, match.groups()))
    if not box.x1 < box.x2 <= width or not box.y1 < box.y2 <= height:
        return f"Region {text} (x1,x2,y1,y2) is no part of a picture of {width} x {height} pixels."
    return box


def subject_of(picture: Image.Image, width: int, height: int) -> Box:
    """The subject of a picture in RGB, in pixels of the `width` x `height` it was before it was made smaller."""
    grid = np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.int16)
    whole = Box(0, width, 0, height)
    border = np.concatenate([grid[0], grid[-1], grid[:, 0], grid[:, -1]])
    background = np.median(border, axis=0)
    if (np.abs(border - background).max(axis=1) <= _PLAIN).mean() < _MOSTLY:
        return whole
    standing_out = np.abs(grid - background).max(axis=2) > _STANDS_OUT
    x = _span(standing_out.any(axis=0))
    y = _span(standing_out.any(axis=1))
    if x is None or y is None:
        return whole
    return Box(x[0] * width // _SIDE, -(-x[1] * width // _SIDE), y[0] * height // _SIDE, -(-y[1] * height // _SIDE))


def _span(found: NDArray[np.bool_]) -> tuple[int, int] | None:
    places = np.flatnonzero(found)
    if not places.size or places[-1] - places[0] < _LEAST:
        return None
    return int(places[0]), int(places[-1]) + 1

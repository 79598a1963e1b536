"""What a picture looks like, in two views of 224 bytes, and how alike two pictures are.

A perceptual hash (256 bits, by the library imagehash) tells shapes, an 8 x 8 thumbnail tells colours and where they
are. Both survive scaling and recompression, which is what a search must find again; neither knows what is *in* the
picture, as the service's model does. The views are the subject and the whole, where a subject was looked for, so that
a copy is found even if the stand-in for subjects (`subject`) wavers between it and its original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagehash
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HASH_SIDE = 16
_HASH_BYTES = _HASH_SIDE**2 // 8
_THUMBNAIL = (8, 8)
_THUMBNAIL_BYTES = 8 * 8 * 3
_VIEW = _HASH_BYTES + _THUMBNAIL_BYTES
# Hashes of pictures that have nothing in common differ in half of their bits; colours that far apart are unlike.
_UNLIKE_BITS = _HASH_SIDE**2 / 2
_UNLIKE_COLOURS = 64.0
_DECIMALS = 6


def features_of(subject: Image.Image, whole: Image.Image | None = None) -> bytes:
    """The features of a picture in RGB, of any size; `whole` is the second view, if there is one."""
    first = _view(subject)
    return first + (first if whole is None else _view(whole))


def likeness(features: bytes, others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How alike each row of `others` is by the views that fit best: 1 for the same, 0 for nothing in common."""
    rows = others.reshape(-1, _VIEW)
    views = {features[:_VIEW], features[_VIEW:]}
    fits = np.stack([_alike(view, rows) for view in views])
    best: NDArray[np.float64] = fits.max(axis=0).reshape(-1, 2).max(axis=1)
    return best


def _view(picture: Image.Image) -> bytes:
    hashed = np.packbits(imagehash.phash(picture, _HASH_SIDE).hash)
    thumbnail = np.asarray(picture.resize(_THUMBNAIL, Image.Resampling.BOX), np.uint8)
    return hashed.tobytes() + thumbnail.tobytes()


def _alike(view: bytes, others: NDArray[np.uint8]) -> NDArray[np.float64]:
    one = np.frombuffer(view, np.uint8)
    bits = np.bitwise_count(others[:, :_HASH_BYTES] ^ one[:_HASH_BYTES]).sum(axis=1, dtype=np.int64)
    apart = np.abs(others[:, _HASH_BYTES:].astype(np.int16) - one[_HASH_BYTES:].astype(np.int16)).mean(axis=1)
    shapes = np.clip(1 - bits / _UNLIKE_BITS, 0, 1)
    colours = np.clip(1 - apart / _UNLIKE_COLOURS, 0, 1)
    scores: NDArray[np.float64] = np.round((shapes + colours) / 2, _DECIMALS)
    return scores

"""Which pictures an instance holds, the way searches ask: by product, and as one matrix of features.

Follows from the pictures, so it is not kept on disk; the matrix is built when a search first asks, and again once
pictures have changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from emulator.imagesearch.state import Picture


class Gallery:
    """The derived part of one instance."""

    def __init__(self) -> None:
        self._products: dict[str, dict[str, None]] = {}
        self._changed = True
        self._keys: list[str] = []
        self._matrix: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)

    def add(self, key: str, product_id: str) -> None:
        """A picture is there, or looks different now."""
        self._products.setdefault(product_id, {})[key] = None
        self._changed = True

    def remove(self, key: str, product_id: str) -> None:
        """A picture is gone."""
        held = self._products[product_id]
        del held[key]
        if not held:
            del self._products[product_id]
        self._changed = True

    def of_product(self, product_id: str) -> list[str]:
        """Keys of a product's pictures, in the order they came."""
        return list(self._products.get(product_id, ()))

    def matrix(self, pictures: Mapping[str, Picture]) -> tuple[list[str], NDArray[np.uint8]]:
        """Keys, and one row of features for each."""
        if self._changed:
            self._keys = list(pictures)
            joined = b"".join(picture.features for picture in pictures.values())
            self._matrix = np.frombuffer(joined, np.uint8).reshape(len(self._keys), -1 if self._keys else 0)
            self._changed = False
        return self._keys, self._matrix

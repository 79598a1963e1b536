"""Where each file of a source stands, so that one that comes twice is found: about thirteen bytes a file."""

from __future__ import annotations

from array import array
from bisect import bisect_left

from controller.core.imports.items import fingerprint

SHELVES = 1024  # a fingerprint's first ten bits; on a shelf they are sorted, which costs little as each is short


class Places:
    """Places by the fingerprints of URIs."""

    def __init__(self) -> None:
        self._shelves: dict[int, tuple[array[int], array[int]]] = {}

    def add(self, uri: str, place: int) -> int | None:
        """Take down where a URI stands, or tell where it stood before; that stays."""
        mark = fingerprint(uri)
        shelf = self._shelves.get(mark % SHELVES)
        if shelf is None:
            shelf = self._shelves[mark % SHELVES] = array("Q"), array("I")
        marks, places = shelf
        at = bisect_left(marks, mark)
        if at < len(marks) and marks[at] == mark:
            return places[at]
        marks.insert(at, mark)
        places.insert(at, place)
        return None

"""The frozen items of a run, read from the work bucket part by part.

What is sent and what is asked for goes through a run from its begin to its end, so the last few parts are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from controller.cloud.ports import OssPort
from controller.core.imports.items import PART, Item
from controller.reconcile.imports.sources import read_part

KEPT = 3  # parts in memory; a wave rarely spans more than two


class Parts:
    """The items of one run by index. Safe to share between threads."""

    def __init__(self, oss: OssPort, bucket: str, run: str) -> None:
        self.oss = oss
        self._bucket = bucket
        self._run = run
        self._lock = threading.Lock()
        self._known: OrderedDict[int, list[Item]] = OrderedDict()

    def item(self, index: int) -> Item:
        """One item.

        Raises:
            controller.cloud.errors.CloudError: its part could not be read.
        """
        number, at = divmod(index, PART)
        return self._part(number)[at]

    def items(self, indices: Sequence[int]) -> Iterator[tuple[int, Item]]:
        """Items by their indices, which are best in order; raises as `item`."""
        for index in indices:
            yield index, self.item(index)

    def _part(self, number: int) -> list[Item]:
        with self._lock:
            found = self._known.pop(number, None)
            if found is None:
                found = read_part(self.oss, self._bucket, self._run, number)
            self._known[number] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return found

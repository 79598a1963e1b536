"""The frozen items of a run, read from the work bucket part by part.

What is sent and what is asked for goes through a run from its begin to its end, so the last few parts are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from controller.cloud.ports import OssPort
from controller.core.imports.items import PART, Item
from controller.core.manifest.lines import Line
from controller.reconcile.imports.sources import read_part

KEPT = 3  # parts in memory; a wave rarely spans more than two
Read = Callable[[OssPort, str, str, int], Sequence[Item] | Sequence[Line]]  # bucket, folder under runs/, number


class Parts:
    """The items of one run by index: files, or lines of a manifest as `read` has it. Safe to share between threads."""

    def __init__(self, oss: OssPort, bucket: str, content: str, read: Read = read_part) -> None:
        self.oss = oss
        self._bucket = bucket
        self._content = content
        self._read = read
        self._lock = threading.Lock()
        self._known: OrderedDict[int, Sequence[Item] | Sequence[Line]] = OrderedDict()

    def item(self, index: int) -> Item | Line:
        """One item.

        Raises:
            controller.cloud.errors.CloudError: its part could not be read.
        """
        number, at = divmod(index, PART)
        return self._part(number)[at]

    def items(self, indices: Sequence[int]) -> Iterator[tuple[int, Item]]:
        """Files by their indices, which are best in order; raises as `item`."""
        for index in indices:
            found = self.item(index)
            if not isinstance(found, Item):
                raise TypeError(f"{self._content} holds lines of a manifest, and no files")
            yield index, found

    def lines(self, indices: Sequence[int]) -> Iterator[tuple[int, Line]]:
        """Lines by their indices, likewise."""
        for index in indices:
            found = self.item(index)
            if not isinstance(found, Line):
                raise TypeError(f"{self._content} holds files, and no lines of a manifest")
            yield index, found

    def _part(self, number: int) -> Sequence[Item] | Sequence[Line]:
        with self._lock:
            found = self._known.pop(number, None)
            if found is None:
                found = self._read(self.oss, self._bucket, self._content, number)
            self._known[number] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return found

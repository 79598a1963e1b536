"""The frozen items of a run in the work bucket, in parts of equal length that are each written once.

What is sent and what is asked for goes through a run from its begin to its end, so the last few parts are kept.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from controller.cloud.errors import Conflict, Invalid
from controller.cloud.ports import OssPort
from controller.core.imports.identity import part_key
from controller.core.imports.items import PART, Item, fingerprint
from controller.core.imports.items import decode as decode_files
from controller.core.manifest.lines import Line, key_of
from controller.core.manifest.lines import decode as decode_lines

KEPT = 3  # parts in memory; a wave rarely spans more than two
Entry = TypeVar("Entry", Item, Line)


class FrozenContentLost(Invalid):
    """A part of a run's frozen content is not there any more, or is not what was written."""


@dataclass(frozen=True, slots=True)
class PartFormat(Generic[Entry]):
    """How parts with items of one kind are written.

    `content` is their folder under runs/, and a part's number is counted from 0. Whatever makes a call raises
    `controller.cloud.errors.CloudError` where it failed.

    Attributes:
        plural: What the items are called.
        largest: Bytes of a part.
        key: What tells an item from every other of the run.
    """

    plural: str
    largest: int
    decode: Callable[[bytes], list[Entry]]
    key: Callable[[Entry], str]

    def read(self, oss: OssPort, bucket: str, content: str, number: int) -> list[Entry]:
        """The items of a part.

        Raises:
            FrozenContentLost: it is gone, or somebody changed it.
        """
        key = part_key(content, number)
        data = oss.get_object(bucket, key, largest=self.largest)
        if data is None:
            raise frozen_content_lost(bucket, key, "it is gone")
        try:
            return self.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise frozen_content_lost(bucket, key, "somebody changed it") from error

    def fingerprints(self, oss: OssPort, bucket: str, content: str, items: int) -> array[int]:
        """The fingerprint of each item of a run's `items`, in their order; raises as `read`."""
        found = array("Q")
        for number in range(-(-items // PART)):
            found.extend(fingerprint(self.key(one)) for one in self.read(oss, bucket, content, number))
            if len(found) != min((number + 1) * PART, items):
                why = f"it holds another number of {self.plural}"
                raise frozen_content_lost(bucket, part_key(content, number), why)
        return found

    def write(self, oss: OssPort, bucket: str, content: str, number: int, data: bytes) -> None:
        """Write a part; it may be there already.

        Raises:
            FrozenContentLost: another one is there.
        """
        key = part_key(content, number)
        try:
            oss.put_new(bucket, key, data)
        except Conflict:
            if oss.get_object(bucket, key, largest=self.largest) != data:
                raise frozen_content_lost(bucket, key, "somebody changed it") from None


FILES = PartFormat("files", 16 * 1024 * 1024, decode_files, lambda item: item.uri)  # a run is sent from a few of them
LINES = PartFormat("lines", 32 * 1024 * 1024, decode_lines, key_of)  # 5,000 of the greatest lengths: 25 MiB in ASCII


class Parts:
    """The items of one run by index: files, or lines of a manifest. Safe to share between threads."""

    def __init__(self, oss: OssPort, bucket: str, content: str, form: PartFormat[Item] | PartFormat[Line]) -> None:
        self.oss = oss
        self._bucket = bucket
        self._content = content
        self._format = form
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
                found = self._format.read(self.oss, self._bucket, self._content, number)
            self._known[number] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            return found


def require_frozen(oss: OssPort, bucket: str, run: str) -> None:
    """Make sure of a run's first part before anything new is said of the run.

    Raises:
        FrozenContentLost: the content went, for it expired or was removed, and what led to it did not.
        controller.cloud.errors.CloudError: the work bucket did not answer.
    """
    if oss.get_range(bucket, part_key(run, 0), 0, 1) is None:
        raise frozen_content_lost(bucket, part_key(run, 0), "it is gone")


def frozen_content_lost(bucket: str, key: str, why: str) -> FrozenContentLost:
    """Of the run whose part that is, nothing more can be done."""
    return FrozenContentLost(
        "oss:GetObject",
        f"frozen content oss://{bucket}/{key}: {why}; restore it, or make the object anew under another name",
    )

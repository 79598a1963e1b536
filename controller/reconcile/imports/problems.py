"""Every wrong line of a source as JSON lines in the work bucket, in objects that never take more memory than one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from controller.cloud.ports import OssPort
from controller.core.imports.items import Problem

LARGEST = 4 * 1024 * 1024  # bytes of one object; the last line of a full one names the next
FULLEST = 16 * LARGEST  # it may be more by what is taken down at once
MOST = 100_000  # problems that are written; who has more has one cause for most of them
_encoder = msgspec.json.Encoder()


class Listed(NamedTuple):
    """Up to where a report goes: full objects, bytes of the next one, and problems in all."""

    objects: int = 0
    length: int = 0
    problems: int = 0


class ProblemReport:
    """Written as a source is read. Nothing is written where nothing is wrong.

    Attributes:
        key: The first object, `controller.core.imports.identity.problems_key`.
        count: Problems so far, written or not.
    """

    def __init__(self, oss: OssPort, bucket: str, key: str) -> None:
        self.key = key
        self.count = 0
        self._oss = oss
        self._bucket = bucket
        self._objects = 0
        self._lines = bytearray()
        self._stored = 0  # bytes of the present object that are there already

    @property
    def listed(self) -> Listed:
        """Up to where it goes; after `store`, for `go_on`."""
        return Listed(self._objects, len(self._lines), self.count)

    def go_on(self, listed: Listed) -> bool:
        """Go on from where a report of that key was; False, and nothing done, where that is not there any more.

        Raises:
            controller.cloud.errors.CloudError: it could not be read.
        """
        data = b""
        if listed.length:
            name = self._name(listed.objects)
            data = self._oss.get_object(self._bucket, name, largest=FULLEST) or b""
        if len(data) < listed.length:
            return False
        self._lines = bytearray(data[: listed.length])
        self._objects, self._stored, self.count = listed.objects, listed.length, listed.problems
        return True

    def make_room(self) -> None:
        """Store what is there if it fills an object. What raises here may be called again.

        Raises:
            controller.cloud.errors.CloudError: it could not be stored.
        """
        if len(self._lines) >= LARGEST:
            self._put(f"goes on in oss://{self._bucket}/{self._name(self._objects + 1)}")

    def add(self, problems: Iterable[Problem]) -> None:
        """Take down what is wrong with one line, after `make_room`."""
        for problem in problems:
            self.count += 1
            if self.count <= MOST:
                self._lines += _encoder.encode(problem) + b"\n"

    def store(self) -> None:
        """Store what there is, and go on in the same object; raises as `make_room`."""
        if len(self._lines) != self._stored:
            self._oss.put_object(self._bucket, self._name(self._objects), bytes(self._lines))
            self._stored = len(self._lines)

    def close(self) -> None:
        """Store the rest; raises as `make_room`."""
        if self._lines:
            left_out = f"the first {MOST} problems are listed, of {self.count}" if self.count > MOST else ""
            self._put(left_out)

    def _put(self, ending: str) -> None:
        last = _encoder.encode(Problem("", "", "", ending)) + b"\n" if ending else b""
        self._oss.put_object(self._bucket, self._name(self._objects), bytes(self._lines) + last)
        self._objects += 1
        self._stored = 0
        self._lines.clear()

    def _name(self, number: int) -> str:
        return self.key if number == 0 else f"{self.key.removesuffix('.jsonl')}.{number + 1}.jsonl"

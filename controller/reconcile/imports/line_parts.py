"""The lines of an import into Image Search as they lie in the work bucket: canonical, in parts of equal length."""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from collections.abc import Sequence

import msgspec

from controller.cloud.errors import Conflict
from controller.cloud.ports import OssPort
from controller.core.imports.identity import part_key
from controller.core.imports.items import PART, fingerprint
from controller.core.manifest.lines import Line, decode, encode, key_of
from controller.reconcile.imports.sources import FrozenContentLost, frozen_content_lost

__all__ = ["LARGEST_LINES", "FrozenContentLost", "PartWriter", "load_line_fingerprints", "read_lines"]

LARGEST_LINES = 32 * 1024 * 1024  # bytes of a part; 5,000 lines of the vendor's greatest lengths have 25 in ASCII
NOTHING = hashlib.sha256().digest()


def read_lines(oss: OssPort, bucket: str, content: str, number: int) -> list[Line]:
    """The lines of a part, counted from 0, in the folder `content` under runs/ (`RunRecord.content`).

    Raises:
        FrozenContentLost: it is gone, or somebody changed it.
        controller.cloud.errors.CloudError: the call failed.
    """
    key = part_key(content, number)
    data = oss.get_object(bucket, key, largest=LARGEST_LINES)
    if data is None:
        raise frozen_content_lost(bucket, key, "it is gone")
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise frozen_content_lost(bucket, key, "somebody changed it") from error


def load_line_fingerprints(oss: OssPort, bucket: str, content: str, items: int) -> array[int]:
    """The fingerprint of each line's (ProductId, PicName), in their order; raises as `read_lines`."""
    found = array("Q")
    for number in range(-(-items // PART)):
        found.extend(fingerprint(key_of(line)) for line in read_lines(oss, bucket, content, number))
        if len(found) != min((number + 1) * PART, items):
            raise frozen_content_lost(bucket, part_key(content, number), "it holds another number of lines")
    return found


class PartWriter:
    """Makes parts of lines as they come, and a digest of them: of each part's bytes with the digest before it.

    So it is known part by part, and the same however the lines were written or cut.

    Attributes:
        parts: How many are written.
        ready: Parts that are full, or the last one, and not written yet.
    """

    def __init__(self, content: str, *, parts: int = 0, digest: bytes = NOTHING, pending: bytes = b"") -> None:
        self.content = content
        self.parts = parts
        self.ready: deque[bytes] = deque()
        self._digest = digest
        self._pending = bytearray(pending)
        self._count = pending.count(b"\n")  # none stands within a line: in JSON it is escaped

    @property
    def digest(self) -> str:
        """Of all parts written, in hex."""
        return self._digest.hex()

    @property
    def pending(self) -> bytes:
        """The lines that fill no part yet."""
        return bytes(self._pending)

    @property
    def size(self) -> int:
        """Bytes of the largest part that waits."""
        return max(len(self._pending), *map(len, self.ready), 0)

    def take(self, lines: Sequence[Line]) -> None:
        """Take lines, in their order."""
        while lines:
            head, lines = lines[: PART - self._count], lines[PART - self._count :]
            self._pending += encode(head)
            self._count += len(head)
            if self._count == PART:
                self.close()

    def close(self) -> None:
        """There are no more lines."""
        if self._count:
            self.ready.append(bytes(self._pending))
        self._pending.clear()
        self._count = 0

    def write(self, oss: OssPort | None, bucket: str) -> None:
        """Write one of those that are ready, or only count it in where there is no port; it may be there already.

        Raises:
            FrozenContentLost: another one is there.
            controller.cloud.errors.CloudError: the call failed; the next one makes it again.
        """
        data = self.ready[0]
        if oss is not None:
            self._put(oss, bucket, data)
        self._digest = hashlib.sha256(self._digest + data).digest()
        self.parts += 1
        self.ready.popleft()

    def _put(self, oss: OssPort, bucket: str, data: bytes) -> None:
        key = part_key(self.content, self.parts)
        try:
            oss.put_new(bucket, key, data)
        except Conflict:
            if oss.get_object(bucket, key, largest=LARGEST_LINES) != data:
                raise frozen_content_lost(bucket, key, "somebody changed it") from None

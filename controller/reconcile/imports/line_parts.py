"""The lines of an import into Image Search as they lie in the work bucket: canonical, in parts of equal length."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from controller.cloud.ports import OssPort
from controller.core.imports.items import PART
from controller.core.manifest.lines import Line, encode
from controller.reconcile.imports.parts import LINES

NOTHING = hashlib.sha256().digest()


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
            LINES.write(oss, bucket, self.content, self.parts, data)
        self._digest = hashlib.sha256(self._digest + data).digest()
        self.parts += 1
        self.ready.popleft()

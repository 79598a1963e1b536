"""The bytes of a picture that may be looked at: few, in few requests, each of them once.

Every request for a part of an object takes a round trip, so a little more is asked for than is needed: what follows is
mostly needed next. A picture that is read on and on doubles what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

Read = Callable[[int, int], bytes]  # offset and count to at most so many bytes

BUDGET = 64 * 1024  # bytes of a picture that are asked for at most
FIRST = 8 * 1024  # bytes asked for at first: half of the pictures in examples/media need no more
AHEAD = 1024  # bytes asked for at least wherever a container points to
GAP = 512  # bytes between two parts that are read along rather than asked for past
MOST_READS = 24  # a picture made of very many small parts


class Ended(Exception):
    """The container goes on where the file has ended.

    Attributes:
        needed: The bytes that there would have to be at least.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class TooFar(Exception):
    """More would have to be asked for than may be."""


class Window:
    """What was read so far of a picture, and the means to read more of it.

    Attributes:
        size: Bytes of the whole file.
        bytes_read: What was asked for so far.
        greedy: Whether whatever may be asked for is asked for at once: of a format that can only be read through.
    """

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self.bytes_read = 0
        self.greedy = False
        self._read = read
        self._reads = 0
        self._pieces: list[tuple[int, bytearray]] = []  # the latest first

    def at(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset` on.

        Raises:
            Ended: the file has not got them.
            TooFar: they are beyond what may be asked for.
        """
        if offset + count > self.size:
            raise Ended(offset + count)
        if count <= 0:
            return b""
        for begin, piece in self._pieces:
            if begin <= offset and offset + count <= begin + len(piece):
                return bytes(piece[offset - begin : offset - begin + count])
        return self._fetch(offset, count)

    def number(self, offset: int, count: int) -> int:
        """The `count` bytes from `offset` on as an unsigned number, its least byte first; raises as `at`."""
        return int.from_bytes(self.at(offset, count), "little")

    def upto(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset` on: fewer where the file ends; raises as `at`."""
        return self.at(offset, max(0, min(count, self.size - offset)))

    def _fetch(self, offset: int, count: int) -> bytes:
        begin, piece = self._going_on(offset)
        first = begin + len(piece)
        needed = offset + count - first
        ahead = BUDGET if self.greedy else len(piece) or (AHEAD if self._pieces else FIRST)
        wanted = max(needed, ahead)
        allowed = min(BUDGET - self.bytes_read, self.size - first)
        if needed > allowed or self._reads == MOST_READS:
            raise TooFar
        asked = min(wanted, allowed)
        self._reads += 1
        self.bytes_read += asked
        got = self._read(first, asked)[:asked]
        if not piece:
            self._pieces.insert(0, (begin, piece))
        piece += got
        if len(got) < needed:  # the file is shorter than was said
            raise Ended(offset + count)
        return bytes(piece[offset - begin : offset - begin + count])

    def _going_on(self, offset: int) -> tuple[int, bytearray]:
        """The piece that goes on with this offset, or a new one."""
        for begin, piece in self._pieces:
            if begin <= offset <= begin + len(piece) + GAP:
                return begin, piece
        return offset, bytearray()

"""A source of lines, row by row, and where it stands: what every kind of it is made of.

Each can say where it stands, for a checkpoint, and go on from there: a manifest at a byte of the version it was, a
prefix behind a key. A table is read again from its begin, which asks for no picture: only so a CSV is sure to be
understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec

from controller.cloud.errors import BucketNotFound, Conflict
from controller.cloud.ports import ObjectRange, OssReads
from controller.core.imports.items import Finding
from controller.core.manifest.lines import Line
from controller.reconcile.imports.contents import BLOCK, GET, SourceChanged, SourceNotFound, no_bucket


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Up to where a source was read.

    Attributes:
        rows: So many lines or objects came before.
        offset: Bytes before, of a manifest.
        crlf_said: Whether the warning of line ends was given, of a manifest.
        after: The last key, of a prefix.
        etag: Of what is read, to go on in the same; empty of what has no versions.
    """

    rows: int = 0
    offset: int = 0
    crlf_said: bool = False
    after: str = ""
    etag: str = ""


class LineRow(NamedTuple):
    """A line, unless something is wrong with it, and all that is to be said of it.

    `number` is its place in the source, which rises; 0 is a row on the source as a whole.
    """

    number: int
    line: Line | None
    said: tuple[Finding, ...]


class LineContent(Protocol):
    """A source's lines, in its own order, which is the same each time as long as the source is."""

    distinct: bool  # no pair can be in it twice

    @property
    def unusable(self) -> bool:
        """Whether it is wrong as a whole; its last rows say how."""
        ...

    @property
    def position(self) -> Position:
        """Behind the last row that was given."""
        ...

    def fetch(self) -> Iterator[LineRow | None] | None:
        """The rows of the next piece, to be used up before the next call; None at the end.

        A row is None where there was something to look at, and it is not part of the source.

        Raises:
            SourceNotFound: the object or bucket does not exist.
            SourceChanged: it was written over since the first piece.
            controller.cloud.errors.CloudError: the call failed.
        """
        ...

    def where(self, number: int, line: Line | None) -> str:
        """A row's place, for people; `line` is what is in it, where that is known."""
        ...


class Pinned:
    """An object read in ranges of the version that it had at first."""

    def __init__(self, oss: OssReads, bucket: str, key: str, *, what: str, offset: int = 0, etag: str = "") -> None:
        self.etag = etag
        self.over = False
        self._oss = oss
        self._bucket = bucket
        self._key = key
        self._what = what
        self._offset = offset

    def read(self) -> bytes:
        """The next bytes; `over` is set with the last; raises as `LineContent.fetch`."""
        got = self._get()
        if got is None and not self.etag:
            address = f"oss://{self._bucket}/{self._key}"
            raise SourceNotFound(GET, f"there is no {address}; put the {self._what} there or correct spec.source")
        if got is None or (not got.data and self._offset < got.size):
            raise self._changed()
        self.etag = got.etag
        self._offset += len(got.data)
        self.over = self._offset >= got.size
        return got.data

    def _get(self) -> ObjectRange | None:
        try:
            return self._oss.get_range(self._bucket, self._key, self._offset, BLOCK, etag=self.etag or None)
        except BucketNotFound as error:
            raise no_bucket(GET, self._bucket) from error
        except Conflict as error:
            raise self._changed() from error

    def _changed(self) -> SourceChanged:
        return SourceChanged(GET, f"oss://{self._bucket}/{self._key} was changed while it was read")

"""What the three kinds of source hold, in pieces of at most one cloud call each.

A piece is fetched before anything is made of it, so a call that fails changes nothing and is simply made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from controller.api.importsource import ImportedFile, ImportSource, Prefix, Table
from controller.cloud.errors import BucketNotFound, Conflict, Invalid
from controller.cloud.ports import ObjectPage, OssPort
from controller.core.imports.globs import selector
from controller.core.imports.items import Problem
from controller.core.imports.rules import item_of, judge
from controller.core.imports.table import Row, TableReader
from controller.reconcile.imports.buckets import Buckets

BLOCK = 1024 * 1024  # bytes of a table that one call reads
GET, LIST = "oss:GetObject", "oss:ListObjects"


class SourceNotFound(Invalid):
    """The table or the bucket of the source is not there. It may come: it is looked at again."""


class SourceChanged(Conflict):
    """The source is not what it was when it was first read. Whoever meets this reads it afresh, from the begin."""


class Content(Protocol):
    """A source's rows, in its own order, which is the same each time as long as the source is."""

    distinct: bool  # no file can be in it twice

    @property
    def unusable(self) -> bool:
        """Whether it is wrong as a whole; its last rows say how."""
        ...

    def fetch(self) -> Iterator[Row | None] | None:
        """The rows of the next piece, to be used up before the next call; None at the end.

        A row is None where there was something to look at, and it is not part of the source.

        Raises:
            SourceNotFound: the table or bucket does not exist.
            SourceChanged: the table was written over since the first piece.
            controller.cloud.errors.CloudError: the call failed.
        """
        ...

    def where(self, row: int) -> str:
        """A row's place, for people."""
        ...


def content_of(source: ImportSource, oss: OssPort, buckets: Buckets) -> Content:
    """The content of a source."""
    if source.table is not None:
        return TableContent(source.table, oss)
    if source.prefix is not None:
        return PrefixContent(source.prefix, oss, buckets)
    return InlineContent(source.items or [])


class InlineContent:
    """The files that stand in the spec: the model has checked them."""

    distinct = False

    def __init__(self, files: list[ImportedFile]) -> None:
        self.unusable = False
        self._files = files
        self._over = False

    def fetch(self) -> Iterator[Row] | None:
        if self._over:
            return None
        self._over = True
        return (Row(index, item_of(file)) for index, file in enumerate(self._files))

    def where(self, row: int) -> str:
        return f"spec.source.items[{row}]"


class TableContent:
    """A table, read in ranges of the version that it had at first."""

    distinct = False

    def __init__(self, table: Table, oss: OssPort) -> None:
        self._table = table
        self._oss = oss
        self._reader = TableReader(table)
        self._offset = 0
        self._etag: str | None = None
        self._over = False

    @property
    def unusable(self) -> bool:
        return self._reader.unusable

    def fetch(self) -> Iterator[Row] | None:
        if self._over:
            return None
        bucket, key = self._table.bucket, self._table.key
        try:
            got = self._oss.get_range(bucket, key, self._offset, BLOCK, etag=self._etag)
        except BucketNotFound as error:
            raise no_bucket(GET, bucket) from error
        except Conflict as error:
            raise self._changed() from error
        if got is None and self._etag is None:
            raise SourceNotFound(GET, f"there is no oss://{bucket}/{key}; put the table there or correct spec.source")
        if got is None or (not got.data and self._offset < got.size):
            raise self._changed()
        self._etag = got.etag
        self._offset += len(got.data)
        self._over = self._offset >= got.size
        return self._reader.feed(got.data, last=self._over)

    def where(self, row: int) -> str:
        return f"line {row}"

    def _changed(self) -> SourceChanged:
        return SourceChanged(GET, f"oss://{self._table.bucket}/{self._table.key} was changed while it was read")


class PrefixContent:
    """The objects below a prefix, page by page, as many as fit the globs."""

    distinct = True

    def __init__(self, prefix: Prefix, oss: OssPort, buckets: Buckets) -> None:
        self.unusable = False
        self._prefix = prefix
        self._oss = oss
        self._buckets = buckets
        self._takes = selector(prefix.prefix, prefix.include, prefix.exclude)
        self._after: str | None = None
        self._over = False

    def fetch(self) -> Iterator[Row | None] | None:
        if self._over:
            return None
        bucket = self._prefix.bucket
        refusal = self._buckets.refusal(bucket)
        if bucket in self._buckets.missing:
            self._buckets.forget(bucket)
            raise no_bucket(LIST, bucket)
        if refusal:
            self._over = self.unusable = True
            return iter([Row(0, (Problem("spec.source.prefix", "bucket", bucket, refusal),))])
        try:
            page = self._oss.list_objects(bucket, self._prefix.prefix, after=self._after)
        except BucketNotFound as error:
            raise no_bucket(LIST, bucket) from error
        self._after = page.next_after
        self._over = page.next_after is None
        return self._rows(page)

    def where(self, row: int) -> str:
        return f"spec.source.prefix, object {row}"

    def _rows(self, page: ObjectPage) -> Iterator[Row | None]:
        shared = {"operation": self._prefix.operation, "custom_labels": self._prefix.custom_labels}
        for found in page.objects:
            uri = f"oss://{self._prefix.bucket}/{found.key}"
            yield Row(0, judge(found.key, {"uri": uri, **shared})) if self._takes(found.key) else None


def no_bucket(operation: str, bucket: str) -> SourceNotFound:
    """The bucket of a source is not there."""
    return SourceNotFound(operation, f"bucket {bucket} does not exist; create it or correct spec.source")

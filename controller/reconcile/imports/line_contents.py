"""The kinds of source of an import into Image Search: lines, in pieces of at most one cloud call each.

A piece is fetched before anything is made of it, so a call that fails changes nothing and is simply made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from controller.api.batchimport import ImageSearchImport
from controller.api.importsource import ImportSource, Picture, Table
from controller.cloud.ports import OssReads
from controller.core.manifest.judging import judge
from controller.core.manifest.lines import Line
from controller.core.manifest.reading import Checked, ManifestReader
from controller.core.manifest.rules import CARRIAGE_RETURN
from controller.core.manifest.tables import LineTable
from controller.reconcile.imports.line_rows import LineContent, LineRow, Pinned, Position
from controller.reconcile.imports.prefix_pictures import PrefixPictures


def lines_of(source: ImportSource, into: ImageSearchImport, oss: OssReads, position: Position) -> LineContent:
    """The lines of a source, from a position on."""
    if source.manifest is not None:
        return ManifestContent(oss, into.bucket, source.manifest.key, position)
    if source.table is not None:
        return TableContent(source.table, oss, position)
    if source.prefix is not None:
        return PrefixPictures(source.prefix, into, oss, position)
    return InlinePictures(source.pictures or [], position)


class InlinePictures:
    """The lines that stand in the spec."""

    distinct = False
    unusable = False

    def __init__(self, pictures: list[Picture], position: Position) -> None:
        self._pictures = pictures
        self._over = False
        self.position = position

    def fetch(self) -> Iterator[LineRow] | None:
        if self._over:
            return None
        self._over = True
        return self._rows()

    def where(self, number: int, line: Line | None) -> str:  # noqa: ARG002 - as LineContent has it
        return f"spec.source.pictures[{number - 1}]"

    def _rows(self) -> Iterator[LineRow]:
        for number, picture in enumerate(islice(self._pictures, self.position.rows, None), self.position.rows + 1):
            self.position = Position(number)
            yield LineRow(number, *judge(self.where(number, None), written(picture).items(), _INLINE))


_INLINE = {
    "OperationType": "operation",
    "ProductId": "productId",
    "PicName": "picName",
    "CategoryId": "categoryId",
    "IntAttr": "intAttr",
    "StrAttr": "strAttr",
    "CustomContent": "customContent",
    "Crop": "crop",
    "Region": "region",
}


def written(picture: Picture) -> dict[str, object]:
    """The fields of a line by their names in a manifest; what is not set is left out."""
    fields: dict[str, object] = {
        "OperationType": picture.operation.value,
        "ProductId": picture.product_id,
        "PicName": picture.pic_name,
        "CategoryId": picture.category_id,
        "IntAttr": picture.int_attr,
        "StrAttr": picture.str_attr,
        "CustomContent": picture.custom_content,
        "Crop": picture.crop,
        "Region": picture.region,
    }
    return {name: value for name, value in fields.items() if value is not None}


class ManifestContent:
    """An increment.meta as somebody put it there."""

    distinct = False
    unusable = False

    def __init__(self, oss: OssReads, bucket: str, key: str, position: Position) -> None:
        self._object = Pinned(oss, bucket, key, what="manifest", offset=position.offset, etag=position.etag)
        self._reader = ManifestReader(position.rows + 1, position.offset, crlf_said=position.crlf_said)
        self._at = position

    @property
    def position(self) -> Position:
        return msgspec.structs.replace(self._at, etag=self._object.etag)

    def fetch(self) -> Iterator[LineRow] | None:
        return None if self._object.over else self._rows(self._object.read())

    def where(self, number: int, line: Line | None) -> str:  # noqa: ARG002 - as LineContent has it
        return f"line {number}"

    def _rows(self, data: bytes) -> Iterator[LineRow]:
        for lot in self._lots(data):
            for checked in lot:
                said = self._at.crlf_said or any(one.rule == CARRIAGE_RETURN.text for one in checked.problems)
                self._at = Position(checked.number, checked.end, said)
                yield LineRow(checked.number, checked.line, checked.problems)

    def _lots(self, data: bytes) -> Iterator[list[Checked]]:
        yield from self._reader.feed(data)
        if self._object.over:
            yield from self._reader.close()


class TableContent:
    """A table of pictures. What comes before the position is read again, and given as nothing of the source."""

    distinct = False

    def __init__(self, table: Table, oss: OssReads, position: Position) -> None:
        self._object = Pinned(oss, table.bucket, table.key, what="table", etag=position.etag)
        self._table = LineTable(table.format, table.picture_columns.model_dump())
        self._skipped = position.rows
        self._rows_given = 0

    @property
    def unusable(self) -> bool:
        return self._table.unusable

    @property
    def position(self) -> Position:
        return Position(self._rows_given, etag=self._object.etag)

    def fetch(self) -> Iterator[LineRow | None] | None:
        return None if self._object.over else self._rows(self._object.read())

    def where(self, number: int, line: Line | None) -> str:  # noqa: ARG002 - as LineContent has it
        return f"line {number}"

    def _rows(self, data: bytes) -> Iterator[LineRow | None]:
        for number, judged in self._table.feed(data, last=self._object.over):
            self._rows_given += 1
            yield LineRow(number, *judged) if self._rows_given > self._skipped else None

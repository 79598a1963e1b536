"""The objects below a prefix as lines of an increment.meta: one for each, with what the spec says of all of them."""

from __future__ import annotations

from collections.abc import Iterator

from controller.api.batchimport import ImageSearchImport
from controller.api.importsource import MANIFEST, Operation, PicturesOfPrefix, Prefix, ProductIdFrom
from controller.cloud.errors import BucketNotFound
from controller.cloud.ports import ObjectPage, OssReads
from controller.core.imports.globs import selector
from controller.core.manifest.judging import judge
from controller.core.manifest.lines import Line
from controller.reconcile.imports.contents import LIST, no_bucket
from controller.reconcile.imports.line_rows import LineRow, Position


class PrefixPictures:
    """The objects below a prefix, page by page, as many as fit the globs; see `LineContent`."""

    distinct = True
    unusable = False

    def __init__(self, prefix: Prefix, into: ImageSearchImport, oss: OssReads, position: Position) -> None:
        self.position = position
        self._prefix = prefix
        self._bucket = into.bucket
        self._path = into.path
        self._oss = oss
        self._takes = selector(prefix.prefix, prefix.include, prefix.exclude)
        self._after = position.after or None
        self._over = False

    def fetch(self) -> Iterator[LineRow | None] | None:
        if self._over:
            return None
        try:
            page = self._oss.list_objects(self._bucket, self._prefix.prefix, after=self._after)
        except BucketNotFound as error:
            raise no_bucket(LIST, self._bucket) from error
        self._after = page.next_after
        self._over = page.next_after is None
        return self._rows(page)

    def where(self, number: int, line: Line | None) -> str:
        return f"{self._path}{line.pic_name}" if line is not None else f"spec.source.prefix, object {number}"

    def _rows(self, page: ObjectPage) -> Iterator[LineRow | None]:
        for found in page.objects:
            key, number = found.key, self.position.rows + 1
            self.position = Position(number, after=key)
            taken = self._takes(key) and key.rpartition("/")[2] != MANIFEST
            yield LineRow(number, *judge(key, self._fields(key).items())) if taken else None

    def _fields(self, key: str) -> dict[str, object]:
        """The fields of the line that an object makes, by their names in a manifest."""
        of_all = self._prefix.pictures
        fields: dict[str, object] = {
            "OperationType": self._prefix.operation.value,
            "ProductId": product_of(key, of_all),
            "PicName": key.removeprefix(self._path),
        }
        if self._prefix.operation is Operation.DELETE:
            return fields
        own: dict[str, object] = {
            "CategoryId": of_all.category_id,
            "IntAttr": of_all.int_attr,
            "StrAttr": of_all.str_attr,
            "CustomContent": of_all.custom_content or f"oss://{self._bucket}/{key}",
            "Crop": of_all.crop,
        }
        return fields | {name: value for name, value in own.items() if value is not None}


def product_of(key: str, rule: PicturesOfPrefix) -> str:
    """The ProductId that an object's name stands for; empty where the name has no such part."""
    folders, _, name = key.rpartition("/")
    stem = name.rpartition(".")[0] or name
    match rule.product_id_from:
        case ProductIdFrom.FOLDER:
            return folders.rpartition("/")[2]
        case ProductIdFrom.BEFORE_SEPARATOR:
            return stem.partition(rule.separator)[0]
        case ProductIdFrom.FILE_NAME:
            return stem

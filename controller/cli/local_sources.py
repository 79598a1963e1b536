"""A table or a folder of this machine as the source of a manifest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import ValidationError

from controller.api.batchimport import OnInvalid
from controller.api.importsource import (
    ImportSource,
    PictureColumns,
    PicturesOfPrefix,
    Prefix,
    ProductIdFrom,
    Table,
    TableFormat,
)
from controller.cli.access import Unusable, plain
from controller.cli.local_pictures import LocalFolder, LocalPictures
from controller.cli.targets import ANYWHERE, import_of, instance_of
from controller.cli.verdict import Question

_FORMATS = {"csv": TableFormat.CSV, "jsonl": TableFormat.JSON_LINES}
_EXTENSIONS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PRODUCT_IDS = {
    "file-name": ProductIdFrom.FILE_NAME,
    "folder": ProductIdFrom.FOLDER,
    "before-separator": ProductIdFrom.BEFORE_SEPARATOR,
}
_TABLE = "table"


@dataclass(frozen=True, slots=True)
class Folder:
    """What becomes of a folder's files, by the options."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    product_id_from: str
    separator: str
    custom_content: str | None
    bucket: str | None
    path: str
    category_id: int | None
    int_attr: int | None
    str_attr: str | None


def in_table(
    place: Path,
    form: str | None,
    columns: tuple[str, ...],
    pictures: Path | None,
    service_type: str | None,
    on_invalid: OnInvalid,
) -> Question:
    """The lines of a table.

    Raises:
        click.UsageError: nobody can tell how it is written, or a column is of no field.
        Unusable: it is no regular file.
    """
    if not place.is_file():
        raise Unusable(f"{plain(str(place))} is no regular file")
    form = form or _EXTENSIONS.get(place.suffix.lower())
    if form is None:
        raise click.UsageError(f"how {plain(str(place))} is written, its name does not say: add --format csv or jsonl")
    root = pictures or place.parent
    folder = LocalFolder(root, named={_TABLE: place})
    table = Table.model_construct(bucket=ANYWHERE, key=_TABLE, format=_FORMATS[form], picture_columns=_columns(columns))
    return Question(
        import_of(ImportSource.model_construct(table=table), on_invalid=on_invalid),
        folder,
        str(place),
        _TABLE,
        place.stat().st_size,
        instance_of(service_type),
        LocalPictures(folder, ANYWHERE, "", root),
    )


def in_folder(
    place: Path, wanted: Folder, service_type: str | None, on_invalid: OnInvalid, hidden: Iterable[Path]
) -> Question:
    """A line for each file of a folder; those of `hidden` are none.

    Raises:
        click.UsageError: what the options say fits no line, or leaves its CustomContent open.
    """
    if not wanted.custom_content and not wanted.bucket:
        raise click.UsageError("every line needs CustomContent: add --custom-content, or --bucket for oss:// addresses")
    path = f"{wanted.path.strip('/')}/" if wanted.path.strip("/") else ""
    try:
        of_each = PicturesOfPrefix(
            product_id_from=_PRODUCT_IDS[wanted.product_id_from],
            separator=wanted.separator,
            custom_content=wanted.custom_content or "",
            category_id=wanted.category_id,
            int_attr=wanted.int_attr,
            str_attr=wanted.str_attr,
        )
        prefix = Prefix(
            bucket=wanted.bucket or ANYWHERE,
            prefix=path,
            include=list(wanted.include),
            exclude=list(wanted.exclude),
            pictures=of_each,
        )
    except ValidationError as error:
        raise click.UsageError(_words(error)) from error
    folder = LocalFolder(place, path, hidden=hidden)
    return Question(
        import_of(ImportSource(prefix=prefix), prefix.bucket, path, on_invalid=on_invalid),
        folder,
        str(place),
        "",
        None,
        instance_of(service_type),
        LocalPictures(folder, prefix.bucket, path, place),
    )


def _columns(given: tuple[str, ...]) -> PictureColumns:
    pairs = [one.partition("=") for one in given]
    known = {field.alias or name for name, field in PictureColumns.model_fields.items()}
    for field, equals, column in pairs:
        if not equals or not column or field not in known:
            raise click.UsageError(
                f"--column {plain(field + equals + column)}: write FIELD=COLUMN, with one of {', '.join(sorted(known))}"
            )
    try:
        return PictureColumns.model_validate({field: column for field, _, column in pairs})
    except ValidationError as error:
        raise click.UsageError(_words(error)) from error


def _words(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())

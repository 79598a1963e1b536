"""What a BatchImport reads its files or pictures from: inline, a table in OSS, a prefix, or a manifest."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controller.api.fields import RULES, BucketName, Model, cel, spelled

MAX_ITEMS = 200  # inline; more belongs into a table, as an object of Kubernetes is bounded
MAX_LABELS = 32
MAX_GLOBS = 32

# Struct InputFile (IMM 2020-09-30): an OSS object or a file of Drive and Photo Service; http addresses are not taken.
DRIVES = "pds://"
OBJECT = r"oss://[a-z0-9][a-z0-9-]{1,61}[a-z0-9]/.+"
REVISION = r"pds://domains/[^/\n]+/drives/[^/\n]+/files/[^/\n]+/revisions/[^/\n]+"
FileUri = Annotated[
    str,
    spelled(
        "a file is oss://BUCKET/KEY or pds://domains/DOMAIN/drives/DRIVE/files/FILE/revisions/REVISION (Drive and "
        "Photo Service); upload what lies elsewhere to OSS first",
        rf"^({OBJECT}|{REVISION})$",
        max_length=1100,
    ),
]
ObjectUri = Annotated[
    str, spelled("the object that a file of a drive is kept in is oss://BUCKET/KEY", rf"^{OBJECT}$", max_length=1100)
]
FileHash = Annotated[str, Field(min_length=1, max_length=256)]
LabelName = Annotated[str, Field(min_length=1, max_length=128)]
LabelValue = Annotated[str, Field(max_length=512)]
Labels = Annotated[dict[LabelName, LabelValue], Field(max_length=MAX_LABELS)]
Column = Annotated[str, Field(min_length=1, max_length=128)]
Glob = Annotated[str, Field(min_length=1, max_length=256)]
ObjectKey = Annotated[
    str,
    spelled("an object's key has 1 to 1023 characters and does not start with / or \\", r"^[^/\\]", max_length=1023),
]
MANIFEST = "increment.meta"
# No bounds in the definition: the API server takes them for floating-point numbers, beyond what it calls an integer.
Int64 = Annotated[int, Field(json_schema_extra={"format": "int64"})]
PictureName = Annotated[
    str,
    spelled(
        "a PicName is relative, without / at its begin, and has its extension, e.g. girlCloth/girl_cloth8.jpg",
        r"^[^/\\].*\.[^/.]+$",
        max_length=256,
    ),
]
STR_ATTR = "a StrAttr has up to 128 characters, and none of \\ ¥ $ & %"
REGION = "a Region is x1,x2,y1,y2 in whole pixels, e.g. 20,40,60,80"
MANIFEST_KEY = "a manifest is exactly increment.meta, in the folder of its pictures, and has no / at its begin"
KeyPrefix = Annotated[str, spelled("a prefix does not start with / or \\", r"^([^/\\]|$)", max_length=1023)]


class Operation(StrEnum):
    """What is done with a file."""

    ADD = "ADD"
    DELETE = "DELETE"


class TableFormat(StrEnum):
    """How a table is written."""

    JSON_LINES = "JSONLines"
    CSV = "CSV"


OF_A_DRIVE = "belongs to a file of Drive and Photo Service only: give its pds:// address as the uri, or leave it out"


class ImportedFile(Model):
    """A file, and what is to be known of it."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                {
                    "rule": f"!has(self.{name}) || self.uri.startsWith('{DRIVES}')",
                    "message": f"spec.source.items: {name} {OF_A_DRIVE}",
                }
                for name in ("fileHash", "ossUri")
            ]
        }
    )

    uri: FileUri = Field(
        description=(
            "oss://BUCKET/KEY, in the account's region, or a file of Drive and Photo Service: "
            "pds://domains/DOMAIN/drives/DRIVE/files/FILE/revisions/REVISION."
        )
    )
    operation: Operation = Field(
        default=Operation.ADD,
        description="ADD, also if left out, indexes the file; DELETE removes its metadata, never the object.",
    )
    custom_id: Annotated[str, Field(max_length=512)] | None = Field(default=None, description="IMM's CustomId.")
    custom_labels: Labels = Field(default_factory=dict, description="IMM's CustomLabels, for queries.")
    file_hash: FileHash | None = Field(
        default=None, description="IMM's FileHash, of a pds:// file; it is generally left out."
    )
    oss_uri: ObjectUri | None = Field(
        default=None,
        description="IMM's OSSURI, of a pds:// file: the object, in the account's region, with the file's content.",
    )


class Columns(Model):
    """Which column, or field of a JSON line, holds what."""

    uri: Column = Field(default="uri", description="The file.")
    operation: Column = Field(default="operation", description="ADD or DELETE; where it is missing or empty, ADD.")
    custom_id: Column = Field(default="customId", description="IMM's CustomId; may be missing.")
    file_hash: Column = Field(default="fileHash", description="IMM's FileHash of a pds:// file; may be missing.")
    oss_uri: Column = Field(default="ossUri", description="IMM's OSSURI of a pds:// file; may be missing.")
    labels: Annotated[dict[LabelName, Column], Field(max_length=MAX_LABELS)] = Field(
        default_factory=dict,
        description="Custom label: the column with its value. JSON lines may hold an object customLabels as well.",
    )


class Picture(Model):
    """One line of an increment.meta: a picture that is imported into Image Search, or deleted from it."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                {
                    "rule": f"has(self.{name}) || (has(self.operation) && self.operation == 'DELETE')",
                    "message": f"spec.source.pictures: an ADD needs {name}",
                }
                for name in ("picName", "customContent")
            ]
        }
    )

    operation: Operation = Field(
        default=Operation.ADD,
        description="ADD, also if left out, imports it, over one of the same names; DELETE removes it.",
    )
    product_id: Annotated[str, Field(min_length=1, max_length=256)] = Field(
        description="ProductId; a product may have many pictures."
    )
    pic_name: PictureName | None = Field(
        default=None,
        description=(
            "PicName: relative to the target's path, with its extension. A DELETE without it removes every picture of "
            "the product, and needs spec.allowWholeProductDelete."
        ),
    )
    category_id: Int64 | None = Field(default=None, description="CategoryId; left out, the service predicts one.")
    int_attr: Int64 | None = Field(default=None, description="IntAttr, to filter by.")
    str_attr: Annotated[str, spelled(STR_ATTR, r"^[^\\¥$&%]*$", max_length=128)] | None = Field(
        default=None, description="StrAttr, to filter by."
    )
    custom_content: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="CustomContent: comes back with search results. An ADD needs it."
    )
    crop: bool | None = Field(
        default=None, description="Crop: find the subject (the service's default), or search by the whole picture."
    )
    region: Annotated[str, spelled(REGION, r"^[0-9]{1,9}(,[0-9]{1,9}){3}$", max_length=39)] | None = Field(
        default=None, description="Region of the subject, x1,x2,y1,y2 in pixels. With it, crop is ignored."
    )


class PictureColumns(Model):
    """Which column, or field of a JSON line, holds what of a line of increment.meta. The defaults are its own names."""

    operation: Column = Field(default="OperationType", description="ADD or DELETE; where it is missing or empty, ADD.")
    product_id: Column = Field(default="ProductId", description="The product.")
    pic_name: Column = Field(default="PicName", description="The picture, relative to the target's path.")
    category_id: Column = Field(default="CategoryId", description="May be missing.")
    int_attr: Column = Field(default="IntAttr", description="May be missing.")
    str_attr: Column = Field(default="StrAttr", description="May be missing.")
    custom_content: Column = Field(default="CustomContent", description="An ADD needs it.")
    crop: Column = Field(default="Crop", description="May be missing.")
    region: Column = Field(default="Region", description="May be missing.")


class ProductIdFrom(StrEnum):
    """Which part of a picture's name is its product's id."""

    FILE_NAME = "FileName"
    FOLDER = "Folder"
    BEFORE_SEPARATOR = "BeforeSeparator"


class PicturesOfPrefix(Model):
    """How the objects below a prefix become lines of increment.meta."""

    product_id_from: ProductIdFrom = Field(
        default=ProductIdFrom.FILE_NAME,
        description=(
            "FileName: the file's name without its extension. Folder: the last folder that it lies in. "
            "BeforeSeparator: the file's name up to the first separator, so that shoe_1.jpg and shoe_2.jpg are shoe."
        ),
    )
    separator: Annotated[str, Field(min_length=1, max_length=8)] = Field(
        default="_", description="Ends the product's id where productIdFrom is BeforeSeparator."
    )
    custom_content: Annotated[str, Field(max_length=4096)] = Field(
        default="", description="CustomContent of each; empty is the picture's own oss:// address."
    )
    category_id: Int64 | None = Field(default=None, description="CategoryId of each.")
    int_attr: Int64 | None = Field(default=None, description="IntAttr of each.")
    str_attr: Annotated[str, spelled(STR_ATTR, r"^[^\\¥$&%]*$", max_length=128)] | None = Field(
        default=None, description="StrAttr of each."
    )
    crop: bool | None = Field(default=None, description="Crop of each.")


class Manifest(Model):
    """An increment.meta that lies in the target's bucket already, beside its pictures."""

    key: Annotated[str, spelled(MANIFEST_KEY, r"^([^/\\].*/)?increment\.meta$", max_length=1023)] = Field(
        description="The object: the target's path, and exactly increment.meta."
    )


class Table(Model):
    """A list of files that lies in OSS."""

    bucket: BucketName = Field(description="Where it lies, in the account's region.")
    key: ObjectKey = Field(description="The object.")
    format: TableFormat = Field(default=TableFormat.JSON_LINES, description="CSV has a header line, and is UTF-8.")
    columns: Columns = Field(default_factory=Columns, description="Which column holds what of a file.")
    picture_columns: PictureColumns = Field(
        default_factory=PictureColumns, description="Which column holds what of a picture, for target.imageSearch."
    )
    uri_prefix: Annotated[str, Field(max_length=1100)] = Field(
        default="", description="Put before each uri, e.g. oss://my-bucket/ where the table holds only keys."
    )


class Prefix(Model):
    """The objects of a bucket below a prefix, as they are when the run begins."""

    bucket: BucketName = Field(description="The bucket, in the account's region.")
    prefix: KeyPrefix = Field(default="", description="Only keys that start with it; empty is the whole bucket.")
    include: Annotated[list[Glob], Field(max_length=MAX_GLOBS)] = Field(
        default_factory=list,
        description="Globs on the rest of the key, ** over folders; a key is taken when one fits. None takes all.",
    )
    exclude: Annotated[list[Glob], Field(max_length=MAX_GLOBS)] = Field(
        default_factory=list, description="Globs on the rest of the key; a key that one fits is left out."
    )
    operation: Operation = Field(default=Operation.ADD, description="What is done with each of them.")
    custom_labels: Labels = Field(default_factory=dict, description="IMM's CustomLabels of each of them.")
    pictures: PicturesOfPrefix = Field(
        default_factory=PicturesOfPrefix, description="What becomes of each of them, for target.imageSearch."
    )


class ImportSource(Model):
    """Which files, or which pictures: exactly one of the five."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            "[has(self.items), has(self.pictures), has(self.manifest), has(self.table), has(self.prefix)]"
            ".filter(given, given).size() == 1",
            "spec.source takes exactly one of items (up to 200 files written here), pictures (up to 200 lines of "
            "increment.meta written here), manifest (an increment.meta in OSS), table (JSON Lines or CSV in OSS) and "
            "prefix (objects of a bucket): set one and leave the others out",
        )
    )

    items: Annotated[list[ImportedFile], Field(min_length=1, max_length=MAX_ITEMS)] | None = Field(
        default=None, description="The files themselves, at most 200; use table for more. For target.dataset."
    )
    pictures: Annotated[list[Picture], Field(min_length=1, max_length=MAX_ITEMS)] | None = Field(
        default=None, description="The pictures themselves, at most 200; use table for more. For target.imageSearch."
    )
    manifest: Manifest | None = Field(
        default=None, description="An increment.meta as it lies beside its pictures. For target.imageSearch."
    )
    table: Table | None = Field(default=None, description="A table of files or pictures in OSS.")
    prefix: Prefix | None = Field(default=None, description="All objects below a prefix.")

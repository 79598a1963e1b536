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
        default=Operation.ADD, description="ADD indexes the file; DELETE removes its metadata, never the object."
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


class Table(Model):
    """A list of files that lies in OSS."""

    bucket: BucketName = Field(description="Where it lies, in the account's region.")
    key: ObjectKey = Field(description="The object.")
    format: TableFormat = Field(default=TableFormat.JSON_LINES, description="CSV has a header line, and is UTF-8.")
    columns: Columns = Field(default_factory=Columns, description="Which column holds what.")
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


class ImportSource(Model):
    """Which files: exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            "[has(self.items), has(self.table), has(self.prefix)].filter(given, given).size() == 1",
            "spec.source takes exactly one of items (up to 200 files written here), table (JSON Lines or CSV in OSS) "
            "and prefix (objects of a bucket): set one and leave the others out",
        )
    )

    items: Annotated[list[ImportedFile], Field(min_length=1, max_length=MAX_ITEMS)] | None = Field(
        default=None, description="The files themselves, at most 200; use table for more."
    )
    table: Table | None = Field(default=None, description="A table of files in OSS.")
    prefix: Prefix | None = Field(default=None, description="All objects below a prefix.")

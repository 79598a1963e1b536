"""What the target and the source of an import require of each other.

The API server checks each rule as CEL. Who reads a BatchImport without one, as `imm-operator manifest`, checks it by
`Rule.holds`: the model alone refuses none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from controller.api.fields import Model
from controller.api.importsource import MANIFEST

if TYPE_CHECKING:
    from controller.api.batchimport import BatchImportSpec


class Rule(NamedTuple):
    """A rule on a spec: as CEL, in words, and as Python."""

    cel: str
    message: str
    holds: Callable[[BatchImportSpec], bool]


def _manifest_in_path(spec: BatchImportSpec) -> bool:
    into, manifest = spec.target.image_search, spec.source.manifest
    return into is None or manifest is None or manifest.key == into.path + MANIFEST


def _prefix_in_path(spec: BatchImportSpec) -> bool:
    into, listed = spec.target.image_search, spec.source.prefix
    return into is None or listed is None or (listed.bucket == into.bucket and listed.prefix.startswith(into.path))


def _given(part: Model | None, name: str) -> bool:
    """Whether a field stands in the object itself, as CEL's `has` tells it."""
    return part is not None and name in part.model_fields_set


OF_PICTURES = (
    Rule(
        "!has(self.source.items) || has(self.target.dataset)",
        "spec.source.items belongs to target.dataset; pictures are given by source.pictures",
        lambda spec: spec.source.items is None or spec.target.dataset is not None,
    ),
    Rule(
        "!(has(self.source.pictures) || has(self.source.manifest)) || has(self.target.imageSearch)",
        "spec.source.pictures and spec.source.manifest belong to target.imageSearch; files are given by source.items",
        lambda spec: (
            (spec.source.pictures is None and spec.source.manifest is None) or spec.target.image_search is not None
        ),
    ),
    Rule(
        "!has(self.target.imageSearch) || !has(self.source.manifest) || self.source.manifest.key == "
        "(has(self.target.imageSearch.path) ? self.target.imageSearch.path : '') + 'increment.meta'",
        "spec.source.manifest.key is target.imageSearch.path followed by increment.meta: PicNames are relative to its "
        "folder",
        _manifest_in_path,
    ),
    Rule(
        "!has(self.target.imageSearch) || !has(self.source.prefix) || (self.source.prefix.bucket == "
        "self.target.imageSearch.bucket && (has(self.source.prefix.prefix) ? self.source.prefix.prefix : '')"
        ".startsWith(has(self.target.imageSearch.path) ? self.target.imageSearch.path : ''))",
        "spec.source.prefix lies in target.imageSearch's bucket and path: a manifest and its pictures are in one "
        "bucket, and PicNames are relative",
        _prefix_in_path,
    ),
    Rule(
        "!has(self.target.imageSearch) || !has(self.source.table) || (!has(self.source.table.columns) && "
        "(!has(self.source.table.uriPrefix) || self.source.table.uriPrefix == ''))",
        "spec.source.table's columns and uriPrefix belong to target.dataset; a table of pictures has pictureColumns",
        lambda spec: (
            spec.target.image_search is None
            or spec.source.table is None
            or not (_given(spec.source.table, "columns") or spec.source.table.uri_prefix)
        ),
    ),
    Rule(
        "!has(self.target.dataset) || !has(self.source.table) || !has(self.source.table.pictureColumns)",
        "spec.source.table.pictureColumns belongs to target.imageSearch; a table of files has columns",
        lambda spec: spec.target.dataset is None or not _given(spec.source.table, "picture_columns"),
    ),
    Rule(
        "!has(self.target.imageSearch) || !has(self.source.prefix) || !has(self.source.prefix.customLabels)",
        "spec.source.prefix.customLabels belongs to target.dataset; pictures have pictures.customContent",
        lambda spec: spec.target.image_search is None or not _given(spec.source.prefix, "custom_labels"),
    ),
    Rule(
        "!has(self.target.dataset) || !has(self.source.prefix) || !has(self.source.prefix.pictures)",
        "spec.source.prefix.pictures belongs to target.imageSearch; files have customLabels",
        lambda spec: spec.target.dataset is None or not _given(spec.source.prefix, "pictures"),
    ),
)

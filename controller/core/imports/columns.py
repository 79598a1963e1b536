"""Which column of a table holds what: from a record, by column, to the file that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from controller.api.bounds import cut
from controller.api.importsource import Columns, Operation, Table, TableFormat
from controller.core.imports.items import Item, Problem
from controller.core.imports.rules import Path, judge, spelled

SHOWN_COLUMNS = 40
SHOWN_NAMES = 400  # bytes
LABELS = "customLabels"  # the field of a JSON line that holds labels by their own names
SAID_BY = "spec.source.table.columns"
_usual = Columns()


class Named(NamedTuple):
    """The columns of a table that mean something.

    Attributes:
        subject: The column of what a record is about: each record must have it.
        expected: What a table must have besides, for the spec names it.
        known: All of them.
        said_by: The field of the spec that says which is which.
    """

    subject: str
    expected: frozenset[str]
    known: frozenset[str]
    said_by: str


def named(columns: Columns) -> Named:
    """The columns of a table of files.

    Under their usual names all but the file's may be missing; whoever names one means it to be there.
    """
    labels = frozenset(columns.labels.values())
    own = frozenset(_own(columns))
    return Named(columns.uri, (own - {*_own(_usual)}) | labels, own | labels | {columns.uri}, SAID_BY)


def check_header(where: str, header: list[str], columns: Named) -> tuple[Problem, ...]:
    """What is wrong with the header line of a CSV table."""
    times = Counter(header)
    needed = columns.expected | {columns.subject}
    return (
        *(missing(where, name, header, columns.said_by) for name in sorted(needed) if name not in times),
        *(
            Problem(where, name, "", f"the table has {times[name]} columns of this name: rename all but one")
            for name in sorted(columns.known)
            if times[name] > 1
        ),
    )


def missing(where: str, name: str, there: Iterable[str], said_by: str = SAID_BY) -> Problem:
    """A column that is not there, with those that are."""
    names = cut(", ".join(name or "''" for name in islice(there, SHOWN_COLUMNS)) or "none", SHOWN_NAMES)
    return Problem(where, name, "", f"there is no such column, only: {names}; {said_by} says which")


def file_of(where: str, record: Mapping[str, Any], table: Table) -> Item | tuple[Problem, ...]:
    """The file of a record, or what is wrong with it.

    What is empty or null in a column is not set. An operation may be written in lower case.
    """
    columns, uri = table.columns, record.get(table.columns.uri)
    if uri is None:
        return (missing(where, columns.uri, record),)
    operation = record.get(columns.operation) or Operation.ADD
    fields = {
        "uri": table.uri_prefix + uri if isinstance(uri, str) else uri,
        "operation": operation.upper() if isinstance(operation, str) else operation,
        "custom_id": record.get(columns.custom_id) or None,
        "file_hash": record.get(columns.file_hash) or None,
        "oss_uri": record.get(columns.oss_uri) or None,
        "custom_labels": _labels(record, table),
    }

    def name_of(path: Path) -> str:
        match path:
            case ("uri" | "operation" | "custom_id" | "file_hash" | "oss_uri" as field,):
                return str(getattr(columns, field))
            case ("custom_labels", str(label), *_) if label in columns.labels:
                return columns.labels[label]
        return spelled(path)

    return judge(where, fields, name_of)


def _own(columns: Columns) -> tuple[str, ...]:
    """The columns of what may be said of a file, but for its labels."""
    return columns.operation, columns.custom_id, columns.file_hash, columns.oss_uri


def _labels(record: Mapping[str, Any], table: Table) -> Any:
    """The labels by their columns, beside or over those of a JSON line's own object."""
    own = record.get(LABELS) if table.format is TableFormat.JSON_LINES else None
    mapped = {
        label: value
        for label, column in table.columns.labels.items()
        if (value := record.get(column)) is not None and value != ""
    }
    if own is None:
        return mapped
    return {**own, **mapped} if mapped and isinstance(own, dict) else own

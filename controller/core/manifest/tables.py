"""A table of pictures, JSON Lines or CSV: each of its records is a line of a manifest, or what is wrong with it.

The bytes are read as those of a table of files are (`controller.core.imports.table`). A cell of CSV is a text, so
numbers and true/false are read from it here; what is none stays a text, and the rule of its field says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from controller.api.importsource import Operation, TableFormat
from controller.core.imports.columns import Named, missing
from controller.core.imports.items import Finding
from controller.core.imports.table import RecordReader
from controller.core.manifest.judging import ATTRIBUTES, Judged, judge
from controller.core.manifest.values import INTEGERS

SAID_BY = "spec.source.table.pictureColumns"
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_TRUTHS = {"true": True, "false": False}


class LineTable:
    """Takes blocks of a table and gives the lines that they complete, each with the line of the table it begins in.

    Args:
        form: How the table is written.
        columns: By the attributes of a `Line`, all nine: the column that holds each.
    """

    def __init__(self, form: TableFormat, columns: Mapping[str, str]) -> None:
        self._form = form
        self._columns = columns
        self._records = RecordReader(form, _named(columns))

    @property
    def unusable(self) -> bool:
        """What is wrong lies with the table and not with single lines: none of them may be taken."""
        return self._records.unusable

    def feed(self, block: bytes, *, last: bool) -> Iterator[tuple[int, Judged]]:
        """Iterate over the lines that are complete with this block; to be used up before the next block is fed.

        `last` says that there is no other.
        """
        for number, found in self._records.feed(block, last=last):
            if isinstance(found, tuple):
                wrong = tuple(Finding(one.where, one.field, one.value, one.rule) for one in found)
                yield number, Judged(None, wrong)
            else:
                yield number, line_of(f"line {number}", found, self._columns, self._form)


def line_of(where: str, record: Mapping[str, Any], columns: Mapping[str, str], form: TableFormat) -> Judged:
    """The line of a record, by its columns.

    What is empty or null is not there. An operation may be written in lower case, and is ADD where there is none.
    """
    if record.get(columns["product_id"]) is None:
        one = missing(where, columns["product_id"], record, SAID_BY)
        return Judged(None, (Finding(one.where, one.field, one.value, one.rule),))
    names = {name: columns[attribute] for name, attribute in ATTRIBUTES.items()}
    cells = {name: record.get(column) for name, column in names.items()}
    operation = cells["OperationType"] or Operation.ADD
    cells["OperationType"] = operation.upper() if isinstance(operation, str) else operation
    given = {name: value for name, value in cells.items() if value is not None and value != ""}
    if form is TableFormat.CSV:
        given = {name: _typed(name, value) for name, value in given.items()}
    return judge(where, given.items(), names)


def _named(columns: Mapping[str, str]) -> Named:
    """Under its name in a manifest any column but the product's may be missing; whoever names one means it."""
    subject = columns["product_id"]
    others = {columns[attribute] for attribute in ATTRIBUTES.values()} - {subject}
    return Named(subject, frozenset(others - ATTRIBUTES.keys()), frozenset(others | {subject}), SAID_BY)


def _typed(name: str, cell: str) -> Any:
    if name in INTEGERS:
        return int(cell) if _WHOLE.fullmatch(cell.strip()) else cell
    return _TRUTHS.get(cell.strip().lower(), cell) if name == "Crop" else cell

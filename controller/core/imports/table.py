"""A table of files, JSON Lines or CSV, read as a stream: each of its lines is a file, or what is wrong with it.

A table is fed block by block and keeps no more than a block and a record in memory. CSV is RFC 4180 with a header line;
both are UTF-8. Every line is looked at, whatever the ones before it were.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from controller.api.importsource import Table, TableFormat
from controller.core.imports.columns import Named, check_header, file_of, missing, named
from controller.core.imports.items import Item, Problem
from controller.core.imports.lines import LONGEST, Dry, Lines, TooLong
from controller.core.imports.rules import shown

NOT_UTF_8 = "it is not UTF-8: save the table as UTF-8"
_json = msgspec.json.Decoder(dict[str, Any])


class Row(NamedTuple):
    """A record of the table: the line in which it begins, and what it is."""

    line: int
    found: Item | tuple[Problem, ...]


class Record(NamedTuple):
    """A record of a table by its columns, or what is wrong with it, and the line in which it begins."""

    line: int
    found: Mapping[str, Any] | tuple[Problem, ...]


class TableReader:
    """Takes blocks and gives the rows that they complete."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._records = RecordReader(table.format, named(table.columns))

    @property
    def unusable(self) -> bool:
        """What is wrong lies with the table and not with single lines: none of them may be taken."""
        return self._records.unusable

    def feed(self, block: bytes, *, last: bool) -> Iterator[Row]:
        """Iterate over the rows that are complete with this block; to be used up before the next block is fed.

        `last` says that there is no other.
        """
        for line, found in self._records.feed(block, last=last):
            yield Row(line, found if isinstance(found, tuple) else file_of(f"line {line}", found, self._table))


class Texts:
    """Lines for csv, which must see whatever is in them so as to find where a record ends.

    No method of the reader's own, which would then hold itself, and its last block, until the garbage is collected.

    Attributes:
        undecodable: A line of the record at hand is not UTF-8.
    """

    def __init__(self, lines: Lines) -> None:
        self.undecodable = False
        self._lines = lines

    def __iter__(self) -> Texts:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.undecodable = True
            return line.decode(errors="replace")


class RecordReader:
    """Takes blocks of a table and gives the records that they complete, whatever they are about.

    Attributes:
        unusable: What is wrong lies with the table and not with single lines: none of them may be taken.
    """

    def __init__(self, form: TableFormat, columns: Named) -> None:
        self.unusable = False
        self._format = form
        self._columns = columns
        self._lines = Lines()
        self._texts = Texts(self._lines)
        self._csv = csv.reader(self._texts, strict=True)
        self._header: list[str] | None = None
        self._never_seen = set(columns.expected)
        self._first_names: list[str] | None = None  # of the first JSON line

    def feed(self, block: bytes, *, last: bool) -> Iterator[Record]:
        """Iterate over the records that are complete with this block; to be used up before the next block is fed.

        `last` says that there is no other.
        """
        self._lines.feed(block, last=last)
        read = self._read_json if self._format is TableFormat.JSON_LINES else self._read_csv
        while not self.unusable:
            try:
                found = read()
            except (Dry, StopIteration):
                self._lines.wait()
                break
            except (TooLong, csv.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                line, problem = self._lines.number, Problem(self._where(), "line", "", _words(error))
                self._lines.skip()
                self.unusable = self._headless()
                yield Record(line, (problem,))
            else:
                line = self._lines.number
                self._lines.accept()
                if found is not None:
                    yield Record(line, found)
        if last and not self.unusable:
            yield from self._end()

    def _read_json(self) -> Mapping[str, Any]:
        record = _json.decode(next(self._lines))
        if self._first_names is None:
            self._first_names = list(record)
        if self._never_seen:
            self._never_seen.difference_update(record)
        return record

    def _read_csv(self) -> Mapping[str, Any] | tuple[Problem, ...] | None:
        """A row, or None of the header."""
        self._texts.undecodable = False
        cells = next(self._csv)
        if self._texts.undecodable:
            self.unusable = self._headless()
            return (Problem(self._where(), "line", "", NOT_UTF_8),)
        if self._header is None:
            self._header = cells
            problems = check_header(self._where(), cells, self._columns)
            self.unusable = bool(problems)
            return problems or None
        if len(cells) != len(self._header):
            words = f"it has {len(cells)} cells, the header has {len(self._header)}: put a cell with a comma in quotes"
            return (Problem(self._where(), "line", shown(",".join(cells[:3])), words),)
        return dict(zip(self._header, cells, strict=True))

    def _end(self) -> Iterator[Record]:
        """What can only be told when all lines were seen."""
        problems: tuple[Problem, ...] = ()
        if self._headless():
            problems = (Problem("line 1", "line", "", "the table is empty: it needs a header line"),)
        elif self._first_names is not None:
            problems = tuple(
                missing("every line", name, self._first_names, self._columns.said_by)
                for name in sorted(self._never_seen)
            )
        if problems:
            self.unusable = True
            yield Record(self._lines.number, problems)

    def _headless(self) -> bool:
        """Whether this is CSV and its first record, which must say what the columns are, is not there or no record."""
        return self._format is TableFormat.CSV and self._header is None

    def _where(self) -> str:
        return f"line {self._lines.number}"


def _words(error: Exception) -> str:
    match error:
        case TooLong():
            return f"it is longer than {LONGEST // 1024} KiB, or a quote in it is never closed"
        case UnicodeDecodeError():
            return NOT_UTF_8
        case msgspec.ValidationError():
            return "one JSON object is needed on each line"
        case msgspec.DecodeError():
            return f"it is no JSON: {error}"[:200]
        case csv.Error():
            return f"it is no CSV (RFC 4180): {error}"[:200]
    return "it is nested too deeply"

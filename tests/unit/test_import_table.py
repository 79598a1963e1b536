"""`controller.core.imports.table`: lines of JSON and CSV become files, or what is wrong with them."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from controller.api.importsource import Columns, ImportedFile, Operation, Table, TableFormat
from controller.core.imports.items import Item, Problem, encode
from controller.core.imports.lines import LONGEST
from controller.core.imports.rules import judge
from controller.core.imports.table import Row, TableReader

JSON, CSV = TableFormat.JSON_LINES, TableFormat.CSV
DRIVE = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/"
FILES = [Item("oss://photos/a.jpg"), Item("oss://photos/b.jpg", Operation.DELETE)]


def table(form: TableFormat = JSON, **fields: Any) -> Table:
    """A table in OSS."""
    return Table(bucket="lists", key="files", format=form, **fields)


def rows(data: bytes, described: Table, block: int = 1 << 20) -> list[Row]:
    """Everything in a table that comes in blocks of that size."""
    reader = TableReader(described)
    starts = range(0, max(len(data), 1), block)
    return [
        row for start in starts for row in reader.feed(data[start : start + block], last=start + block >= len(data))
    ]


def files(data: bytes, described: Table) -> list[Item]:
    """The files of a table in which nothing is wrong."""
    found = [row.found for row in rows(data, described)]
    assert [] == [one for one in found if isinstance(one, tuple)]
    return [one for one in found if isinstance(one, Item)]


def problems(data: bytes, described: Table) -> list[str]:
    """What is wrong in a table, for people."""
    return [str(one) for row in rows(data, described) if isinstance(row.found, tuple) for one in row.found]


def refusal(data: bytes, described: Table) -> Problem:
    """The one thing that is wrong in a table."""
    (one,) = (one for row in rows(data, described) if isinstance(row.found, tuple) for one in row.found)
    return one


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (JSON, b'{"uri":"oss://photos/a.jpg"}\n{"uri":"oss://photos/b.jpg","operation":"DELETE"}\n'),
        (JSON, b'{"uri":"oss://photos/a.jpg"}\n{"uri":"oss://photos/b.jpg","operation":"delete"}'),
        (JSON, b'\xef\xbb\xbf{"uri":"oss://photos/a.jpg","operation":""}\r\n\r\n{"uri":"oss://photos/b.jpg","operation":"Delete"}\r\n'),
        (JSON, b'\n  \n{"uri":"oss://photos/a.jpg","operation":null,"customId":null}\n\n{"operation":"DELETE","uri":"oss://photos/b.jpg"}\n\n'),
        (CSV, b"uri,operation\noss://photos/a.jpg,\noss://photos/b.jpg,DELETE\n"),
        (CSV, b"\xef\xbb\xbfuri,operation\r\noss://photos/a.jpg,add\r\n\r\noss://photos/b.jpg,delete"),
        (CSV, b'\n"operation","uri"\n"ADD","oss://photos/a.jpg"\n  \nDELETE,"oss://photos/b.jpg"\n'),
        (CSV, b'\xef\xbb\xbf"uri","size","operation"\noss://photos/a.jpg,17,\noss://photos/b.jpg,"1,5",DELETE\n'),
    ],
)  # fmt: skip
def test_the_same_files_may_be_written_in_many_ways(form: TableFormat, data: bytes) -> None:
    """Mark of the byte order, either line break, empty lines, no break at the end, any case of the operation."""
    assert FILES == files(data, table(form))


def test_a_cell_in_quotes_holds_commas_quotes_and_line_breaks() -> None:
    """RFC 4180; the place of a record is the line in which it begins."""
    described = table(CSV, columns=Columns(labels={"title": "name"}))
    data = b'uri,name\noss://photos/a,"one, ""two""\r\nthree"\noss://photos/b,"x"\nhttp://c,"y\nz"\n'
    assert [
        Row(2, Item("oss://photos/a", labels={"title": 'one, "two"\r\nthree'})),
        Row(4, Item("oss://photos/b", labels={"title": "x"})),
    ] == rows(data, described)[:2]
    assert ["line 5"] == [
        one.where for row in rows(data, described) if isinstance(row.found, tuple) for one in row.found
    ]


@pytest.mark.parametrize("form", [JSON, CSV])
def test_columns_are_found_by_the_names_that_the_spec_gives(form: TableFormat) -> None:
    """The file, the operation, the custom id and each label; a prefix is put before the file."""
    columns = Columns(uri="path", operation="op", custom_id="sku", labels={"colour": "Farbe", "season": "s"})
    described = table(form, columns=columns, uri_prefix="oss://photos/")
    record = {"path": "ä/1.jpg", "op": "add", "sku": "17", "Farbe": "grün", "s": "", "uri": "oss://other/x"}
    data = json.dumps(record) if form is JSON else ",".join(record) + "\n" + ",".join(record.values())
    assert [Item("oss://photos/ä/1.jpg", custom_id="17", labels={"colour": "grün"})] == files(data.encode(), described)


def test_a_json_line_may_hold_labels_by_their_own_names() -> None:
    """A column that the spec names goes before."""
    described = table(columns=Columns(labels={"colour": "Farbe"}))
    data = b'{"uri":"oss://photos/d/1","customLabels":{"colour":"red","a":""},"Farbe":"green"}\n{"uri":"oss://photos/d/2","customLabels":{"b":"c"}}'
    assert [
        Item("oss://photos/d/1", labels={"colour": "green", "a": ""}),
        Item("oss://photos/d/2", labels={"b": "c"}),
    ] == files(data, described)


def test_in_csv_the_column_custom_labels_is_a_column_like_any_other() -> None:
    """A cell holds a text and no object."""
    assert [Item("oss://photos/d/1")] == files(b"uri,customLabels\noss://photos/d/1,{}\n", table(CSV))


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        (Columns(uri="path"), "path"),
        (Columns(labels={"colour": "Farbe"}), "Farbe"),
        (Columns(operation="action"), "action"),
        (Columns(custom_id="sku"), "sku"),
    ],
)
def test_a_missing_column_is_one_problem_and_names_those_there_are(columns: Columns, named: str) -> None:
    """It is the table that is wrong: no line is taken, and none is named for it a thousand times."""
    data = b"uri,colour,size\n" + b"oss://photos/a,red,1\n" * 1000
    one = refusal(data, table(CSV, columns=columns))
    assert ("line 1", named, True) == (one.where, one.field, "only: uri, colour, size;" in one.rule)
    reader = TableReader(table(CSV, columns=columns))
    assert (1, True) == (len(list(reader.feed(data, last=True))), reader.unusable)


@pytest.mark.parametrize("column", ["Farbe", "action"])
def test_a_column_that_no_json_line_has_spoils_the_table(column: str) -> None:
    """Some lines may go without; a name that none has is misspelled, and the labels would be lost in silence."""
    columns = Columns(labels={"colour": "Farbe"}, operation="action")
    other = {"Farbe": "action", "action": "Farbe"}[column]
    data = f'{{"uri":"oss://photos/a","{other}":"add"}}\n{{"uri":"oss://photos/b"}}\n'.encode()
    reader = TableReader(table(columns=columns))
    found = list(reader.feed(data, last=True))
    assert (3, True) == (len(found), reader.unusable)
    assert isinstance(found[2].found, tuple)
    assert [("every line", column)] == [(one.where, one.field) for one in found[2].found]
    assert [] == problems(data + f'{{"uri":"oss://photos/c","{column}":"add"}}'.encode(), table(columns=columns))


def test_a_json_line_without_its_file_says_what_it_has() -> None:
    """Beside it the others are looked at."""
    assert [
        "line 1: uri: there is no such column, only: URI, id; spec.source.table.columns says which",
        "line 3: uri: there is no such column, only: none; spec.source.table.columns says which",
    ] == problems(b'{"URI":"oss://photos/a","id":1}\n{"uri":"oss://photos/b"}\n{}\n', table())


def test_two_columns_of_one_name_are_refused() -> None:
    """Nobody can say which is meant. Of a column that is not used nobody needs to."""
    assert "rename all but one" in refusal(b"uri,uri\na,b\n", table(CSV)).rule
    assert [Item("oss://photos/a")] == files(b"uri,x,x\noss://photos/a,1,2\n", table(CSV))


@pytest.mark.parametrize(
    ("line", "field", "value", "words"),
    [
        ('{"uri":"http://shop/a.jpg"}', "uri", "http://shop/a.jpg", "upload what lies elsewhere to OSS first"),
        ('{"uri":"oss://photos"}', "uri", "oss://photos", "a file is oss://BUCKET/KEY or pds://"),
        ('{"uri":"oss://Photos/a"}', "uri", "oss://Photos/a", "a file is oss://BUCKET/KEY or pds://"),
        ('{"uri":"oss://photos/a\\n"}', "uri", "oss://photos/a\n", "a file is oss://BUCKET/KEY or pds://"),
        ('{"uri":17}', "uri", "17", "a text is needed"),
        ('{"uri":"oss://photos/a","operation":"MOVE"}', "operation", "MOVE", "'ADD' or 'DELETE'"),
        ('{"uri":"oss://photos/a","operation":true}', "operation", "True", "'ADD' or 'DELETE'"),
        ('{"uri":"oss://photos/a","customId":7}', "customId", "7", "a text is needed"),
        ('{"uri":"oss://photos/a","customLabels":["x"]}', "customLabels", "1 entries", "an object of texts"),
        ('{"uri":"oss://photos/a","customLabels":{"n":5}}', "customLabels.n", "5", "a text is needed"),
        ('{"uri":"oss://photos/a","customLabels":{"":"x"}}', "customLabels.", "", "at least 1 character"),
        ('[{"uri":"oss://photos/a"}]', "line", "", "one JSON object is needed on each line"),
        ('{"uri":"oss://photos/a"} {"uri":"oss://photos/b"}', "line", "", "it is no JSON"),
        ('{"uri":"oss://photos/a"', "line", "", "it is no JSON"),
        ('{"uri":"\\ud800"}', "line", "", "it is no JSON"),
        ('{"a":' + "[" * 5000 + "]" * 5000 + ',"uri":"oss://photos/a"}', "line", "", "nested too deeply"),
    ],
)  # fmt: skip
def test_a_wrong_json_line_says_where_which_field_what_and_why(line: str, field: str, value: str, words: str) -> None:
    """And its neighbours are read all the same."""
    data = f'{{"uri":"oss://photos/1"}}\n{line}\n{{"uri":"oss://photos/3"}}\n'.encode()
    found = rows(data, table())
    assert [Row(1, Item("oss://photos/1")), Row(3, Item("oss://photos/3"))] == [found[0], found[2]]
    one = refusal(data, table())
    assert ("line 2", field, value) == (one.where, one.field, one.value)
    assert words in one.rule


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("oss://photos/a", "line", "it has 1 cells, the header has 3"),
        ("oss://photos/a,b,ADD,", "line", "put a cell with a comma in quotes"),
        ('"oss://photos/a"b,ADD,', "line", "it is no CSV"),
        ('"oss://photos/a,ADD,', "line", "it is no CSV"),
        ("oss://photos/a\r,ADD,", "line", "it is no CSV"),
        ("oss://photos/a,move,", "action", "'ADD' or 'DELETE'"),
        (f"oss://photos/a,ADD,{'x' * 513}", "Farbe", "at most 512 characters"),
    ],
)
def test_a_wrong_csv_line_says_where_which_column_and_why(line: str, field: str, words: str) -> None:
    """And its neighbours are read all the same, also behind a quote that is never closed."""
    described = table(CSV, columns=Columns(operation="action", labels={"colour": "Farbe"}))
    data = f'uri,action,Farbe\noss://photos/2,ADD,\n{line}\noss://photos/4,"ADD",red\n'.encode()
    found = rows(data, described)
    assert [Row(2, Item("oss://photos/2")), Row(4, Item("oss://photos/4", labels={"colour": "red"}))] == [
        found[0],
        found[-1],
    ]
    one = refusal(data, described)
    assert ("line 3", field, True) == (one.where, one.field, words in one.rule)


@pytest.mark.parametrize("form", [JSON, CSV])
def test_a_file_of_a_drive_may_have_its_hash_and_the_object_it_is_kept_in(form: TableFormat) -> None:
    """In columns of the usual names or of others, empty or not there; a prefix is put before the file only."""
    start, name = DRIVE.removesuffix("9520943DC264/revisions/"), "9520943DC264/revisions/1"
    record = {"uri": name, "hash": "EA49", "where": "oss://photos/ü.jpg", "fileHash": "other", "ossUri": "other"}
    for columns, expected in (
        (Columns(file_hash="hash", oss_uri="where"), Item(f"{DRIVE}1", file_hash="EA49", oss_uri="oss://photos/ü.jpg")),
        (Columns(oss_uri="where", file_hash="none"), Item(f"{DRIVE}1", oss_uri="oss://photos/ü.jpg")),
    ):
        line = record | {"none": ""}
        data = json.dumps(line) if form is JSON else ",".join(line) + "\n" + ",".join(line.values())
        assert [expected] == files(data.encode(), table(form, columns=columns, uri_prefix=start))
    usual = {"uri": f"{DRIVE}1", "fileHash": "EA49", "ossUri": "oss://photos/a"}
    data = json.dumps(usual) if form is JSON else ",".join(usual) + "\n" + ",".join(usual.values())
    assert [Item(usual["uri"], file_hash="EA49", oss_uri="oss://photos/a")] == files(data.encode(), table(form))


OF_A_DRIVE = "it belongs to a file of Drive and Photo Service only: give its pds:// address as the uri, or leave it out"
A_FILE = "pds://domains/DOMAIN/drives/DRIVE/files/FILE/revisions/REVISION"


@pytest.mark.parametrize(
    ("record", "field", "words"),
    [
        ({"uri": "pds://domains/bj1/drives/1/files/9520943DC264"}, "uri", A_FILE),
        ({"uri": DRIVE}, "uri", A_FILE),
        ({"uri": "pds://domains//drives/1/files/2/revisions/3"}, "uri", A_FILE),
        ({"uri": f"{DRIVE}1/2"}, "uri", A_FILE),
        ({"uri": f"{DRIVE}1\n"}, "uri", A_FILE),
        ({"uri": "pds://1"}, "uri", A_FILE),
        ({"uri": f"{DRIVE}1", "ossUri": "photos/a.jpg"}, "ossUri", "kept in is oss://BUCKET/KEY"),
        ({"uri": f"{DRIVE}1", "ossUri": f"{DRIVE}2"}, "ossUri", "kept in is oss://BUCKET/KEY"),
        ({"uri": f"{DRIVE}1", "ossUri": "oss://photos/" + "k" * 1100}, "ossUri", "at most 1100 characters"),
        ({"uri": f"{DRIVE}1", "fileHash": "h" * 257}, "fileHash", "at most 256 characters"),
        ({"uri": f"{DRIVE}1", "fileHash": 17}, "fileHash", "a text is needed"),
        ({"uri": "oss://photos/a", "fileHash": "h"}, "fileHash", OF_A_DRIVE),
        ({"uri": "oss://photos/a", "ossUri": "oss://photos/b"}, "ossUri", OF_A_DRIVE),
    ],
)
def test_what_is_wrong_with_a_file_of_a_drive_is_said(record: dict[str, Any], field: str, words: str) -> None:
    """The address is the documented one, and what belongs to such a file stands with no other."""
    one = refusal(json.dumps(record).encode(), table())
    assert ("line 1", field, True) == (one.where, one.field, words in one.rule)


def test_columns_of_a_drive_are_named_as_the_table_names_them() -> None:
    """A column that the spec names has to be there, and a rule that is broken beside another is told with it."""
    columns = Columns(file_hash="hash", oss_uri="where")
    (header,) = rows(b"uri\noss://photos/a\n", table(CSV, columns=columns))
    assert isinstance(header.found, tuple)
    assert ["hash", "where"] == [one.field for one in header.found]
    data = b'{"uri":"oss://photos/a","hash":"h","where":"oss://photos/b","operation":"no"}'
    (row,) = rows(data, table(columns=columns))
    assert isinstance(row.found, tuple)
    assert ["operation", "hash", "where"] == [one.field for one in row.found]


def test_every_problem_of_a_line_is_named() -> None:
    """One look is enough to set it right; what is shown of a value is bounded."""
    data = json.dumps({"uri": "ftp://" + "x" * 5000, "operation": "no", "customLabels": {"k" * 200: "v" * 600}})
    (row,) = rows(data.encode(), table())
    assert isinstance(row.found, tuple)
    assert ["uri", "operation", "customLabels", "customLabels"] == [one.field.split(".")[0] for one in row.found]
    assert max(len(encoded) for encoded in (str(one).encode() for one in row.found)) < 600


def test_more_labels_than_allowed_are_refused() -> None:
    """The bound of the kind itself."""
    data = json.dumps({"uri": "oss://photos/a", "customLabels": {str(n): "" for n in range(33)}}).encode()
    assert ("customLabels", "more than 32 labels") == (refusal(data, table()).field, refusal(data, table()).rule)


@pytest.mark.parametrize("form", [JSON, CSV])
def test_what_is_not_utf_8_is_named_by_its_line(form: TableFormat) -> None:
    """Strictly: nothing is guessed, and the lines around it are read."""
    lines = (
        [b'{"uri":"oss://photos/\xe9"}', b'{"uri":"oss://photos/3"}']
        if form is JSON
        else [b'"oss://photos/\n\xe9"', b"oss://photos/3"]
    )
    data = b"\n".join(([] if form is JSON else [b"uri"]) + lines)
    assert "save the table as UTF-8" in refusal(data, table(form)).rule
    assert Item("oss://photos/3") == rows(data, table(form))[-1].found


@pytest.mark.parametrize("header", [b"\xff\xfeu\x00r\x00i\x00", b'"uri', b'"uri"x', b"x" * (LONGEST + 1)])
def test_without_a_header_line_nothing_is_read(header: bytes) -> None:
    """The next line is not taken for it."""
    reader = TableReader(table(CSV))
    found = list(reader.feed(header + b"\nuri\noss://photos/1\n", last=True))
    assert ([1], True) == ([row.line for row in found], reader.unusable)


def test_an_empty_table_holds_no_files() -> None:
    """CSV needs a header line all the same."""
    assert [] == rows(b"", table())
    assert [] == rows(b"\n\n", table())
    assert [] == rows(b"uri\n", table(CSV))
    assert "it needs a header line" in refusal(b"", table(CSV)).rule
    assert "it needs a header line" in refusal(b"\r\n", table(CSV)).rule


@pytest.mark.parametrize("block", [1000, 70_000, 1 << 20])
@pytest.mark.parametrize("form", [JSON, CSV])
def test_a_line_without_end_is_reported_and_passed_over(form: TableFormat, block: int) -> None:
    """Only so much of it is ever held."""
    head = b"" if form is JSON else b"uri\n"
    good = b'{"uri":"oss://photos/1"}\n' if form is JSON else b"oss://photos/1\n"
    for size in (LONGEST, 300_000):
        data = head + good + b"x" * size + b"\n" + good
        found = rows(data, table(form), block)
        assert [Item("oss://photos/1")] * 2 == [found[0].found, found[2].found]
        assert f"longer than {LONGEST // 1024} KiB" in str(found[1].found)
        assert found[2].line == found[0].line + 2


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    """What follows is more than a record may hold, and still read line by line."""
    data = b'uri\n"oss://photos/open\n' + b"oss://photos/x\n" * 20_000
    found = rows(data, table(CSV), 10_000)
    assert [2] == [row.line for row in found if isinstance(row.found, tuple)]
    assert 20_001 == len(found)


LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\n")
OF_A_NAME = st.characters(exclude_categories=["Cs"], exclude_characters="\n/")
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(',"\r\n\ufeff\0 '), min_size=1, max_size=20)
ITEMS = st.lists(
    st.builds(
        Item,
        uri=st.sampled_from(["oss://photos/", DRIVE]).flatmap(
            lambda start: st.text(OF_A_NAME if start is DRIVE else LETTERS, min_size=1, max_size=30).map(start.__add__)
        ),
        operation=st.sampled_from(Operation),
        custom_id=st.none() | TEXT,
        labels=st.dictionaries(st.sampled_from(["colour", "a b", "ß"]), TEXT),
        file_hash=st.none() | TEXT,
        oss_uri=st.none() | st.text(LETTERS, min_size=1, max_size=30).map("oss://photos/".__add__),
    ).map(lambda item: item if item.uri.startswith(DRIVE) else structs.replace(item, file_hash=None, oss_uri=None)),
    max_size=8,
)  # fmt: skip
EVERYTHING = Columns(labels={"colour": "Farbe", "a b": "a,b", "ß": '"'})


def as_csv(items: list[Item]) -> bytes:
    """As any spreadsheet writes it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["uri", "operation", "customId", "fileHash", "ossUri", *EVERYTHING.labels.values()])
    for item in items:
        labels = [item.labels.get(label, "") for label in EVERYTHING.labels]
        of_a_drive = [item.file_hash or "", item.oss_uri or ""]
        writer.writerow([item.uri, item.operation, item.custom_id or "", *of_a_drive, *labels])
    return out.getvalue().encode()


def as_json(items: list[Item]) -> bytes:
    """As any program writes it."""
    lines = (
        {
            "uri": item.uri,
            "operation": item.operation,
            "customId": item.custom_id,
            "customLabels": item.labels,
            "fileHash": item.file_hash,
            "ossUri": item.oss_uri,
        }
        for item in items
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@given(ITEMS, st.integers(1, 200))
def test_any_files_come_back_the_same_from_csv_and_json(items: list[Item], block: int) -> None:
    """Whatever is in their names and labels, and wherever the blocks are cut: one content, and so one digest."""
    of_csv = [row.found for row in rows(as_csv(items), table(CSV, columns=EVERYTHING), block)]
    of_json = [row.found for row in rows(as_json(items), table(), block)]
    assert items == of_csv == of_json
    assert encode(items) == encode(of_csv) == encode(of_json)  # type: ignore[arg-type]  # equal to items, so items


@given(
    st.lists(
        st.binary(max_size=30) | st.sampled_from([b"uri", b'"', b"\n", b'{"uri":"oss://photos/a"}', b'"oss://photos/a'])
    )
)
@pytest.mark.parametrize("form", [JSON, CSV])
def test_no_bytes_break_the_reader_and_blocks_change_nothing(form: TableFormat, parts: list[bytes]) -> None:
    """Rows in the order of their lines, each a file or a problem."""
    data = b"".join(parts)
    whole = rows(data, table(form))
    assert whole == rows(data, table(form), 1) == rows(data, table(form), 7)
    assert [row.line for row in whole] == sorted(row.line for row in whole)


LONG = st.integers(0, 2) | st.integers(126, 130) | st.integers(510, 514)  # about every bound there is


@given(
    st.fixed_dictionaries(
        {"uri": st.text(max_size=9) | st.sampled_from(["oss://photos/a", "oss://a/b", DRIVE, f"{DRIVE}1", "oss://-ab/c"])},
        optional={
            "operation": st.sampled_from(["ADD", "add", "X"]),
            "custom_id": st.none() | LONG.map("x".__mul__),
            "custom_labels": st.dictionaries(LONG.map("k".__mul__), LONG.map("v".__mul__)),
            "file_hash": st.none() | st.sampled_from([0, 1, 256, 257]).map("x".__mul__),
            "oss_uri": st.none() | st.sampled_from(["oss://photos/a", "oss://photos", "pds://a", ""]),
        },
    )
)  # fmt: skip
def test_a_line_is_right_exactly_when_the_api_server_would_take_it(fields: dict[str, Any]) -> None:
    """There is one definition of a file, and its rules that take two fields (CEL) hold for a line as well."""
    try:
        right = ImportedFile.model_validate(fields)
    except ValidationError:
        assert isinstance(judge("here", fields), tuple)
        return
    of_a_drive = [name for name in ("file_hash", "oss_uri") if fields.get(name) is not None]
    if right.uri.startswith("oss://") and of_a_drive:
        found = judge("here", fields)
        assert isinstance(found, tuple)
        assert [to_camel(name) for name in of_a_drive] == [one.field for one in found]
    else:
        assert right.uri == getattr(judge("here", fields), "uri", None)


def blocks(form: TableFormat, count: int) -> Iterator[bytes]:
    """A table of that many lines, in blocks of a thousand."""
    yield b"" if form is JSON else b"uri,note\n"
    line = '{{"uri":"oss://photos/{}"}}\n' if form is JSON else 'oss://photos/{},"a\nb"\n'
    for start in range(0, count, 1000):
        yield "".join(line.format(number) for number in range(start, start + 1000)).encode()


def peak(form: TableFormat, count: int) -> int:
    """Bytes that reading takes at most."""
    reader = TableReader(table(form))
    tracemalloc.start()
    try:
        seen = sum(
            isinstance(row.found, Item) for block in blocks(form, count) for row in reader.feed(block, last=False)
        )
        assert (count, []) == (seen, list(reader.feed(b"", last=True)))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", [JSON, CSV])
def test_a_longer_table_takes_no_more_memory(form: TableFormat) -> None:
    """Thirty times the lines, the same memory."""
    assert peak(form, 30_000) < 1.2 * peak(form, 1000) + 50_000

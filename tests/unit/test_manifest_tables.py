"""`controller.core.manifest.tables`: records of a table become lines by the rules of a manifest."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given

from controller.api.importsource import Operation, PictureColumns, TableFormat
from controller.core.manifest.judging import Judged
from controller.core.manifest.lines import Line, encode
from controller.core.manifest.tables import LineTable
from tests.unit.manifest_lines import lines

JSON, CSV = TableFormat.JSON_LINES, TableFormat.CSV
USUAL = PictureColumns().model_dump()
OTHERS = {
    "operation": "what", "product_id": "sku", "pic_name": "file", "category_id": "cat", "int_attr": "price",
    "str_attr": "brand", "custom_content": "text", "crop": "cut", "region": "box",
}  # fmt: skip
RED = Line(Operation.ADD, "1", "a.jpg", 3, -7, "b", "red", crop=False, region="0,1,0,1")


def read(
    data: bytes, form: TableFormat, columns: dict[str, str] | None = None, block: int = 1 << 20
) -> list[tuple[int, Judged]]:
    """Everything in a table that comes in blocks of that size."""
    table = LineTable(form, columns or USUAL)
    starts = range(0, max(len(data), 1), block)
    return [row for at in starts for row in table.feed(data[at : at + block], last=at + block >= len(data))]


def said(data: bytes, form: TableFormat, columns: dict[str, str] | None = None) -> list[str]:
    """What is wrong in a table."""
    return [str(one) for _, judged in read(data, form, columns) for one in judged.findings]


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("form", [JSON, CSV])
def test_columns_are_found_by_the_names_that_the_spec_gives(form: TableFormat, block: int) -> None:
    """Numbers and truths of CSV are texts, and become what their fields need."""
    record: dict[str, Any] = {
        "what": "add", "sku": "1", "file": "a.jpg", "cat": 3, "price": -7, "brand": "b", "text": "red", "cut": False,
        "box": "0,1,0,1", "ProductId": "other",
    }  # fmt: skip
    if form is JSON:
        data = json.dumps(record)
    else:
        out = io.StringIO()
        csv.writer(out).writerows([list(record), list(record.values())])
        data = out.getvalue()
    ((number, judged),) = read(data.encode(), form, OTHERS, block)
    assert (1 if form is JSON else 2, RED) == (number, judged.line)
    assert ["with Region, Crop is ignored"] == [one.rule for one in judged.findings]
    assert {"cut"} == {one.field for one in judged.findings}


def test_what_is_empty_or_null_is_not_there() -> None:
    """And an operation that is not there is ADD."""
    expected = Line(Operation.ADD, "1", "a.jpg", custom_content="c")
    for data, form in (
        (b"OperationType,ProductId,PicName,CustomContent,IntAttr,Crop\n,1,a.jpg,c,,\n", CSV),
        (b'{"ProductId":"1","PicName":"a.jpg","CustomContent":"c","IntAttr":null,"Region":""}', JSON),
    ):
        assert [Judged(expected, ())] == [judged for _, judged in read(data, form)]


@pytest.mark.parametrize(
    ("cell", "column", "words"),
    [
        ("twelve", "price", "a whole number is needed, without quotes, point or exponent"),
        ("1.5", "price", "a whole number is needed, without quotes, point or exponent"),
        ("99999999999999999999", "price", "a number from -9223372036854775808 to 9223372036854775807 is needed"),
        ("yes", "cut", "true or false is needed, without quotes"),
        ("a$b", "brand", "none of \\ ¥ ￥ $ & % is allowed: remove it"),
        ("40,20,0,1", "box", "x1,y1 is the upper left and x2,y2 the lower right corner, written x1,x2,y1,y2"),
        ("/a.jpg", "file", "a picture's name is relative: remove the / at its begin"),
        ("move", "what", "an operation is ADD or DELETE, in capital letters"),
    ],
)
def test_a_cell_that_does_not_fit_is_named_by_its_column(cell: str, column: str, words: str) -> None:
    """With the rule of its field, and the line of the table."""
    record = {
        "what": "ADD",
        "sku": "1",
        "file": "a.jpg",
        "text": "c",
        "cat": "",
        "price": "",
        "brand": "",
        "cut": "",
        "box": "",
    }
    out = io.StringIO()
    csv.writer(out).writerows([list(record), list(record.values()), list((record | {column: cell}).values())])
    value = cell.upper() if column == "what" else cell
    assert [f"line 3: {column} {value!r}: {words}"] == said(out.getvalue().encode(), CSV, OTHERS)


def test_in_json_a_number_is_no_text_and_a_text_no_number() -> None:
    """Nothing is converted there."""
    data = b'{"ProductId":1,"PicName":"a.jpg","CustomContent":"c","IntAttr":"1","Crop":"true","CategoryId":1.0}'
    assert [
        "line 1: ProductId '1': a text is needed, in quotes",
        "line 1: CategoryId '1.0': a whole number is needed, without quotes, point or exponent",
        "line 1: IntAttr '1': a whole number is needed, without quotes, point or exponent",
        "line 1: Crop 'true': true or false is needed, without quotes",
    ] == said(data, JSON)


def test_a_column_that_the_spec_names_has_to_be_there() -> None:
    """Under the names of a manifest all but the product's may be missing."""
    table = LineTable(CSV, USUAL | {"str_attr": "brand"})
    (row,) = table.feed(b"ProductId,PicName\n1,a.jpg\n", last=True)
    assert table.unusable
    assert [
        "line 1: brand: there is no such column, only: ProductId, PicName; spec.source.table.pictureColumns says which"
    ] == [str(one) for one in row[1].findings]
    assert [
        "line 1: ProductId: there is no such column, only: id; spec.source.table.pictureColumns says which"
    ] == said(b'{"id":1}', JSON)


def test_a_delete_of_every_picture_is_a_record_without_one() -> None:
    """It is counted by whoever reads the lines."""
    ((_, judged),) = read(b"OperationType,ProductId,PicName\ndelete,5,\n", CSV)
    assert judged.line is not None
    assert (Line(Operation.DELETE, "5"), True) == (judged.line, judged.line.wide)


@given(lines)
def test_a_line_of_a_manifest_is_a_record_of_a_table(line: Line) -> None:
    """JSON Lines with its own names, but for what is empty, which a table takes for missing."""
    ((_, judged),) = read(encode([line]), JSON)
    assert (line if line.str_attr != "" else None) == (judged.line if line.str_attr != "" else None)

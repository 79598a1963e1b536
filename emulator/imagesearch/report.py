"""What is found at a task's ErrorUrl. The vendor shows no such document: its shape is a switch, its members assumed."""

from __future__ import annotations

import csv
import html
import json
from io import StringIO
from typing import TYPE_CHECKING, Literal, NamedTuple, assert_never

if TYPE_CHECKING:
    from collections.abc import Iterable

Shape = Literal["jsonl", "csv", "json-array", "text", "html", "empty"]


class Row(NamedTuple):
    """What became of one line of the manifest; code 0 is success, as in IncreaseList."""

    line: int
    operation: str
    product_id: str
    pic_name: str
    code: str
    message: str


_NAMES = ("Line", "OperationType", "ProductId", "PicName", "Code", "Message")


def render(shape: Shape, rows: Iterable[Row]) -> tuple[str, bytes]:
    """Content type and content of a report."""
    match shape:
        case "jsonl":
            return "application/octet-stream", _encoded("".join(f"{_object(row)}\n" for row in rows))
        case "csv":
            return "text/csv", _encoded(_table(rows))
        case "json-array":
            return "application/json", _encoded(f"[{','.join(map(_object, rows))}]")
        case "text":
            return "text/plain", _encoded("".join(f"{_sentence(row)}\n" for row in rows))
        case "html":
            return "text/html", _encoded(_page(rows))
        case "empty":
            return "application/octet-stream", b""
        case _:
            assert_never(shape)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _object(row: Row) -> str:
    return json.dumps(dict(zip(_NAMES, row, strict=True)), ensure_ascii=False)


def _table(rows: Iterable[Row]) -> str:
    written = StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(_NAMES)
    writer.writerows(rows)
    return written.getvalue()


def _sentence(row: Row) -> str:
    picture = f"{row.product_id}/{row.pic_name}" if row.pic_name else row.product_id
    return f"line {row.line}: {row.operation} {picture}: {row.code} {row.message}"


def _page(rows: Iterable[Row]) -> str:
    head = "".join(f"<th>{name}</th>" for name in _NAMES)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<html><body><table><tr>{head}</tr>\n{body}</table></body></html>\n"

"""The grammar of an `increment.meta` under whatever people put there."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.imagesearch.manifest import Entry, Fault, lines_of, read_entry, read_object
from emulator.imagesearch.report import Row, render
from emulator.switches import Switches

FIELDS = [
    "OperationType",
    "ProductId",
    "PicName",
    "CustomContent",
    "CategoryId",
    "IntAttr",
    "StrAttr",
    "Crop",
    "Region",
]
KNOWN = st.sampled_from(["ADD", "DELETE", "a.jpg", "1,2,3,4"])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | KNOWN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), ANYTHING, max_size=9)
ROWS = st.builds(Row, st.integers(1), st.sampled_from(["ADD", "DELETE", ""]), *[st.text()] * 4)


def strictest() -> Switches:
    """Every choice that fails or isolates."""
    return Switches(
        increment_blank_line="fails", increment_duplicate_field="isolated", increment_unknown_field="isolated"
    )


@given(OBJECTS, st.sampled_from([Switches(), strictest(), Switches(increment_unknown_field="ignored")]))
def test_every_object_is_an_entry_or_isolated(found: dict[str, Any], switches: Switches) -> None:
    """Nothing else, and no exception: one bad line must never stop the others."""
    read = read_entry(dict(found), switches)
    assert isinstance(read, Entry | Fault)
    if isinstance(read, Entry):
        assert (found["OperationType"], found["ProductId"]) == (read.operation, read.product_id)
    else:
        json.dumps([read.code, read.message, read.operation, read.product_id, read.pic_name]).encode()


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")), st.booleans())
def test_every_line_is_an_object_or_a_reason_or_blank(line: bytes, first: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever its bytes."""
    for switches in (Switches(), strictest()):
        found = read_object(line, switches, first=first)
        assert found is None or isinstance(found, dict | str)


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b"")), min_size=1), st.booleans())
def test_lines_are_what_line_ends_part(lines: list[bytes], ended: bool) -> None:  # noqa: FBT001 - drawn
    """From any of their beginnings on."""
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    whole = list(lines_of(content))
    expected = content.split(b"\n")
    assert (expected if expected[-1] else expected[:-1]) == [line for line, _ in whole]
    for number, (_, following) in enumerate(whole, 1):
        assert whole[number:] == list(lines_of(content, following))


@given(st.lists(ROWS, max_size=5))
def test_reports_of_lines_and_of_one_array_say_the_same(rows: list[Row]) -> None:
    """Every name in every language."""
    _, array = render("json-array", rows)
    assert json.loads(array) == [json.loads(one) for one in render("jsonl", rows)[1].splitlines()]
    assert len(rows) == len(json.loads(array))


def test_a_field_that_is_there_twice_is_told_apart() -> None:
    """Only where the switch asks for it; the last value counts otherwise."""
    line = b'{"OperationType": "DELETE", "ProductId": "1", "ProductId": "2"}'
    found = read_object(line, Switches(), first=True)
    assert isinstance(found, dict)
    assert Entry("DELETE", "2") == read_entry(found, Switches())
    found = read_object(line, strictest(), first=True)
    assert isinstance(found, dict)
    assert Fault("InvalidField", "A field is there twice.", "DELETE", "2") == read_entry(found, strictest())

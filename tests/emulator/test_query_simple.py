"""SimpleQuery: operators, types, nesting, sorting, pages, fields, aggregations and their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.imm_room import PLACE
from tests.emulator.pictures import camera_exif, picture

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]


@pytest.fixture
def library(room: Room) -> Room:
    """Three pictures, a text and a note, two of them labelled."""
    room.put("photos/large.jpg", picture(size=(2000, 1000), exif=camera_exif()))
    room.put("photos/small.jpg", picture(size=(200, 100)))
    room.put("photos/small.png", picture("PNG", size=(200, 100)), tags={"Owner": "John"}, metadata={"place": "Rio"})
    room.put("texts/letter to Ada.txt", b"Dear Ada, " * 10)
    room.put("texts/note_one.txt", b"note")
    room.index("photos/large.jpg", CustomLabels={"Category": "Persons"}, CustomId="id-7")
    room.index("photos/small.jpg", Labels=[{"LabelName": "Cat", "LabelConfidence": 0.9}, {"LabelName": "Sofa"}])
    room.index("photos/small.png", Labels=[{"LabelName": "Cat", "LabelConfidence": 0.3}], Title="A small cat")
    room.index("texts/letter to Ada.txt", "texts/note_one.txt")
    return room


def where(field: str, operation: str, value: str = "") -> dict[str, Any]:
    """One condition."""
    return {"Field": field, "Operation": operation, "Value": value}


def all_of(*parts: dict[str, Any]) -> dict[str, Any]:
    """Conditions joined by and."""
    return {"Operation": "and", "SubQueries": list(parts)}


def found(room: Room, query: dict[str, Any] | None = None, **params: object) -> list[str]:
    """Names of the files that a query finds, without folder and ending."""
    asked = {} if query is None else {"Query": query}
    files = room.in_dataset("SimpleQuery", **asked, **params)["Files"]
    return [item["Filename"].split("/")[-1] for item in files]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (where("ContentType", "eq", "image/png"), ["small.png"]),
        (where("ImageWidth", "gt", "200"), ["large.jpg"]),
        (where("ImageWidth", "gte", "200"), ["large.jpg", "small.jpg", "small.png"]),
        (where("ImageWidth", "lt", "1000"), ["small.jpg", "small.png"]),
        (where("ImageWidth", "lte", "1e3"), ["small.jpg", "small.png"]),
        (where("Size", "eq", "4"), ["note_one.txt"]),
        (where("MediaType", "eq", "document"), ["letter to Ada.txt", "note_one.txt"]),
        (where("URI", "prefix", "oss://test-bucket/texts/"), ["letter to Ada.txt", "note_one.txt"]),
        (where("Filename", "match-phrase", "TO ada"), ["letter to Ada.txt"]),
        (where("Filename", "match-phrase", "one"), ["note_one.txt"]),
        (where("Filename", "match-phrase", "ada to"), []),
        (where("Title", "match-phrase", "small cat"), ["small.png"]),
        (where("ProduceTime", "exist"), ["large.jpg"]),
        (where("ProduceTime", "eq", "2021-06-29T17:50:15Z"), ["large.jpg"]),
        (where("ProduceTime", "lt", "2021-06-29T14:50:16-03:00"), ["large.jpg"]),
        (where("FileModifiedTime", "gte", "2022-07-06T07:03:30+08:00"), []),
        (where("CustomLabels.category", "eq", "persons"), ["large.jpg"]),
        (where("CustomLabels.CATEGORY", "prefix", "PER"), ["large.jpg"]),
        (where("CustomLabels.category", "exist"), ["large.jpg"]),
        (where("CustomLabels.absent", "exist"), []),
        (where("CustomId", "prefix", "id-"), ["large.jpg"]),
        (where("OSSTagging.Owner", "eq", "John"), ["small.png"]),
        (where("OSSTagging.owner", "eq", "John"), []),
        (where("OSSUserMeta.X-OSS-META-PLACE", "eq", "Rio"), ["small.png"]),
        (where("OSSUserMeta.x-oss-meta-place", "eq", "rio"), []),
        (where("Labels.LabelName", "eq", "Cat"), ["small.jpg", "small.png"]),
        (where("Labels.LabelConfidence", "gt", "0.5"), ["small.jpg"]),
    ],
)
def test_one_condition(library: Room, query: dict[str, Any], names: list[str]) -> None:
    """Numbers compare as numbers, times as instants, labels in any case."""
    assert found(library, query) == names


def test_the_vendors_example_query(library: Room) -> None:
    """JPEG images larger than 1,000 pixels."""
    query = all_of(where("ContentType", "eq", "image/jpeg"), where("ImageWidth", "gt", "1000"))
    assert found(library, query) == ["large.jpg"]


def test_logic(library: Room) -> None:
    """And, or, not; not means none of them."""
    png = where("ContentType", "eq", "image/png")
    wide = where("ImageWidth", "gt", "1000")
    texts = where("MediaType", "eq", "document")
    assert found(library, {"Operation": "or", "SubQueries": [png, wide]}) == ["large.jpg", "small.png"]
    assert found(library, {"Operation": "not", "SubQueries": [png, wide, texts]}) == ["small.jpg"]
    assert found(library, all_of(png, {"Operation": "not", "SubQueries": [wide]})) == ["small.png"]


@pytest.mark.parametrize("field", ["Labels", None])
def test_nested_conditions_hold_within_one_element(library: Room, field: str | None) -> None:
    """A confident cat, not a cat and something confident; the parent may be named or follow from its members."""
    parts = [where("Labels.LabelName", "eq", "Sofa"), where("Labels.LabelConfidence", "gt", "0.5")]
    nested = {"Operation": "nested", "SubQueries": [all_of(*parts)], **({"Field": field} if field else {})}
    assert found(library, all_of(*parts)) == ["small.jpg"]
    assert found(library, nested) == []
    parts[0] = where("Labels.LabelName", "eq", "Cat")
    assert found(library, {**nested, "SubQueries": [all_of(*parts)]}) == ["small.jpg"]


def test_no_query_finds_everything_in_order_of_uri(library: Room) -> None:
    """With its count, unless that is not wanted."""
    assert found(library) == ["large.jpg", "small.jpg", "small.png", "letter to Ada.txt", "note_one.txt"]
    assert library.in_dataset("SimpleQuery")["TotalHits"] == 5
    assert "TotalHits" not in library.in_dataset("SimpleQuery", WithoutTotalHits=True)


def test_sorting_descends_unless_told_otherwise_and_puts_the_valueless_last(library: Room) -> None:
    """Missing Order is desc; fields beyond Order too; ties by URI."""
    by_width = found(library, Sort="ImageWidth")
    assert by_width == ["large.jpg", "small.jpg", "small.png", "letter to Ada.txt", "note_one.txt"]
    ascending = found(library, Sort="ImageWidth,Filename", Order="asc")
    assert ascending == ["small.png", "small.jpg", "large.jpg", "note_one.txt", "letter to Ada.txt"]
    assert found(library, Sort="Size", Order="asc")[0] == "note_one.txt"


@pytest.mark.parametrize("params", [{}, {"Sort": "ImageWidth,Size", "Order": "asc,desc"}, {"Sort": "ProduceTime"}])
def test_pages_join_to_the_whole(library: Room, params: dict[str, Any]) -> None:
    """Whatever the order, one by one; a file deleted between pages disturbs none of the others."""
    whole = found(library, **params)
    token, pages = "", []
    while True:
        page = library.in_dataset("SimpleQuery", MaxResults=1, NextToken=token, **params)
        pages += [item["Filename"].split("/")[-1] for item in page["Files"]]
        token = page["NextToken"]
        if len(pages) == 2:
            library.in_dataset("DeleteFileMeta", URI=page["Files"][0]["URI"])
        if not token:
            break
    assert pages == whole


def test_only_the_fields_asked_for_are_shown(library: Room) -> None:
    """WithFields; a file without the field has an empty entry."""
    files = library.in_dataset("SimpleQuery", WithFields=["ImageWidth"], Sort="ImageWidth")["Files"]
    assert files == [{"ImageWidth": 2000}, {"ImageWidth": 200}, {"ImageWidth": 200}, {}, {}]


def test_aggregations_replace_the_files(library: Room) -> None:
    """Sum, max, min, average, count, distinct, group."""
    asked = [
        {"Field": "ImageWidth", "Operation": name} for name in ("sum", "max", "min", "average", "count", "distinct")
    ]
    answer = library.in_dataset("SimpleQuery", Aggregations=[*asked, {"Field": "MediaType", "Operation": "group"}])
    values = [item.get("Value") for item in answer["Aggregations"]]
    assert values == [2400.0, 2000.0, 200.0, 800.0, 3.0, 2.0, None]
    assert answer["Aggregations"][-1]["Groups"] == [
        {"Value": "image", "Count": 3},
        {"Value": "document", "Count": 2},
    ]
    assert "Files" not in answer


def test_groups_are_bounded_and_the_query_counts(library: Room) -> None:
    """Largest groups first; only files that the query finds."""
    labels = [{"Field": "Labels.LabelName", "Operation": "group"}]
    query = where("MediaType", "eq", "image")
    answer = library.in_dataset("SimpleQuery", Aggregations=labels, MaxResults=1, Query=query)
    assert answer["Aggregations"][0]["Groups"] == [{"Value": "Cat", "Count": 2}]


def _deep(levels: int) -> dict[str, Any]:
    query = where("Size", "gt", "0")
    for _ in range(levels - 1):
        query = all_of(query)
    return query


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Query": "{"}, "InvalidJSON"),
        ({"Query": where("Size", "like", "1")}, "InvalidArgument"),
        ({"Query": where("Colour", "eq", "1")}, "InvalidArgument"),
        ({"Query": where("Size.Large", "eq", "1")}, "InvalidArgument"),
        ({"Query": where("Labels", "eq", "Cat")}, "InvalidArgument"),
        ({"Query": where("CustomLabels", "eq", "Cat")}, "InvalidArgument"),
        ({"Query": where("Size", "prefix", "1")}, "InvalidArgument"),
        ({"Query": where("Size", "gt", "large")}, "InvalidArgument"),
        ({"Query": where("CreateTime", "gt", "yesterday")}, "InvalidArgument"),
        ({"Query": {"Field": "Size", "Operation": "eq", "Value": 1}}, "InvalidArgument"),
        ({"Query": {"Field": "Size", "Operation": "eq", "Valeu": "1"}}, "InvalidArgument"),
        ({"Query": {"Operation": "and"}}, "InvalidArgument"),
        ({"Query": {"Operation": "and", "SubQueries": []}}, "InvalidArgument"),
        ({"Query": all_of(*[where("Size", "gt", "0")] * 101)}, "InvalidArgument"),
        ({"Query": _deep(6)}, "InvalidArgument"),
        (
            {"Query": {"Operation": "nested", "Field": "Labels", "SubQueries": [where("Size", "gt", "0")]}},
            "InvalidArgument",
        ),
        ({"MaxResults": 101}, "InvalidMaxResults"),
        ({"NextToken": "nonsense"}, "InvalidNextToken"),
        ({"Sort": "Size,URI,Filename,ETag,Title,Album"}, "InvalidArgument"),
        ({"Sort": "Size", "Order": "asc,desc"}, "InvalidArgument"),
        ({"Sort": "Size", "Order": "up"}, "InvalidArgument"),
        ({"Sort": "Labels"}, "InvalidArgument"),
        ({"Sort": "CustomLabels.a"}, "InvalidArgument"),
        ({"WithFields": ["Colour"]}, "InvalidArgument"),
        ({"Aggregations": [{"Field": "Size", "Operation": "median"}]}, "InvalidArgument"),
        ({"Aggregations": [{"Field": "Filename", "Operation": "sum"}]}, "InvalidArgument"),
        ({"Aggregations": [{"Field": "Colour", "Operation": "count"}]}, "InvalidArgument"),
        ({"Aggregations": [{"Field": "Size", "Operation": "count"}], "MaxResults": 2001}, "InvalidMaxResults"),
    ],
)
def test_bad_queries_are_refused(room: Room, params: dict[str, object], code: str) -> None:
    """Unknown operators and fields, values of the wrong type, and the documented limits."""
    assert room.refused("SimpleQuery", **PLACE, **params) == (400, code)


def test_the_limits_themselves_are_allowed(room: Room) -> None:
    """A hundred conditions, five levels, a hundred results, two thousand groups."""
    room.in_dataset("SimpleQuery", Query=all_of(*[where("Size", "gt", "0")] * 100), MaxResults=100)
    room.in_dataset("SimpleQuery", Query=_deep(5))
    room.in_dataset("SimpleQuery", Aggregations=[{"Field": "ETag", "Operation": "group"}], MaxResults=2000)

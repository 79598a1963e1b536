"""SimpleQuery by index answers what a look at every file answers, whatever was put, changed and deleted before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emulator.call import Call, Reply
from emulator.gateway import execute
from emulator.imm.operations import OPERATIONS as IMM
from emulator.imm.search_index import MOST_FIELDS, Files, SearchIndex
from emulator.imm.state import Dataset, ImmState, IndexedFile, Project
from emulator.instance import DEFAULT_ACCOUNT, Config, Instance, start
from emulator.kept import start_kept
from emulator.refusal import Refusal
from emulator.state import Cloud

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

REGION = "cn-hangzhou"
PLACE = {"ProjectName": "p", "DatasetName": "d"}
URIS = [f"oss://bucket/{name}" for name in ("a.txt", "B.txt", "b/c.jpg", "b/d.jpg", "é.txt", "z")]
WORDS = st.sampled_from(
    ["", "a", "A", "ab", "aB", "b", "1", "1.0", "1e0", "10", "-2", "nan", "inf", "True", "é", "\ud800"]
)
NUMBERS = st.one_of(st.integers(-3, 12), st.sampled_from([0.5, 1.0, float("inf"), float("nan"), 2**53 + 1, 10**400]))
SIZES = st.one_of(st.integers(0, 12), st.sampled_from([0.5, 2**53 + 1, 10**400]))
TIMES = st.sampled_from(
    ["2022-07-06T07:03:28+08:00", "2022-07-05T23:03:28Z", "2022-07-06T07:03:29", "0001-01-01T00:00:00+14:00", "never"]
)
ANY = st.one_of(WORDS, NUMBERS, st.booleans(), st.none(), st.lists(WORDS, max_size=2))
ELEMENT = st.dictionaries(st.sampled_from(["LabelName", "Confidence", "Deep.er"]), ANY, max_size=3)
LABELS = st.lists(st.one_of(ELEMENT, st.lists(ELEMENT, max_size=1)), max_size=3)
NAMED = st.dictionaries(st.sampled_from(["k", "K", "other"]), ANY, max_size=3)
META = st.fixed_dictionaries(
    {},
    optional={
        "Title": WORDS,
        "Size": SIZES,
        "ImageWidth": SIZES,
        "ProduceTime": TIMES,
        "CustomLabels": NAMED,
        "OSSTagging": NAMED,
        "OSSUserMeta": NAMED,
        "SemanticTypes": st.lists(WORDS, max_size=3),
        "Labels": LABELS,
        "LatLong": st.sampled_from(["30.0,120.0", "-10,5", "nowhere"]),
    },
)

FIELDS = [
    "Title", "Size", "ImageWidth", "ProduceTime", "URI", "SemanticTypes", "CustomLabels.k", "CustomLabels.K",
    "OSSTagging.k", "OSSTagging.K", "OSSUserMeta.k", "Labels.LabelName", "Labels.Confidence",
    "Labels.Deep.er", "Labels", "LatLong",
]  # fmt: skip
_IS_CAT = {"Field": "Labels.LabelName", "Operation": "eq", "Value": "cat"}
_SURE = {"Field": "Labels.Confidence", "Operation": "eq"}
OPERATIONS = ["eq", "lt", "lte", "gt", "gte", "prefix", "match-phrase", "exist"]


def _condition(fields: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    value = st.one_of(WORDS, NUMBERS.map(str), TIMES, st.sampled_from(URIS))
    return st.fixed_dictionaries(
        {"Field": st.sampled_from(fields), "Operation": st.sampled_from(OPERATIONS), "Value": value}
    )


def _joined(part: st.SearchStrategy[dict[str, Any]], *operations: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"Operation": st.sampled_from(operations), "SubQueries": st.lists(part, min_size=1, max_size=3)}
    )


_ELEMENTS = _condition(["Labels.LabelName", "Labels.Confidence"])
NESTED = _joined(st.one_of(_ELEMENTS, _joined(_ELEMENTS, "and", "or", "not")), "nested")
NEAR = st.just({"Field": "LatLong", "Operation": "geo-distance", "Value": "30.0,120.0,1000"})
QUERY = st.recursive(
    st.one_of(_condition(FIELDS), NESTED, NEAR), lambda inner: _joined(inner, "and", "or", "not"), max_leaves=6
)
CHANGES = st.lists(st.tuples(st.sampled_from(URIS), st.one_of(st.none(), META)), max_size=12)
AGGREGATIONS = [
    {"Field": "Size", "Operation": operation} for operation in ("sum", "min", "max", "average", "count", "distinct")
] + [{"Field": "Labels.LabelName", "Operation": "group"}, {"Field": "CustomLabels.k", "Operation": "group"}]


class _Blind(SearchIndex):
    """An index that never can tell, so that every file is looked at."""

    def look_up(self, field: str, operation: str, value: str, files: Files) -> None:  # noqa: ARG002 - whatever is asked
        return None


def _room(index: SearchIndex) -> tuple[Instance, Dataset]:
    instance = start(Config(virtual_clock=True, account_id=DEFAULT_ACCOUNT))
    instance.cloud.imm_settings.queries_per_second = 0
    dataset = Dataset("d", 0.0, 0.0, index=index)
    project = Project("p", 0.0, 0.0, datasets={"d": dataset})
    instance.cloud.accounts[DEFAULT_ACCOUNT].imm[REGION] = ImmState({"p": project})
    return instance, dataset


def _ask(cloud: Cloud, **params: object) -> object:
    """The answer as it goes over the wire, or the refusal; never a bug."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
    call = Call("imm", "SimpleQuery", DEFAULT_ACCOUNT, REGION, "request", {**PLACE, **texts})
    match execute(cloud, call, IMM.by_name["SimpleQuery"]):
        case Refusal() as refusal:
            assert refusal.status == 400, refusal
            return refusal.code, refusal.message
        case Reply(body=body):
            return json.dumps(body)


def _apply(dataset: Dataset, uri: str, meta: dict[str, Any] | None) -> None:
    if meta is None:
        dataset.forget(uri)
    else:
        dataset.keep(uri, IndexedFile({"URI": uri, **meta}, 1, manual=False))


@settings(max_examples=150)
@given(
    before=CHANGES,
    after=CHANGES,
    queries=st.lists(QUERY, min_size=1, max_size=4),
    sort=st.sampled_from(["", "Size", "Title,Size", "ProduceTime"]),
    order=st.sampled_from(["", "asc", "desc"]),
    size=st.integers(1, 4),
)
@example(  # half a surrogate pair, as JSON may bring it, in the token of the next page
    before=[],
    after=[("oss://bucket/a.txt", {}), ("oss://bucket/B.txt", {"Title": "\ud800"})],
    queries=[{"Operation": "not", "SubQueries": [{"Field": "Title", "Operation": "eq", "Value": ""}]}],
    sort="Title,Size",
    order="",
    size=1,
)
def test_an_index_finds_what_a_look_at_every_file_finds(
    before: list[tuple[str, Any]],
    after: list[tuple[str, Any]],
    queries: list[dict[str, Any]],
    sort: str,
    order: str,
    size: int,
) -> None:
    """Same hits, order, pages and aggregations, with postings made before changes as well as after them."""
    (indexed, by_index), (scanned, by_scan) = _room(SearchIndex()), _room(_Blind())
    sorting = {"Sort": sort, "Order": order if sort else ""}
    for changes in (before, after):
        for uri, meta in changes:
            _apply(by_index, uri, meta)
            _apply(by_scan, uri, meta)
        for query in queries:
            for more in ({**sorting, "MaxResults": str(size)}, {"Aggregations": AGGREGATIONS}):
                assert _ask(scanned.cloud, Query=query, **more) == _ask(indexed.cloud, Query=query, **more)
            pages = [_pages(room.cloud, query, sorting, size) for room in (scanned, indexed)]
            assert pages[0] == pages[1]


def _pages(cloud: Cloud, query: dict[str, Any], sorting: dict[str, str], size: int) -> list[object]:
    """All pages of a query, each with what it shows."""
    found: list[object] = []
    token = ""
    while not found or token:
        answer = _ask(cloud, Query=query, **sorting, MaxResults=str(size), NextToken=token)
        found.append(answer)
        token = json.loads(answer)["NextToken"] if isinstance(answer, str) else ""
    return found


def test_a_query_by_an_indexed_field_looks_at_no_other_file() -> None:
    """What does not hold the value is not even read: its metadata would answer that it cannot be."""
    instance, dataset = _room(SearchIndex())
    _apply(dataset, URIS[0], {"Title": "wanted"})
    asked = {"Field": "Title", "Operation": "eq", "Value": "wanted"}
    first = _ask(instance.cloud, Query=asked)

    class Unreadable(dict[str, object]):
        def get(self, *_: object) -> object:
            raise AssertionError("a file was read that cannot be a hit")

    dataset.files[URIS[1]] = IndexedFile(Unreadable(URI=URIS[1]), 1, manual=False)
    assert first == _ask(instance.cloud, Query=asked)


def test_fields_that_are_asked_once_do_not_pile_up() -> None:
    """Labels have any name: the postings of the field asked for first make room, and its answers stay right."""
    instance, dataset = _room(SearchIndex())
    _apply(dataset, URIS[0], {"CustomLabels": {"k0": "v"}})
    queries = [
        {"Field": f"CustomLabels.k{number}", "Operation": "eq", "Value": "v"} for number in range(MOST_FIELDS + 1)
    ]
    answers = [_ask(instance.cloud, Query=query) for query in queries]
    assert answers[0] == _ask(instance.cloud, Query=queries[0])
    assert [1] + [0] * MOST_FIELDS == [json.loads(str(answer))["TotalHits"] for answer in answers]


@pytest.mark.parametrize("operation", ["lt", "lte", "gt", "gte", "prefix"])
def test_ranges_and_prefixes_hold_at_their_ends(operation: str) -> None:
    """Ten titles, asked around the fifth, by index and by a look at every file."""
    (indexed, by_index), (scanned, by_scan) = _room(SearchIndex()), _room(_Blind())
    for number in range(10):
        for dataset in (by_index, by_scan):
            _apply(dataset, f"oss://bucket/{number}", {"Title": f"t{number // 2}x{number}"})
    for value in ("t2x4", "t2", "t2x", "t", "u", ""):
        query = {"Field": "Title", "Operation": operation, "Value": value}
        assert _ask(scanned.cloud, Query=query) == _ask(indexed.cloud, Query=query)


def test_the_index_follows_every_operation_that_changes_a_file(room: Room) -> None:
    """Put, overwrite, label, update, delete of the object and of the entry: each is in the next answer."""

    def titles(field: str, value: str) -> list[str]:
        asked = {"Field": field, "Operation": "eq", "Value": value}
        return [item["Filename"] for item in room.in_dataset("SimpleQuery", Query=asked)["Files"]]

    assert [] == titles("OSSTagging.kind", "old") == titles("CustomLabels.category", "cat")
    room.bind()
    room.put("a.txt", tags={"kind": "old"})
    room.put("b.txt", tags={"kind": "old"})
    room.advance(10)
    assert ["a.txt", "b.txt"] == titles("OSSTagging.kind", "old")
    room.put("a.txt", tags={"kind": "new"})
    room.advance(10)
    assert (["b.txt"], ["a.txt"]) == (titles("OSSTagging.kind", "old"), titles("OSSTagging.kind", "new"))
    for category in ("cat", "dog"):
        room.in_dataset(
            "UpdateFileMeta", File={"URI": "oss://test-bucket/b.txt", "CustomLabels": {"Category": category}}
        )
        assert ["b.txt"] == titles("CustomLabels.category", category)
    assert [] == titles("CustomLabels.category", "cat")
    room.in_dataset("DeleteFileMeta", URI="oss://test-bucket/b.txt")
    room.delete("a.txt")
    room.advance(10)
    assert [] == titles("OSSTagging.kind", "old") == titles("OSSTagging.kind", "new")


async def test_an_index_is_there_after_a_restart(tmp_path: Path) -> None:
    """What a directory gives back is found by its values, and so is what comes after it."""
    asked = {"Field": "Title", "Operation": "eq", "Value": "kept"}
    instance, store = start_kept(Config(virtual_clock=True), tmp_path)
    dataset = Dataset("d", 0.0, 0.0)
    instance.cloud.accounts[DEFAULT_ACCOUNT].imm[REGION] = ImmState(
        {"p": Project("p", 0.0, 0.0, datasets={"d": dataset})}
    )
    _apply(dataset, URIS[0], {"Title": "kept"})
    first = _ask(instance.cloud, Query=asked)
    await store.close()
    again, store = start_kept(Config(virtual_clock=True), tmp_path)
    assert first == _ask(again.cloud, Query=asked)
    _apply(again.cloud.accounts[DEFAULT_ACCOUNT].imm[REGION].projects["p"].datasets["d"], URIS[1], {"Title": "kept"})
    assert '"TotalHits": 2' in str(_ask(again.cloud, Query=asked))
    await store.close()


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ({"Operation": "nested", "SubQueries": [_IS_CAT, {**_SURE, "Value": "0.5"}]}, 1),
        ({"Operation": "nested", "SubQueries": [_IS_CAT, {**_SURE, "Value": "12"}]}, 0),
        ({"Operation": "and", "SubQueries": [_IS_CAT, {**_SURE, "Value": "12"}]}, 1),
        ({**_SURE, "Operation": "prefix", "Value": "1"}, 1),
        ({**_SURE, "Operation": "prefix", "Value": "2"}, 0),
    ],
)
def test_elements_and_spellings_of_numbers_count_as_without_an_index(query: dict[str, Any], hits: int) -> None:
    """Two conditions must meet in one element only where the query says so; a prefix is of a number's spelling."""
    instance, dataset = _room(SearchIndex())
    labels = [{"LabelName": "cat", "Confidence": 0.5}, {"LabelName": "dog", "Confidence": 12}]
    _apply(dataset, URIS[0], {"Labels": labels})
    assert hits == json.loads(str(_ask(instance.cloud, Query=query)))["TotalHits"]

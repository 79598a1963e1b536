"""FuzzyQuery: words in any case over texts and labels, most relevant first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.imm_room import PLACE

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]


def _names(room: Room, query: str, **params: object) -> list[str]:
    return [item["Filename"] for item in room.in_dataset("FuzzyQuery", Query=query, **params)["Files"]]


def _library(room: Room) -> None:
    for name in ("red_house.txt", "red-car.txt", "blue.txt", "green.txt"):
        room.put(name)
    room.index("red_house.txt", "red-car.txt", "green.txt")
    room.index("blue.txt", CustomLabels={"kind": "House"}, Labels=[{"LabelName": "Sky"}], Title="Ein Überblick")


def test_words_match_in_any_case_and_more_words_come_first(room: Room) -> None:
    """File names, titles, custom and other labels."""
    _library(room)
    assert _names(room, "RED house") == ["red_house.txt", "blue.txt", "red-car.txt"]
    assert _names(room, "sky") == ["blue.txt"]
    assert _names(room, "überblick") == ["blue.txt"]
    assert _names(room, "gree") == []


def test_pages_and_count(room: Room) -> None:
    """One at a time, the same order."""
    _library(room)
    token, names, hits = "", list[str](), set[int]()
    while True:
        page = room.in_dataset("FuzzyQuery", Query="red house", MaxResults=1, NextToken=token)
        names += [item["Filename"] for item in page["Files"]]
        hits.add(page["TotalHits"])
        token = page["NextToken"]
        if not token:
            break
    assert names == ["red_house.txt", "blue.txt", "red-car.txt"]
    assert hits == {3}


def test_an_explicit_order_wins_over_relevance(room: Room) -> None:
    """Sort and Order as documented: missing orders after a given one ascend."""
    _library(room)
    assert _names(room, "red house", Sort="Filename", Order="asc") == ["blue.txt", "red-car.txt", "red_house.txt"]
    assert _names(room, "red house", Sort="Filename") == ["red_house.txt", "red-car.txt", "blue.txt"]
    assert _names(room, "red house", Sort="Size,Filename", Order="desc")[0] == "blue.txt"


def test_bad_queries_are_refused(room: Room) -> None:
    """A query is required, pages are at most 200."""
    assert room.refused("FuzzyQuery", **PLACE) == (400, "MissingQuery")
    assert room.refused("FuzzyQuery", **PLACE, Query="a", MaxResults=201) == (400, "InvalidMaxResults")
    assert room.refused("FuzzyQuery", **PLACE, Query="a" * (1024 * 1024 + 1)) == (400, "InvalidQuery")

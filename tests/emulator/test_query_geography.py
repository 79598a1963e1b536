"""Geographic conditions of SimpleQuery: distance, bounding box, polygon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.imm_room import PLACE, URI

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

PLACES = {"hangzhou": "30.25,120.17", "shanghai": "31.23,121.47", "suva": "-18.14,178.44", "apia": "-13.83,-171.77"}


@pytest.fixture
def atlas(room: Room) -> Room:
    """A file per place, and one without."""
    for name, lat_long in PLACES.items():
        room.put(name)
        room.index(name, LatLong=lat_long)
    room.put("nowhere")
    room.index("nowhere")
    return room


def found(room: Room, operation: str, value: str) -> list[str]:
    """Names of the files that a condition finds."""
    query: dict[str, Any] = {"Field": "LatLong", "Operation": operation, "Value": value}
    files = room.in_dataset("SimpleQuery", Query=query, Sort="URI", Order="asc")["Files"]
    return [item["URI"].removeprefix(f"{URI}/") for item in files]


@pytest.mark.parametrize(
    ("operation", "value", "names"),
    [
        ("geo-distance", "30.25,120.17;1000", ["hangzhou"]),
        ("geo-distance", "30.25,120.17;160000", ["hangzhou"]),  # Shanghai is 165 km away
        ("geo-distance", "30.25,120.17;170000", ["hangzhou", "shanghai"]),
        ("geo-bounding-box", "32,119;30,121", ["hangzhou"]),
        ("geo-bounding-box", "0,170;-30,-170", ["apia", "suva"]),  # over the date line
        ("geo-polygon", "33,118;33,122;31,122;31,118", ["shanghai"]),
        ("geo-polygon", "29,119;32,119;29,123", ["hangzhou"]),
    ],
)
def test_places_are_found(atlas: Room, operation: str, value: str, names: list[str]) -> None:
    """With the value forms of the vendor's page on operators."""
    assert names == found(atlas, operation, value)


@pytest.mark.parametrize(
    ("field", "operation", "value"),
    [
        ("LatLong", "geo-distance", "30,120"),
        ("LatLong", "geo-distance", "30;1000"),
        ("LatLong", "geo-distance", "30,120;far"),
        ("LatLong", "geo-distance", "91,0;1"),
        ("LatLong", "geo-distance", "30,120;nan"),
        ("LatLong", "geo-bounding-box", "30,119;32,121"),
        ("LatLong", "geo-polygon", "30,119;32,121"),
        ("Size", "geo-distance", "30,120;1000"),
    ],
)
def test_bad_values_are_refused(atlas: Room, field: str, operation: str, value: str) -> None:
    """As every other bad value."""
    query = {"Field": field, "Operation": operation, "Value": value}
    assert (400, "InvalidArgument") == atlas.refused("SimpleQuery", **PLACE, Query=query)

"""Geographic conditions on LatLong: geo-distance, geo-bounding-box, geo-polygon.

Source: "Supported fields and operators" (help.aliyun.com/document_detail/2743991), which gives the forms of their
values. The earth is a sphere here, and a polygon's edges are straight on the map.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emulator.imm import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

Point = tuple[float, float]  # latitude, longitude, in degrees

OPERATIONS = frozenset({"geo-distance", "geo-bounding-box", "geo-polygon"})
EARTH_RADIUS = 6_371_008.8  # metres
LEAST_CORNERS = 3


def geographic(operation: str, value: str) -> Callable[[object], bool]:
    """The test of one LatLong.

    Args:
        operation: One of OPERATIONS.
        value: `33,119;1000` (centre; metres), `35,118.5;33.5,120` (top left; bottom right) or at least three points.

    Raises:
        Refusal: InvalidArgument if the value does not have that form.
    """
    parts = value.split(";")
    match operation:
        case "geo-distance" if len(parts) == 2:  # noqa: PLR2004 - centre and radius
            centre, radius = _point(parts[0]), _number(parts[1])
            return _on_points(lambda point: _distance(centre, point) <= radius)
        case "geo-bounding-box" if len(parts) == 2:  # noqa: PLR2004 - two corners
            (top, left), (bottom, right) = _point(parts[0]), _point(parts[1])
            if bottom > top:
                raise refusals.invalid_argument(f"The bounding box {value} has its bottom above its top.")
            return _on_points(lambda point: bottom <= point[0] <= top and _between(left, point[1], right))
        case "geo-polygon" if len(parts) >= LEAST_CORNERS:
            corners = [_point(part) for part in parts]
            return _on_points(lambda point: _inside(corners, point))
        case _:
            raise refusals.invalid_argument(f"The value {value} does not suit the operation {operation}.")


def _on_points(test: Callable[[Point], bool]) -> Callable[[object], bool]:
    def holds(held: object) -> bool:
        try:
            latitude, longitude = (float(part) for part in str(held).split(","))
        except ValueError:
            return False
        return test((latitude, longitude))

    return holds


def _point(text: str) -> Point:
    latitude, comma, longitude = text.partition(",")
    if not comma:
        raise refusals.invalid_argument(f"{text} is no point: it must be latitude,longitude.")
    point = _number(latitude), _number(longitude)
    if abs(point[0]) > 90 or abs(point[1]) > 180:  # noqa: PLR2004 - degrees
        raise refusals.invalid_argument(f"{text} is no point on earth.")
    return point


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise refusals.invalid_argument(f"{text} is not a number.") from None
    if not math.isfinite(number):
        raise refusals.invalid_argument(f"{text} is not a number.")
    return number


def _between(left: float, longitude: float, right: float) -> bool:
    """Whether a longitude lies in a span that may cross the date line."""
    return left <= longitude <= right if left <= right else longitude >= left or longitude <= right


def _distance(one: Point, other: Point) -> float:
    """Metres along the great circle (haversine)."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, point)) for point in (one, other))
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(1.0, chord)))


def _inside(corners: list[Point], point: Point) -> bool:
    """Whether a ray from the point crosses the border an odd number of times."""
    latitude, longitude = point
    inside = False
    for (lat1, lon1), (lat2, lon2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (lat1 > latitude) != (lat2 > latitude):
            crossing = lon1 + (latitude - lat1) / (lat2 - lat1) * (lon2 - lon1)
            inside ^= longitude < crossing
    return inside

"""Sort, Order and NextToken of a query: a token is the place of the last file shown, so pages bear changes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable
from functools import cmp_to_key, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from emulator.imm import refusals
from emulator.imm.fields import MAPS, type_of
from emulator.imm.matching import as_float, values_of
from emulator.imm.times import normalised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.call import Call
    from emulator.imm.state import IndexedFile

MAX_SORT_FIELDS = 5
Place = list[Any]  # the sort values, then the URI
Column = Callable[["IndexedFile"], float | str | None]


def sort_of(call: Call, *, rest: str) -> list[tuple[str, bool]]:
    """The call's sort fields, each with whether it descends. `rest` is the order of fields that Order does not reach.

    Raises:
        Refusal: InvalidArgument for more than 5 fields, an unsortable field, or a surplus or unknown order.
    """
    fields = [name.strip() for name in call.params.get("Sort", "").split(",") if name.strip()]
    orders = [name.strip().lower() for name in call.params.get("Order", "").split(",") if name.strip()]
    if len(fields) > MAX_SORT_FIELDS:
        raise refusals.invalid_argument(f"Sort has {len(fields)} fields, at most {MAX_SORT_FIELDS} are allowed.")
    if len(orders) > len(fields):
        raise refusals.invalid_argument("Order has more elements than Sort.")
    for field in fields:
        kind = type_of(field)
        if kind is None or kind in MAPS or kind in {"objects", "texts"}:
            raise refusals.invalid_argument(f"The field {field} cannot be sorted by.")
    for order in orders:
        if order not in {"asc", "desc"}:
            raise refusals.invalid_argument(f"The order {order} is not valid: it must be asc or desc.")
    padded = orders + [rest if orders else "desc"] * (len(fields) - len(orders))
    return [(field, order == "desc") for field, order in zip(fields, padded, strict=True)]


def page_of(
    files: Sequence[IndexedFile],
    sort: list[tuple[str, bool]],
    token: str,
    size: int,
    score: Callable[[IndexedFile], float] | None = None,
) -> tuple[list[IndexedFile], str]:
    """The next `size` files after `token` and the token to go on with, empty at the end.

    Files without a sort field's value come last; equal ones are in order of URI. `score` sorts first, highest first.
    """
    columns: list[tuple[Column, bool]] = [(partial(_value, field), descending) for field, descending in sort]
    if score is not None:
        columns.insert(0, (score, True))
    ordered = sorted(files, key=uri_of)
    for column, descending in reversed(columns):  # the sort is stable: the last one decides first
        ordered = _by_column(ordered, column, descending=descending)

    def place(item: IndexedFile) -> Place:
        return [*(column(item) for column, _ in columns), uri_of(item)]

    begin = 0
    if token:
        by_place = _comparing([*(descending for _, descending in columns), False])
        begin = bisect_right(
            ordered, by_place(_decoded(token, len(columns) + 1)), key=lambda item: by_place(place(item))
        )
    chosen = ordered[begin : begin + size]
    return chosen, _encoded(place(chosen[-1])) if begin + size < len(ordered) else ""


def uri_of(item: IndexedFile) -> str:
    """What tells an entry from every other, and is its order where nothing else is."""
    return str(item.meta["URI"])


def _by_column(files: list[IndexedFile], column: Column, *, descending: bool) -> list[IndexedFile]:
    valued = [(column(item), item) for item in files]
    there = [pair for pair in valued if pair[0] is not None]
    there.sort(key=itemgetter(0), reverse=descending)
    return [item for _, item in there] + [item for value, item in valued if value is None]


def _comparing(descending: list[bool]) -> Callable[[Place], Any]:
    """The order of places as a sort key."""

    def compare(one: Place, other: Place) -> int:
        for left, right, desc in zip(one, other, descending, strict=True):
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            of_another_sort = isinstance(left, str) is not isinstance(right, str)  # such a token may be anywhere
            smaller = -1 if of_another_sort or left < right else 1
            return -smaller if desc else smaller
        return 0

    return cmp_to_key(compare)


def _value(field: str, item: IndexedFile) -> float | str | None:
    """What a file is sorted by: all values of one field have one type."""
    held = next(iter(values_of(item.meta, field)), None)
    match type_of(field):
        case "number":
            return as_float(held) if isinstance(held, int | float) else None
        case "time":
            moment = normalised(str(held))
            return None if moment is None else moment.isoformat()
        case _:
            return None if held is None else str(held)


def _encoded(place: Place) -> str:
    # Escaped: a text from JSON may hold half a surrogate pair, which no other encoding takes.
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _decoded(token: str, length: int) -> Place:
    try:
        place = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, RecursionError):
        raise refusals.malformed("NextToken") from None
    if (
        not isinstance(place, list)
        or len(place) != length
        or not all(isinstance(v, str | int | float | None) for v in place)
    ):
        raise refusals.malformed("NextToken")
    return place

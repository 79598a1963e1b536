"""Sort, Order and NextToken of a query: a token is the place of the last file shown, so pages bear changes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from emulator.imm import refusals
from emulator.imm.fields import MAPS, type_of
from emulator.imm.matching import values_of
from emulator.imm.times import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulator.call import Call
    from emulator.imm.state import IndexedFile

MAX_SORT_FIELDS = 5
Place = list[Any]  # the sort values, then the URI


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
    descending = [True] * (score is not None) + [desc for _, desc in sort]

    def place(item: IndexedFile) -> Place:
        values = [_value(item, field) for field, _ in sort]
        return [*([score(item)] if score else []), *values, str(item.meta["URI"])]

    def compare(one: Place, other: Place) -> int:
        for left, right, desc in zip(one, other, [*descending, False], strict=True):
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            smaller = -1 if left < right else 1
            return -smaller if desc else smaller
        return 0

    placed = [(place(item), item) for item in files]
    by_place = cmp_to_key(compare)
    placed.sort(key=lambda pair: by_place(pair[0]))
    after = _decoded(token, len(descending) + 1) if token else None
    rest = [pair for pair in placed if after is None or compare(pair[0], after) > 0]
    chosen = rest[:size]
    more = _encoded(chosen[-1][0]) if len(rest) > size else ""
    return [item for _, item in chosen], more


def _value(item: IndexedFile, field: str) -> float | str | None:
    held = next(iter(values_of(item.meta, field)), None)
    if held is None:
        return None
    if type_of(field) == "time":
        moment = normalised(str(held))
        return None if moment is None else moment.isoformat()
    return float(held) if isinstance(held, int | float) else str(held)


def _encoded(place: Place) -> str:
    return urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode().rstrip("=")


def _decoded(token: str, length: int) -> Place:
    try:
        place = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        raise refusals.malformed("NextToken") from None
    if not isinstance(place, list) or len(place) != length:
        raise refusals.malformed("NextToken")
    return place

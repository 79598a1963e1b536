"""One field against one value: numbers as numbers, times as instants, labels without regard to case.

The rules on case are the vendor's (document_detail/2743991): keys and values of CustomLabels in any case, keys of
OSSUserMeta in any case, OSSTagging exactly.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from emulator.imm import refusals
from emulator.imm.fields import MAPS, type_of
from emulator.imm.geography import OPERATIONS, geographic
from emulator.imm.times import normalised

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
WORD = re.compile(r"\w+")


def values_of(meta: Mapping[str, object], field: str) -> Sequence[object]:
    """What an entry holds under a field as a query writes it; several for a member of an array, none if absent."""
    return reader_of(field)(meta)


@lru_cache(maxsize=1024)
def reader_of(field: str) -> Callable[[Mapping[str, object]], Sequence[object]]:
    """`values_of` for one field, which a query reads from every entry: what depends on the field is worked out once."""
    name, dot, member = field.partition(".")
    if not dot:
        return lambda meta: _listed(meta.get(name))
    parts = tuple(member.split("."))
    if type_of(field) in {"labels", "user_meta"}:
        fold = member.lower()
        return lambda meta: _folded(meta.get(name), member, parts, fold)
    return lambda meta: _exact(meta.get(name), member, parts)


def _listed(held: object) -> Sequence[object]:
    if held is None:
        return ()
    return held if isinstance(held, list) else (held,)


def _exact(held: object, member: str, parts: tuple[str, ...]) -> Sequence[object]:
    """A member of a structure, or of each structure in an array; `parts` leads into structures within."""
    if isinstance(held, list):
        return [value for element in held for value in _exact(element, member, parts) if not isinstance(element, list)]
    if not isinstance(held, dict):
        return ()
    value: object = held.get(member)
    if member not in held and len(parts) > 1:
        value = held
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
    return () if value is None else (value,)


def _folded(held: object, member: str, parts: tuple[str, ...], fold: str) -> Sequence[object]:
    """The members whose names are equal but for case; in an array, names are exact."""
    if isinstance(held, list):
        return _exact(held, member, parts)
    return [value for key, value in held.items() if str(key).lower() == fold] if isinstance(held, dict) else ()


def matcher(field: str, operation: str, value: str) -> Callable[[object], bool]:
    """The test of one value held under `field`.

    Raises:
        Refusal: InvalidArgument if the operator does not suit the field or the value not its type.
    """
    if operation == "exist":
        return lambda held: held is not None
    if operation in OPERATIONS:
        if field != "LatLong":
            raise refusals.invalid_argument(f"The operation {operation} is for the field LatLong, not for {field}.")
        return geographic(operation, value)
    return _typed_matcher(field, operation, value)


def _typed_matcher(field: str, operation: str, value: str) -> Callable[[object], bool]:
    kind = type_of(field)
    if "." not in field and (kind in MAPS or kind == "objects"):
        raise refusals.invalid_argument(f"The field {field} needs a member: {field}.name.")
    if operation in {"prefix", "match-phrase"}:
        if kind in {"number", "time"}:
            raise refusals.invalid_argument(f"The operation {operation} is not supported for the field {field}.")
        return _textual(operation, value, fold=kind == "labels")
    compare = ORDERS[operation]
    match kind:
        case "number":
            wanted_number = _number(field, value)
            return lambda held: isinstance(held, (int, float)) and compare(held, wanted_number)
        case "time":
            wanted_time = normalised(value)
            if wanted_time is None:
                raise refusals.invalid_argument(f"The value {value} of the field {field} is not an RFC 3339 time.")
            return lambda held: (moment := normalised(str(held))) is not None and compare(moment, wanted_time)
        case "labels":
            return lambda held: compare(str(held).lower(), value.lower())
        case _:
            return _own_type(value, compare)


def _textual(operation: str, value: str, *, fold: bool) -> Callable[[object], bool]:
    if operation == "prefix":
        return lambda held: (str(held).lower() if fold else str(held)).startswith(value.lower() if fold else value)
    phrase = words(value)
    return lambda held: bool(phrase) and _contains(words(str(held)), phrase)


def _own_type(value: str, compare: Callable[[Any, Any], bool]) -> Callable[[object], bool]:
    """Members of structures carry numbers or texts; a number is compared as one if the value is one."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan  # nothing compares to it

    def test(held: object) -> bool:
        if isinstance(held, (int, float)):  # a tuple: it is asked of every entry, and a union takes five times as long
            return compare(held, number)
        return compare(str(held), value)

    return test


def _number(field: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise refusals.invalid_argument(f"The value {value} of the field {field} is not a number.") from None


def as_float(number: float) -> float:
    """The number as a float; JSON's whole numbers have no end, and one beyond all floats counts as infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number > 0 or -1)


def words(text: str) -> list[str]:
    """A text's words in lower case; `_` parts words too, as it does in file names."""
    return WORD.findall(text.lower().replace("_", " "))


def _contains(text: list[str], phrase: list[str]) -> bool:
    size = len(phrase)
    return any(text[begin : begin + size] == phrase for begin in range(len(text) - size + 1))

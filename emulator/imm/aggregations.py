"""Aggregations of SimpleQuery: sum, max, min, average, count, distinct, group over the files that a query found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from emulator.imm import refusals
from emulator.imm.fields import type_of
from emulator.imm.matching import as_float, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.imm.state import IndexedFile

NUMERIC = frozenset({"sum", "max", "min", "average"})
COUNTING = frozenset({"count", "distinct", "group"})
MAX_GROUPS = 2000


def aggregate(files: Sequence[IndexedFile], asked: Mapping[str, Any], groups: int) -> dict[str, object]:
    """One aggregation as the answer shows it; `groups` bounds a group's list, largest group first.

    Raises:
        Refusal: InvalidArgument for an unknown operation or field, or arithmetic on what is no number.
    """
    field, operation = asked.get("Field"), asked.get("Operation")
    if not isinstance(field, str) or type_of(field) is None:
        raise refusals.invalid_argument(f"The field {field} is not supported in an aggregation.")
    if not isinstance(operation, str) or operation not in NUMERIC | COUNTING:
        raise refusals.invalid_argument(f"The aggregation {operation} is not supported.")
    if operation in NUMERIC and type_of(field) not in {"number", "objects"}:
        raise refusals.invalid_argument(f"The aggregation {operation} is not supported for the field {field}.")
    values = [value for item in files for value in values_of(item.meta, field)]
    shown: dict[str, object] = {"Field": field, "Operation": operation}
    if operation == "group":
        counted = Counter(_name(value) for value in values)
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        shown["Groups"] = [{"Value": name, "Count": count} for name, count in ranked[:groups]]
    elif operation in COUNTING:
        shown["Value"] = float(len(values) if operation == "count" else len({_name(value) for value in values}))
    else:
        shown["Value"] = _calculated(str(operation), [as_float(v) for v in values if isinstance(v, int | float)])
    return shown


def _calculated(operation: str, numbers: list[float]) -> float:
    if not numbers:
        return 0.0
    match operation:
        case "sum":
            return sum(numbers)
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case _:
            return sum(numbers) / len(numbers)


def _name(value: object) -> str:
    return str(value)

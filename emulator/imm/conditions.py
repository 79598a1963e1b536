"""SimpleQuery's conditions: checked once, turned into a predicate over entries. Pure: no cloud, no clock.

Source: api-imm-2020-09-30-simplequery and struct SimpleQuery. Limits: 100 conditions per subquery, nesting depth 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.imm import geography, refusals
from emulator.imm.fields import type_of
from emulator.imm.matching import matcher, reader_of

Predicate = Callable[[Mapping[str, object]], bool]

COMPARISONS = frozenset({"eq", "lt", "lte", "gt", "gte", "prefix", "match-phrase", "exist"}) | geography.OPERATIONS
LOGICAL = frozenset({"and", "or", "not", "nested"})
MAX_CONDITIONS = 100
MAX_DEPTH = 5
MEMBERS = frozenset({"Field", "Operation", "SubQueries", "Value"})


def predicate_of(query: Mapping[str, Any]) -> Predicate:
    """The test that a query's JSON describes. An empty query accepts every file.

    Raises:
        Refusal: InvalidArgument naming the unknown operator or field, the bad value or the limit.
    """
    return _build(query, 1, nested=False) if query else lambda _: True


def _build(query: Mapping[str, Any], depth: int, *, nested: bool) -> Predicate:
    unknown = sorted(set(query) - MEMBERS)
    if unknown:
        raise refusals.invalid_argument(f"The field {unknown[0]} is not a field of SimpleQuery.")
    if depth > MAX_DEPTH:
        raise refusals.invalid_argument(f"The query is nested more than {MAX_DEPTH} levels deep.")
    operation = query.get("Operation")
    if operation in COMPARISONS:
        return _comparison(str(operation), query)
    if operation not in LOGICAL:
        raise refusals.invalid_argument(f"The operation {operation} is not supported.")
    if operation == "nested":
        if nested:
            raise refusals.invalid_argument("A nested query cannot contain another nested query.")
        return _nested(query, depth)
    parts = [_build(part, depth + 1, nested=nested) for part in _parts(query)]
    match operation:
        case "and":
            return lambda meta: all(part(meta) for part in parts)
        case "or":
            return lambda meta: any(part(meta) for part in parts)
        case _:  # not: none of them
            return lambda meta: not any(part(meta) for part in parts)


def _parts(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = query.get("SubQueries")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise refusals.invalid_argument(f"The operation {query.get('Operation')} needs SubQueries.")
    if len(parts) > MAX_CONDITIONS:
        raise refusals.invalid_argument(
            f"A subquery has {len(parts)} conditions, at most {MAX_CONDITIONS} are allowed."
        )
    return parts


def _comparison(operation: str, query: Mapping[str, Any]) -> Predicate:
    field, value = query.get("Field"), query.get("Value", "")
    if not isinstance(field, str) or type_of(field) is None:
        raise refusals.invalid_argument(f"The field {field} is not supported in a query.")
    if not isinstance(value, str):
        raise refusals.invalid_argument(f"The value of the field {field} must be a string.")
    matches, read = matcher(field, operation, value), reader_of(field)
    return lambda meta: any(map(matches, read(meta)))


def _nested(query: Mapping[str, Any], depth: int) -> Predicate:
    """All conditions hold within one and the same element of an array, such as one of `Labels`."""
    parts = _parts(query)
    fields = {field.partition(".")[0] for part in parts for field in _fields(part)}
    parent = query.get("Field") or next(iter(fields), "")
    if fields != {parent} or type_of(parent) != "objects":
        raise refusals.invalid_argument(
            f"A nested query must be about members of one array field, not {sorted(fields)}."
        )
    tests = [_build(part, depth + 1, nested=True) for part in parts]

    def holds(meta: Mapping[str, object]) -> bool:
        elements = meta.get(parent)
        listed = elements if isinstance(elements, list) else []
        return any(all(test({parent: [element]}) for test in tests) for element in listed)

    return holds


def _fields(query: Mapping[str, Any]) -> list[str]:
    if "SubQueries" in query and isinstance(query["SubQueries"], list):
        return [name for part in query["SubQueries"] if isinstance(part, dict) for name in _fields(part)]
    return [str(query.get("Field", ""))]

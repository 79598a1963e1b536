"""SimpleQuery's conditions: checked once, turned into a predicate over entries. Pure: no cloud, no clock.

Beside its predicate a condition can say where to look: `narrow` asks an index which files can meet it at all.

Source: api-imm-2020-09-30-simplequery and struct SimpleQuery. Limits: 100 conditions per subquery, nesting depth 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from emulator.imm import geography, refusals
from emulator.imm.fields import type_of
from emulator.imm.matching import matcher, reader_of

Predicate = Callable[[Mapping[str, object]], bool]
LookUp = Callable[[str, str, str], AbstractSet[str] | None]  # field, operation, value; None: there is no telling


class Candidates(NamedTuple):
    """URIs of all files that meet a condition, and of others too unless it is `exact`."""

    uris: AbstractSet[str]
    exact: bool


Narrow = Callable[[LookUp], Candidates | None]

COMPARISONS = frozenset({"eq", "lt", "lte", "gt", "gte", "prefix", "match-phrase", "exist"}) | geography.OPERATIONS
LOGICAL = frozenset({"and", "or", "not", "nested"})
MAX_CONDITIONS = 100
MAX_DEPTH = 5
MEMBERS = frozenset({"Field", "Operation", "SubQueries", "Value"})


class Condition(NamedTuple):
    """A query, or a part of one, ready to be asked."""

    holds: Predicate
    narrow: Narrow


def condition_of(query: Mapping[str, Any]) -> Condition:
    """What a query's JSON describes. An empty query accepts every file.

    Raises:
        Refusal: InvalidArgument naming the unknown operator or field, the bad value or the limit.
    """
    return _build(query, 1, nested=False) if query else Condition(lambda _: True, _anywhere)


def _build(query: Mapping[str, Any], depth: int, *, nested: bool) -> Condition:
    unknown = sorted(set(query) - MEMBERS)
    if unknown:
        raise refusals.invalid_argument(f"The field {unknown[0]} is not a field of SimpleQuery.")
    if depth > MAX_DEPTH:
        raise refusals.invalid_argument(f"The query is nested more than {MAX_DEPTH} levels deep.")
    operation = query.get("Operation")
    if not isinstance(operation, str):
        raise refusals.invalid_argument("The Operation of a query must be a string.")
    if operation in COMPARISONS:
        return _comparison(operation, query)
    if operation not in LOGICAL:
        raise refusals.invalid_argument(f"The operation {operation} is not supported.")
    if operation == "nested":
        if nested:
            raise refusals.invalid_argument("A nested query cannot contain another nested query.")
        return _nested(query, depth)
    parts = [_build(part, depth + 1, nested=nested) for part in _parts(query)]
    tests, narrows = [part.holds for part in parts], [part.narrow for part in parts]
    match operation:
        case "and":
            return Condition(lambda meta: all(test(meta) for test in tests), _in_all(narrows))
        case "or":
            return Condition(lambda meta: any(test(meta) for test in tests), _in_any(narrows))
        case _:  # not: none of them
            return Condition(lambda meta: not any(test(meta) for test in tests), _anywhere)


def _anywhere(_: LookUp) -> None:
    return None


def _in_all(narrows: list[Narrow]) -> Narrow:
    def narrow(look_up: LookUp) -> Candidates | None:
        told = [found for one in narrows if (found := one(look_up)) is not None]
        if not told:
            return None
        exact = len(told) == len(narrows) and all(found.exact for found in told)
        fewest, *rest = sorted((found.uris for found in told), key=len)
        return Candidates(set(fewest).intersection(*rest), exact)

    return narrow


def _in_any(narrows: list[Narrow]) -> Narrow:
    def narrow(look_up: LookUp) -> Candidates | None:
        told = [found for one in narrows if (found := one(look_up)) is not None]
        if len(told) < len(narrows):
            return None
        return Candidates(set().union(*(found.uris for found in told)), all(found.exact for found in told))

    return narrow


def _parts(query: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    parts = query.get("SubQueries")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise refusals.invalid_argument(f"The operation {query.get('Operation')} needs SubQueries.")
    if len(parts) > MAX_CONDITIONS:
        raise refusals.invalid_argument(
            f"A subquery has {len(parts)} conditions, at most {MAX_CONDITIONS} are allowed."
        )
    return parts


def _comparison(operation: str, query: Mapping[str, Any]) -> Condition:
    field, value = query.get("Field"), query.get("Value", "")
    if not isinstance(field, str) or type_of(field) is None:
        raise refusals.invalid_argument(f"The field {field} is not supported in a query.")
    if not isinstance(value, str):
        raise refusals.invalid_argument(f"The value of the field {field} must be a string.")
    matches, read = matcher(field, operation, value), reader_of(field)

    def narrow(look_up: LookUp) -> Candidates | None:
        uris = look_up(field, operation, value)
        return None if uris is None else Candidates(uris, exact=True)

    return Condition(lambda meta: any(map(matches, read(meta))), narrow)


def _nested(query: Mapping[str, Any], depth: int) -> Condition:
    """All conditions hold within one and the same element of an array, such as one of `Labels`."""
    parts = _parts(query)
    fields = {field.partition(".")[0] for part in parts for field in _fields(part)}
    parent = query.get("Field") or next(iter(fields), "")
    if fields != {parent} or type_of(parent) != "objects":
        raise refusals.invalid_argument(
            f"A nested query must be about members of one array field, not {sorted(fields)}."
        )
    built = [_build(part, depth + 1, nested=True) for part in parts]
    tests = [part.holds for part in built]

    def holds(meta: Mapping[str, object]) -> bool:
        elements = meta.get(parent)
        listed = elements if isinstance(elements, list) else []
        return any(all(test({parent: [element]}) for test in tests) for element in listed)

    in_all = _in_all([part.narrow for part in built])

    def narrow(look_up: LookUp) -> Candidates | None:
        found = in_all(look_up)  # by file: whether it is one element that meets all, the predicate must say
        return None if found is None else found._replace(exact=False)

    return Condition(holds, narrow)


def _fields(query: Mapping[str, Any]) -> list[str]:
    if "SubQueries" in query and isinstance(query["SubQueries"], list):
        return [name for part in query["SubQueries"] if isinstance(part, dict) for name in _fields(part)]
    return [str(query.get("Field", ""))]

"""Which files of a dataset hold which values, so that a query looks at candidates and not at every file.

A field gets its postings when a query first asks for it, and follows every change from then on. A lookup answers
exactly what `matching` would, value by value, or says that it cannot tell.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal, get_args

from emulator.imm.fields import MAPS, FieldType, type_of
from emulator.imm.matching import reader_of
from emulator.imm.times import normalised

Meta = Mapping[str, object]
Files = Callable[[], Iterable[tuple[str, Meta]]]
# Where a value's key stands; a number's spelling counts for prefixes only.
Space = Literal["number", "spelling", "text", "time"]
MOST_FIELDS = 64  # with postings at the same time; labels have any name a client likes
OPERATIONS = frozenset({"eq", "lt", "lte", "gt", "gte", "prefix", "exist"})
_NOTHING: frozenset[str] = frozenset()


class SearchIndex:
    """The postings of one dataset, by field."""

    def __init__(self) -> None:
        self._fields: dict[str, _Postings] = {}

    def change(self, uri: str, before: Meta | None, after: Meta | None) -> None:
        """Follow a change of one file; None: it was or is not there."""
        for postings in self._fields.values():
            if before is not None:
                postings.remove(uri, before)
            if after is not None:
                postings.add(uri, after)

    def look_up(self, field: str, operation: str, value: str, files: Files) -> AbstractSet[str] | None:
        """URIs of the files that meet a condition; None if there is no telling, or it would take too long.

        `files` gives all files by URI, for a field that is asked for the first time.
        """
        if operation not in OPERATIONS:
            return None
        postings = self._fields.get(field)
        if postings is None:
            if len(self._fields) >= MOST_FIELDS:
                del self._fields[next(iter(self._fields))]
            postings = self._fields[field] = _Postings(field)
            for uri, meta in files():
                postings.add(uri, meta)
        return postings.look_up(operation, value)


class _Postings:
    """One field's values and the files that hold them."""

    def __init__(self, field: str) -> None:
        self._read = reader_of(field)
        kind = type_of(field)
        # Of a map, or of an array of structures, only a member has values; as a whole it is there or not.
        self._kind = None if "." not in field and (kind in MAPS or kind == "objects") else kind
        self._present: set[str] = set()
        self._spaces: dict[Space, _Space] = {space: _Space() for space in get_args(Space)}

    def add(self, uri: str, meta: Meta) -> None:
        for held in self._read(meta):
            if held is not None:
                self._present.add(uri)
            for space, key in _keys(self._kind, held):
                self._spaces[space].add(key, uri)

    def remove(self, uri: str, meta: Meta) -> None:
        self._present.discard(uri)
        for held in self._read(meta):
            for space, key in _keys(self._kind, held):
                self._spaces[space].remove(key, uri)

    def look_up(self, operation: str, value: str) -> AbstractSet[str] | None:
        if operation == "exist":
            return self._present
        found: AbstractSet[str] = _NOTHING
        for space, key in _asked(self._kind, operation, value):
            here = self._spaces[space].look_up(operation, key)
            if here is None:
                return None
            found = found | here if found else here
        return found


class _Space:
    """Files by one kind of key, and the keys in order once a range was asked for."""

    def __init__(self) -> None:
        self._files: dict[Any, set[str]] = {}
        self._ordered: list[Any] | None = None

    def add(self, key: Any, uri: str) -> None:
        held = self._files.get(key)
        if held is None:
            self._files[key] = {uri}
            self._ordered = None
        else:
            held.add(uri)

    def remove(self, key: Any, uri: str) -> None:
        held = self._files.get(key)
        if held is not None:
            held.discard(uri)
            if not held:
                del self._files[key]
                self._ordered = None

    def look_up(self, operation: str, key: Any) -> AbstractSet[str] | None:
        if operation == "eq":
            return self._files.get(key, _NOTHING)
        if self._ordered is None:
            self._ordered = sorted(self._files)
        begin, end = _span(self._ordered, operation, key)
        if 2 * (end - begin) > len(self._ordered):
            return None  # joining most of the sets takes longer than looking at all files
        return set().union(*(self._files[one] for one in self._ordered[begin:end]))


def _span(ordered: list[Any], operation: str, key: Any) -> tuple[int, int]:
    match operation:
        case "lt":
            return 0, bisect_left(ordered, key)
        case "lte":
            return 0, bisect_right(ordered, key)
        case "gt":
            return bisect_right(ordered, key), len(ordered)
        case "gte":
            return bisect_left(ordered, key), len(ordered)
        case _:  # prefix: what begins with it stands together
            size = len(key)
            return bisect_left(ordered, key), bisect_right(ordered, key, key=lambda text: text[:size])


def _keys(kind: FieldType | None, held: object) -> Iterator[tuple[Space, Any]]:
    """Under which keys a value is found."""
    match kind:
        case None:
            return
        case "time":
            moment = normalised(str(held))
            if moment is not None:
                yield "time", moment
        case "labels":
            yield "text", str(held).lower()
        case _:
            if not isinstance(held, (int, float)):  # a tuple: a union takes five times as long
                if kind != "number":
                    yield "text", str(held)
                return
            yield "spelling", str(held)
            if not _is_nan(held):
                yield "number", held


def _asked(kind: FieldType | None, operation: str, value: str) -> Iterator[tuple[Space, Any]]:
    """Under which keys a query's value is looked up."""
    if kind in {"time", "labels"}:
        yield from _keys(kind, value)
        return
    if kind != "number":
        yield "text", value
    if operation == "prefix":
        yield "spelling", value
        return
    try:
        number = float(value)
    except ValueError:
        return
    if not _is_nan(number):
        yield "number", number


def _is_nan(number: float) -> bool:
    """NaN is equal to nothing and has no place in an order."""
    return number != number  # noqa: PLR0124 - math.isnan cannot take every int

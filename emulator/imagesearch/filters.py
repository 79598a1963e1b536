"""Filter conditions (vendor: "Filter condition", help.aliyun.com/document_detail/74416).

`int_attr >= 100`, `str_attr != "value1"`, joined by AND and OR. The page names the operators `in` and `not in` and
shows no list: `in (1, 2)` is assumed, as is that AND binds before OR and that there are no brackets around conditions.
It spells the attributes `int_attr` and `intAttr`. A picture without the attribute meets no condition on it but `!=`
and `not in` (assumed).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.imagesearch.state import Picture

Condition = Callable[["Picture"], bool]
MAX_LENGTH = 4096
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>-?\d{1,19}\b)|(?P<sign>>=|<=|!=|[><=(),])|(?P<word>[A-Za-z_]\w*))""",
    re.ASCII,
)
_NAME = re.compile(r"(int|str)_?attr([2-4]?)", re.IGNORECASE)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, ">": gt, ">=": ge, "<": lt, "<=": le}
_TAKEN = {"int": {">", ">=", "<", "<=", "=", "in", "not in"}, "str": {"=", "!=", "in", "not in"}}


class FilterError(ValueError):
    """A condition cannot be read; the message says what is wrong with it."""


def read_filter(text: str, *, lists: bool = True) -> Condition:
    """The condition that a text states; `lists` False: `in` and `not in` are not taken, as by DeleteImage.

    Raises:
        FilterError: It is no condition.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError(f"Filter has {len(text):,} characters; at most {MAX_LENGTH:,} are taken.")
    return _Reader(_tokens(text), lists=lists).read()


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise FilterError(f"Filter cannot be read from {text[place:].strip()[:20]!r} on.")
        found.append(match[0].strip())
        place = match.end()
    return found


class _Reader:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, tokens: list[str], *, lists: bool) -> None:
        self._tokens = tokens
        self._place = 0
        self._lists = lists

    def read(self) -> Condition:
        ways = [self._all()]
        while self._word("or"):
            ways.append(self._all())
        if self._place < len(self._tokens):
            raise FilterError(f"Filter has {self._tokens[self._place]!r} where AND, OR or its end was expected.")
        return ways[0] if len(ways) == 1 else lambda picture: any(way(picture) for way in ways)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda picture: all(part(picture) for part in parts)

    def _one(self) -> Condition:
        name = self._next("an attribute")
        match = _NAME.fullmatch(name)
        if match is None:
            raise FilterError(f"Filter names {name!r}; there are int_attr to int_attr4 and str_attr to str_attr4.")
        kind, number = match[1].lower(), int(match[2] or 1) - 1
        held = _reader(kind, number)
        operator = self._operator()
        if operator not in _TAKEN[kind] or (not self._lists and operator in {"in", "not in"}):
            raise FilterError(f"Filter has {operator!r}, which {name} does not take here.")
        if operator == "in":
            listed = self._list(kind)
            return lambda picture: held(picture) in listed
        if operator == "not in":
            listed = self._list(kind)
            return lambda picture: held(picture) not in listed
        value, compare = self._value(kind), _SIGNS[operator]
        if operator == "!=":
            return lambda picture: held(picture) != value
        return lambda picture: (here := held(picture)) is not None and compare(here, value)

    def _operator(self) -> str:
        if self._word("in"):
            return "in"
        if self._word("not"):
            if not self._word("in"):
                raise FilterError("Filter has not without in.")
            return "not in"
        return self._next("an operator")

    def _list(self, kind: str) -> frozenset[int | str]:
        self._sign("(")
        values = [self._value(kind)]
        while self._is(","):
            values.append(self._value(kind))
        self._sign(")")
        return frozenset(values)

    def _value(self, kind: str) -> int | str:
        token = self._next("a value")
        if kind == "str":
            if token[0] not in "\"'":
                raise FilterError(f"Filter has {token!r} where a text in quotes was expected.")
            return token[1:-1]
        if not re.fullmatch(r"-?\d+", token, re.ASCII):
            raise FilterError(f"Filter has {token!r} where a whole number was expected.")
        return int(token)

    def _next(self, expected: str) -> str:
        if self._place >= len(self._tokens):
            raise FilterError(f"Filter ends where {expected} was expected.")
        self._place += 1
        return self._tokens[self._place - 1]

    def _word(self, word: str) -> bool:
        return self._take(lambda token: token.lower() == word)

    def _is(self, sign: str) -> bool:
        return self._take(lambda token: token == sign)

    def _sign(self, sign: str) -> None:
        token = self._next(repr(sign))
        if token != sign:
            raise FilterError(f"Filter has {token!r} where {sign!r} was expected.")

    def _take(self, fits: Callable[[str], bool]) -> bool:
        if self._place < len(self._tokens) and fits(self._tokens[self._place]):
            self._place += 1
            return True
        return False


def _reader(kind: str, number: int) -> Callable[[Picture], int | str | None]:
    if kind == "int":
        return lambda picture: picture.int_attrs[number]
    return lambda picture: picture.str_attrs[number]

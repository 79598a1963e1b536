"""The Condition element of a policy statement: what it says of a request, and whether that holds.

Operators and their meaning: www.alibabacloud.com/help/en/ram/conditional-operator. Operators and keys all have to hold;
of several values one has to match, or none with an operator that negates. Assumed: keys are known in any case, a key
that the request does not have fails an operator that affirms and passes one that negates, and of a fact with several
values one has to match.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address, ip_network
from typing import Any

from emulator.ram.patterns import matches

Facts = Mapping[str, str | Sequence[str]]  # what is known of a request, by condition key in any case


@dataclass(frozen=True, slots=True)
class Operator:
    """How a stated and a given value are read, each raising ValueError, and when they match."""

    stated: Callable[[str], Any]
    given: Callable[[str], Any]
    match: Callable[[Any, Any], Any]  # given, stated
    negated: bool = False

    def finds(self, text: str, stated: Sequence[Any]) -> bool:
        """Whether one of the stated values matches what a request says; text of another type matches nothing."""
        try:
            given = self.given(text)
            return any(self.match(given, value) for value in stated)
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key, its values read already; the key is in lower case."""

    key: str
    operator: Operator
    stated: tuple[Any, ...]

    def holds(self, known: Facts) -> bool:
        """Whether it holds for a request of which these facts are known, by keys in lower case."""
        said = known.get(self.key, ())
        given = (said,) if isinstance(said, str) else said
        return any(self.operator.finds(text, self.stated) for text in given) is not self.operator.negated


def lowered(facts: Facts) -> Facts:
    """The facts by keys in lower case."""
    return {name.lower(): value for name, value in facts.items()}


def holds(block: object, facts: Facts) -> bool:
    """Whether a Condition, as parsed from a policy, holds; a statement without one has None.

    Raises:
        ValueError: As `read_conditions`.
    """
    known = lowered(facts)
    return all(condition.holds(known) for condition in read_conditions({} if block is None else block))


def read_conditions(block: object) -> tuple[Condition, ...]:
    """The conditions of a statement's Condition element.

    Raises:
        ValueError: It is not what RAM documents; the message says where.
    """
    if not isinstance(block, dict):
        raise ValueError("a Condition maps operators to keys and values")  # noqa: TRY004 - one error for every fault
    return tuple(
        _condition(name, key, values) for name, keys in block.items() for key, values in _members(name, keys).items()
    )


def _members(name: str, keys: object) -> Mapping[str, object]:
    if name not in OPERATORS:
        raise ValueError(f"there is no condition operator {name}")
    if not isinstance(keys, dict) or not keys:
        raise ValueError(f"{name} maps condition keys to values")
    return keys


def _condition(name: str, key: str, values: object) -> Condition:
    listed = values if isinstance(values, list) else [values]
    if not listed or not all(isinstance(value, str | int | float) for value in listed):
        raise ValueError(f"{name} of {key} takes a text or a list of texts")
    try:
        stated = tuple(OPERATORS[name].stated(_text(value)) for value in listed)
    except ValueError:
        raise ValueError(f"{name} of {key} does not take {', '.join(map(_text, listed))}") from None
    return Condition(key.lower(), OPERATORS[name], stated)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite():
        raise ValueError(text)
    return number


def _moment(text: str) -> datetime:
    """`2026-11-22T05:23:00+08:00` or the same with Z (ISO 8601)."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_AFFIRMING: dict[str, Operator] = {
    "StringEquals": Operator(str, str, operator.eq),
    "StringEqualsIgnoreCase": Operator(str.casefold, str.casefold, operator.eq),
    "StringLike": Operator(str, str, lambda given, stated: matches(stated, given)),
    "Bool": Operator(_truth, _truth, operator.eq),
    "IpAddress": Operator(lambda text: ip_network(text, strict=False), ip_address, lambda given, net: given in net),
    **{f"Numeric{name}": Operator(_number, _number, match) for name, match in _ORDER.items()},
    **{f"Date{name}": Operator(_moment, _moment, match) for name, match in _ORDER.items()},
}
_NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
OPERATORS: dict[str, Operator] = {
    **_AFFIRMING,
    **{name: replace(_AFFIRMING[affirming], negated=True) for name, affirming in _NEGATIONS.items()},
}

"""What a state's type hints say about how it is kept: its fields, and which of them are tables.

A *table* is a field `dict[str, V]` or `dict[int, V]` of a mutable dataclass whose values hold dataclasses. Each of its
entries is a document of its own, so that a change costs what it touches; everything else is part of the document around
it. The rule is read from the hints, so a service that adds state adds nothing here.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

_SCALARS = frozenset({str, int, float, bool, type(None)})


class TableField(NamedTuple):
    """A table of a dataclass: the attributes that lead to it (`("ram", "users")`), and its entries' type."""

    attributes: tuple[str, ...]
    entry: Any

    @property
    def name(self) -> str:
        """How documents call it: `ram.users`."""
        return ".".join(self.attributes)


@cache
def kept_fields(kind: type) -> dict[str, Any]:
    """Names and types of the fields that are kept.

    Raises:
        TypeError: A hint names something that exists only for type checkers.
    """
    try:
        hints = get_type_hints(kind)
    except NameError as error:
        raise TypeError(
            f"{kind.__module__}.{kind.__name__} is part of the kept state, but a type of its fields is not importable "
            f"at run time ({error}): import it outside TYPE_CHECKING"
        ) from error
    return {f.name: hints[f.name] for f in fields(kind) if f.metadata.get("persist", True)}


@cache
def sparse_fields(kind: type) -> frozenset[str]:
    """Names of the fields of which only what differs from the defaults is kept: dataclasses with defaults only."""
    return frozenset(f.name for f in fields(kind) if f.metadata.get("persist") == "changes")


@cache
def tables_of(kind: Any) -> tuple[TableField, ...]:
    """The tables of a dataclass and of the dataclasses it holds directly; none for any other type."""
    if not _is_mutable_dataclass(kind):
        return ()
    found: list[TableField] = []
    for name, hint in kept_fields(kind).items():
        if is_table(hint):
            found.append(TableField((name,), get_args(hint)[1]))
        else:
            found += [TableField((name, *inner.attributes), inner.entry) for inner in tables_of(hint)]
    return tuple(found)


def is_table(hint: Any) -> bool:
    """Whether a mutable dataclass's field of this type is a table."""
    return get_origin(hint) is dict and get_args(hint)[0] in {str, int} and _holds_dataclass(get_args(hint)[1])


def is_frozen(kind: Any) -> bool:
    """Whether values of this type are dataclasses that never change."""
    return is_dataclass(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[union-attr]  # every dataclass has it


@cache
def frozen_item(kind: Any) -> Any | None:
    """The type of the values in a list of dataclasses that never change; None for any other type."""
    item = get_args(kind)[0] if get_origin(kind) is list else None
    return item if is_frozen(item) else None


def is_flat(kind: Any) -> bool:
    """Whether this is a dataclass of plain numbers and texts only."""
    return isinstance(kind, type) and is_dataclass(kind) and all(map(_is_scalar, kept_fields(kind).values()))


def _is_mutable_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind) and not is_frozen(kind)


def _holds_dataclass(hint: Any) -> bool:
    return (isinstance(hint, type) and is_dataclass(hint)) or any(map(_holds_dataclass, get_args(hint)))


def _is_scalar(hint: Any) -> bool:
    if get_origin(hint) in {Union, UnionType}:
        return all(map(_is_scalar, get_args(hint)))
    return get_origin(hint) is Literal or hint in _SCALARS

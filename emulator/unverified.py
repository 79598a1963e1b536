"""What the switches take, and the page that lists them: both read from the declarations in `emulator.switches`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from emulator.facts import Bounds, Fact
from emulator.switches import Switches


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch as its declaration reads. `values` are all there are, or `bounds` the ends of a range."""

    name: str
    kind: type
    default: object
    fact: Fact
    values: tuple[object, ...] = ()
    bounds: Bounds | None = None


@cache
def switches() -> dict[str, Switch]:
    """Every switch by name, in the order of their declaration."""
    hints = get_type_hints(Switches, include_extras=True)
    return {name: _switch(name, hint) for name, hint in hints.items()}


def checked(name: str, value: object) -> Any:
    """The value, if the switch takes it.

    Raises:
        ValueError: There is no such switch, or it does not take that value.
    """
    known = switches().get(name)
    if known is None:
        raise ValueError(f"there is no switch {name!r}; there are: {', '.join(switches())}")
    if known.kind is float and type(value) is int:
        value = float(value)
    if known.bounds is None:
        fits = any(type(value) is type(one) and value == one for one in known.values)
    else:
        fits = (
            type(value) is known.kind and isinstance(value, int | float) and known.bounds.low <= value
        ) and value <= known.bounds.high
    if not fits:
        raise ValueError(f"switch {name} takes {spelled(known)}, not {value!r}")
    return value


def read(text: str) -> tuple[str, Any]:
    """Name and value of `name=value`, as a command line gives them.

    Raises:
        ValueError: As `checked`, and where there is no `=`.
    """
    name, equals, written = text.partition("=")
    known = switches().get(name)
    if known is None or not equals:
        return name, checked(name, written or None)
    by_text = {_text(value): value for value in known.values}
    value: object = by_text.get(written, written)
    if known.bounds is not None:
        try:
            value = known.kind(written)
        except ValueError:
            value = written
    return name, checked(name, value)


def spelled(switch: Switch) -> str:
    """What a switch takes, for people."""
    if switch.bounds is not None:
        return f"{switch.bounds.low:g} to {switch.bounds.high:g}"
    return ", ".join(_text(value) for value in switch.values)


def _switch(name: str, hint: Any) -> Switch:
    kind, *said = get_args(hint)
    [fact] = [one for one in said if isinstance(one, Fact)]
    default = Switches.__dataclass_fields__[name].default
    if get_origin(kind) is Literal:
        return Switch(name, type(default), default, fact, values=get_args(kind))
    if kind is bool:
        return Switch(name, bool, default, fact, values=(False, True))
    [bounds] = [one for one in said if isinstance(one, Bounds)]
    return Switch(name, kind, default, fact, bounds=bounds)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_HEAD = """<!-- Written by `python -m emulator unverified --write FILE` from emulator/switches.py: edit there. -->

# What no account has confirmed

The local cloud was written from the vendor's pages and SDKs, without an account. Where they are silent or disagree, it
takes the reading that seems most plausible, and can be switched to the others: `--switch name=value` of
`python -m emulator run`, `PATCH /_emulator/switches`, or `cloud.switch(name, value)` in a test. A client that works
under one reading only relies on something nobody has seen.
"""


def page() -> str:
    """`docs/unverified.md`."""
    return "\n".join([_HEAD, *(_section(known) for known in switches().values())])


def _section(known: Switch) -> str:
    return f"""## `{known.name}`

{known.fact.question}

- default: `{_text(known.default)}`
- other values: {_others(known)}
- matters to: {known.fact.affects}
- source: {known.fact.source}
"""


def _others(known: Switch) -> str:
    if known.bounds is not None:
        return f"any number from {known.bounds.low:g} to {known.bounds.high:g}"
    return ", ".join(f"`{_text(value)}`" for value in known.values if value != known.default)

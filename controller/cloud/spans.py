"""Where spans go: a port with nothing behind it until the runtime puts a tracer there.

So adapters need no tracing library, and a process that nobody traces pays for a call of an empty function.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]


class Span(Protocol):
    """A piece of work under way."""

    def note(self, attributes: Attributes) -> None:
        """Add what is known by now."""

    def fail(self, error: BaseException) -> None:
        """Say that it ended badly, and why."""


class Tracer(Protocol):
    """Makes spans; the parent of one is whatever span the present context is in."""

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]: ...

    def trace_id(self) -> str: ...


class _Untold:
    """The span of a process that nobody traces."""

    def note(self, attributes: Attributes) -> None:
        """Nobody asks."""

    def fail(self, error: BaseException) -> None:
        """Nobody asks."""


class _Nobody:
    def span(self, _name: str, _attributes: Attributes) -> AbstractContextManager[Span]:
        return _NOWHERE

    def trace_id(self) -> str:
        return ""


UNTOLD: Span = _Untold()
_NOWHERE = nullcontext(UNTOLD)
_NOBODY = _Nobody()
_tracer: Tracer = _NOBODY


def use(tracer: Tracer | None) -> None:
    """Send spans to a tracer from now on; None for nowhere."""
    global _tracer  # noqa: PLW0603 - one process, one tracer, set once at the composition root
    _tracer = tracer if tracer is not None else _NOBODY


def span(name: str, attributes: Attributes) -> AbstractContextManager[Span]:
    """A span around the block. It does not end badly by itself: an exception may be an answer."""
    return _tracer.span(name, attributes)


def trace_id() -> str:
    """The id of the trace that the present context is in, as 32 hexadecimal digits; empty where there is none."""
    return _tracer.trace_id()

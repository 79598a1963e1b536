"""A dictionary that remembers which of its entries somebody may have changed.

Services change dataclasses in place, and nothing tells when. But whoever changes an entry must first have got hold of
it, and handlers keep nothing between two calls: so an entry that was not taken out of its table since it was last
written cannot have changed. That makes reading the thing to watch, and it needs no cooperation from the services.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

At = tuple[str | int, ...]


class Watch:
    """Whether taking an entry out counts. It does not while an operation runs that only reads."""

    __slots__ = ("paused",)

    def __init__(self) -> None:
        self.paused = False

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let entries be taken out unnoticed; putting in and deleting is noticed all the same."""
        before, self.paused = self.paused, True
        try:
            yield
        finally:
            self.paused = before


class Table(dict[Any, Any]):
    """A table of the kept state.

    Attributes:
        at: Its place in the state.
        written: By key, what its document looked like when it was last written (see `capture`).
        taken: Keys taken out or set since then, in the order in which new ones came.
        all_taken: Whether somebody has gone through all of them.
        gone: Written keys that were deleted since then, and may be there again.
    """

    __slots__ = ("_watch", "all_taken", "at", "gone", "taken", "written")

    def __init__(self, entries: dict[Any, Any], at: At, watch: Watch) -> None:
        super().__init__(entries)
        self.at = at
        self.written: dict[Any, Any] = {}
        self.taken: dict[Any, None] = {}
        self.all_taken = True
        self.gone: dict[Any, None] = {}
        self._watch = watch

    def belongs(self, at: At, watch: Watch) -> bool:
        """Whether this is the table of that place; one that was moved here from another must be written anew."""
        return self.at == at and self._watch is watch

    def settle(self) -> None:
        """Everything is written."""
        self.taken.clear()
        self.gone.clear()
        self.all_taken = False

    def __getitem__(self, key: Any) -> Any:
        if not self._watch.paused:
            self.taken[key] = None
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        if not self._watch.paused and key in self:
            self.taken[key] = None
        return super().get(key, default)

    def __iter__(self) -> Iterator[Any]:
        # Not superfluous: with an __iter__ of its own, dict(table) and {**table} go through __getitem__.
        return super().__iter__()

    def values(self) -> Any:
        self._take_all()
        return super().values()

    def items(self) -> Any:
        self._take_all()
        return super().items()

    def copy(self) -> dict[Any, Any]:
        return dict(self.items())

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __setitem__(self, key: Any, value: Any) -> None:
        if key not in self:
            self.taken.pop(key, None)  # to the end: new entries are written in the order in which they came
        self.taken[key] = None
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self.taken[key] = None
        if key in self.written:
            self.gone[key] = None

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self:
            return super().pop(key, *default)
        value = super().__getitem__(key)
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        key, value = super().popitem()
        self.taken[key] = None
        if key in self.written:
            self.gone[key] = None
        return key, value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def clear(self) -> None:
        for key in list(super().__iter__()):
            del self[key]

    def _take_all(self) -> None:
        if not self._watch.paused:
            self.all_taken = True

"""How far a command is, on a terminal and nowhere else: whoever pipes gets no such lines."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click

ERASE = "\r\x1b[K"  # what is on the present line of a terminal


class Progress:
    """A bar on standard error, by bytes where `total` says how many there are. It leaves no trace behind."""

    def __init__(self, total: int | None) -> None:
        self._shown = sys.stderr.isatty()
        self._at = 0
        self._bar = click.progressbar(
            iter(list[str]()) if total else (text for text in list[str]()),  # of a generator, no length can be known
            length=total or None,
            hidden=not self._shown,
            item_show_func=lambda words: words,
            file=sys.stderr,
            update_min_steps=0,
            width=24,
        )

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away."""
        self.clear()
        self._bar.__exit__(kind, error, trace)
        if self._shown:
            click.echo(ERASE, nl=False, err=True)

    def show(self, at: int, words: str) -> None:
        """It is so far, never less far than before."""
        steps = max(0, at - self._at)
        self._at += steps
        self._bar.update(steps, words)

    def clear(self) -> None:
        """Make room for lines that stay."""
        if self._shown:
            click.echo(ERASE, nl=False, err=True)

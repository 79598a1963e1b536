"""What the demo says while it works: one line a step, with its time; a spinner where a terminal can show one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Stage:
    """Steps on the console. A failed step is marked, and its error goes on its way."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs, and how long it took."""
        began = time.monotonic()
        try:
            with self.console.status(escape(text)):
                yield
        except BaseException:
            self.console.print(f"[red]✗[/] {escape(text)}")
            raise
        self.console.print(f"[green]✓[/] {escape(text)} [dim]{time.monotonic() - began:.1f} s[/]")

    def say(self, text: str = "") -> None:
        """Print plain text, as a program printed it."""
        self.console.print(text, markup=False)

    def heading(self, text: str) -> None:
        """Announce what follows."""
        self.console.print(f"\n[bold]{escape(text)}[/]")

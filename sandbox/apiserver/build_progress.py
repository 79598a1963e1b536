"""Show how far a long build is: a moving bar on a terminal, a plain line every ten seconds in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_LINE_EVERY = 10.0
Show = Callable[[int], None]


@contextmanager
def progress(title: str, total: int) -> Iterator[Show]:
    """Give a function that takes how many of `total` packages the compiler has begun."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(title, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"building {title}", total=total)
        yield lambda begun: bar.update(task, completed=begun)


def _plain_lines(title: str, total: int) -> Show:
    began = time.monotonic()
    due = began + PLAIN_LINE_EVERY

    def show(begun: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + PLAIN_LINE_EVERY
            where = "linking" if begun >= total else f"{begun} of {total} packages"
            click.echo(f"building {title}: {where}, {now - began:.0f} s", err=True)

    return show

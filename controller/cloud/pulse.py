"""Life signs of threads: what each piece of work does now, and a counter that moves whenever it gets somewhere.

Python cannot end a thread, and some waits have no end of their own: an answer that comes a byte at a time is within
every time-out. Whoever looks twice and finds the same count knows that nothing went on in between.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Pulse:
    """One piece of work. `beats` only grows.

    Attributes:
        doing: What it does now, in words.
        waiting: It waits for its turn at a limiter: how long is the cloud's to say.
        parts: Pieces of work in other threads that it waits for: their pulse counts then.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.beats = 0
        self.doing = ""
        self.waiting = False
        self.parts = 0

    def beat(self, doing: str = "", *, waiting: bool = False) -> None:
        """Tell that it got somewhere."""
        self.doing, self.waiting = doing, waiting
        self.beats += 1


_present: ContextVar[Pulse | None] = ContextVar("pulse", default=None)
_lock = threading.Lock()
_running: dict[Pulse, None] = {}


@contextmanager
def running(name: str) -> Iterator[Pulse]:
    """The block is a piece of work."""
    pulse = Pulse(name)
    token = _present.set(pulse)
    with _lock:
        _running[pulse] = None
    try:
        yield pulse
    finally:
        with _lock:
            del _running[pulse]
        _present.reset(token)


def present() -> Pulse | None:
    """The piece of work that the present context belongs to."""
    return _present.get()


def beat(doing: str = "", *, waiting: bool = False) -> None:
    """Tell that the present piece of work got somewhere."""
    pulse = _present.get()
    if pulse is not None:
        pulse.beat(doing, waiting=waiting)


def part(pulse: Pulse | None, change: int) -> None:
    """A part of a piece of work is given to another thread (1), or is over (-1)."""
    if pulse is not None:
        with _lock:
            pulse.parts += change
        pulse.beat(pulse.doing)


def all_running() -> list[Pulse]:
    """Every piece of work under way."""
    with _lock:
        return list(_running)

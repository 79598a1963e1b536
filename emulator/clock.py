"""The emulator's own time: real for a demo, virtual for a test. Nothing in the emulator asks the system's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Seconds since the epoch: the system's, or, once `virtual`, only what `advance` adds."""

    def __init__(self, start: float | None = None) -> None:
        self._virtual = start

    @property
    def virtual(self) -> bool:
        """Whether time stands still between calls of `advance`."""
        return self._virtual is not None

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() if self._virtual is None else self._virtual

    def utc(self) -> datetime:
        """The same instant, aware."""
        return datetime.fromtimestamp(self.now(), tz=UTC)

    def advance(self, seconds: float) -> None:
        """Move virtual time forward; real time refuses."""
        if self._virtual is None:
            raise ValueError("the clock is real: start the emulator with --clock virtual to move it")
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._virtual += seconds

    def work_off(self, turn: Callable[[], bool]) -> bool:
        """Take turns until one changes nothing; in real time a single one. Whether anything changed."""
        changed = turn()
        if changed and self.virtual:
            while turn():
                pass
        return changed

    def wall(self) -> float:
        """The system's time, by which clients sign: signatures are judged by it even while `now` stands still."""
        return time.time()

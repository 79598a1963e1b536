"""An election in simulated time: processes with clocks of their own, an API server, and everything that goes wrong.

A process that is paused does nothing until the pause ends; what it sent before still arrives. Left out are a pause
between the fence and the bytes leaving, which is the window that stays open, and a process that is started while the
Lease is deleted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from controller.core.lease import Candidacy, Record, Terms, bid, lost, observe, opens_in, release, won

TERMS = Terms(duration=20, call=15)
PATIENCE = 4.0


@dataclass(eq=False)
class Process:
    """One process of the election."""

    offset: float
    candidacy: Candidacy
    version: int | None = None
    known: bool = False  # the version is that of the Lease
    paused_until: float = 0.0
    ended: bool = False
    closing: bool = False
    submitted_at: float = -100.0


@dataclass
class Election:
    """What happens, in order of time; `random` decides what."""

    random: Random
    time: float = 0.0
    stored: Record | None = None
    version: int | None = None
    submits: list[tuple[float, str]] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    processes: list[Process] = field(default_factory=list)
    _due: list[tuple[float, int, Process | None, Callable[[], None]]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def run(self, until: float) -> None:
        """Two replicas, and trouble every few seconds."""
        for _ in range(2):
            self._start()
        self._later(self.random.uniform(0, 60), None, self._trouble)
        while self._due and self.time < until:
            when, number, process, step = heapq.heappop(self._due)
            self.time = when
            if process is not None and process.ended:
                continue
            if process is not None and process.paused_until > when:
                heapq.heappush(self._due, (process.paused_until, number, process, step))
                continue
            step()

    def overlaps(self) -> list[tuple[tuple[float, str], tuple[float, str]]]:
        """Calls of different processes that could have been under way at once."""
        return [
            (one, two)
            for one in self.submits
            for two in self.submits
            if one[1] != two[1] and 0 <= two[0] - one[0] < TERMS.call
        ]

    def _later(self, delay: float, process: Process | None, step: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.time + delay, next(self._numbers), process, step))

    def _now(self, process: Process) -> float:
        return self.time + process.offset

    def _start(self) -> None:
        if self.stored is None and self.version is not None:  # deleted, and not made again yet
            self._later(1.0, None, self._start)
            return
        process = Process(self.random.uniform(-1e5, 1e5), Candidacy(f"p{next(self._numbers)}", TERMS))
        self.processes.append(process)
        self._later(self.random.uniform(0, 2), process, lambda: self._round(process))
        self._later(self.random.uniform(0, 2), process, lambda: self._work(process))

    def _end(self, process: Process) -> None:
        process.ended = True
        self.processes.remove(process)
        self._later(self.random.uniform(0.5, 10), None, self._start)

    def _round(self, process: Process) -> None:
        """Read where that is needed, then bid."""
        if lost(process.candidacy, self._now(process)):
            self.met.add("stand down")
            self._end(process)
        elif process.known and process.candidacy.leads:
            self._bid(process)
        else:
            self._later(self._delay(), None, lambda: self._read(process))

    def _read(self, process: Process) -> None:
        record, version = self.stored, self.version if self.stored is not None else None

        def hear() -> None:
            process.version, process.known = version, True
            process.candidacy = observe(process.candidacy, record, self._now(process))
            self._bid(process)

        self._answer(process, hear)

    def _bid(self, process: Process) -> None:
        sent_at = self._now(process)
        record = bid(process.candidacy, sent_at, str(sent_at))
        if record is None:
            self._later(TERMS.retry, process, lambda: self._round(process))
            return
        version = process.version
        self._later(self._delay(), None, lambda: self._write(process, record, version, sent_at))

    def _write(self, process: Process, record: Record, version: int | None, sent_at: float) -> None:
        taken = self._store(record, version)

        def acknowledged() -> None:
            process.known = taken
            if taken:
                process.version = mine
                process.candidacy = won(process.candidacy, record, sent_at)
            self._later(TERMS.retry if taken else 0.0, process, lambda: self._round(process))

        mine = self.version
        self._answer(process, acknowledged)

    def _store(self, record: Record, version: int | None) -> bool:
        """The API server's part: only over the version that was read, or where there is none."""
        present = self.version if self.stored is not None else None
        if version != present:
            return False
        self.stored, self.version = record, (self.version or 0) + 1
        return True

    def _answer(self, process: Process, heard: Callable[[], None]) -> None:
        if self.random.random() < 0.05:  # lost; the process finds out by waiting
            process.known = False
            self._later(PATIENCE, process, lambda: self._round(process))
        else:
            self._later(self._delay(), process, heard)

    def _work(self, process: Process) -> None:
        """Submit whatever may be submitted."""
        if not process.closing and opens_in(process.candidacy, self._now(process)) == 0:
            self.submits.append((self.time, process.candidacy.identity))
            process.submitted_at = self.time
        self._later(self.random.uniform(0.1, 3), process, lambda: self._work(process))

    def _trouble(self) -> None:
        process = self.random.choice(self.processes) if self.processes else None
        what = self.random.choice(("pause", "pause", "kill", "stop", "delete"))
        if what == "delete" and self.stored is not None and all(p.candidacy.seen for p in self.processes):
            self.met.add(what)
            self.stored = None
        elif process is not None and what == "pause":
            process.paused_until = self.time + self.random.choice((3.0, 12.0, 16.0, 25.0, 40.0, 60.0))
        elif process is not None and what == "kill":
            self.met.add(what)
            self._end(process)
        elif process is not None and what == "stop" and not process.closing:
            self.met.add(what)
            process.closing = True
            rest = max(0.0, process.submitted_at + TERMS.call - self.time)
            self._later(rest, process, lambda: self._release(process))
        self._later(self.random.expovariate(1 / 15), None, self._trouble)

    def _release(self, process: Process) -> None:
        process.candidacy = observe(process.candidacy, self.stored, self._now(process))
        record = release(process.candidacy, self._now(process), "end")
        if record is not None:
            self._store(record, self.version if self.stored is not None else None)
        self._end(process)

    def _delay(self) -> float:
        return self.random.choice((0.01, 0.01, 0.05, 1.0, 3.0))

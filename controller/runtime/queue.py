"""The work queue: one entry per key, one run per key at a time, delays, back-off, two lanes.

The semantics are client-go's: a key added while it runs is run once more afterwards, a key added many times runs once,
the earliest due time wins. The edit lane is served before the resync lane, and some workers serve nothing else.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import Counter, OrderedDict
from dataclasses import dataclass

from controller.cloud.limiter import Lane
from controller.reconcile.kinds import Key
from controller.runtime.queue_figures import QueueFigures

BACKOFF_FIRST = 1.0
BACKOFF_CAP = 300.0


@dataclass(slots=True)
class _Due:
    when: float
    lane: Lane


class WorkQueue:
    """For one event loop; every method is called in it. Times are the loop's."""

    def __init__(self, jitter: random.Random | None = None) -> None:
        self._lanes: tuple[OrderedDict[Key, None], OrderedDict[Key, None]] = (OrderedDict(), OrderedDict())
        self._due: dict[Key, _Due] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._running: set[Key] = set()
        self._again: dict[Key, Lane] = {}
        self._failures: dict[Key, int] = {}
        self._ready = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._closed = False
        self.retries = 0
        self.figures = QueueFigures()

    def __len__(self) -> int:
        """Keys that could run now."""
        return len(self._lanes[0]) + len(self._lanes[1])

    def waiting(self) -> Counter[tuple[str, Lane]]:
        """How many keys could run now, by kind and lane; none on a standby, where nobody would run them."""
        lanes = Lane if self.figures.served else ()
        return Counter((key.kind, lane) for lane in lanes for key in self._lanes[lane])

    @property
    def running(self) -> int:
        """Keys being worked on."""
        return len(self._running)

    @property
    def keys_running(self) -> tuple[Key, ...]:
        """Which they are."""
        return tuple(self._running)

    def add(self, key: Key, lane: Lane, delay: float = 0.0, *, first: bool = False) -> None:
        """Have a key run now, or after `delay` seconds unless something asks for it earlier.

        With `first` it goes ahead of its lane: what only has to be reported does not wait for what waits for the cloud.
        """
        if delay > 0:
            self.figures.delayed(key)
            self._schedule(key, lane, asyncio.get_running_loop().time() + delay)
        elif key in self._running:
            self.figures.added(key)
            self._again[key] = min(lane, self._again.get(key, lane))
        else:
            self._enqueue(key, lane)
            if first and key in self._lanes[lane]:
                self._lanes[lane].move_to_end(key, last=False)

    def retry(self, key: Key, lane: Lane) -> None:
        """Have a key run again after a failure, later each time, with jitter."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        self.retries += 1
        delay = min(BACKOFF_CAP, BACKOFF_FIRST * 2.0 ** min(failures - 1, 16))
        self.add(key, lane, delay * self._jitter.uniform(0.5, 1.0))

    def forgive(self, key: Key) -> None:
        """The key succeeded, or its spec changed: start its back-off from the beginning."""
        self._failures.pop(key, None)

    def settle(self, key: Key, look_again: float | None = None) -> None:
        """The key needs no look of its own accord, or one in `look_again` seconds; one already asked for still comes.

        That one comes up to a tenth later, so that what was looked at together is not looked at together for ever.
        """
        self.forgive(key)
        self._due.pop(key, None)
        if look_again is not None:
            self.add(key, Lane.RESYNC, look_again * self._jitter.uniform(1.0, 1.1))

    def forget(self, key: Key) -> None:
        """The object is gone: drop everything that waits for it."""
        self.settle(key)
        self._again.pop(key, None)
        for lane in self._lanes:
            lane.pop(key, None)
        self.figures.dropped(key)

    async def get(self, *, edits_only: bool = False) -> tuple[Key, Lane]:
        """The next key to run; the caller calls `done` when it has."""
        self.figures.serve()
        while True:
            for lane in (Lane.EDIT,) if edits_only else (Lane.EDIT, Lane.RESYNC):
                if self._lanes[lane] and not self._closed:
                    key, _ = self._lanes[lane].popitem(last=False)
                    self._running.add(key)
                    self.figures.taken(key)
                    return key, lane
            self._ready.clear()
            await self._ready.wait()

    def close(self) -> None:
        """Hand out nothing more; `running` falls to zero as the runs under way end."""
        self._closed = True

    def done(self, key: Key) -> None:
        """A run ended; if the key was asked for meanwhile, it is queued once more."""
        self._running.discard(key)
        self.figures.done(key)
        lane = self._again.pop(key, None)
        if lane is not None:
            self._enqueue(key, lane)

    def _enqueue(self, key: Key, lane: Lane) -> None:
        self._due.pop(key, None)
        self.figures.added(key)
        if key in self._lanes[Lane.EDIT]:
            return
        if lane is Lane.EDIT:
            self._lanes[Lane.RESYNC].pop(key, None)
        self._lanes[lane][key] = None
        self._ready.set()

    def _schedule(self, key: Key, lane: Lane, when: float) -> None:
        known = self._due.get(key)
        if known is not None and known.when <= when:
            known.lane = min(lane, known.lane)
            return
        self._due[key] = _Due(when, lane)
        heapq.heappush(self._heap, (when, next(self._order), key))
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._fire)

    def _fire(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            due = self._due.get(key)
            if due is not None and due.when == when:
                del self._due[key]
                self.add(key, due.lane)
        self._arm()

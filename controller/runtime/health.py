"""What the probes say: whether this process has to be restarted, and whether it can serve.

A restart mends what is wrong inside: a loop that ended, a thread that waits for ever, a watch that does not listen. It
mends nothing outside, so an API server that does not answer makes the process not ready and no more. That the event
loop stands still is not said here: then nobody answers the probe.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from controller.cloud import pulse
from controller.cloud.pulse import Pulse
from controller.runtime.threads import Threads
from controller.runtime.watches import WatchAges, Watches

TICK = 1.0
LATE = 2.0  # seconds of a tick that count at most: a process that was paused must not take the time for a silence
CANARY = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """For metrics. Seconds; `listed` since the last complete LIST, None before the first."""

    lag: float
    listed: float | None
    watches: Sequence[WatchAges]


class Election(Protocol):
    """What is asked of `controller.runtime.leadership.Leadership`."""

    @property
    def trouble(self) -> str | None: ...


class Health:
    """Made in the event loop, and asked there; `tend` is one of its loops."""

    def __init__(
        self,
        leadership: Election,
        pools: Sequence[Threads],
        *,
        namespaces: Sequence[str],
        watch_timeout: float,
        stuck_after: float,
    ) -> None:
        self._leadership = leadership
        self._pools = pools
        self._stuck_after = stuck_after
        self._now = 0.0
        self._lag = 0.0
        self._seen: dict[Pulse, tuple[int, float]] = {}
        self._canaries: dict[str, tuple[Future[None], float]] = {}
        self._listed_at: float | None = None
        self._said: str | None = None
        self.watches = Watches(namespaces, watch_timeout, self.clock)

    def clock(self) -> float:
        """Seconds that this process was awake for, in steps of about one."""
        return self._now

    def listed(self) -> None:
        """A LIST of every kind is through."""
        self._listed_at = self._now

    def wrong(self, tasks: Iterable[asyncio.Task[None]]) -> str | None:
        """Why this process has to be restarted, or None."""
        dead = [task.get_name() for task in tasks if task.done()]
        if dead:
            return f"stopped: {', '.join(dead)}"
        return self._stuck() or self._dead_pool() or self.watches.stuck()

    def unready(self) -> str | None:
        """What keeps a process that is all right from serving, or None."""
        if self._listed_at is None:
            return "the first LIST is not through yet"
        return self._leadership.trouble or self.watches.unheard()

    def figures(self) -> Figures:
        """For metrics."""
        listed = self._now - self._listed_at if self._listed_at is not None else None
        return Figures(self._lag, listed, self.watches.ages())

    async def tend(self, trouble: Callable[[], str | None]) -> None:
        """Look at everything each second until cancelled; what is wrong is in the log before the end comes."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            elapsed, last = time.monotonic() - last, time.monotonic()
            self._lag = max(0.0, elapsed - TICK)
            self.tick(elapsed)
            said = trouble()
            if said is not None and said != self._said:
                log.error("/healthz says that this process has to be restarted: %s", said)
            self._said = said

    def tick(self, elapsed: float) -> None:
        """So many seconds went by: see what moved in them."""
        self._now += min(elapsed, LATE)
        self.watches.listen()
        running = pulse.all_running()
        self._seen = {one: self._look(one) for one in running}
        for pool in self._pools:
            self._send_canary(pool)

    def _look(self, one: Pulse) -> tuple[int, float]:
        beats, since = self._seen.get(one, (-1, 0.0))
        moved = one.beats != beats or one.waiting or one.parts > 0
        return one.beats, self._now if moved else since

    def _stuck(self) -> str | None:
        for one, (_, since) in self._seen.items():
            if self._now - since > self._stuck_after:
                at = f" at {one.doing}" if one.doing else ""
                return f"stuck: {one.name}{at}, for {self._now - since:.0f} s"
        return None

    def _send_canary(self, pool: Threads) -> None:
        """A pool that is alive runs what it is given, as soon as one of its threads is free."""
        out = self._canaries.get(pool.name)
        if out is not None and (not out[0].done() or self._now - out[1] < CANARY):
            return
        try:
            self._canaries[pool.name] = pool.submit(lambda: None), self._now
        except RuntimeError as error:
            dead: Future[None] = Future()
            dead.set_exception(error)
            self._canaries[pool.name] = dead, self._now

    def _dead_pool(self) -> str | None:
        for name, (canary, since) in self._canaries.items():
            if canary.done() and canary.exception() is not None:
                return f"the {name} threads are gone: {canary.exception()}"
            busy = any(one.name.endswith(f"in the {name} threads") for one in self._seen)
            if not canary.done() and not busy and self._now - since > self._stuck_after:
                return f"the {name} threads take no work for {self._now - since:.0f} s"
        return None

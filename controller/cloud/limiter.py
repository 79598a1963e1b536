"""One limiter per documented scope, shared by every object of the process.

The rate adapts: halved when the cloud throttles, restored step by step while it does not. Two lanes: a person's edit
goes ahead of every resync that waits. Nothing in the operator retries a cloud call outside of it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from weakref import WeakValueDictionary

from controller.cloud.errors import Throttled

IDLE = 3600.0  # seconds without a call, after which a scope's bucket is full again, whatever its rate
WHOLE = 1 - 1e-9  # a call's worth of tokens; less a rounding error, which no wait could ever make up


class Lane(IntEnum):
    """Who waits first."""

    EDIT = 0
    RESYNC = 1


@dataclass(slots=True)
class Pace:
    """The arithmetic of a token bucket whose rate adapts; time comes in as an argument.

    Attributes:
        ceiling: The highest rate, in calls a second: what the scope allows.
        burst: How many calls may go at once.
    """

    ceiling: float
    burst: float
    rate: float = 0.0
    tokens: float = 0.0
    at: float = 0.0
    not_before: float = 0.0

    FLOOR = 1.0
    DECREASE = 0.5
    INCREASE = 0.02
    # A scope whose ceiling is no higher than that floor needs one of its own, and would take minutes back by fiftieths.
    SLOW_FLOOR = 1 / 16  # of the ceiling
    SLOW_INCREASE = 1 / 16

    def __post_init__(self) -> None:
        self.rate = self.rate or self.ceiling
        self.burst = max(1.0, self.burst)  # a bucket that never holds one call lets none through
        self.tokens = self.burst

    def delay(self, now: float) -> float:
        """Seconds until a call may go; 0 means now."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)
        return max(self.not_before - now, 0.0 if self.tokens >= WHOLE else (1 - self.tokens) / self.rate)

    def take(self) -> None:
        """Spend one call."""
        self.tokens -= 1

    def throttled(self, now: float, retry_after: float | None) -> None:
        """The cloud refused: halve the rate, and wait as long as it said."""
        if now < self.not_before and retry_after is None:
            return  # calls that were under way when the first refusal came say nothing new
        self.rate = max(self._floor, self.rate * self.DECREASE)
        self.tokens, self.at = 0.0, max(self.at, now)  # what the call's own time has earned is gone, too
        self.not_before = max(self.not_before, now + (retry_after if retry_after is not None else 1 / self.rate))

    def ended(self, now: float) -> None:
        """A call is over whose scope counts from there: nothing was earned in the meantime."""
        self.tokens, self.at = 0.0, max(self.at, now)

    def succeeded(self) -> None:
        """The cloud accepted: restore the rate a little."""
        self.rate = min(self.ceiling, self.rate + self.ceiling * (self.SLOW_INCREASE if self._slow else self.INCREASE))

    @property
    def _slow(self) -> bool:
        return self.ceiling <= self.FLOOR

    @property
    def _floor(self) -> float:
        return self.ceiling * self.SLOW_FLOOR if self._slow else self.FLOOR


class Limiter:
    """Lets callers through at a scope's pace, the edit lane first, each lane in order of arrival.

    Where a scope takes one call a second and no more, `spaced` counts from the end of a call instead of its beginning:
    of two calls, the first may be on its way for longer.
    """

    def __init__(
        self,
        scope: str,
        *,
        rate: float,
        burst: float,
        spaced: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scope = scope
        self._spaced = spaced
        self._clock = clock
        self._pace = Pace(ceiling=rate, burst=burst, at=clock())
        self._turn = threading.Condition()
        self._lanes: tuple[deque[object], deque[object]] = (deque(), deque())
        self._used_at = clock()
        self.waited = 0.0
        self.throttles = 0
        self.succeeded_at: float | None = None  # wall clock, for people

    @property
    def rate(self) -> float:
        """Calls a second allowed now."""
        return self._pace.rate

    @property
    def waiting(self) -> int:
        """Callers that wait."""
        return len(self._lanes[0]) + len(self._lanes[1])

    def wanted(self) -> None:
        """Somebody is about to use it."""
        self._used_at = self._clock()

    @property
    def idle(self) -> bool:
        """Whether it was not used for so long that a new one would be no different."""
        with self._turn:
            now = self._clock()
            return not self.waiting and now - self._used_at >= IDLE and now >= self._pace.not_before

    @contextmanager
    def slot(self, lane: Lane) -> Iterator[None]:
        """Wait for a turn, and learn from how the call in the block ends."""
        self._wait(lane)
        try:
            yield
        except Throttled as refusal:
            with self._turn:
                self.throttles += 1
                self._pace.throttled(self._clock(), refusal.retry_after)
            raise
        finally:
            with self._turn:
                self._used_at = self._clock()
                if self._spaced:
                    self._pace.ended(self._used_at)
        with self._turn:
            self.succeeded_at = time.time()
            self._pace.succeeded()

    def _wait(self, lane: Lane) -> None:
        ticket = object()
        began = self._clock()
        with self._turn:
            self._lanes[lane].append(ticket)
            while True:
                delay = self._pace.delay(self._clock())
                if delay <= 0 and self._next() is ticket:
                    break
                # Only the head of the queue has a time to wake at; the rest wait for it to go.
                self._turn.wait(delay if delay > 0 and self._next() is ticket else None)
            self._lanes[lane].popleft()
            self._pace.take()
            self._used_at = self._clock()
            self.waited += self._clock() - began
            self._turn.notify_all()

    def _next(self) -> object | None:
        return next((lane[0] for lane in self._lanes if lane), None)


class Limiters:
    """The limiters of the process by scope; one is made at first use and then shared.

    A scope ends in a name that a spec chose, so there is no end to them: one that nobody uses goes, and its series. It
    is the same one again for whoever held on to it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_scope: dict[str, Limiter] = {}
        self._dropped: WeakValueDictionary[str, Limiter] = WeakValueDictionary()

    def get(self, *scope: str, rate: float, burst: float, spaced: bool = False) -> Limiter:
        """The limiter of a scope, e.g. `("imm", account, region, project)`."""
        name = "/".join(scope)
        with self._lock:
            known = self._by_scope.get(name)
            if known is None:
                self._drop_idle()
                known = self._dropped.pop(name, None)
                known = known or Limiter(name, rate=rate, burst=burst, spaced=spaced, clock=self._clock)
                self._by_scope[name] = known
            known.wanted()
            return known

    def all(self) -> list[Limiter]:
        """Every limiter in use, for metrics."""
        with self._lock:
            self._drop_idle()
            return list(self._by_scope.values())

    def _drop_idle(self) -> None:
        for name, one in list(self._by_scope.items()):
            if one.idle:
                self._dropped[name] = self._by_scope.pop(name)

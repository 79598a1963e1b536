"""What client-go's work queue tells of itself, told of ours in the same names, labels, units and buckets.

There is one queue for all kinds. Each kind is told as a queue of its own, because controller-runtime has one for each
controller and dashboards are made for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.reconcile.kinds import KINDS, Key

CONTROLLERS = tuple(kind.lower() for kind in KINDS)
LABELS = ("name", "controller")
BUCKETS = tuple(10.0**exponent for exponent in range(-8, 4))  # client-go: ExponentialBuckets(10e-9, 10, 12)


class QueueFigures(Collector):
    """Kept by the queue, in its event loop; read when Prometheus asks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[Key, float] = {}
        self._running: dict[Key, float] = {}
        self._served = False
        self._adds = Counter("workqueue_adds_total", "Objects that began to wait for a pass.", LABELS, registry=None)
        self._retries = Counter(
            "workqueue_retries_total",
            "Objects put off: after a failure, or until the next look.",
            LABELS,
            registry=None,
        )
        self._queued = _histogram("workqueue_queue_duration_seconds", "How long an object waited for its pass.")
        self._worked = _histogram("workqueue_work_duration_seconds", "How long a pass took.")
        for name in CONTROLLERS:
            for family in (self._adds, self._retries, self._queued, self._worked):
                family.labels(name, name)

    def serve(self) -> None:
        """A worker asks for work. Until the first one does, nothing waits: a standby's queue fills up all the same."""
        if not self._served:
            self._served = True
            held, self._waiting = self._waiting, {}
            for key in held:
                self.added(key)

    @property
    def served(self) -> bool:
        """Whether there are workers, as only a leader has them."""
        return self._served

    def added(self, key: Key) -> None:
        """It waits from now on; one that waits already is not counted again."""
        if key not in self._waiting:
            self._waiting[key] = self._clock()
            if self._served:
                self._adds.labels(*_names(key)).inc()

    def delayed(self, key: Key) -> None:
        """It is to run, later."""
        self._retries.labels(*_names(key)).inc()

    def taken(self, key: Key) -> None:
        """Its pass begins."""
        now = self._running[key] = self._clock()
        self._queued.labels(*_names(key)).observe(now - self._waiting.pop(key, now))

    def done(self, key: Key) -> None:
        """Its pass ended."""
        began = self._running.pop(key, None)
        if began is not None:
            self._worked.labels(*_names(key)).observe(self._clock() - began)

    def dropped(self, key: Key) -> None:
        """It waits no more, and no pass comes of it."""
        self._waiting.pop(key, None)

    def active(self, controller: str) -> int:
        """Passes of a kind under way."""
        return sum(key.kind.lower() == controller for key in self._running)

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own protocol."""
        for family in (self._adds, self._retries, self._queued, self._worked):
            yield from family.collect()
        unfinished = GaugeMetricFamily(
            "workqueue_unfinished_work_seconds", "Seconds of all passes under way.", labels=LABELS
        )
        longest = GaugeMetricFamily(
            "workqueue_longest_running_processor_seconds", "Seconds of the longest pass under way.", labels=LABELS
        )
        now = self._clock()
        for name in CONTROLLERS:
            ages = [now - began for key, began in self._running.items() if key.kind.lower() == name]
            unfinished.add_metric([name, name], sum(ages))
            longest.add_metric([name, name], max(ages, default=0.0))
        yield unfinished
        yield longest


def _names(key: Key) -> tuple[str, str]:
    return key.kind.lower(), key.kind.lower()


def _histogram(name: str, text: str) -> Histogram:
    return Histogram(name, text, LABELS, registry=None, buckets=BUCKETS)

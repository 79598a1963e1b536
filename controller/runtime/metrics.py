"""Metrics under the names that controller-runtime's users know, plus what the cloud calls cost."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from controller.cloud import trace
from controller.cloud.limiter import Limiters
from controller.runtime.queue import WorkQueue


class Metrics:
    """The process's metrics. Gauges and foreign counters are read when Prometheus asks."""

    def __init__(self, queue: WorkQueue, limiters: Limiters) -> None:
        self._queue = queue
        self._limiters = limiters
        self._registry = CollectorRegistry()
        self._total = Counter(
            "controller_runtime_reconcile_total",
            "Passes by kind and result.",
            ["controller", "result"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a pass.",
            ["controller"],
            registry=self._registry,
        )
        self._registry.register(self)

    def reconciled(self, kind: str, result: str, seconds: float) -> None:
        """Count one pass."""
        self._total.labels(kind.lower(), result).inc()
        self._seconds.labels(kind.lower()).observe(seconds)

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What is counted elsewhere."""
        yield _gauge("workqueue_depth", "Keys that could run now.", len(self._queue))
        yield _gauge("workqueue_unfinished_work", "Keys being worked on.", self._queue.running)
        retries = CounterMetricFamily("workqueue_retries", "Passes put off after a failure.")
        retries.add_metric([], self._queue.retries)
        yield retries
        calls = CounterMetricFamily(
            "imm_operator_cloud_api_requests", "Cloud calls.", labels=["service", "operation", "outcome"]
        )
        for (operation, outcome), count in sorted(trace.calls.read().items()):
            service, _, name = operation.partition(":")
            calls.add_metric([service, name, outcome], count)
        yield calls
        waited = CounterMetricFamily("imm_operator_rate_limiter_wait_seconds", "Time waited.", labels=["scope"])
        rate = GaugeMetricFamily("imm_operator_rate_limiter_rate", "Calls a second allowed now.", labels=["scope"])
        for limiter in self._limiters.all():
            waited.add_metric([limiter.scope], limiter.waited)
            rate.add_metric([limiter.scope], limiter.rate)
        yield waited
        yield rate


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)

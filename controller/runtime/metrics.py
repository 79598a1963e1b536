"""Metrics under the names that controller-runtime's users know, plus what the cloud calls cost."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.cloud import trace
from controller.cloud.limiter import Limiters
from controller.reconcile import departures, drifts
from controller.runtime.leadership import Leadership
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store


class Metrics:
    """The process's metrics. Gauges and foreign counters are read when Prometheus asks."""

    def __init__(self, queue: WorkQueue, limiters: Limiters, leadership: Leadership, store: Store) -> None:
        self._leadership = leadership
        self._queue = queue
        self._limiters = limiters
        self._store = store
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

    def add(self, collector: Collector) -> None:
        """Have another part's metrics read, too."""
        self._registry.register(collector)

    def reconciled(self, kind: str, result: str, seconds: float) -> None:
        """Count one pass."""
        self._total.labels(kind.lower(), result).inc()
        self._seconds.labels(kind.lower()).observe(seconds)

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What is counted elsewhere."""
        master = GaugeMetricFamily(
            "leader_election_master_status", "1 where this process leads, 0 where it stands by.", labels=["name"]
        )
        master.add_metric([self._leadership.name], float(self._leadership.leads))
        yield master
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
        yield from self._drift()
        left = CounterMetricFamily(
            "imm_operator_retained",
            "Objects released with their cloud resource left as it is.",
            labels=["kind", "reason"],
        )
        for (kind, reason), count in sorted(departures.counts.read().items()):
            left.add_metric([kind, reason], count)
        yield left

    def _drift(self) -> Iterator[Metric]:
        found = CounterMetricFamily(
            "imm_operator_drift_detected", "Fields that began to differ, mode Observe.", labels=["kind", "field"]
        )
        for (kind, field), count in sorted(drifts.counts.read().items()):
            found.add_metric([kind, field], count)
        yield found
        now = GaugeMetricFamily("imm_operator_drifted_objects", "Objects that show drift now.", labels=["kind"])
        managed = [target for target in self._store.all() if isinstance(target, Dataset | DatasetBinding)]
        for name in (Dataset.kind(), DatasetBinding.kind()):
            now.add_metric([name], sum(one.kind() == name and bool(one.status.drift) for one in managed))
        yield now


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)

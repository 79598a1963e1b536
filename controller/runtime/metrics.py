"""Metrics of passes, leadership and objects, under the names that controller-runtime's users know."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.kind import Kind
from controller.cloud.limiter import Lane, Limiters
from controller.core.reasons import Reason
from controller.reconcile import departures, drifts
from controller.reconcile.kinds import KINDS
from controller.runtime import rest_client
from controller.runtime.cloud_metrics import CloudMetrics
from controller.runtime.leadership import Leadership
from controller.runtime.queue import WorkQueue
from controller.runtime.queue_figures import CONTROLLERS
from controller.runtime.store import Store

RESULTS = ("success", "requeue_after", "requeue", "error")
PRIORITIES = {Lane.EDIT: "0", Lane.RESYNC: "-100"}  # controller-runtime's default and its handler.LowPriority
# fmt: off
PASS_BUCKETS = (  # controller-runtime's
    .005, .01, .025, .05, .1, .15, .2, .25, .3, .35, .4, .45, .5, .6, .7, .8, .9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4,
    4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
)
# fmt: on
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series beside each series, with the start of the process


class Metrics:
    """The process's metrics. Gauges and foreign counters are read when Prometheus asks."""

    def __init__(
        self,
        queue: WorkQueue,
        limiters: Limiters,
        leadership: Leadership,
        store: Store,
        workers: int = 0,
        revision: str = "unknown",
    ) -> None:
        self._leadership = leadership
        self._queue = queue
        self._store = store
        self._workers = workers
        self._revision = revision
        self._registry = CollectorRegistry()
        self._total = self._counter("reconcile_total", "Passes by kind and result.", "result")
        self._errors = self._counter("reconcile_errors_total", "Passes that did not get through.")
        self._panics = self._counter("reconcile_panics_total", "Passes that ended in an error of this program.")
        self._seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a pass.",
            ["controller"],
            buckets=PASS_BUCKETS,
            registry=self._registry,
        )
        for name in CONTROLLERS:  # so that the first of its kind is an increase
            for result in RESULTS:
                self._total.labels(name, result)
            for family in (self._errors, self._panics, self._seconds):
                family.labels(name)
        for collector in (self, queue.figures, CloudMetrics(limiters), rest_client.requests):
            self._registry.register(collector)
        for machine in (ProcessCollector, PlatformCollector, GCCollector):
            machine(registry=self._registry)

    def add(self, *collectors: Collector) -> None:
        """Have other parts' metrics read, too."""
        for collector in collectors:
            self._registry.register(collector)

    def reconciled(self, kind: str, result: str, seconds: float) -> None:
        """Count one pass."""
        self._total.labels(kind.lower(), result).inc()
        self._seconds.labels(kind.lower()).observe(seconds)
        if result == "error":
            self._errors.labels(kind.lower()).inc()

    def broke(self, kind: str) -> None:
        """Count one pass that an error of this program ended; it is counted as a pass besides."""
        self._panics.labels(kind.lower()).inc()

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What is counted elsewhere."""
        yield InfoMetricFamily(
            "imm_operator_build", "What runs.", {"version": version("imm-operator"), "revision": self._revision}
        )
        master = GaugeMetricFamily(
            "leader_election_master_status", "1 where this process leads, 0 where it stands by.", labels=["name"]
        )
        master.add_metric([self._leadership.name], float(self._leadership.leads))
        yield master
        yield from self._work()
        yield from self._drift()
        yield _objects(self._store.all())
        left = CounterMetricFamily(
            "imm_operator_retained",
            "Objects released with their cloud resource left as it is.",
            labels=["kind", "reason"],
        )
        released = departures.counts.read()
        for kind in KINDS:
            for reason in departures.LEFT_BEHIND:
                left.add_metric([kind, reason], released.get((kind, reason.value), 0))
        yield left

    def _work(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "workqueue_depth", "Objects that could run now.", labels=["name", "controller", "priority"]
        )
        active = GaugeMetricFamily("controller_runtime_active_workers", "Passes under way.", labels=["controller"])
        most = GaugeMetricFamily(
            "controller_runtime_max_concurrent_reconciles", "Workers, which serve all kinds.", labels=["controller"]
        )
        waiting = self._queue.waiting()
        for kind, name in zip(KINDS, CONTROLLERS, strict=True):
            for lane, priority in PRIORITIES.items():
                depth.add_metric([name, name, priority], waiting[kind, lane])
            active.add_metric([name], self._queue.figures.active(name))
            most.add_metric([name], self._workers)
        yield from (depth, active, most)

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

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"controller_runtime_{name}", text, ["controller", *labels], registry=self._registry)


def _objects(targets: list[Kind]) -> Metric:
    """How many stand how: as many series as there are reasons, whatever stands in a status."""
    family = GaugeMetricFamily(
        "imm_operator_objects", "Objects by their Ready condition.", labels=["kind", "ready", "reason"]
    )
    for labels, count in sorted(Tally(map(_standing, targets)).items()):
        family.add_metric(labels, count)
    return family


def _standing(target: Kind) -> tuple[str, str, str]:
    found = next((one for one in target.status.conditions if one.type == "Ready"), None)
    if found is None:
        return target.kind(), "Unknown", ""
    return target.kind(), found.status, found.reason if found.reason in Reason.__members__.values() else "other"

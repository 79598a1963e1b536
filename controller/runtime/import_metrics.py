"""Metrics of imports and of the queues they are answered on. An import has series only while its run lasts."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.core.imports.run import Fate
from controller.reconcile.imports.deliver import Disposition
from controller.reconcile.imports.runs import Run, Runs
from controller.reconcile.imports.tallies import Tallies, tallies
from controller.runtime.traffic import Traffic

OWNER = ["namespace", "name"]
DISPOSITIONS = sorted(one.value.replace(" ", "_") for one in Disposition)


class ImportMetrics(Collector):
    """Read when Prometheus asks."""

    def __init__(self, runs: Runs, traffic: Traffic, counts: Tallies = tallies) -> None:
        self._runs = runs
        self._traffic = traffic
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own protocol."""
        yield from self._queues()
        unfinished = {run.target: run for run in self._runs.active() if not run.concluded}
        yield _items(unfinished)
        self._counts.keep(lambda owner: owner in unfinished)
        sent = CounterMetricFamily("imm_operator_import_sent_items", "Items sent, by import under way.", labels=OWNER)
        for owner, count in sorted(self._counts.items().items()):
            sent.add_metric(owner, count)
        yield sent
        errors = CounterMetricFamily(
            "imm_operator_import_errors", "Failed calls, by import under way.", labels=[*OWNER, "reason"]
        )
        for (owner, reason), count in sorted(self._counts.errors().items()):
            errors.add_metric([*owner, reason], count)
        yield errors

    def _queues(self) -> Iterator[Metric]:
        backlog = GaugeMetricFamily(
            "imm_operator_queue_backlog_messages",
            "Messages in a queue: waiting, or in_work and hidden meanwhile.",
            labels=["queue", "state"],
        )
        backlogs = self._traffic.backlogs()
        for queue, facts in sorted(backlogs.items()):
            backlog.add_metric([queue, "waiting"], facts.waiting)
            backlog.add_metric([queue, "in_work"], facts.in_work)
        yield backlog
        lag = GaugeMetricFamily(
            "imm_operator_consumer_lag_seconds", "Age of the messages last worked on, at that time.", labels=["queue"]
        )
        for queue, seconds in sorted(self._traffic.lags().items()):
            lag.add_metric([queue], seconds)
        yield lag
        messages = CounterMetricFamily(
            "imm_operator_messages", "Messages received, by what became of them.", labels=["queue", "disposition"]
        )
        counts = self._traffic.messages()
        for queue in sorted({*backlogs, *(queue for queue, _ in counts)}):
            for disposition in DISPOSITIONS:  # all of them: the first that is set aside must be an increase
                messages.add_metric([queue, disposition], counts.get((queue, disposition), 0))
        yield messages


def _items(unfinished: dict[tuple[str, str], Run]) -> Metric:
    items = GaugeMetricFamily(
        "imm_operator_import_items", "Items of imports under way, by what is known of them.", labels=[*OWNER, "fate"]
    )
    for owner, run in sorted(unfinished.items(), key=lambda pair: pair[0]):
        with run.lock:
            counts = [(fate, run.state.count(fate)) for fate in Fate]
        for fate, count in counts:
            items.add_metric([*owner, fate.name.lower()], count)
    return items

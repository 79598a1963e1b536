"""What the probes go by, as metrics: how old the watches' news is, and whether the event loop keeps time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.runtime.health import Figures

WATCH = ["kind", "watched"]


class HealthMetrics(Collector):
    """Read in the event loop, when Prometheus asks."""

    def __init__(self, figures: Callable[[], Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own protocol."""
        now = self._figures()
        yield GaugeMetricFamily(
            "imm_operator_event_loop_lag_seconds", "How late the event loop's last tick came.", value=now.lag
        )
        listed = GaugeMetricFamily("imm_operator_relist_age_seconds", "Since the last complete LIST of every kind.")
        if now.listed is not None:
            listed.add_metric([], now.listed)
        yield listed
        heard = GaugeMetricFamily("imm_operator_watch_silence_seconds", "Since the last word of a watch.", labels=WATCH)
        told = GaugeMetricFamily("imm_operator_watch_event_age_seconds", "Since its last event.", labels=WATCH)
        for one in now.watches:
            heard.add_metric([one.kind, one.namespace], one.heard)
            told.add_metric([one.kind, one.namespace], one.told)
        yield from (heard, told)

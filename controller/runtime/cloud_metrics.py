"""Metrics of the cloud calls: how many, how long, and what their limiters make of it.

An operation is a word of this code, an outcome the name of a class of it; a scope is an account, and at most a project
or an instance of it. So there are as many series as there is work for different accounts, however many objects ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.cloud import trace
from controller.cloud.limiter import Limiter, Limiters


class CloudMetrics(Collector):
    """Read when Prometheus asks."""

    def __init__(self, limiters: Limiters, calls: trace.CallCounts = trace.calls) -> None:
        self._limiters = limiters
        self._calls = calls

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own protocol."""
        calls = CounterMetricFamily(
            "imm_operator_cloud_api_requests", "Cloud calls.", labels=["service", "operation", "outcome"]
        )
        for (operation, outcome), count in sorted(self._calls.read().items()):
            calls.add_metric([*_parts(operation), outcome], count)
        yield calls
        durations = HistogramMetricFamily(
            "imm_operator_cloud_api_request_duration_seconds",
            "How long cloud calls took, once their turn had come.",
            labels=["service", "operation"],
        )
        bounds = [*map(str, trace.BOUNDS), "+Inf"]
        for operation, (buckets, total) in sorted(self._calls.seconds().items()):
            durations.add_metric(
                _parts(operation), list(zip(bounds, accumulate(buckets), strict=True)), sum_value=total
            )
        yield durations
        yield from self._pace()

    def _pace(self) -> Iterator[Metric]:
        limiters = self._limiters.all()
        waited = CounterMetricFamily("imm_operator_rate_limiter_wait_seconds", "Time waited.", labels=["scope"])
        throttled = CounterMetricFamily("imm_operator_rate_limiter_throttled", "Calls refused.", labels=["scope"])
        rate = GaugeMetricFamily("imm_operator_rate_limiter_rate", "Calls a second allowed now.", labels=["scope"])
        waiting = GaugeMetricFamily("imm_operator_rate_limiter_waiting", "Calls that wait now.", labels=["scope"])
        for limiter in limiters:
            waited.add_metric([limiter.scope], limiter.waited)
            throttled.add_metric([limiter.scope], limiter.throttles)
            rate.add_metric([limiter.scope], limiter.rate)
            waiting.add_metric([limiter.scope], limiter.waiting)
        yield from (waited, throttled, rate, waiting)
        yield _last_successes(limiters)


def _last_successes(limiters: list[Limiter]) -> Metric:
    """By service and account: a scope begins with both."""
    last: dict[tuple[str, str], float] = {}
    for limiter in limiters:
        service, _, rest = limiter.scope.partition("/")
        place = service, rest.partition("/")[0]
        if limiter.succeeded_at is not None:
            last[place] = max(limiter.succeeded_at, last.get(place, 0.0))
    family = GaugeMetricFamily(
        "imm_operator_cloud_last_success_timestamp_seconds",
        "When the cloud last took a call.",
        labels=["service", "account"],
    )
    for labels, moment in sorted(last.items()):
        family.add_metric(labels, moment)
    return family


def _parts(operation: str) -> list[str]:
    service, _, name = operation.partition(":")
    return [service, name]

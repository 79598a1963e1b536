"""What client-go counts of its requests, counted of ours and of Kopf's: both go through one session.

A watch is one request that is answered when it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import aiohttp
from prometheus_client import Counter
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from yarl import URL

NO_ANSWER = "<error>"  # client-go's word


class RestClientFigures(Collector):
    """Answers by code, method and host. A host that nobody asks for has no series."""

    def __init__(self) -> None:
        self._total = Counter(
            "rest_client_requests_total",
            "Requests to the Kubernetes API by the code of their answer.",
            ["code", "method", "host"],
            registry=None,
        )

    def tracing(self) -> aiohttp.TraceConfig:
        """For the session that the requests are made with."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._answered)
        config.on_request_exception.append(self._failed)
        return config

    def collect(self) -> Iterator[Metric]:
        """Prometheus' own protocol."""
        yield from self._total.collect()

    async def _answered(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        self._count(str(params.response.status), params.method, params.url)

    async def _failed(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self._count(NO_ANSWER, params.method, params.url)

    def _count(self, code: str, method: str, url: URL) -> None:
        self._total.labels(code, method, url.authority).inc()


requests = RestClientFigures()

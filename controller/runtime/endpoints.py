"""Probes and metrics over HTTP: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from controller.runtime.ending import CLOSING
from controller.runtime.metrics import Metrics

Probe = Callable[[], str | None]  # what is wrong, or None
Handler = Callable[[web.Request], Awaitable[web.Response]]


async def serve(host: str, port: int, *, metrics: Metrics, alive: Probe, ready: Probe) -> web.AppRunner:
    """Start serving; the caller cleans the runner up."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", _answering(alive)),
            web.get("/readyz", _answering(ready)),
            web.get("/metrics", _metrics_of(metrics)),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _answering(probe: Probe) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        wrong = probe()
        return web.Response(status=503 if wrong else 200, text=wrong or "ok")

    return answer


def _metrics_of(metrics: Metrics) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        content = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=metrics.render(), headers=content)

    return answer

"""Probes and metrics over HTTP: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from controller.runtime.metrics import Metrics

Probe = Callable[[], str | None]  # what is wrong, or None


async def serve(host: str, port: int, *, metrics: Metrics, alive: Probe, ready: Probe) -> web.AppRunner:
    """Start serving; the caller cleans the runner up."""
    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", lambda _request: _answer(alive)),
            web.get("/readyz", lambda _request: _answer(ready)),
            web.get("/metrics", lambda _request: _metrics(metrics)),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def _answer(probe: Probe) -> web.Response:
    wrong = probe()
    return web.Response(status=503 if wrong else 200, text=wrong or "ok")


async def _metrics(metrics: Metrics) -> web.Response:
    return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

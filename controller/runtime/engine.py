"""Puts the engine room together and keeps its loops alive: workers, poller, lister, endpoints."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from controller.cloud.clouds import AlibabaClouds, Rates
from controller.cloud.limiter import Lane, Limiters
from controller.reconcile.context import Context
from controller.reconcile.report import Reporter
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots
from controller.runtime.cluster import KubernetesCluster
from controller.runtime.endpoints import serve
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube
from controller.runtime.metrics import Metrics
from controller.runtime.poller import Poller
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store
from controller.runtime.workers import Workers

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The only clock of the operator's decisions."""
    return datetime.now(UTC)


class Engine:
    """One operator process. Made in the event loop; `start` and `stop` are called by Kopf's own life cycle."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.kube = Kube()
        self._store = Store()
        self._queue = WorkQueue()
        self._limiters = Limiters()
        self._pool = ThreadPoolExecutor(max_workers=settings.workers + 1, thread_name_prefix="reconcile")
        self.metrics = Metrics(self._queue, self._limiters)
        self.informer = Informer(self._store, self._queue)
        self._sessions = Sessions()
        self._snapshots = BindingSnapshots(utc_now)
        self._tasks: list[asyncio.Task[None]] = []
        self._endpoints: web.AppRunner | None = None
        self._listed = False

    async def start(self) -> None:
        """Start every loop, and serve probes and metrics."""
        workers = self._workers()
        edits = min(self._settings.edit_workers, self._settings.workers - 1)
        for number in range(self._settings.workers):
            self._spawn(f"worker-{number}", workers.work(edits_only=number < edits))
        poller = Poller(
            store=self._store,
            queue=self._queue,
            sessions=self._sessions,
            snapshots=self._snapshots,
            pool=self._pool,
            settings=self._settings,
        )
        self._spawn("poller", _forever("poller", poller.poll, self._settings.poll_interval))
        self._spawn("lister", self._list_forever())
        self._endpoints = await serve(
            self._settings.http_host,
            self._settings.http_port,
            metrics=self.metrics,
            alive=self.trouble,
            ready=lambda: self.trouble() or (None if self._listed else "the first LIST is not through yet"),
        )

    async def stop(self) -> None:
        """End the loops; passes under way finish in their threads."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._endpoints is not None:
            await self._endpoints.cleanup()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def trouble(self) -> str | None:
        """What keeps the process from doing its work, or None."""
        dead = [task.get_name() for task in self._tasks if task.done()]
        return f"stopped: {', '.join(dead)}" if dead else None

    def _workers(self) -> Workers:
        loop = asyncio.get_running_loop()
        cluster = KubernetesCluster(self.kube, self._store, loop)
        rates = Rates(imm_per_project=self._settings.imm_rate)
        context = Context(
            clouds=AlibabaClouds(self._limiters, rates, sts_endpoint=self._settings.sts_endpoint),
            objects=self._store,
            cluster=cluster,
            reporter=Reporter(cluster, utc_now),
            sessions=self._sessions,
            snapshots=self._snapshots,
            now=utc_now,
            lane=Lane.EDIT,
        )
        return Workers(
            context,
            store=self._store,
            queue=self._queue,
            informer=self.informer,
            pool=self._pool,
            metrics=self.metrics,
        )

    def _spawn(self, name: str, loop: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(loop, name=name))

    async def _list_forever(self) -> None:
        async def relist() -> None:
            await self.informer.relist(self.kube, self._settings.watched)
            self._listed = True

        await _forever("lister", relist, self._settings.relist_interval)


async def _forever(name: str, step: Callable[[], Awaitable[None]], interval: float) -> None:
    """Run a step again and again, jittered; a failure is logged and never ends the loop."""
    jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
    while True:
        delay = interval * jitter.uniform(0.9, 1.1)
        try:
            await step()
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("%s: the Kubernetes API does not answer: %s", name, error)
            delay = min(delay, 5.0)
        except Exception:
            log.exception("%s failed; it goes on", name)
            delay = min(delay, 5.0)
        await asyncio.sleep(delay)

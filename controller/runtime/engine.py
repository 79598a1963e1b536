"""Puts the engine room together and keeps its loops alive: workers, consumers, poller, lister, endpoints."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from controller.api.batchimport import BatchImport
from controller.cloud.ambient import Ambient, refused
from controller.cloud.clouds import AlibabaClouds, Rates
from controller.cloud.fence import Fence
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import CALL_TIMEOUT
from controller.core.lease import Terms
from controller.reconcile.context import Context
from controller.reconcile.imports.allowances import Allowances
from controller.reconcile.imports.boards import Boards
from controller.reconcile.imports.gone import tell_gone
from controller.reconcile.imports.runs import Runs
from controller.reconcile.kinds import Key, key_of
from controller.reconcile.report import Reporter
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots
from controller.runtime.callbacks import serve_callbacks
from controller.runtime.cluster import KubernetesCluster
from controller.runtime.consumers import Consumers
from controller.runtime.ending import RELEASE, Ending
from controller.runtime.endpoints import serve
from controller.runtime.health import Health
from controller.runtime.health_metrics import HealthMetrics
from controller.runtime.hints import Hints
from controller.runtime.import_metrics import ImportMetrics
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube
from controller.runtime.leadership import Leadership, own_identity
from controller.runtime.metrics import Metrics
from controller.runtime.poller import REFRESHING, Poller
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.shards import OwnFence, Shard
from controller.runtime.store import Store
from controller.runtime.threads import Threads
from controller.runtime.traffic import Traffic
from controller.runtime.wakes import Wakes
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
        self._store = Store(utc_now, settings.watched)
        self._queue = WorkQueue()
        self._limiters = Limiters()
        self._pool = Threads("reconcile", settings.workers + REFRESHING)
        # A pass that waits for the calls of its import has one thread of the pool, and they have theirs.
        self._chunk_calls = Threads("chunk", settings.import_workers)
        self._leadership = _candidate(self.kube, settings)
        self.ended = asyncio.Event()  # Kopf ends when this is set
        self.stopped = asyncio.Event()  # set when nothing of ours runs any more
        self.lost = self.failed = False
        self._runs = Runs(self._chunk_calls.map)
        self._boards = Boards()
        self._passes: Context | None = None
        self._traffic = Traffic()
        self._consumers: Consumers | None = None
        self._ending = Ending(self._queue, self._leadership, self._reading)
        self.metrics = Metrics(
            self._queue, self._limiters, self._leadership, self._store, settings.workers, settings.revision
        )
        self.health = Health(
            self._leadership,
            (self._pool, self._chunk_calls),
            namespaces=settings.watched,
            watch_timeout=settings.watch_timeout,
            stuck_after=settings.stuck_after,
        )
        self.metrics.add(ImportMetrics(self._runs, self._traffic), HealthMetrics(self.health.figures))
        self.informer = Informer(
            self._store, self._queue, self._ended, Shard(settings.shard), watches=self.health.watches
        )
        self.hints = Hints(self._runs, self._boards, self._store, Wakes(self._queue), lambda: self._leadership.leads)
        self._sessions = Sessions()
        self._snapshots = BindingSnapshots(utc_now)
        self._tasks: list[asyncio.Task[None]] = []
        self._endpoints: list[web.AppRunner] = []

    async def start(self) -> None:
        """Stand by: fill the store and run for the Lease; serve probes and metrics."""
        self._spawn("lister", self._list_forever())
        self._spawn("election", self._elect())
        self._spawn("health", self.health.tend(self.trouble))
        host = self._settings.http_host
        probes = serve(
            host,
            self._settings.http_port,
            metrics=self.metrics,
            alive=self.trouble,
            ready=lambda: self._ending.why or self.trouble() or self.health.unready(),
        )
        self._endpoints.append(await probes)
        if self._settings.callback_url is not None:
            self._endpoints.append(await serve_callbacks(host, self._settings.callback_port, self.hints.hint))

    async def _elect(self) -> None:
        """Work for as long as this process leads, then have it end."""
        await self._leadership.acquire()
        self._work()
        await self._leadership.keep()
        self.lost = self._ending.why is None
        self.begin_end("lost the lease")

    def _work(self) -> None:
        cluster = KubernetesCluster(self.kube, self._store, asyncio.get_running_loop())
        fence = OwnFence(self._leadership.fence, self._store, cluster)
        clouds = self._clouds(fence)
        context = self._passes = self._context(clouds, cluster, fence)
        workers = Workers(
            context,
            store=self._store,
            queue=self._queue,
            informer=self.informer,
            pool=self._pool,
            metrics=self.metrics,
        )
        edits = min(self._settings.edit_workers, self._settings.workers - 1)
        for number in range(self._settings.workers):
            self._spawn(f"worker-{number}", workers.work(edits_only=number < edits))
        poller = Poller(
            store=self._store,
            queue=self._queue,
            sessions=self._sessions,
            snapshots=self._snapshots,
            clouds=clouds,
            now=utc_now,
            pool=self._pool,
            settings=self._settings,
        )
        self._spawn("poller", _forever("poller", poller.poll, self._settings.poll_interval))
        self._consumers = Consumers(
            context, store=self._store, queue=self._queue, leads=lambda: self._leadership.leads, traffic=self._traffic
        )
        self._spawn("consumers", _forever("consumers", self._consumers.tend, self._settings.poll_interval))

    def begin_end(self, why: str) -> None:
        """Take nothing new, and have Kopf end, which calls `stop`."""
        self._ending.begin(why)
        if self._consumers is not None:
            self._consumers.stop()
        self.ended.set()

    async def stop(self) -> None:
        """Let what is under way finish, end the loops, and give the Lease back."""
        self.failed = self._ending.why is None
        self.begin_end("a part of it failed")
        drained = await self._ending.drained()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if drained:
            await self._leadership.release(RELEASE)
        await asyncio.gather(*(endpoint.cleanup() for endpoint in self._endpoints))
        for pool in (self._pool, self._chunk_calls):
            pool.shutdown(wait=False, cancel_futures=True)
        self.stopped.set()

    def _reading(self) -> list[str]:
        """The queues whose messages are in hand."""
        return self._consumers.working if self._consumers is not None else []

    def trouble(self) -> str | None:
        """Why this process has to be restarted, or None; one that ends need not be."""
        return self.health.wrong(self._tasks) if self._ending.why is None else None

    def _clouds(self, fence: Fence) -> AlibabaClouds:
        settings = self._settings
        return AlibabaClouds(
            self._limiters,
            Rates(imm_per_project=settings.imm_rate, image_checks_per_instance=settings.image_check_rate),
            sts_endpoint=settings.sts_endpoint,
            sts_ca_file=settings.sts_ca_file,
            ambient=Ambient() if settings.allow_ambient else refused,
            fence=fence,
            imm_form_body=settings.imm_form_body,
        )

    def _context(self, clouds: AlibabaClouds, cluster: KubernetesCluster, fence: Fence) -> Context:
        settings = self._settings
        return Context(
            clouds=clouds,
            objects=self._store,
            cluster=cluster,
            reporter=Reporter(cluster, utc_now),
            sessions=self._sessions,
            snapshots=self._snapshots,
            now=utc_now,
            lane=Lane.EDIT,
            fence=fence,
            orphan_after=timedelta(seconds=settings.orphan_after),
            runs=self._runs,
            allowances=Allowances(None if settings.imm_form_body else settings.imm_request_bytes),
            import_workers=settings.import_workers,
            chunk_calls=self._chunk_calls,
            boards=self._boards,
            callback_url=settings.callback_url,
        )

    def _ended(self, target: BatchImport) -> None:
        """An import was deleted: whoever leads says what runs on all the same."""
        if self._passes is not None and self._leadership.leads:
            told = self._pool.submit(tell_gone, target, self._passes)
            told.add_done_callback(lambda done: _note_failure(done, key_of(target)))

    def _spawn(self, name: str, loop: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(loop, name=name))

    async def _list_forever(self) -> None:
        async def relist() -> None:
            await self.kube.cluster_uid()  # without it no owner record can be written: better not ready than found late
            await self.informer.relist(self.kube, self._settings.watched)
            self.health.listed()

        await _forever("lister", relist, self._settings.relist_interval)


def _note_failure(told: Future[None], key: Key) -> None:
    """Nobody waits for that work, so nobody else would hear of it."""
    error = None if told.cancelled() else told.exception()
    if told.cancelled() or error is not None:
        log.error("%s is gone, and what may run on of it was not told", key, exc_info=error)


def _candidate(kube: Kube, settings: Settings) -> Leadership:
    return Leadership(
        kube,
        namespace=settings.lease_namespace or "",
        name=settings.lease_name,
        terms=Terms(settings.lease_duration, CALL_TIMEOUT),
        identity=own_identity(),
    )


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

"""The workers: take a key, run its pass in a thread, decide when it runs again."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor
from dataclasses import replace

import aiohttp

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.kind import Kind
from controller.cloud import spans
from controller.cloud.limiter import Lane
from controller.reconcile.context import Context, Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.informer import Informer
from controller.runtime.kube import KubeError
from controller.runtime.logs import about
from controller.runtime.metrics import Metrics
from controller.runtime.queue import WorkQueue
from controller.runtime.shards import serve
from controller.runtime.store import Store

STALE_DELAY = 0.2  # the watch delivers the newer version meanwhile
STALE_TIMES = 5  # so often in a row; then it is tried ever more seldom, as the watch seems not to
log = logging.getLogger(__name__)


class Workers:
    """Runs passes. One pass per key at a time, by the queue's promise."""

    def __init__(
        self,
        context: Context,
        *,
        store: Store,
        queue: WorkQueue,
        informer: Informer,
        pool: Executor,
        metrics: Metrics,
    ) -> None:
        self._context = context
        self._store = store
        self._queue = queue
        self._informer = informer
        self._pool = pool
        self._metrics = metrics
        self._stale: dict[Key, int] = {}  # passes in a row that met a newer version

    async def work(self, *, edits_only: bool) -> None:
        """Run passes until cancelled."""
        while True:
            key, lane = await self._queue.get(edits_only=edits_only)
            before = self._known(key)
            began = time.monotonic()
            try:
                outcome, result = await self._run(key, lane)
            finally:
                self._queue.done(key)
            self._metrics.reconciled(key.kind, result, time.monotonic() - began)
            self._plan_next(key, lane, outcome)
            after = self._known(key)
            if after != before:
                # A restart signs in to accounts that were Ready all along: nobody waits for what that wakes.
                self._informer.wake_neighbours(key, Lane.EDIT if after[0] != before[0] else Lane.RESYNC)
            for owner in self._context.turns.take_wakes():
                self._queue.add(Key(BatchImport.kind(), *owner), Lane.EDIT)
            for (namespace, account), delay in self._context.sessions.take_wakes().items():
                self._queue.add(Key(CloudAccount.kind(), namespace, account), Lane.EDIT, delay)

    async def _run(self, key: Key, lane: Lane) -> tuple[Outcome | None, str]:
        target = self._store.find(key)
        if target is None:
            return Outcome(gone=True), "success"
        name = {"k8s.object.kind": key.kind, "k8s.namespace.name": key.namespace, "k8s.object.name": key.name}
        generation = target.metadata.generation
        told: spans.Attributes = {**name, "imm_operator.generation": generation, "imm_operator.lane": lane.name.lower()}
        with about(key, generation=generation), spans.span(f"pass:{key.kind}", told) as span:
            outcome, result = await self._pass(key, target, lane, span)
            span.note({"imm_operator.result": result})
            return outcome, result

    async def _pass(self, key: Key, target: Kind, lane: Lane, span: spans.Span) -> tuple[Outcome | None, str]:
        context = replace(self._context, lane=lane)
        try:
            outcome = await asyncio.get_running_loop().run_in_executor(self._pool, serve, target, context)
        except StaleObject:
            return None, "requeue"
        except ObjectGone:
            return Outcome(gone=True), "success"
        except (KubeError, aiohttp.ClientError, TimeoutError) as error:
            span.fail(error)
            log.warning("%s: the Kubernetes API did not take a write: %s", key, error)
            return Outcome(failed=True), "error"
        except Exception as error:
            span.fail(error)
            log.exception("%s: the pass failed; it is tried again", key)
            self._metrics.broke(key.kind)
            return Outcome(failed=True), "error"
        return outcome, "error" if outcome.failed else "requeue_after" if outcome.look_again else "success"

    def _plan_next(self, key: Key, lane: Lane, outcome: Outcome | None) -> None:
        times = self._stale.pop(key, 0)
        if outcome is None:
            self._stale[key] = times + 1
            if times < STALE_TIMES:
                self._queue.add(key, lane, STALE_DELAY)
            else:
                self._queue.retry(key, lane)
        elif outcome.failed:
            self._queue.retry(key, lane)
        else:
            self._queue.settle(key, outcome.look_again)

    def _known(self, key: Key) -> tuple[bool, str]:
        """What others wait for: that the object is Ready, and, of an account, who is signed in."""
        target: Kind | None = self._store.find(key)
        session = self._context.sessions.get(key.namespace, key.name) if key.kind == CloudAccount.kind() else None
        return target is not None and target.ready, session.identity if session is not None else ""

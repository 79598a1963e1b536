"""One listing per project serves every binding in it; only what changed is looked at (law 6)."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor

from controller.api.datasetbinding import DatasetBinding
from controller.cloud.errors import CloudError
from controller.cloud.limiter import Lane
from controller.reconcile.binding import scope_of
from controller.reconcile.kinds import Key, key_of
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots, Place, Scope
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store

log = logging.getLogger(__name__)


class Poller:
    """Lists the projects that bindings live in: often while something is under way, seldom when all is settled."""

    def __init__(
        self,
        *,
        store: Store,
        queue: WorkQueue,
        sessions: Sessions,
        snapshots: BindingSnapshots,
        pool: Executor,
        settings: Settings,
    ) -> None:
        self._store = store
        self._queue = queue
        self._sessions = sessions
        self._snapshots = snapshots
        self._pool = pool
        self._settings = settings
        self._polled_at: dict[Scope, float] = {}

    async def poll(self) -> None:
        """List each project that is due, and wake the bindings that changed."""
        bindings = self._bindings()
        for scope in self._snapshots.scopes():
            if scope not in bindings:
                self._snapshots.forget(scope)
                self._polled_at.pop(scope, None)
                continue
            settled = all(binding.ready for binding in bindings[scope].values())
            interval = self._settings.settled_poll_interval if settled else self._settings.poll_interval
            # Due within this tick: a tick that comes a moment early must not skip a whole interval.
            if time.monotonic() - self._polled_at.get(scope, float("-inf")) < interval * 0.9:
                continue
            self._polled_at[scope] = time.monotonic()
            await self._refresh(scope, bindings[scope])

    async def _refresh(self, scope: Scope, bindings: dict[tuple[Place, Key], DatasetBinding]) -> None:
        loop = asyncio.get_running_loop()
        try:
            changed = await loop.run_in_executor(self._pool, self._snapshots.refresh, scope)
        except CloudError as error:
            log.warning("the bindings of project %s could not be listed: %s", scope[-1], error)
            return
        for place, key in bindings:
            if place in changed:
                self._queue.add(key, Lane.EDIT)

    def _bindings(self) -> dict[Scope, dict[tuple[Place, Key], DatasetBinding]]:
        found: dict[Scope, dict[tuple[Place, Key], DatasetBinding]] = {}
        for target in self._store.all():
            if not isinstance(target, DatasetBinding) or not target.status.project or not target.status.dataset:
                continue
            session = self._sessions.get(target.metadata.namespace, target.spec.account_ref.name)
            if session is not None:
                scope = scope_of(session, target.status.project)
                place = target.status.dataset, target.spec.bucket
                found.setdefault(scope, {})[place, key_of(target)] = target
        return found

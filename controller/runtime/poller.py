"""One listing per project serves every binding in it; only what changed is looked at (law 6)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial

from controller.api.cloudaccount import CloudAccount
from controller.api.datasetbinding import DatasetBinding
from controller.cloud.clouds import Clouds
from controller.cloud.errors import CloudError, Terminal
from controller.cloud.imm import PAGE
from controller.cloud.limiter import Lane
from controller.cloud.ports import ImmPort
from controller.core.facts import BindingFacts
from controller.core.reasons import Reason
from controller.reconcile.binding import scope_of
from controller.reconcile.kinds import Key, key_of
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import OF_THE_KEY, BindingSnapshots, Place, Scope
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store

SHARE = 0.1  # of a project's rate that its listings may take: a large one has many pages
REFRESHING = 4  # projects that are listed at once: one that does not answer holds up no other
PATIENCE = 3  # times as long as a listing took to fail, until the next one is tried
UNUSED = 120.0  # seconds until a project that no binding names is forgotten
log = logging.getLogger(__name__)


def under_way(target: DatasetBinding) -> bool:
    """Whether the cloud is at work on a binding, so that its project is worth a look every few seconds.

    What stands still until a person acts is not, nor what waits for another object: that one's change wakes it.
    """
    if target.status.observed_generation != target.metadata.generation:
        return True
    reconciling = next((c.reason for c in target.status.conditions if c.type == "Reconciling"), None)
    return reconciling not in {None, Reason.DEPENDENCY_NOT_READY, Reason.DEPENDENCY_NOT_FOUND}


def is_told(target: DatasetBinding, found: BindingFacts | None) -> bool:
    """Whether a binding's status says of it already what a listing does."""
    status = target.status
    if found is None or under_way(target):
        return False
    return (found.state, found.phase, found.reason[:512] or None) == (status.state, status.phase, status.reason)


def spaced(interval: float, bindings: int, rate: float) -> float:
    """Seconds between two listings of a project: longer than `interval` where its pages would take the rate's share."""
    return max(interval, bindings / PAGE / (SHARE * rate))


class Poller:
    """Lists the projects that bindings live in: often while something is under way, seldom when all is settled."""

    def __init__(
        self,
        *,
        store: Store,
        queue: WorkQueue,
        sessions: Sessions,
        snapshots: BindingSnapshots,
        clouds: Clouds,
        now: Callable[[], datetime],
        pool: Executor,
        settings: Settings,
    ) -> None:
        self._store = store
        self._queue = queue
        self._sessions = sessions
        self._snapshots = snapshots
        self._pool = pool
        self._settings = settings
        self._clouds = clouds
        self._now = now
        self._polled_at: dict[Scope, float] = {}
        self._refused: set[Scope] = set()
        self._unused_since: dict[Scope, float] = {}
        self._slots = asyncio.Semaphore(REFRESHING)

    async def poll(self) -> None:
        """List each project that is due, and wake the bindings that changed."""
        self._sessions.prune(self._needed)
        bindings = self._bindings()
        due = []
        for scope in self._snapshots.scopes():
            if scope not in bindings:
                self._forget_unused(scope)
                continue
            self._unused_since.pop(scope, None)
            settled = scope in self._refused or not any(under_way(binding) for binding in bindings[scope].values())
            interval = self._settings.settled_poll_interval if settled else self._settings.poll_interval
            interval = spaced(interval, len(bindings[scope]), self._settings.imm_rate)
            # Due within this tick: a tick that comes a moment early must not skip a whole interval.
            if time.monotonic() - self._polled_at.get(scope, float("-inf")) < interval * 0.9:
                continue
            due.append(self._refresh(scope, bindings[scope], Lane.RESYNC if settled else Lane.EDIT, interval * 0.9))
        await asyncio.gather(*due)

    def _forget_unused(self, scope: Scope) -> None:
        """Not at once: a new binding's pass lists its project before anything of it stands in a status."""
        if time.monotonic() - self._unused_since.setdefault(scope, time.monotonic()) < UNUSED:
            return
        self._snapshots.forget(scope)
        self._polled_at.pop(scope, None)
        self._refused.discard(scope)
        del self._unused_since[scope]

    async def _refresh(
        self, scope: Scope, bindings: dict[tuple[Place, Key], DatasetBinding], lane: Lane, age: float
    ) -> None:
        """List a project, or take what a reader listed meanwhile. Where something is under way, people wait for it."""
        loop = asyncio.get_running_loop()
        async with self._slots:
            began = self._polled_at[scope] = time.monotonic()
            try:
                places = {place for place, _ in bindings}
                refresh = partial(self._snapshots.refresh, scope, self._imm(bindings, lane), places)
                changed = await loop.run_in_executor(self._pool, refresh, timedelta(seconds=age))
            except CloudError as error:
                log.warning("the bindings of project %s could not be listed: %s", scope[-1], error)
                self._polled_at[scope] += (1 + PATIENCE) * (time.monotonic() - began)
                self._failed(scope, bindings, error)
                return
        self._polled_at[scope] = time.monotonic() - (self._snapshots.age(scope) or timedelta(0)).total_seconds()
        mended = scope in self._refused
        self._refused.discard(scope)
        for (place, key), target in bindings.items():
            if place in changed and not is_told(target, self._snapshots.find(scope, place)):
                self._queue.add(key, Lane.EDIT, first=True)
            elif mended:
                self._queue.add(key, Lane.EDIT)
            elif place in changed:  # a first listing: everybody is looked at once, and nobody ahead of people's edits
                self._queue.add(key, Lane.RESYNC)

    def _imm(self, bindings: dict[tuple[Place, Key], DatasetBinding], lane: Lane) -> ImmPort | None:
        """IMM as the account of a scope's bindings is signed in now; a scope is of one account."""
        target = next(iter(bindings.values()))
        session = self._sessions.get(target.metadata.namespace, target.spec.account_ref.name)
        return self._clouds.imm(session.place, session.credentials, lane) if session is not None else None

    def _failed(self, scope: Scope, bindings: dict[tuple[Place, Key], DatasetBinding], error: CloudError) -> None:
        """What a person has to mend is asked for as seldom as what is settled; a refused key is told to the account."""
        if isinstance(error, Terminal):
            self._refused.add(scope)
        if isinstance(error, OF_THE_KEY):
            target = next(iter(bindings.values()))
            account = target.spec.account_ref.name
            self._sessions.suspect(target.metadata.namespace, account, error, self._now())
            for (namespace, name), delay in self._sessions.take_wakes().items():
                self._queue.add(Key(CloudAccount.kind(), namespace, name), Lane.EDIT, delay)

    def _needed(self, account: tuple[str, str]) -> bool:
        """Whether an account exists, or something that still refers to it: credentials stay no longer in memory."""
        key = Key(CloudAccount.kind(), *account)
        return self._store.find(key) is not None or bool(self._store.referrers(key))

    def _bindings(self) -> dict[Scope, dict[tuple[Place, Key], DatasetBinding]]:
        found: dict[Scope, dict[tuple[Place, Key], DatasetBinding]] = {}
        for target in self._store.all():
            if not isinstance(target, DatasetBinding) or not target.status.project or not target.status.dataset:
                continue
            session = self._sessions.of(target)
            if session is not None:
                scope = scope_of(session, target.status.project)
                place = target.status.dataset, target.spec.bucket
                found.setdefault(scope, {})[place, key_of(target)] = target
        return found

"""From watch events and LISTs to the store and the queue: who has to be looked at, and how soon.

A watch event only says that something changed. What it asks for is decided by comparing with what was known; the
periodic LIST goes through the same comparison, and so heals every event that was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from controller.api.batchimport import BatchImport
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import DEFAULT_SHARD, DETACH, END_GRACE_PERIOD, RECONCILE_REQUESTED_AT, shard_of
from controller.api.kind import Kind
from controller.cloud.limiter import Lane
from controller.reconcile.kinds import KINDS, Key, key_of, references
from controller.reconcile.rivals import rivals, subject_of
from controller.runtime.kube import Kube
from controller.runtime.queue import WorkQueue
from controller.runtime.shards import DEFAULT, Shard
from controller.runtime.store import Store, Version, parse, version_of
from controller.runtime.watches import Watches

ASKING = (RECONCILE_REQUESTED_AT, END_GRACE_PERIOD, DETACH)
# Bindings that become Ready together have their dataset's files counted once, by the time they show.
COUNT_ANEW = 30.0
log = logging.getLogger(__name__)


class Informer:
    """Keeps the store true and the queue fed. Runs in the event loop."""

    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        ended: Callable[[BatchImport], None] = lambda _target: None,
        shard: Shard = DEFAULT,
        watches: Watches | None = None,
    ) -> None:
        self._store = store
        self._queue = queue
        self._shard = shard
        self._watches = watches  # has to tell what a LIST finds
        self._ended = ended  # told of each import that is deleted, as it was last

    def observe(self, body: dict[str, Any], *, deleted: bool) -> None:
        """Take in an object as the API server has it, or had it before it went.

        With a selector the API server says "deleted" of what moved to another shard, too, and shows it as it was.
        """
        if not self._shard.serves(body["metadata"]):
            self._give_up(body)
            return
        key, version = _key(body), version_of(body["metadata"])
        if not deleted and self._store.has(key, version):
            return  # a start brings each object twice, by the watch and by the LIST
        target = parse(body)
        if deleted:
            self.forget(key, target, version)
            return
        if target is None:
            self._leave_alone(key, version)
            return
        known = self._store.put(target)
        if known is target:
            return
        lane = wanted(known, target)
        if lane is not None:
            if lane is Lane.EDIT:
                self._queue.forgive(key)
            self._queue.add(key, lane)
        if known is None or known.ready != target.ready:
            self.wake_referrers(key)
        if known is not None and known.metadata.generation != target.metadata.generation:
            self.wake_rivals(target)  # it may have given up, by its mode for instance

    def _give_up(self, body: dict[str, Any]) -> None:
        """Another shard serves the object. An older version of one that has come here says nothing."""
        key = _key(body)
        known, version = self._store.find(key), version_of(body["metadata"])
        if known is not None and version[1] > int(known.metadata.resource_version or 0):
            log.info("%s goes to shard %s", key, shard_of(body["metadata"].get("labels") or {}) or DEFAULT_SHARD)
            self.forget(key, None, version)

    def _leave_alone(self, key: Key, version: Version) -> None:
        """This version cannot read the object: what it was before counts no more, and it is not gone either."""
        if self._store.withdraw(key, version) is not None:
            self._queue.forget(key)
            self.wake_referrers(key)

    def forget(self, key: Key, last: Kind | None = None, version: Version | None = None) -> None:
        """The object is gone, and was `last` so: drop it, and let those that refer to it say so."""
        known = self._store.remove(key, version)
        if known is not None:
            if isinstance(known, BatchImport):
                self._ended(last if isinstance(last, BatchImport) else known)
            self._queue.forget(key)
            self.wake_referrers(key)
            self.wake_rivals(known)
            self._count_anew(known)

    def wake_referrers(self, key: Key, lane: Lane = Lane.EDIT) -> None:
        """Have every object that refers to `key` looked at."""
        for referrer in self._store.referrers(key):
            self._queue.add(referrer, lane)

    def wake_rivals(self, target: Kind) -> None:
        """Have those looked at that claim the same thing: it may be theirs now."""
        if isinstance(target, Dataset | DatasetBinding):
            for rival in rivals(target, subject_of(target, self._store), self._store):
                self._queue.add(key_of(rival), Lane.EDIT)

    def wake_neighbours(self, key: Key, lane: Lane) -> None:
        """Readiness flipped: those that wait for the object go on, and those it refers to count anew."""
        self.wake_referrers(key, lane)
        target = self._store.find(key)
        if target is not None:
            self._count_anew(target)

    def _count_anew(self, target: Kind) -> None:
        for reference in references(target):
            dataset = self._store.find(reference)
            if isinstance(dataset, Dataset):  # one that is to be deleted may wait for just this
                self._queue.add(reference, Lane.RESYNC, 0.0 if dataset.metadata.deleting else COUNT_ANEW)

    async def relist(self, kube: Kube, namespaces: tuple[str, ...]) -> None:
        """LIST every kind: take in what the watch missed, prune what is no more."""
        for name, kind in KINDS.items():
            before = self._store.keys(name)
            listed: set[Key] = set()
            for namespace in namespaces or (None,):
                async for page in kube.pages(kind.plural, namespace, self._shard.selector):
                    for item in page:
                        listed.add(self._take_in({"kind": name} | item))
            # Only what was known before the LIST began can be a ghost; the rest was created meanwhile.
            for key in before - listed:
                log.warning("%s is gone and no event said so", key)
                self.forget(key)
                if self._watches is not None:
                    self._watches.gone(key)
        self._store.complete = True

    def _take_in(self, body: dict[str, Any]) -> Key:
        """One object of a LIST."""
        key = _key(body)
        known = self._store.find(key)
        self.observe(body, deleted=False)
        now = self._store.find(key)
        if self._watches is not None and now is not None and now is not known:
            self._watches.found(key, body["metadata"]["resourceVersion"])
        return key


def _key(body: dict[str, Any]) -> Key:
    return Key(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"])


def wanted(known: Kind | None, target: Kind) -> Lane | None:
    """The lane a new version asks for; None when it is only an echo, of our own status for instance."""
    meta = target.metadata
    if known is None or known.metadata.uid != meta.uid:
        settled = target.status.observed_generation == meta.generation and not meta.deleting
        return Lane.RESYNC if settled else Lane.EDIT
    before = known.metadata
    asked = any(before.annotations.get(name) != meta.annotations.get(name) for name in ASKING)
    if asked or (before.generation, before.deleting) != (meta.generation, meta.deleting):
        return Lane.EDIT
    if target.status.observed_generation < known.status.observed_generation:
        return Lane.RESYNC  # somebody took the status away: we never go back in it
    return None

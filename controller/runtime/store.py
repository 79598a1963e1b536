"""The informer's cache: our objects as last seen, and who refers to whom.

An older version never replaces a newer one: our own writes are put here at once, and the watch delivers them later.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from controller.api.kind import Kind
from controller.reconcile.kinds import KINDS, Key, key_of, references
from controller.reconcile.ports import Contest
from controller.reconcile.rivals import contests

AnyKind = TypeVar("AnyKind", bound=Kind)
Version = tuple[str, int]  # uid and resource version
REMEMBERED = 10_000  # removed objects: the answer to a write of ours may come later than the word that one is gone
log = logging.getLogger(__name__)


class Store:
    """Thread-safe; the event loop writes, worker threads read and put back what they wrote."""

    def __init__(self, now: Callable[[], datetime], watched: Collection[str] = ()) -> None:
        self._now = now
        self._watched = frozenset(watched)
        self._lock = threading.RLock()
        self._objects: dict[Key, Kind] = {}
        self._requested_at: dict[Key, datetime] = {}
        self._removed: OrderedDict[Key, Version] = OrderedDict()
        self._unreadable: set[Key] = set()
        self._referrers: dict[Key, set[Key]] = defaultdict(set)
        self._contenders: dict[Contest, set[Key]] = defaultdict(set)
        self.complete = False  # until the first LIST is through

    def get(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        """The object as last seen, or None."""
        found = self.find(Key(kind.kind(), namespace, name))
        return found if isinstance(found, kind) else None

    def find(self, key: Key) -> Kind | None:
        """The same by key."""
        with self._lock:
            return self._objects.get(key)

    def all(self) -> list[Kind]:
        """Every object."""
        with self._lock:
            return list(self._objects.values())

    def has(self, key: Key, version: Version) -> bool:
        """Whether an object is known in that version or a newer one."""
        known = self.find(key)
        return known is not None and not _newer(version, _version(known))

    def put(self, target: Kind) -> Kind | None:
        """Remember an object; returns what was known before it, or itself when it is not newer."""
        key = key_of(target)
        with self._lock:
            known = self._objects.get(key)
            before = _version(known) if known is not None else self._removed.get(key)
            if before is not None and not _newer(_version(target), before):
                return target
            self._unlink(key, known)
            self._objects[key] = target
            self._removed.pop(key, None)
            self._unreadable.discard(key)
            if known is None or _request(known) != _request(target):
                self._requested_at[key] = self._now()
            for reference in references(target):
                self._referrers[reference].add(key)
            for entry in contests(target):
                self._contenders[entry].add(key)
            return known

    def remove(self, key: Key, last: Version | None = None) -> Kind | None:
        """Forget an object; returns what was known of it. What is not newer than `last` does not bring it back.

        That an object is gone says nothing of its namesake that was made after it.
        """
        with self._lock:
            known = self._objects.get(key)
            if known is not None and last is not None and _follows(_version(known), last):
                return None
            self._unreadable.discard(key)
            self._drop(key, known, last)
            return known

    def withdraw(self, key: Key, version: Version) -> Kind | None:
        """Forget what was known of an object that this version cannot read any more; returns that.

        It is there all the same, which `unreadable` tells.
        """
        with self._lock:
            known = self._objects.get(key)
            before = _version(known) if known is not None else self._removed.get(key)
            if before is not None and not _newer(version, before):
                return None
            self._unreadable.add(key)
            self._drop(key, known, version)
            return known

    def unreadable(self, kind: type[Kind], namespace: str, name: str) -> bool:
        """Whether there is an object that this version cannot read."""
        with self._lock:
            return Key(kind.kind(), namespace, name) in self._unreadable

    def _drop(self, key: Key, known: Kind | None, last: Version | None) -> None:
        if last is not None:
            self._removed[key] = last
            self._removed.move_to_end(key)
        while len(self._removed) > REMEMBERED:
            self._removed.popitem(last=False)
        self._objects.pop(key, None)
        self._requested_at.pop(key, None)
        self._unlink(key, known)

    def keys(self, kind: str) -> set[Key]:
        """Every key of a kind, of what cannot be read as well."""
        with self._lock:
            return {key for key in (*self._objects, *self._unreadable) if key.kind == kind}

    def referrers(self, key: Key) -> set[Key]:
        """The objects that refer to `key`, whether it exists or not."""
        with self._lock:
            return set(self._referrers.get(key, ()))

    def contenders(self, contest: Contest) -> list[Kind]:
        """The objects that may claim the same thing in the cloud."""
        with self._lock:
            return [self._objects[key] for key in self._contenders.get(contest, ())]

    def requested_at(self, target: Kind) -> datetime:
        """When the object's present request was first seen; now, where the object is gone meanwhile."""
        with self._lock:
            return self._requested_at.get(key_of(target)) or self._now()

    def watches(self, namespace: str) -> bool:
        """Whether objects of that namespace are in here; with no names given all are."""
        return not self._watched or namespace in self._watched

    def _unlink(self, key: Key, known: Kind | None) -> None:
        for entry in contests(known) if known else ():
            self._contenders[entry].discard(key)
            if not self._contenders[entry]:
                del self._contenders[entry]
        for reference in references(known) if known else ():
            self._referrers[reference].discard(key)
            if not self._referrers[reference]:
                del self._referrers[reference]


def parse(body: dict[str, Any]) -> Kind | None:
    """An object of ours from its stored form; None, and a log line, when this version cannot read it."""
    kind = KINDS[body["kind"]]
    try:
        return kind.read(body)
    except ValidationError as error:
        meta = body.get("metadata", {})
        log.error(  # noqa: TRY400 - the message says it all; a trace would not help
            "%s %s/%s does not fit this version's schema and is left alone: %s",
            body["kind"],
            meta.get("namespace"),
            meta.get("name"),
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()),
        )
        return None


def _request(target: Kind) -> tuple[str, str | None]:
    return target.metadata.uid, target.metadata.reconcile_requested_at


def version_of(metadata: Mapping[str, Any]) -> Version:
    """Uid and version of an object as the API server sends it."""
    return str(metadata.get("uid", "")), int(metadata.get("resourceVersion") or 0)


def _version(target: Kind) -> Version:
    return target.metadata.uid, int(target.metadata.resource_version or 0)


def _newer(target: Version, known: Version) -> bool:
    """Resource versions are comparable numbers (KEP-5504); another uid is another object."""
    return target[0] != known[0] or target[1] > known[1]


def _follows(known: Version, last: Version) -> bool:
    """Whether an object was made after its namesake of version `last` was gone."""
    return known[0] != last[0] and known[1] > last[1]

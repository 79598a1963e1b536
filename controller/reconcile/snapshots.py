"""The bindings of each project, listed once for all the objects that look at them (law 6).

A snapshot is complete or it is not installed: a missing page would read as "deleted". What this process wrote itself
after a listing began stays as written, because that listing may not have seen it (read your writes).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.cloud.errors import BadCredentials, ClockSkewed, CloudError, Ended, Terminal, Throttled
from controller.cloud.ports import ImmPort
from controller.core.facts import BindingFacts

Place = tuple[str, str]  # dataset, bucket
Scope = tuple[str, str, str, str]  # account id, region, who looks (`Session.identity`), project
# Objects that are looked at together share a refusal as they share a listing. Somebody who mended the cause waits no
# longer than this. What failed slowly is shared for as long as it took, and no longer either: of a cloud that does not
# answer the threads of the pool would else wait all the time.
REFUSED = timedelta(seconds=10)
OF_THE_KEY = (BadCredentials, ClockSkewed, Ended)  # shared by nobody: the next reader's key may be another
# Nor is throttling: the limiter has whoever asks next wait, and the listing that comes spares the others their words.
NOT_SHARED = (*OF_THE_KEY, Throttled)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A project's bindings as of `looked_at`, the moment the listing began."""

    bindings: dict[Place, BindingFacts]
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class _Failure:
    began: datetime
    until: datetime
    error: CloudError


@dataclass(slots=True)
class _Project:
    imm: ImmPort
    listing: threading.Lock = field(default_factory=threading.Lock)
    snapshot: Snapshot | None = None
    failure: _Failure | None = None  # of the last listing
    failures: int = 0  # so far: who waited for one that failed sees that it did
    changed: set[Place] = field(default_factory=set)
    written: dict[Place, tuple[datetime, BindingFacts | None]] = field(default_factory=dict)


class BindingSnapshots:
    """Snapshots by scope. A listing is made at most once at a time per project; others wait for its result.

    That it failed is a result, too: one call is made for all who waited, however long it took to fail.
    """

    def __init__(self, now: Callable[[], datetime], wait: Callable[[float], None] = time.sleep) -> None:
        self._now = now
        self._wait = wait
        self._lock = threading.Lock()
        self._projects: dict[Scope, _Project] = {}

    def read(
        self, scope: Scope, imm: ImmPort, *, not_before: datetime | None = None, apart: timedelta = timedelta(0)
    ) -> Snapshot:
        """The snapshot of a project, listed now if there is none that began after `not_before`.

        With `apart` no listing begins sooner after the last one: what is asked for meanwhile shares the next.

        Raises:
            controller.cloud.errors.CloudError: the listing failed.
        """
        with self._lock:
            project = self._projects.setdefault(scope, _Project(imm))
            project.imm = imm
            failures = project.failures
        with project.listing:
            known = project.snapshot
            if known is not None and (not_before is None or known.looked_at > not_before):
                return known
            failure = project.failure
            if failure is not None and (
                project.failures > failures
                or (self._now() < failure.until and (not_before is None or failure.began > not_before))
            ):
                raise failure.error
            if known is not None and (early := (known.looked_at + apart - self._now()).total_seconds()) > 0:
                self._wait(early)
            return self._list(scope, project)

    def refresh(
        self,
        scope: Scope,
        imm: ImmPort | None = None,
        among: Collection[Place] | None = None,
        age: timedelta | None = None,
    ) -> set[Place]:
        """List a known project again and say which bindings, of those in `among`, changed since they were last named.

        A listing that a reader began less than `age` ago serves, so that a start lists each project once. What a
        reader's listing found changed has to be told just the same. So has an object whose first pass is under way:
        nobody knows yet which binding it found, so that one is named later.

        Raises:
            controller.cloud.errors.CloudError: the listing failed; the old snapshot stays.
        """
        with self._lock:
            project = self._projects[scope]
            failures = project.failures
        with project.listing:
            project.imm = imm or project.imm  # the last reader's keys may have ended since
            known = project.snapshot
            if known is None or age is None or self._now() - known.looked_at >= age:
                if project.failure is not None and project.failures > failures:
                    raise project.failure.error
                known = self._list(scope, project)
            there = known.bindings
            named = project.changed if among is None else project.changed.intersection(among)
            project.changed = (project.changed - named).intersection(there)
        return named

    def find(self, scope: Scope, place: Place) -> BindingFacts | None:
        """A binding as the last listing has it."""
        with self._lock:
            project = self._projects.get(scope)
            return (
                project.snapshot.bindings.get(place) if project is not None and project.snapshot is not None else None
            )

    def age(self, scope: Scope) -> timedelta | None:
        """How long ago the last listing of a project began that was not in vain."""
        with self._lock:
            project = self._projects.get(scope)
            known = project.snapshot if project is not None else None
            return self._now() - known.looked_at if known is not None else None

    def record(self, scope: Scope, place: Place, facts: BindingFacts | None) -> None:
        """Install the outcome of our own write: None after a delete."""
        with self._lock:
            project = self._projects.get(scope)
            if project is None:
                return  # forgotten meanwhile, or the keys were replaced: the next reader lists anew
            project.written[place] = (self._now(), facts)
            if project.snapshot is not None:
                bindings = _with(project.snapshot.bindings, place, facts)
                project.snapshot = Snapshot(bindings, project.snapshot.looked_at)

    def scopes(self) -> list[Scope]:
        """Every project looked at so far."""
        with self._lock:
            return list(self._projects)

    def forget(self, scope: Scope) -> None:
        """Stop looking at a project that no object needs any more; a refusal is remembered for its time."""
        with self._lock:
            project = self._projects.get(scope)
            if project is None or project.failure is None or project.failure.until <= self._now():
                self._projects.pop(scope, None)

    def _list(self, scope: Scope, project: _Project) -> Snapshot:
        began = self._now()
        try:
            listed = {(b.dataset, b.bucket): b for b in project.imm.list_bindings(scope[3])}
        except CloudError as error:
            if not isinstance(error, NOT_SHARED):
                ended = self._now()
                until = began + REFUSED if isinstance(error, Terminal) else ended + min(REFUSED, ended - began)
                with self._lock:
                    project.failure = _Failure(began, until, error)
                    project.failures += 1
            raise
        project.failure = None
        with self._lock:
            project.written = {place: entry for place, entry in project.written.items() if entry[0] >= began}
            for place, (_, facts) in project.written.items():
                listed = _with(listed, place, facts)
            before = project.snapshot.bindings if project.snapshot else {}
            project.changed |= {p for p in before.keys() | listed.keys() if before.get(p) != listed.get(p)}
            project.snapshot = Snapshot(listed, began)
            return project.snapshot


def _with(bindings: dict[Place, BindingFacts], place: Place, facts: BindingFacts | None) -> dict[Place, BindingFacts]:
    rest = {key: value for key, value in bindings.items() if key != place}
    return rest if facts is None else rest | {place: facts}

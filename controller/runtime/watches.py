"""Whether Kopf's watches are alive: what each of them did last, as seen from under them.

A watch that brings nothing looks the same whether nothing happens or nobody listens. So three things are looked at. The
connection: Kopf opens a watch anew when not even a bookmark came for a while, so each of them tries or hears something
all the time, in the quietest of clusters too. The API server: one that answers others but no watch. And our own LIST:
what it finds changed, a watch has to tell sooner or later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import aiohttp

from controller.api.fields import GROUP, VERSION
from controller.reconcile.kinds import KINDS, Key

# The longest that Kopf waits between two attempts: the cap in `controller.runtime.operator`, and time to be late.
BETWEEN_ATTEMPTS = 30.0 + 15.0
OPENING = 15.0  # seconds for a watch to be opened anew
TELLING = 60.0  # seconds a watch has for telling what a LIST found; they may come at the same time
OWN = "own"  # the mark on our own requests, which say nothing of Kopf's
_COLLECTION = re.compile(rf"/apis/{re.escape(GROUP)}/{VERSION}(?:/namespaces/([^/]+))?/([a-z]+)$")
Scope = tuple[str, str]  # kind and namespace; empty for all namespaces


@dataclass(slots=True)
class Watch:
    """One of Kopf's streams. Moments are by the caller's clock, in seconds."""

    tried_at: float
    heard_at: float
    told_at: float
    pending: set[int] = field(default_factory=set)
    stream: aiohttp.StreamReader | None = None
    taken: int = 0
    refused: str = ""
    found: dict[Key, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WatchAges:
    """For metrics: seconds since the last byte of a watch and since its last event."""

    kind: str
    namespace: str
    heard: float
    told: float


class Watches:
    """One for each kind and namespace. Called in the event loop alone."""

    def __init__(self, namespaces: Sequence[str], silence: float, clock: Callable[[], float]) -> None:
        """`silence` is after how many seconds without a word Kopf opens a watch anew."""
        self._silence = silence
        self._clock = clock
        self._clusterwide = not namespaces
        self._kinds = {kind.plural: name for name, kind in KINDS.items()}
        now = clock()
        # Nothing was told yet, so what the first LIST finds in this very second counts as not told.
        self._watches = {(kind, space): Watch(now, now, now - 1) for kind in KINDS for space in namespaces or ("",)}
        self._answered_at = now  # when the API server last answered anything but a watch

    def __len__(self) -> int:
        """How many connections they keep."""
        return len(self._watches)

    def tracing(self) -> aiohttp.TraceConfig:
        """What the session has to be made with that Kopf is given."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._started)
        config.on_request_end.append(self._ended)
        config.on_request_exception.append(self._failed)
        return config

    async def _started(
        self, _session: aiohttp.ClientSession, context: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        watch = self._of(context, request.method, str(request.url.path))
        context.watch = watch
        context.streams = request.url.query.get("watch") == "true"
        if watch is not None:
            watch.pending.add(id(context))
            watch.tried_at = self._clock()

    async def _ended(
        self, _session: aiohttp.ClientSession, context: SimpleNamespace, request: aiohttp.TraceRequestEndParams
    ) -> None:
        status = request.response.status
        watch: Watch | None = context.watch
        if not context.streams and status < 500:  # noqa: PLR2004 - HTTP's own line
            self._answered_at = self._clock()
        if watch is None:
            return
        self._settle(watch, context)
        watch.refused = f"HTTP {status}" if status >= 400 else ""  # noqa: PLR2004 - HTTP's own line
        if not watch.refused:
            watch.heard_at = self._clock()
            watch.stream, watch.taken = (request.response.content, 0) if context.streams else (None, 0)

    async def _failed(
        self, _session: aiohttp.ClientSession, context: SimpleNamespace, _request: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if context.watch is not None:
            self._settle(context.watch, context)
            context.watch.refused = ""

    def _settle(self, watch: Watch, context: SimpleNamespace) -> None:
        watch.pending.discard(id(context))
        watch.tried_at = self._clock()

    def told(self, key: Key, version: str) -> None:
        """A watch brought an object's version, or its end."""
        watch = self._watches.get(self._scope(key))
        if watch is not None:
            watch.told_at = self._clock()
            if watch.found.get(key, (0, 0.0))[0] <= int(version or 0):
                watch.found.pop(key, None)

    def found(self, key: Key, version: str) -> None:
        """A LIST brought a version that was not known."""
        watch = self._watches.get(self._scope(key))
        if watch is not None:
            watch.found[key] = int(version or 0), self._clock()

    def gone(self, key: Key) -> None:
        """An object is no more."""
        watch = self._watches.get(self._scope(key))
        if watch is not None:
            watch.found.pop(key, None)

    def listen(self) -> None:
        """Take notice of what arrived since the last time; called every second."""
        now = self._clock()
        for watch in self._watches.values():
            if watch.stream is not None and watch.stream.total_bytes != watch.taken:
                watch.taken = watch.stream.total_bytes
                watch.heard_at = now
            if watch.pending:
                watch.tried_at = now

    def stuck(self) -> str | None:
        """Which watch only a restart brings back, and why; None when all is well or the API server is at fault."""
        for (kind, _), watch in self._watches.items():
            why = self._stuck(watch)
            if why:
                return f"the watch of {kind} {why}"
        return None

    def unheard(self) -> str | None:
        """Which watch is not there at present, whoever is at fault."""
        now = self._clock()
        for (kind, space), watch in self._watches.items():
            silent = now - watch.heard_at
            if watch.refused or silent > self._silence + OPENING:
                where = f" in {space}" if space else ""
                why = f"is refused: {watch.refused}" if watch.refused else f"has brought nothing for {silent:.0f} s"
                return f"the watch of {kind}{where} {why}"
        return None

    def ages(self) -> list[WatchAges]:
        """For metrics."""
        now = self._clock()
        return [WatchAges(*scope, now - one.heard_at, now - one.told_at) for scope, one in self._watches.items()]

    def _stuck(self, watch: Watch) -> str:
        now = self._clock()
        silent = now - max(watch.heard_at, watch.tried_at)
        if silent > self._silence + BETWEEN_ATTEMPTS:
            return f"ended: nothing was heard or tried for {silent:.0f} s"
        unheard = now - watch.heard_at
        others = now - self._answered_at < OPENING
        if others and not watch.refused and unheard > 2 * self._silence + BETWEEN_ATTEMPTS:
            return f"gets no answer for {unheard:.0f} s, though the API server answers other calls"
        missed = [moment for _, moment in watch.found.values() if now - moment > TELLING and watch.told_at < moment]
        if missed:
            return f"is deaf: {len(missed)} changes found by a LIST {now - min(missed):.0f} s ago were never told"
        return ""

    def _of(self, context: SimpleNamespace, method: str, path: str) -> Watch | None:
        """The watch that a request of Kopf's belongs to: its LIST is how it begins one."""
        place = _COLLECTION.search(path)
        if method != "GET" or place is None or context.trace_request_ctx == OWN:
            return None
        return self._watches.get((self._kinds.get(place[2], ""), place[1] or ""))

    def _scope(self, key: Key) -> Scope:
        return key.kind, "" if self._clusterwide else key.namespace

"""An informer with what surrounds it, and an API server that lists from memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from controller.api.batchimport import BatchImport
from controller.cloud.limiter import Lane
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from tests.unit.operator_doubles import Clock


class Room:
    """An informer with its store and queue."""

    def __init__(self, ended: Callable[[BatchImport], None] = lambda _target: None) -> None:
        self.store, self.queue = Store(Clock()), WorkQueue()
        self.informer = Informer(self.store, self.queue, ended)

    def see(self, *objects: dict[str, Any]) -> None:
        """Watch events."""
        for item in objects:
            self.informer.observe(item, deleted=False)

    async def asked(self) -> dict[Key, Lane]:
        """What is queued, taken off."""
        found = {}
        while len(self.queue):
            key, lane = await self.queue.get()
            self.queue.done(key)
            found[key] = lane
        return found


class Listing:
    """An API server that answers LIST from memory, two objects a page, and can change between pages."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {kind.plural: [] for kind in KINDS.values()}
        self.breaks = False
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """A page of a LIST."""
        self.asked.append(request.path)
        if self.breaks and "continue" in request.query:
            return web.Response(status=500, text="the etcd leader changed")
        start = int(request.query.get("continue", "0"))
        items = self.objects[request.path.rsplit("/", 1)[-1]]
        page = [{k: v for k, v in item.items() if k != "kind"} for item in items[start : start + 2]]
        token = str(start + 2) if start + 2 < len(items) else ""
        return web.json_response({"items": page, "metadata": {"continue": token}})


@asynccontextmanager
async def client_of(served: Listing) -> AsyncIterator[Kube]:
    """The operator's own client on a served listing."""
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    async with TestServer(app) as server, ClientSession() as session:
        kube = Kube()
        kube.use(str(server.make_url("/")), session)
        yield kube

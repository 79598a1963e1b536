"""A way to the API server that a test can spoil: it knows requests and watches, where a proxy only knows bytes."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import aiohttp
from aiohttp import web

from controller.reconcile.kinds import KINDS
from sandbox import ports
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.operator import NAME, NAMESPACE, Operator
from sandbox.demo.services import start
from tests.integration.world import World

BOOKMARK = {"type": "BOOKMARK", "object": {"kind": "Dataset", "metadata": {"resourceVersion": "1"}}}
BROKEN = {"type": "ERROR", "object": {"kind": "Status", "code": 500, "reason": "InternalError", "message": "spoilt"}}
PASSED_ON = ("Authorization", "Content-Type", "Accept", "User-Agent")


class Fault(Enum):
    """What becomes of watches, or of every request."""

    NONE = "all is well"
    HALF_OPEN = "watches under way bring nothing more and do not end; new ones are fine"
    UNANSWERED = "a watch is accepted and not answered"
    DEAF = "a watch brings bookmarks and no events"
    BREAKING = "a watch brings an error that is not told to be passing"
    BREAKING_LATE = "a watch of Datasets brings one when the others have been asked for anew, which are not answered"
    SILENT = "every request is accepted and not answered"
    NO_WATCH = "a watch is refused for lack of rights"


@dataclass(frozen=True)
class Hold:
    """A write that is held before or after it takes effect; its answer then reaches whoever still waits for it.

    Attributes:
        what: As `written` has it.
        struck: Set once it is held; `over` once it took effect, or was refused.
    """

    what: str
    when: str
    seconds: float
    struck: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    async def strike(self, what: str, when: str) -> bool:
        """Wait where this is the write, the first of its kind, at its moment; whether it is."""
        if (what, when) != (self.what, self.when) or self.struck.is_set():
            return False
        self.struck.set()
        await asyncio.sleep(self.seconds)
        return True


class Gateway:
    """Plain HTTP in front of a cluster; whoever comes through signs in as before.

    Attributes:
        writes: What was written so far, each as `written` has it, with the HTTP status of the answer.
        held: The write that is held.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._target = cluster.url
        self._tls = ssl.create_default_context(cafile=str(cluster.ca_file) if cluster.ca_file else None)
        self._loop = asyncio.new_event_loop()
        self._fault = Fault.NONE
        self._ending = False
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.watches = 0  # that were asked for
        self._unanswered: set[str] = set()
        self.url = ""
        self.writes: list[tuple[str, int]] = []
        self.held: Hold | None = None

    @contextmanager
    def running(self) -> Iterator[Gateway]:
        """Serve in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(10)
            self._loop.close()

    def spoil(self, fault: Fault) -> None:
        """From now on; what is under way meets it too."""

        def change() -> None:
            self._fault = fault
            self._changed.set()
            self._changed = asyncio.Event()

        self._loop.call_soon_threadsafe(change)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def _stop(self) -> None:
        self._fault, self._ending = Fault.NONE, True
        self._changed.set()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        if under_way:
            await asyncio.wait(under_way, timeout=5)
        await asyncio.sleep(0.3)  # aiohttp closes its transports after it says so

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") == "true"
        self.watches += watch
        if self._fault is Fault.NO_WATCH and watch:
            return web.json_response({"kind": "Status", "code": 403, "message": "no watch for you"}, status=403)
        if watch and self._fault is Fault.BREAKING_LATE and self._is_held(request):
            self._unanswered.add(request.path)
        while not self._ending and self._is_held(request):
            await self._changed.wait()
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        target = self._target + request.path_qs
        data = await request.read()
        what, hold = written(request.path, data), self.held or Hold("", "", 0.0)
        struck = await hold.strike(what, "before")
        async with self._session.request(request.method, target, headers=headers, data=data or None) as answer:
            if watch and answer.status == 200:
                return await self._stream(request, answer)
            body = await answer.read()
        if what:
            self.writes.append((what, answer.status))
            if await hold.strike(what, "after") or struck:
                hold.over.set()
        while self._fault is Fault.SILENT:
            await self._changed.wait()
        return web.Response(status=answer.status, body=body, content_type=answer.content_type)

    def _is_held(self, request: web.Request) -> bool:
        """Whether a request is not answered now."""
        if self._fault is Fault.SILENT:
            return True
        held = {Fault.UNANSWERED: True, Fault.BREAKING_LATE: not request.path.endswith("/datasets")}
        return request.query.get("watch") == "true" and held.get(self._fault, False)

    def _last_of(self, request: web.Request) -> bytes | None:
        """What a watch ends with now; None while it goes on."""
        late = self._fault is Fault.BREAKING_LATE
        if late and not request.path.endswith("/datasets"):
            return b""
        if self._fault is Fault.BREAKING or (late and len(self._unanswered) >= len(KINDS) - 1):
            return json.dumps(BROKEN).encode() + b"\n"
        return None

    async def _stream(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        began_with = self._fault
        await out.prepare(request)
        source = asyncio.ensure_future(answer.content.readline())
        with suppress(ConnectionError, aiohttp.ClientError):
            while not self._ending:
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({source, changed}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                half_open = self._fault is Fault.HALF_OPEN and began_with is not Fault.HALF_OPEN
                if half_open or self._fault in {Fault.SILENT, Fault.UNANSWERED}:
                    continue
                last = self._last_of(request)
                if last is not None:
                    await out.write(last)
                    break
                if self._fault is Fault.DEAF:
                    await out.write(json.dumps(BOOKMARK).encode() + b"\n")
                if source.done():
                    line = source.result()
                    if not line:
                        break
                    if self._fault is not Fault.DEAF:
                        await out.write(line)
                    source = asyncio.ensure_future(answer.content.readline())
        source.cancel()
        return out


def written(path: str, data: bytes) -> str:
    """What a request writes of an import, in words: `status Waiting`, `event Begun`; empty where it writes nothing."""
    if path.endswith("/events"):
        event = json.loads(data)
        return f"event {event['reason']}" if event["involvedObject"]["kind"] == "BatchImport" else ""
    if "/batchimports/" in path and data:
        return f"{path.rsplit('/', 1)[-1]} {json.loads(data).get('status', {}).get('phase', '')}"
    return ""


def kubeconfig_behind(gateway: Gateway, cluster: Cluster, path: Path) -> None:
    """Write a kubeconfig of the operator's service account that leads through a gateway."""
    service_account_kubeconfig(cluster.kubeconfig, NAMESPACE, NAME, path, hours=1)
    path.write_text(path.read_text().replace(cluster.url, gateway.url))


@contextmanager
def behind(gateway: Gateway, world: World) -> Iterator[None]:
    """While this lasts, the operator that this world starts reaches the API server through the gateway only."""
    path = world.directory / "gateway.kubeconfig"
    kubeconfig_behind(gateway, world.cluster, path)
    world.stop()
    world.settings["KUBECONFIG"] = str(path)
    world.start()
    try:
        yield
    finally:
        world.stop()
        del world.settings["KUBECONFIG"]
        world.start()


def start_behind(
    gateway: Gateway, world: World, directory: Path, settings: dict[str, str], *, module: str = "controller"
) -> Operator:
    """Start the operator as its service account behind a gateway, without waiting for it to be ready."""
    directory.mkdir(exist_ok=True)
    kubeconfig = directory / "operator.kubeconfig"
    kubeconfig_behind(gateway, world.cluster, kubeconfig)
    port = ports.reserve()
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "IMM_OPERATOR_STS_ENDPOINT": world.cloud.url,
        "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
        "IMM_OPERATOR_HTTP_PORT": str(port),
        "IMM_OPERATOR_NAMESPACES": world.namespace,
        "IMM_OPERATOR_LEASE_NAME": world.namespace,
        "IMM_OPERATOR_LEASE_NAMESPACE": NAMESPACE,
        **settings,
    }
    service = start("operator", [module], directory / "operator.log", environment)
    return Operator(f"http://127.0.0.1:{port}", service)

"""What the probes say of loops, threads and watches; time is told by ticks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from controller.cloud import pulse, trace
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.endpoints import serve
from controller.runtime.engine import Engine
from controller.runtime.health import Health
from controller.runtime.logs import about
from controller.runtime.settings import Settings
from controller.runtime.threads import Threads
from controller.runtime.watches import OWN, Watches

BASE = "/apis/imm-operator.dev/v1alpha1"
DATASET = Key("Dataset", "team", "photos")


class Election:
    """A leadership as far as the probes ask."""

    trouble: str | None = None


def health(*pools: Threads, stuck_after: float = 10.0) -> Health:
    """Of an operator of the whole cluster, whose watches are opened anew after 5 s."""
    return Health(Election(), pools, namespaces=(), watch_timeout=5, stuck_after=stuck_after)


def go_on(of: Health, seconds: float) -> None:
    """So many seconds, each with its tick."""
    for _ in range(int(seconds)):
        of.tick(1.0)


def test_a_pass_that_gets_nowhere_is_named() -> None:
    """Its object, its pool and its call; one that beats is not stuck, however long it runs."""
    pool, stop, beats = Threads("reconcile", 2), threading.Event(), threading.Event()
    asked, silent = threading.Event(), threading.Event()

    def work() -> None:
        with trace.calling("imm:GetProject") as traced:
            traced.sent()
            asked.set()
            while not stop.wait(0.001):
                if beats.is_set():
                    pulse.beat("imm:GetProject")
                else:
                    silent.set()

    of = health(pool)
    with about(DATASET):
        running = pool.submit(work)
    assert asked.wait(60)
    beats.set()
    for _ in range(20):
        one = next(each for each in pulse.all_running() if "photos" in each.name)
        before = one.beats
        while one.beats == before:
            stop.wait(0.001)
        of.tick(1.0)
    assert of.wrong(()) is None
    beats.clear()
    silent.clear()
    assert silent.wait(60)  # its last beat is over
    go_on(of, 12)
    stuck = of.wrong(())
    stop.set()
    running.result(60)
    assert stuck is not None
    assert stuck.startswith("stuck: Dataset team/photos in the reconcile threads at imm:GetProject, for 1")
    of.tick(1.0)
    assert of.wrong(()) is None
    pool.shutdown()


def test_who_waits_for_the_limiter_or_for_others_is_not_stuck() -> None:
    """How long a turn takes is the cloud's to say; a pass whose calls are under way is as alive as they are."""
    passes, chunks, stop = Threads("reconcile", 1), Threads("chunk", 1), threading.Event()
    waiting = threading.Event()

    def call() -> None:
        with trace.calling("imm:BatchIndexFileMeta"):
            waiting.set()
            stop.wait(60)

    of = health(passes, chunks)
    whole = passes.submit(lambda: chunks.submit(call).result(60))
    assert waiting.wait(60)
    go_on(of, 40)
    said = of.wrong(())
    stop.set()
    whole.result(60)
    assert said is None
    for pool in (passes, chunks):
        pool.shutdown()


def test_a_pool_that_is_gone_is_told() -> None:
    """Every pass would fail and be tried again, for ever."""
    pool = Threads("reconcile", 1)
    of = health(pool)
    go_on(of, 2)
    assert of.wrong(()) is None
    pool.shutdown()
    go_on(of, 12)
    assert "the reconcile threads are gone: cannot schedule new futures after shutdown" == of.wrong(())


def test_a_pool_whose_threads_take_no_work_is_told() -> None:
    """They are not busy with anything that anybody knows of."""
    pool, stop = Threads("reconcile", 1), threading.Event()
    # Past the pool's own door, as a thread that died within the library would leave it.
    super(Threads, pool).submit(stop.wait)
    of = health(pool)
    go_on(of, 9)
    assert of.wrong(()) is None
    go_on(of, 3)
    said = of.wrong(())
    stop.set()
    pool.shutdown()
    assert said is not None
    assert said.startswith("the reconcile threads take no work for 1")


async def test_a_loop_that_ended_is_named() -> None:
    """Whatever it was."""
    task = asyncio.get_running_loop().create_task(asyncio.sleep(0), name="poller")
    of = health()
    assert of.wrong([task]) is None
    await task
    assert "stopped: poller" == of.wrong([task])


def test_ready_needs_a_list_and_an_electable_process() -> None:
    """And watches that are heard."""
    election = Election()
    of = Health(election, (), namespaces=(), watch_timeout=5, stuck_after=10)
    assert "the first LIST is not through yet" == of.unready()
    of.listed()
    assert of.unready() is None
    election.trouble = "the lease a/b cannot be read or written: no"
    assert election.trouble == of.unready()
    election.trouble = None
    go_on(of, 21)
    assert "the watch of CloudAccount has brought nothing for 21 s" == of.unready()


def test_the_time_of_a_paused_process_is_nobodys_silence() -> None:
    """A node that slept for an hour: watches have their full time to come back."""
    of = health()
    of.listed()
    of.tick(3600.0)
    assert (None, None) == (of.wrong(()), of.unready())


@dataclass
class Api:
    """An API server whose watches bring what they are told; `refusal` is a status for each watch."""

    lines: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    refusal: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """LISTs are empty."""
        if request.query.get("watch") != "true":
            return web.json_response({"items": [], "metadata": {}})
        if self.refusal:
            return web.json_response({}, status=self.refusal)
        out = web.StreamResponse()
        await out.prepare(request)
        while line := await self.lines.get():
            await out.write(line)
        return out


@asynccontextmanager
async def watching(api: Api, of: Watches) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A session as Kopf is given it."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession(trace_configs=[of.tracing()]) as session:
            yield session, f"http://{host}:{port}{BASE}"
    finally:
        await runner.cleanup()


async def try_all(of: Health, session: aiohttp.ClientSession, url: str, query: str = "") -> None:
    """What Kopf does for each kind, as one request."""
    for kind in KINDS.values():
        async with session.get(f"{url}/{kind.plural}{query}") as response:
            await response.read()
    of.tick(0.0)


async def test_bytes_of_a_watch_are_heard_and_our_own_lists_are_not_kopfs() -> None:
    """A bookmark is enough; what we ask ourselves keeps no watch alive."""
    of, api = health(), Api()
    async with watching(api, of.watches) as (session, url):
        of.listed()
        async with session.get(f"{url}/datasets?watch=true") as stream:
            go_on(of, 30)
            heard = {one.kind: one.heard for one in of.figures().watches}
            assert (30, 30) == (heard["Dataset"], heard["DatasetBinding"])
            await api.lines.put(b'{"type": "BOOKMARK"}\n')
            await stream.content.readline()
            of.tick(1.0)
            heard = {one.kind: one.heard for one in of.figures().watches}
            assert (0, 31) == (heard["Dataset"], heard["DatasetBinding"])
            for kind in KINDS.values():
                async with session.get(f"{url}/{kind.plural}", trace_request_ctx=OWN) as response:
                    await response.read()
            of.tick(1.0)
            assert 32 == {one.kind: one.heard for one in of.figures().watches}["DatasetBinding"]
            await api.lines.put(b"")


async def test_a_watch_that_nobody_opens_anew_has_ended() -> None:
    """Kopf's task is gone or hangs: it tries at least every half minute otherwise."""
    of = health()
    async with watching(Api(), of.watches) as (session, url):
        go_on(of, 45)
        await try_all(of, session, url)
        go_on(of, 45)
        assert of.wrong(()) is None
        go_on(of, 10)
        assert "the watch of CloudAccount ended: nothing was heard or tried for 55 s" == of.wrong(())


async def test_an_outage_is_no_reason_to_restart() -> None:
    """Kopf tries on and on and nobody answers it, nor us."""
    of = health()
    of.listed()
    async with aiohttp.ClientSession(trace_configs=[of.watches.tracing()]) as session:
        for _ in range(30):
            for kind in KINDS.values():
                try:
                    async with session.get(f"http://127.0.0.1:9{BASE}/{kind.plural}"):
                        pass
                except aiohttp.ClientError:
                    pass
            go_on(of, 10)
            assert of.wrong(()) is None
    assert "has brought nothing for 300 s" in (of.unready() or "")


async def test_a_watch_alone_without_an_answer_is() -> None:
    """The API server answers others: only a new connection, or a new process, can help."""
    of = health()
    async with watching(Api(refusal=0), of.watches) as (session, url):
        for _ in range(6):
            asked = asyncio.ensure_future(session.get(f"{url}/hang?watch=true"))
            asked.cancel()
            for kind in KINDS.values():
                trying = of.watches._watches[kind.kind(), ""]  # noqa: SLF001 - a try without an answer, at no cost of time
                trying.tried_at = of.clock()
            async with session.get(f"{url}/datasets", trace_request_ctx=OWN) as response:
                await response.read()
            go_on(of, 10)
        assert "gets no answer for 60 s, though the API server answers other calls" in (of.wrong(()) or "")


async def test_a_watch_that_is_refused_is_not_ready_and_no_more() -> None:
    """Rights that are missing are given by a person."""
    of, api = health(), Api(refusal=403)
    of.listed()
    async with watching(api, of.watches) as (session, url):
        for _ in range(20):
            await try_all(of, session, url, "?watch=true")
            go_on(of, 10)
            assert of.wrong(()) is None
        assert "the watch of CloudAccount is refused: HTTP 403" == of.unready()


async def test_what_a_list_finds_has_to_be_told() -> None:
    """A watch that brings bookmarks and no events is deaf; one that tells late is not."""
    of = health()
    async with watching(Api(), of.watches) as (session, url):
        of.watches.found(DATASET, "7")
        for _ in range(7):
            await try_all(of, session, url)
            go_on(of, 10)
        assert "the watch of Dataset is deaf: 1 changes found by a LIST 70 s ago were never told" == of.wrong(())
        of.watches.told(DATASET, "6")
        assert of.wrong(()) is None  # it is not deaf, only late
        of.watches.told(DATASET, "8")
        go_on(of, 40)
        assert of.wrong(()) is None


async def test_the_endpoints_say_what_the_probes_say() -> None:
    """200 and ok, or 503 and why."""
    engine = Engine(Settings(http_host="127.0.0.1", http_port=0, lease_namespace="ns"))
    runner = await serve(
        "127.0.0.1", 0, metrics=engine.metrics, alive=lambda: None, ready=lambda: "the first LIST is not through yet"
    )
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{host}:{port}/healthz") as response:
                assert (200, "ok") == (response.status, await response.text())
            async with session.get(f"http://{host}:{port}/readyz") as response:
                assert (503, "the first LIST is not through yet") == (response.status, await response.text())
    finally:
        await runner.cleanup()
        await engine.stop()

"""Getting, keeping and giving back the Lease over HTTP, and the fence that worker threads meet meanwhile."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controller.cloud.errors import NotLeading
from controller.core.lease import Terms
from controller.runtime.kube import Kube
from controller.runtime.leadership import Leadership, boot_clock, own_identity

PATIENCE = 60.0
PATH = "/apis/coordination.k8s.io/v1/namespaces/ns/leases"


class Quick(Terms):
    """A Lease that stands for long, whatever holds this process up, and attempts that follow each other quickly."""

    __slots__ = ()

    @property
    def retry(self) -> float:
        """As it is, a tenth of the duration."""
        return 0.05


TERMS = Quick(duration=60, call=15)


@dataclass
class LeaseServer:
    """The API server's part: one Lease, replaced only over the version that was read."""

    url: str = ""
    stored: dict[str, Any] | None = None
    version: int = 0
    asked: list[str] = field(default_factory=list)  # the methods of the requests so far
    fates: list[str] = field(default_factory=list)  # of the next requests: "refuse", "drop" after the effect

    async def answer(self, request: web.Request) -> web.Response:
        """GET, POST and PUT."""
        self.asked.append(request.method)
        fate = self.fates.pop(0) if self.fates else ""
        if fate == "refuse":
            return web.json_response({"message": "leases is forbidden"}, status=403)
        if request.method == "GET":
            return web.json_response(self.stored, status=200 if self.stored else 404)
        body = await request.json()
        known = self.stored["metadata"]["resourceVersion"] if self.stored else None
        if body["metadata"].get("resourceVersion") != known:
            return web.json_response({}, status=409)
        self.put(body["spec"])
        if fate == "drop" and request.transport is not None:
            request.transport.close()
        return web.json_response(self.stored)

    def put(self, spec: dict[str, Any] | None) -> None:
        """Store a Lease behind everybody's back, or delete it."""
        self.version += 1
        meta = {"namespace": "ns", "name": "lease", "resourceVersion": str(self.version)}
        self.stored = None if spec is None else {"metadata": meta, "spec": spec}


class Clock:
    """The machine's clock, with jumps: a suspension that the event loop slept through. Or one that only jumps."""

    def __init__(self, *, goes: bool = True) -> None:
        self.goes = goes
        self.jumped = 0.0

    def __call__(self) -> float:
        return (boot_clock() if self.goes else 0.0) + self.jumped


@pytest.fixture
async def server() -> AsyncIterator[LeaseServer]:
    """A server on a port of its own."""
    made = LeaseServer()
    app = web.Application()
    app.add_routes([web.route("*", PATH, made.answer), web.route("*", f"{PATH}/lease", made.answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def kube(server: LeaseServer) -> AsyncIterator[Kube]:
    """A client of it."""
    async with aiohttp.ClientSession() as session:
        made = Kube()
        made.use(server.url, session)
        yield made


def candidate(kube: Kube, name: str = "me", clock: Clock | None = None) -> Leadership:
    """A process of the election."""
    return Leadership(kube, namespace="ns", name="lease", terms=TERMS, identity=name, clock=clock or Clock())


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, with a limit."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - a server's state has no event
            await asyncio.sleep(0.02)


def refusal(leadership: Leadership) -> NotLeading:
    """What a submit meets."""
    with pytest.raises(NotLeading) as caught, leadership.fence("imm:CreateBinding"):
        pytest.fail("the fence let it through")
    return caught.value


async def test_a_free_lease_is_had_at_once_and_opens_the_fence(kube: Kube, server: LeaseServer) -> None:
    """And without it nothing goes through."""
    me = candidate(kube)
    assert refusal(me).opens_in is None
    await me.acquire()
    assert me.leads
    with me.fence("imm:CreateBinding"):
        pass
    assert server.stored is not None
    assert ("me", TERMS.duration, 0) == tuple(
        server.stored["spec"][name] for name in ("holderIdentity", "leaseDurationSeconds", "leaseTransitions")
    )


async def test_a_standby_takes_over_a_lease_that_nobody_renews_and_waits_for_the_last_call(
    kube: Kube, server: LeaseServer
) -> None:
    """Lease and call, from the holder's last sign of life."""
    clock = Clock(goes=False)
    dead, me = candidate(kube, "dead", clock), candidate(kube, clock=clock)
    await dead.acquire()
    acquiring = asyncio.create_task(me.acquire())

    async def tries() -> None:
        """One attempt under way ends, and one more is made with the clock as it is."""
        server.asked.clear()
        await until(lambda: server.asked.count("GET") >= 3)

    await tries()
    clock.jumped = TERMS.duration - 0.5
    await tries()
    assert not acquiring.done()
    assert set(server.asked) == {"GET"}
    clock.jumped = TERMS.duration
    await asyncio.wait_for(acquiring, PATIENCE)
    waiting = refusal(me)
    assert TERMS.call == waiting.opens_in
    assert not waiting.may_have_taken_effect


async def test_a_lease_that_is_given_back_costs_no_wait(kube: Kube, server: LeaseServer) -> None:
    """And who gave it back submits nothing any more."""
    leader, me = candidate(kube, "leader"), candidate(kube)
    await leader.acquire()
    leader.close()
    assert await leader.submitted(PATIENCE)
    await leader.release(PATIENCE)
    server.asked.clear()
    await me.acquire()
    assert ["GET", "PUT"] == server.asked, "the first attempt got it"
    with me.fence("imm:CreateBinding"):
        pass
    assert "ending" in refusal(leader).message


async def test_at_an_end_what_was_answered_is_still_written_down(kube: Kube) -> None:
    """First nothing new is submitted, then nothing at all is written; who waits knows when the last answer came."""
    clock = Clock(goes=False)
    me = candidate(kube, clock=clock)
    await me.acquire()
    me.close(records=True)
    assert "ending" in refusal(me).message
    assert me.leads, "it goes on to renew the Lease"
    with me.fence("oss:PutObject"), me.fence("mns:BatchDeleteMessage"):
        assert (2, 0.0) == (me.submitting, me.quiet)
    assert me.submitting == 0
    clock.jumped += 3.0
    assert me.quiet == 3.0
    me.close()
    with pytest.raises(NotLeading), me.fence("oss:PutObject"):
        pass


async def test_a_lease_is_given_back_in_time_or_not_at_all(kube: Kube, caplog: pytest.LogCaptureFixture) -> None:
    """An API server that does not answer keeps nobody from ending."""
    me = candidate(kube)
    await me.acquire()
    me.close()
    with caplog.at_level(logging.WARNING):
        await me.release(0.0)
    assert "could not be released" in caplog.text


async def test_an_end_waits_for_the_submits_under_way(kube: Kube) -> None:
    """The Lease must not be given back while a call that it covers has no answer."""
    me = candidate(kube)
    await me.acquire()
    entered, answered = threading.Event(), threading.Event()

    def submit() -> None:
        with me.fence("imm:CreateBinding"):
            entered.set()
            assert answered.wait(PATIENCE)

    thread = threading.Thread(target=submit)
    thread.start()
    assert await asyncio.to_thread(entered.wait, PATIENCE)
    me.close()
    assert not await me.submitted(0.1)
    answered.set()
    assert await me.submitted(PATIENCE)
    thread.join()


async def test_a_taken_lease_ends_the_term_for_good(kube: Kube, server: LeaseServer) -> None:
    """Even where it is free again by the time it is looked at."""
    me = candidate(kube)
    await me.acquire()
    server.put({"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 7})
    await asyncio.wait_for(me.keep(), PATIENCE)
    assert not me.leads
    assert refusal(me).opens_in is None


async def test_a_deleted_lease_is_made_again_by_its_holder(kube: Kube, server: LeaseServer) -> None:
    """Within a retry; it goes on leading."""
    me = candidate(kube)
    await me.acquire()
    server.put(None)
    keeping = asyncio.create_task(me.keep())
    await until(lambda: server.stored is not None)
    assert me.leads
    with me.fence("imm:CreateBinding"):
        pass
    keeping.cancel()


async def test_a_machine_that_slept_submits_nothing_and_stands_down(kube: Kube) -> None:
    """The clock counts suspension: the fence is shut before any loop has run again."""
    clock = Clock()
    me = candidate(kube, clock=clock)
    await me.acquire()
    clock.jumped = TERMS.duration - TERMS.call + 1
    assert TERMS.retry == refusal(me).opens_in
    await asyncio.wait_for(me.keep(), PATIENCE)
    assert refusal(me).opens_in is None


def test_the_clock_counts_suspension() -> None:
    """CLOCK_BOOTTIME where there is one."""
    assert abs(boot_clock() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1


async def test_a_lost_answer_is_found_out_by_reading(kube: Kube, server: LeaseServer) -> None:
    """The Lease is ours and we do not know: the next round reads it, and its first answer counts."""
    server.fates = ["", "drop"]
    me = candidate(kube)
    await me.acquire()
    assert me.leads
    assert server.stored is not None
    assert 0 == server.stored["spec"]["leaseTransitions"]
    with me.fence("imm:CreateBinding"):
        pass


async def test_what_keeps_it_from_the_lease_is_said_once_and_ends(
    kube: Kube, server: LeaseServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing right shows in the readiness probe, not in a line every two seconds."""
    server.fates = ["refuse"] * 3
    me = candidate(kube)
    acquiring = asyncio.create_task(me.acquire())
    await until(lambda: me.trouble is not None)
    assert "leases is forbidden" in str(me.trouble)
    await asyncio.wait_for(acquiring, PATIENCE)
    assert me.trouble is None
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert 1 == len(warnings)


def test_no_two_processes_have_one_name() -> None:
    """A container that is restarted keeps its host name."""
    assert own_identity() != own_identity()

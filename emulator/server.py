"""The socket: aiohttp in front of the gateway, with long polls, faults and the passing of time.

A low-level `web.Server` and no router, because aiohttp's router normalises paths and an object's key may well be
`a/../b`. Everything runs in one event loop's thread, so the state needs no lock; a handler never awaits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from emulator import edge, gateway, guard, proxying, transport
from emulator.admin import serve_admin
from emulator.authorization import needed
from emulator.effects import fault_code, faulty_answer
from emulator.ids import new_request_id
from emulator.imagesearch.callback import keep_sending
from emulator.journal import LONGEST_NAME, UNKNOWN, Entry, shown_place, shown_rights, without_secrets
from emulator.keeper import Keeper
from emulator.lifecycle import step
from emulator.mns.data import has_message, wait_seconds
from emulator.page.serve import is_own_page, is_page_request
from emulator.page.serve import serve as serve_page
from emulator.persistence.failures import NotSavedError
from emulator.refusal import Refusal
from emulator.routing import ADMIN_PREFIX, Target, route
from emulator.wire.http import HttpAnswer, HttpRequest, clean

if TYPE_CHECKING:
    from ssl import SSLContext

    from emulator.call import Call, Operation
    from emulator.instance import Instance
    from emulator.persistence.store import Store

log = logging.getLogger(__name__)

TICK = 0.05  # seconds between looks at the lifecycle
POLL = 0.1  # seconds after which a long poll looks again: time alone can make a message visible
_UNREAD = gateway.Named(Target("unknown", None), "", {}, "")  # while it is found out what a request is
_LONG_POLLS = frozenset({"ReceiveMessage", "BatchReceiveMessage"})


class Server:
    """One emulator on one port."""

    def __init__(self, instance: Instance, store: Store | None = None) -> None:
        self.instance = instance
        self._keeper = Keeper(store)
        self.waiting = 0  # long polls held at this moment
        self._changed = asyncio.Event()
        self._stopping = False
        self._runner: web.ServerRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._caller: asyncio.Task[None] | None = None  # of callback addresses

    async def start(self, host: str, port: int, https: tuple[int, SSLContext] | None = None) -> list[int]:
        """Listen, for HTTPS on a port of its own if asked; returns the ports, which the system chooses for 0."""
        server = web.Server(
            self._serve,
            request_factory=transport.make_request,
            access_log=None,
            max_line_size=262_144,
            max_field_size=65_536,
            auto_decompress=False,  # OSS keeps what is sent, whatever its Content-Encoding says
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        if https is not None:
            await web.TCPSite(self._runner, host, https[0], ssl_context=https[1]).start()
        self._ticker = asyncio.create_task(self._tick())
        self._caller = asyncio.create_task(keep_sending(self.instance, self._keeper))
        return [address[1] for address in self._runner.addresses]

    async def stop(self) -> None:
        """Answer what is being answered, end long polls, close the socket."""
        self._stopping = True
        self.notify()
        for task in filter(None, (self._ticker, self._caller)):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._runner is not None:
            await self._close(self._runner)
        await self._keeper.close()

    @staticmethod
    async def _close(runner: web.ServerRunner) -> None:
        connections = [] if runner.server is None else runner.server.connections
        secure = [
            c.transport for c in connections if c.transport is not None and c.transport.get_extra_info("sslcontext")
        ]
        await runner.cleanup()
        for socket in secure:
            socket.abort()  # an idle TLS client would otherwise be waited for, to say goodbye
        await asyncio.sleep(0)

    def notify(self) -> None:
        """Wake long polls, if there are any: the state may have changed."""
        if self.waiting:
            self._changed.set()
            self._changed = asyncio.Event()

    async def saved(self) -> None:
        """Return when every change so far is on disk; at once for an emulator without a directory.

        Raises:
            NotSavedError: It could not be written.
        """
        await self._keeper.saved()

    async def _tick(self) -> None:
        while True:
            try:
                if not self.instance.cloud.clock.virtual and step(self.instance.cloud):
                    self.notify()
                    await self._keeper.saved()
            except NotSavedError as error:
                log.error("%s", error)  # noqa: TRY400 - the message says it all
            except Exception:
                log.exception("the lifecycle failed; it goes on with the next tick")
            await asyncio.sleep(TICK)

    async def _serve(self, raw: web.BaseRequest) -> web.StreamResponse:
        address = proxying.take_apart(raw.raw_path)
        refused = proxying.refusal(self.instance.config, raw.method, address.authority)
        if refused is not None:
            log.warning("refused as a proxy: %s %s", raw.method, clean(raw.raw_path[:200]))
            return transport.respond(refused, raw.method)
        try:
            request = await transport.read(raw, address)
        except transport.BrokenOffError as error:
            log.info("%s %s broke off: %s", raw.method, clean(raw.raw_path[:200]), error)
            return _hang_up(raw)
        if request.too_large and is_own_page(self.instance, request):
            answer: HttpAnswer | None = transport.too_large_for_a_page()
        elif is_page_request(self.instance, request):
            answer = await serve_page(self.instance, request, self._keeper.only_reading)
        elif request.raw_path.startswith(ADMIN_PREFIX):
            answer = await self._keeper.confirm_admin(serve_admin(self.instance, request))
            self.notify()
        else:
            answer = await self._answer(request)
        return _hang_up(raw) if answer is None else transport.respond(answer, request.method)

    async def _answer(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer, written down in the journal; None where a fault drops the connection.

        Whatever fails on the way becomes the service's InternalError: a client must never see this program's own bugs
        as a lost connection, nor be left without a request id.
        """
        started = time.monotonic()
        named, call = _UNREAD, None
        try:
            target = route(request, endpoint_hosts=self.instance.config.endpoint_hosts)
            named = gateway.Named(target, "", {}, new_request_id(target.service))
            named = gateway.name(request, target, named.request_id)
            admitted = self._admit(request, named)
            if isinstance(admitted, Refusal):
                answer: HttpAnswer | None = gateway.render(request, named, admitted)
                code = admitted.code
            else:
                call, operation = admitted
                answer, code = await self._perform(request, named, call, operation)
            if answer is not None:
                answer = guard.sandboxed(request, edge.dressed(self.instance.cloud.switches, named, answer))
                transport.check_headers(answer)
        except Exception:
            if named is _UNREAD:
                named = named._replace(request_id=new_request_id(named.target.service))
            log.exception("%s failed, request id %s", named.target.service, named.request_id)
            failed = gateway.bug(named.target.service, named.operation)
            answer, code = gateway.render(request, named, failed), failed.code
        self._write_down(request, named, call, answer, code, time.monotonic() - started)
        return answer

    def _admit(self, request: HttpRequest, named: gateway.Named) -> tuple[Call, Operation] | Refusal:
        instance, switches = self.instance, self.instance.cloud.switches
        if request.too_large:
            return transport.too_large(named.target.service)
        with self._keeper.only_reading():
            refused = guard.of_another_site(request, named.target.service) or edge.too_long(switches, request, named)
            admitted = refused or gateway.admit(instance, request, named)
        return edge.restatused(switches, named, admitted) if isinstance(admitted, Refusal) else admitted

    def _write_down(
        self,
        request: HttpRequest,
        named: gateway.Named,
        call: Call | None,
        answer: HttpAnswer | None,
        code: str,
        duration: float,
    ) -> None:
        instance = self.instance
        entry = Entry(
            number=instance.journal.written + 1,
            time=instance.cloud.clock.now(),
            service=named.target.service,
            operation=named.operation[:LONGEST_NAME] or f"{request.method[:LONGEST_NAME]} {UNKNOWN}",
            account="" if call is None else call.account,
            principal="" if call is None or call.identity is None else call.identity.arn,
            region="" if call is None else call.region,
            status=0 if answer is None else answer.status,
            code=code,
            request_id=named.request_id,
            duration=duration,
            params=without_secrets(named.params),
            resource=shown_place(named.target.place),
            rights=() if call is None else shown_rights(needed(instance.cloud.switches, call)),
            sent=0 if answer is None else len(answer.body),
        )
        instance.journal.write(entry, known=gateway.operation_of(named) is not None)

    async def _perform(
        self, request: HttpRequest, named: gateway.Named, call: Call, operation: Operation
    ) -> tuple[HttpAnswer | None, str]:
        """Run the operation under the fault rule that matches it, if any; the answer and its error code."""
        rule = self.instance.faults.match(call.service, call.operation)
        if rule is not None and rule.when == "before":
            await asyncio.sleep(rule.latency or 0)
            if rule.latency is None:
                return faulty_answer(rule, request, named), fault_code(rule)
        if call.operation in _LONG_POLLS:
            await self._await_message(call)
        if operation.before is not None:
            await operation.before(self.instance.cloud, call)
        with self._keeper.watching(call.operation):
            outcome = gateway.execute(self.instance.cloud, call, operation)
        self.notify()
        outcome = await self._keeper.confirm(outcome)
        if rule is not None and rule.when == "after":
            await asyncio.sleep(rule.latency or 0)
            if rule.latency is None:
                return faulty_answer(rule, request, named), fault_code(rule)
        return gateway.render(request, named, outcome), outcome.code if isinstance(outcome, Refusal) else ""

    async def _await_message(self, call: Call) -> None:
        """Hold a long poll until a message is there, its time is over on either clock, or the server stops."""
        clock = self.instance.cloud.clock
        try:
            wait = wait_seconds(self.instance.cloud, call)
        except Refusal:
            return  # the handler refuses it again, and its refusal is the answer
        deadline, virtual_deadline = time.monotonic() + wait, clock.now() + wait
        self.waiting += 1
        try:
            while not self._stopping and not self._has_message(call):
                left = deadline - time.monotonic()
                if left <= 0 or (clock.virtual and clock.now() >= virtual_deadline):
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), min(left, POLL))
        finally:
            self.waiting -= 1

    def _has_message(self, call: Call) -> bool:
        with self._keeper.only_reading():
            return has_message(self.instance.cloud, call)


def _hang_up(raw: web.BaseRequest) -> web.Response:
    """Close the connection; what is returned reaches nobody."""
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response(status=500)

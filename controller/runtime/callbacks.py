"""The address that Image Search calls when a task is over. Whoever calls it, it is a hint to look, and nothing else.

Nothing in a call is believed, nor fetched: no signature is described, so anybody who learned an address can call it
(https://www.alibabacloud.com/help/en/image-search, batch operations, "Callback response format"). What a task did is
what IncreaseList says. The port is one of its own, as an ingress leads to it from outside; TLS ends there.

A connection is for one call and for a short while, and there are only so many at a time: nobody takes the descriptors
that this process needs for its work.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from controller.core.imports.identity import parse_callback
from controller.runtime.ending import CLOSING

LARGEST = 16 * 1024  # bytes of a call; the documented one has some 300
PATIENCE = 5.0  # seconds for the head of a call to be whole, and as many for its body
MOST = 100  # connections at a time; Image Search makes one call for each task
Hint = Callable[[str, str], bool | None]  # run id and nonce: whether that run is awaited; None where nobody knows
log = logging.getLogger(__name__)


async def serve_callbacks(host: str, port: int, hint: Hint) -> web.AppRunner:
    """Start listening; the caller cleans the runner up."""
    app = web.Application(client_max_size=LARGEST)
    app.add_routes([web.post("/{path:.*}", _answering(hint))])
    # What is too long is not even read to be dropped. The keepalive's time counts from the begin of a connection, too,
    # and ends one whose head is not whole by then.
    runner = web.AppRunner(app, access_log=None, lingering_time=0, keepalive_timeout=PATIENCE, shutdown_timeout=CLOSING)
    await runner.setup()
    await _Site(runner, host, port).start()
    return runner


class _Site(web.TCPSite):
    """aiohttp's own, with a bound on the connections, which aiohttp has none of."""

    async def start(self) -> None:
        await web.BaseSite.start(self)
        server = self._runner.server

        def protocol() -> asyncio.BaseProtocol:
            if server is None or len(server.connections) >= MOST:
                return _Full()
            return server()

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(protocol, self._host, self._port, backlog=self._backlog)


class _Full(asyncio.Protocol):
    """Nobody is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _answering(hint: Hint) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        address = parse_callback(request.path)  # an ingress may or may not have cut its own part off
        said = _said(await _body(request))
        known = hint(address.run, address.nonce) if address is not None else False
        if known is None:
            return _last(503, "this replica does not lead; another one does\n")
        if not known:
            return _last(404, "no import waits for this\n")
        log.info("a callback for run %s says %s: its task is looked at", address.run if address else "", said)
        return _last(202, "looking\n")

    return answer


def _last(status: int, text: str) -> web.Response:
    """The answer that ends its connection: said so, no proxy sends the next call into one that is being closed."""
    answer = web.Response(status=status, text=text)
    answer.force_close()
    return answer


async def _body(request: web.Request) -> bytes:
    """As much as is read of a call; nothing of it decides anything, so what is late or cut off does no harm."""
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            while len(body) < LARGEST and not request.content.at_eof():
                body += await request.content.read(LARGEST - len(body))
    except (TimeoutError, web.PayloadAccessError, ConnectionError):
        pass
    return bytes(body)


def _said(body: bytes) -> str:
    """What a call says of its task, for the log alone: in one line, whatever it is."""
    try:
        told = json.loads(body)
        return f"task {str(told['taskId'])[:20]!r} {str(told['status'])[:20]!r}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return "something that is no documented callback"

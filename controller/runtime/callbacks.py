"""The address that Image Search calls when a task is over. Whoever calls it, it is a hint to look, and nothing else.

Nothing in a call is believed, nor fetched: no signature is described, so anybody who learned an address can call it
(https://www.alibabacloud.com/help/en/image-search, batch operations, "Callback response format"). What a task did is
what IncreaseList says. The port is one of its own, as an ingress leads to it from outside; TLS ends there.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from controller.core.imports.identity import parse_callback

LARGEST = 16 * 1024  # bytes of a call; the documented one has some 300
PATIENCE = 5.0  # seconds for them to come
Hint = Callable[[str, str], bool | None]  # run id and nonce: whether that run is awaited; None where nobody knows
log = logging.getLogger(__name__)


async def serve_callbacks(host: str, port: int, hint: Hint) -> web.AppRunner:
    """Start listening; the caller cleans the runner up."""
    app = web.Application(client_max_size=LARGEST)
    app.add_routes([web.post("/{path:.*}", _answering(hint))])
    runner = web.AppRunner(app, access_log=None, lingering_time=0)  # what is too long is not even read to be dropped
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _answering(hint: Hint) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        address = parse_callback(request.path)  # an ingress may or may not have cut its own part off
        said = _said(await _body(request))
        known = hint(address.run, address.nonce) if address is not None else False
        if known is None:
            return web.Response(status=503, text="this replica does not lead; another one does\n")
        if not known:
            return web.Response(status=404, text="no import waits for this\n")
        log.info("a callback for run %s says %s: its task is looked at", address.run if address else "", said)
        return web.Response(status=202, text="looking\n")

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
    """What a call says of its task, for the log alone."""
    try:
        told = json.loads(body)
        return f"task {told['taskId']!s:.20} {told['status']!s:.20}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return "something that is no documented callback"

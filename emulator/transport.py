"""aiohttp's requests and responses to and from the emulator's own.

A body is read here and not by aiohttp, which would answer what is too long, or breaks off, in a form of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from emulator.refusal import Refusal
from emulator.wire.http import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader
    from aiohttp.web_protocol import RequestHandler

    from emulator.proxying import Address

MAX_BODY = 1024**3  # bytes; objects live in memory
_BODYLESS = frozenset({204, 304})
_TOO_LARGE = 413
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, 5.5


class BrokenOffError(Exception):
    """The client went away in the middle of its request, or its body is not framed as it says."""


def make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """What aiohttp hands to the server; without a limit of its own, which `read` sets."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=0)


async def read(raw: web.BaseRequest, address: Address) -> HttpRequest:
    """The whole request; without its body if that is too large, which is found out beforehand where its length is told.

    Raises:
        BrokenOffError: Nobody waits for an answer.
    """
    if not raw.body_exists:
        return _made(raw, address, b"")
    length = raw.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > MAX_BODY:
        return _made(raw, address, None)
    if raw.headers.get("expect", "").lower() == "100-continue":
        await raw.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return _made(raw, address, await _body(raw))


def _made(raw: web.BaseRequest, address: Address, body: bytes | None) -> HttpRequest:
    headers: dict[str, str] = {}
    for name, value in raw.headers.items():
        lower = name.lower()
        headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    if address.authority:  # it counts, whatever the header says: RFC 9112, 3.2.2
        headers["host"] = address.authority
    source = raw.remote or ""
    return HttpRequest(raw.method, address.target, headers, body or b"", raw.scheme, source, too_large=body is None)


async def _body(raw: web.BaseRequest) -> bytes | None:
    """As `raw.read()`, which copies the body twice more; None if it turns out too large."""
    raw.content.set_read_chunk_size(MAX_BODY)
    chunks, size = [], 0
    try:
        while chunk := await raw.content.readany():
            size += len(chunk)
            if size > MAX_BODY:
                return None
            chunks.append(chunk)
    except (ConnectionError, ClientPayloadError, HttpProcessingError) as error:
        raise BrokenOffError(str(error)) from error
    return b"".join(chunks)


def respond(answer: HttpAnswer, method: str) -> web.Response:
    """The answer as aiohttp sends it; its headers can be sent (`check_headers`)."""
    body = None if method == "HEAD" or answer.status in _BODYLESS else answer.body
    return web.Response(status=answer.status, body=body, headers=CIMultiDict(answer.headers))


def check_headers(answer: HttpAnswer) -> None:
    """Raise ValueError for a header that cannot be sent: aiohttp would find out too late to answer anything else."""
    text = "".join([*answer.headers, *answer.headers.values()])
    if _UNSENDABLE.search(text):
        raise ValueError(f"a header of an answer has a control character in it: {dict(answer.headers)!r:.2000}")


def too_large(service: str) -> Refusal:
    """What a service says of a body of more than MAX_BODY bytes; the connection cannot be used on."""
    message = f"The emulator keeps objects in memory and takes bodies of at most {MAX_BODY} bytes."
    closed = {"connection": "close"}
    if service == "oss":
        return Refusal(400, "EntityTooLarge", f"Your proposed upload exceeds the maximum size. {message}", closed)
    return Refusal(_TOO_LARGE, "EntityTooLarge.Emulator", message, closed)


def too_large_for_a_page() -> HttpAnswer:
    """The same of the emulator's own pages."""
    body = json.dumps({"error": f"the body has more than {MAX_BODY} bytes"}).encode()
    return HttpAnswer(_TOO_LARGE, {"content-type": "application/json", "connection": "close"}, body)

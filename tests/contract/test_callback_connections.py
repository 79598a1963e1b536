"""The callback port against callers that keep a connection and say nothing, or too much: it is open to the world."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from controller.runtime import callbacks
from controller.runtime.callbacks import serve_callbacks

RUN, NONCE = "0" * 32, "1" * 32
PATH = f"/v1/callbacks/{RUN}/{NONCE}"
SOON = 1.0
DEADLINE = 60.0


class Port:
    """A port that listens."""

    def __init__(self) -> None:
        self.number = 0
        self.hints: list[tuple[str, str]] = []

    async def open(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, and what is sent in it at first."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.number)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def call(self, body: bytes) -> bytes:
        """One whole callback; all that is answered until the connection ends."""
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await self.open(head.encode() + body)
        return await ended(reader, writer)


async def ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What came until the other side ended it, which it has to."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[Port]:
    """Listening, and less patient than in earnest; how patient may be a parameter."""
    monkeypatch.setattr(callbacks, "PATIENCE", getattr(request, "param", SOON))
    monkeypatch.setattr(callbacks, "MOST", 20)
    made = Port()

    def hint(run: str, nonce: str) -> bool:
        made.hints.append((run, nonce))
        return True

    runner = await serve_callbacks("127.0.0.1", 0, hint)
    made.number = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST ",
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nX-More: ".encode(),
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode(),
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["nothing", "a word", "no end of the headers", "no body", "no chunk", "kept alive"],
)
async def test_who_goes_on_for_ever_is_left(port: Port, sent: bytes) -> None:
    """After a short while each, whatever is missing."""
    reader, writer = await port.open(sent)
    await ended(reader, writer)
    assert (await port.call(b"{}")).startswith(b"HTTP/1.1 202")


async def test_a_header_that_comes_byte_by_byte_is_not_waited_for(port: Port) -> None:
    """What comes now and then does not make the time longer."""
    reader, writer = await port.open(f"POST {PATH} HTTP/1.1\r\nX-Slow: ".encode())

    async def drip() -> None:
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(SOON / 10)

    dripping = asyncio.create_task(drip())
    await ended(reader, writer)
    dripping.cancel()
    assert [] == port.hints


async def test_a_connection_is_for_one_call(port: Port) -> None:
    """So nobody sends a callback into one that is just being left."""
    answer = await port.call(b"{}")
    assert b"\r\nConnection: close\r\n" in answer
    assert [(RUN, NONCE)] == port.hints


@pytest.mark.parametrize("port", [4 * SOON], indirect=True, ids=[""])  # time for all of them to come
async def test_so_many_are_open_at_a_time_and_the_next_ones_are_left_at_once(port: Port) -> None:
    """Their places are free again after a while, and who comes then is answered."""
    held = [await port.open(b"") for _ in range(callbacks.MOST)]
    assert b"" == await port.call(b"{}")
    assert [] == port.hints
    for reader, writer in held:
        await ended(reader, writer)
    assert (await port.call(b"{}")).startswith(b"HTTP/1.1 202")


async def test_what_a_callback_says_is_one_line_of_the_log(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has the address writes into it: no line of his own, and nothing that a terminal obeys."""
    caplog.set_level(logging.INFO)
    said = {"taskId": "1\nERROR forged", "status": "x\r\n\x1b[2J\u2028y"}
    assert (await port.call(json.dumps(said).encode())).startswith(b"HTTP/1.1 202")
    [line] = [one.getMessage() for one in caplog.records if "a callback for run" in one.getMessage()]
    assert line.isprintable(), line
    assert r"'1\nERROR forged'" in line

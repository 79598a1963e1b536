"""Requests per second of one core: the emulator beside an empty aiohttp handler, same client, same run.

What is divided by is the processor time of the server's process alone. The two servers take turns in short rounds, and
a ratio is taken within a round, so that a machine that is busy at times troubles both alike; what remains of it is the
spread. The empty handler takes in the same request and answers nothing, so the ratio shows what everything the emulator
does (routing, signature, strictness, journal, the operation, the bytes of its answer) costs. A get is also compared
with a handler that answers 64 KiB, because most of it is the socket's work.

The client is an asynchronous one with eight connections. It is slower than the empty handler, which therefore also pays
for waiting; a client that only pushes bytes makes the empty handler cheaper and all ratios lower.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import aiohttp
import oss2
from yarl import URL

from benchmarks.emulator_server import BUCKET, FILES, LARGE, ONE_IN, PLACE, SIZE
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET

REGION = "cn-hangzhou"
ROUNDS = 15  # and one before them, to warm up
REQUESTS = 320  # per server, call and round
CONNECTIONS = 8
GOAL = 1 / 3  # of the empty handler's rate
QUERY = json.dumps({"Field": "OSSTagging.kind", "Operation": "eq", "Value": "rare"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, signed, as it goes over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server process and the client's session with it."""

    pid: int
    url: str
    session: aiohttp.ClientSession


Make = Callable[[], Asked]


def emulator_requests() -> dict[str, Any]:
    """Requests per second of one core, and their ratio to the empty handler's: medians, and the ratio's quartiles."""
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    async with _peer("emulator") as emulator, _peer("empty") as empty:
        calls = await _calls(emulator)
        figures: dict[str, Any] = {}
        for name, make in calls.items():
            ours, theirs, same_size = [], [], []
            for _ in range(ROUNDS + 1):
                ours.append(await _rate(emulator, make))
                theirs.append(await _rate(empty, make))
                if name == "get_64k":
                    same_size.append(await _rate(empty, partial(_at_large, make)))
            figures[name] = _figures(ours[1:], theirs[1:], same_size[1:])
    return {"object_bytes": SIZE, "files": FILES, "hits": FILES // ONE_IN, "rounds": ROUNDS, **figures}


def _figures(ours: list[float], theirs: list[float], same_size: list[float]) -> dict[str, Any]:
    ratios = _ratios(ours, theirs)
    met = statistics.median(ratios) >= GOAL
    shown: dict[str, Any] = {
        "per_core": round(statistics.median(ours)),
        "empty": round(statistics.median(theirs)),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_quartiles": [round(quartile, 2) for quartile in statistics.quantiles(ratios)[::2]],
        "goal": f"{'met' if met else 'missed'}: at least a third of the empty handler's",
    }
    if same_size:
        shown["ratio_same_size"] = round(statistics.median(_ratios(ours, same_size)), 2)
    return shown


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def _at_large(make: Make) -> Asked:
    asked = make()
    return replace(asked, target=LARGE + asked.target)


async def _calls(emulator: Peer) -> dict[str, Make]:
    """The calls measured. Each has been answered once with success before it counts."""
    put, get = await asyncio.to_thread(_oss_requests, emulator.url)
    calls: dict[str, Make] = {
        "put_64k": lambda: put,
        "get_64k": lambda: get,
        "get_dataset": lambda: _imm("GetDataset", PLACE),
        "simple_query": lambda: _imm("SimpleQuery", {**PLACE, "Query": QUERY}),
    }
    for name, make in calls.items():
        status, body = await _ask(emulator, make())
        if status != 200:  # noqa: PLR2004 - what every one of these calls answers
            raise RuntimeError(f"{name} was answered {status}: {body[:500]!r}")
    return calls


async def _rate(peer: Peer, make: Make) -> float:
    """Requests answered per second of the server's processor time."""
    before = _processor_seconds(peer.pid)

    async def keep_asking() -> None:
        for _ in range(REQUESTS // CONNECTIONS):
            await _ask(peer, make())

    await asyncio.gather(*[keep_asking() for _ in range(CONNECTIONS)])
    return REQUESTS / (_processor_seconds(peer.pid) - before)


async def _ask(peer: Peer, asked: Asked) -> tuple[int, bytes]:
    url = URL(peer.url + asked.target, encoded=True)
    async with peer.session.request(asked.method, url, headers=asked.headers, data=asked.body) as answer:
        return answer.status, await answer.read()


class _Recording(oss2.Session):  # type: ignore[misc]  # the vendor's SDK has no types
    """Keeps what oss2 sends, so that it can be sent again: its signatures hold for a quarter of an hour."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Asked] = []

    def do_request(self, request: Any, timeout: float) -> Any:
        target = "/" + request.url.partition("://")[2].partition("/")[2]
        body = request.data if isinstance(request.data, bytes) else b""
        headers = {name: value for name, value in request.headers.items() if value is not None}
        self.sent.append(Asked(request.method, target, headers, body))
        return super().do_request(request, timeout)


def _oss_requests(url: str) -> list[Asked]:
    """A put and a get of 64 KiB as oss2 signs them."""
    session = _Recording()
    auth = oss2.AuthV4(DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, url, BUCKET, region=REGION, session=session, enable_crc=False)
    bucket.put_object("object.bin", os.urandom(SIZE))
    bucket.get_object("object.bin").read()
    session.session.close()
    return session.sent


_nonces = itertools.count()


def _imm(action: str, params: dict[str, str]) -> Asked:
    """An RPC call signed with ACS3-HMAC-SHA256, as the official SDK signs it: parameters in a form."""
    headers = {
        "host": f"imm.{REGION}.aliyuncs.com",
        "x-acs-action": action,
        "x-acs-version": "2020-09-30",
        "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": f"{os.getpid()}-{next(_nonces)}",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
    }
    query = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted(params.items()))
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{headers['x-acs-content-sha256']}"
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(DEFAULT_ACCESS_KEY_SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={DEFAULT_ACCESS_KEY_ID},SignedHeaders={names},Signature={signature}"
    return Asked("POST", f"/?{query}", {**headers, "authorization": f"ACS3-HMAC-SHA256 {credential}"})


@asynccontextmanager
async def _peer(kind: str) -> AsyncIterator[Peer]:
    with _process(kind) as (pid, port):
        async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Content-Type"]) as session:
            yield Peer(pid, f"http://127.0.0.1:{port}", session)


@contextmanager
def _process(kind: str) -> Iterator[tuple[int, int]]:
    command = [sys.executable, "-m", "benchmarks.emulator_server", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            if process.stdout is None:
                raise RuntimeError("the server has no output to read its port from")
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


def _processor_seconds(pid: int) -> float:
    """User and system time of a process, by its own clock (clock_getcpuclockid(3), as Linux numbers it)."""
    return time.clock_gettime((~pid << 3) | 2)

"""The operator beside plain Kopf: a thousand bindings to Ready, what they cost when settled, and five thousand held.

Both run against the same API server program, the same cloud and its documented rate, one after the other.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.plain_kopf import INTERVAL
from benchmarks.scale_world import NAMESPACE, ScaleWorld, names, scale_world
from sandbox.demo.operator import start_operator
from sandbox.demo.services import Service, answers, start

CONVERGING = 1_000
HELD = 5_000
RATE = 80.0  # IMM calls a second that the operator allows itself in a project by default
EDITS = 60
LOOKS = 2  # settled listings that are counted
OURS = "system:serviceaccount:imm-operator:imm-operator"
LIVENESS_PORT = 18_231
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Running:
    """A process under test; `metrics` is its address where it has any."""

    service: Service
    url: str = ""


Start = Callable[[ScaleWorld], Running]


def operator_scale() -> dict[str, Any]:
    """Ratios of the operator to plain Kopf, and to the goals."""
    ours = asyncio.run(_converge(_operator))
    theirs = asyncio.run(_converge(_plain_kopf))
    held = asyncio.run(_hold())
    bound = CONVERGING / RATE
    return {
        "bindings": CONVERGING,
        "seconds_over_bound": round(ours["seconds"] / bound, 2),
        "plain_seconds_over_bound": round(theirs["seconds"] / bound, 2),
        "calls_per_look": ours["calls_per_look"],
        "plain_calls_per_look": theirs["calls_per_look"],
        "fewer_calls": round(theirs["calls_per_look"] / ours["calls_per_look"], 1),
        "kubernetes_writes_per_object": ours["writes_per_object"],
        "kib_per_object": ours["kib_per_object"],
        "plain_kib_per_object": theirs["kib_per_object"],
        **held,
    }


async def _converge(start_one: Start) -> dict[str, float]:
    with scale_world(CONVERGING, bound=False) as world:
        process = start_one(world)
        try:
            idle = _memory(process)
            began = time.perf_counter()
            ready = asyncio.create_task(world.await_ready(CONVERGING, 600))
            await world.apply(names(CONVERGING))
            await ready
            seconds = time.perf_counter() - began
            grown = _memory(process) - idle
            calls = await _calls_per_look(world)
            writes = world.kubernetes_writes(OURS)
        finally:
            process.service.stop()
    return {
        "seconds": seconds,
        "calls_per_look": calls,
        "writes_per_object": round(writes / CONVERGING, 2),
        "kib_per_object": round(grown / CONVERGING / 1024, 1),
    }


async def _calls_per_look(world: ScaleWorld) -> float:
    """IMM calls in the time in which every settled binding is looked at once, the mean of a few."""
    await asyncio.sleep(INTERVAL)  # the last change is seen and settled
    before = world.imm_calls()
    await asyncio.sleep(LOOKS * INTERVAL)
    return round((world.imm_calls() - before) / LOOKS, 1)


async def _hold() -> dict[str, float]:
    with scale_world(HELD, bound=True) as world:
        await world.apply(names(HELD), resyncInterval="1m")
        began = time.perf_counter()
        process = _operator(world)
        try:
            first = await _first_pass(process, began)
            await world.await_ready(HELD, 900)
            held = _memory(process)
            busy = [await world.echo(name, f"busy-{name}") for name in names(EDITS)]
        finally:
            process.service.stop()
    with scale_world(EDITS, bound=True) as world:
        await world.apply(names(EDITS))
        process = _operator(world)
        try:
            await world.await_ready(EDITS, 120)
            idle = [await world.echo(name, f"idle-{name}") for name in names(EDITS)]
        finally:
            process.service.stop()
    return {
        "held": HELD,
        "rss_mib": round(held / 2**20),
        "seconds_to_first_pass": round(first, 1),
        "edit_p99_seconds": round(_p99(busy), 2),
        "edit_p99_seconds_idle": round(_p99(idle), 2),
    }


async def _first_pass(process: Running, began: float) -> float:
    """Seconds from the start of the process to the end of its first pass over a binding."""
    done = re.compile(r'controller_runtime_reconcile_total{controller="datasetbinding",result="\w+"} [1-9]')
    async with aiohttp.ClientSession(process.url) as session:
        while True:
            async with session.get("/metrics") as answer:
                if done.search(await answer.text()):
                    return time.perf_counter() - began
            await asyncio.sleep(0.05)


def _operator(world: ScaleWorld) -> Running:
    looks = {"IMM_OPERATOR_POLL_INTERVAL": "1", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": str(INTERVAL)}
    own = {"IMM_OPERATOR_NAMESPACES": NAMESPACE, **looks}
    started = start_operator(world.cluster, world.directory, world.cloud.url, own)
    return Running(started.service, started.url)


def _plain_kopf(world: ScaleWorld) -> Running:
    environment = {
        "KUBECONFIG": str(world.cluster.kubeconfig),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": world.cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": world.cloud.access_key_secret,
        "EMULATOR_URL": world.cloud.url,
        "REGION": world.cloud.region,
        "LIVENESS": f"http://127.0.0.1:{LIVENESS_PORT}/healthz",
    }
    service = start("plain", ["benchmarks.plain_kopf"], world.directory / "plain.log", environment)
    service.await_ready(lambda: answers(environment["LIVENESS"]), seconds=60)
    return Running(service)


def _memory(process: Running) -> int:
    """Resident bytes of the process under test, which is the only child of its leash."""
    pid = process.service.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(int(Path(f"/proc/{child}/statm").read_text().split()[1]) * PAGE for child in children)


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]

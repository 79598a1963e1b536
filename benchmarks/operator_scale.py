"""The operator beside plain Kopf: a thousand bindings to Ready, what they cost when settled, and five thousand held.

Both run against the same API server program, the same cloud and its documented rate, one after the other.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from benchmarks.plain_kopf import INTERVAL
from benchmarks.processes import pid_of, processor_seconds, resident
from benchmarks.scale_world import NAMESPACE, ScaleWorld, names, scale_world
from sandbox.demo.operator import start_operator
from sandbox.demo.services import Service, answers, start

CONVERGING = 1_000
PATIENCE = 600.0  # seconds for all of them to become Ready; what is not done then is told as a lower bound
HELD = 5_000
ALLOWED = 100.0  # IMM calls a second that the cloud allows in a project
RATE = 90.0  # and that the operator allows itself there by default
SLOW_RATE = 20.0  # one that a small machine, which also runs the cloud and the API server, keeps up with
EDITS = 60
LOOKS = 2  # settled listings that are counted
OURS = "system:serviceaccount:imm-operator:imm-operator"
LIVENESS_PORT = 18_231


@dataclass(frozen=True, slots=True)
class Running:
    """A process under test; `metrics` is its address where it has any."""

    service: Service
    url: str = ""


Start = Callable[[ScaleWorld], Running]


def operator_scale() -> dict[str, Any]:
    """Ratios of the operator to plain Kopf, and to the goals.

    The bound is the time that the project's rate allows one call for each binding in. Where the machine is slower than
    the rate, `processor_seconds` says who kept it busy, and a rate that it keeps up with shows what is the operator's.
    """
    ours = asyncio.run(_converge(partial(_operator, rate=RATE)))
    slowly = asyncio.run(_converge(partial(_operator, rate=SLOW_RATE), looks=False))
    theirs = asyncio.run(_converge(_plain_kopf))
    held = asyncio.run(_hold())
    return {
        "bindings": CONVERGING,
        "load_average": round(os.getloadavg()[2], 1),
        "seconds_over_bound": _over_bound(ours, ALLOWED),
        f"seconds_over_bound_at_{SLOW_RATE:.0f}_per_second": _over_bound(slowly, SLOW_RATE),
        "processors": os.cpu_count(),
        "processor_seconds": ours.processor_seconds,
        "imm_calls_per_binding": ours.imm_calls_per_binding,
        "plain_ready": theirs.ready,
        "plain_seconds_over_bound": _over_bound(theirs, ALLOWED),
        "plain_imm_calls_per_binding": theirs.imm_calls_per_binding,
        "plain_processor_seconds": theirs.processor_seconds,
        "calls_per_look": ours.calls_per_look,
        "plain_calls_per_look": theirs.calls_per_look,
        "fewer_calls": round(theirs.calls_per_look / ours.calls_per_look, 1),
        "kubernetes_writes_per_object": ours.writes_per_object,
        "kib_per_object": ours.kib_per_object,
        "plain_kib_per_object": theirs.kib_per_object,
        **held,
    }


@dataclass(frozen=True, slots=True)
class Converged:
    """How a thousand bindings became Ready. Plain Kopf's writes are the administrator's, and not told apart."""

    seconds: float
    ready: int
    processor_seconds: dict[str, float]
    imm_calls_per_binding: float
    calls_per_look: float
    writes_per_object: float
    kib_per_object: float


def _over_bound(found: Converged, rate: float) -> str:
    ratio = found.seconds / (CONVERGING / rate)
    return f"{ratio:.2f}" if found.ready == CONVERGING else f">= {ratio:.2f}"


async def _converge(start_one: Start, *, looks: bool = True) -> Converged:
    with scale_world(CONVERGING, bound=False) as world:
        process = start_one(world)
        try:
            idle, busy, calls = resident(process.service), _processor_seconds(process, world), world.imm_calls()
            began = time.perf_counter()
            ready = asyncio.create_task(world.count_ready(CONVERGING, PATIENCE))
            await world.apply(names(CONVERGING))
            done = await ready
            seconds = time.perf_counter() - began
            after = _processor_seconds(process, world)
            grown = resident(process.service) - idle
            calls = world.imm_calls() - calls
            per_look = await _calls_per_look(world) if looks else 0.0
            writes = world.kubernetes_writes(OURS)
        finally:
            process.service.stop()
    return Converged(
        seconds=seconds,
        ready=done,
        processor_seconds={who: round(after[who] - busy[who], 1) for who in after},
        imm_calls_per_binding=round(calls / CONVERGING, 2),
        calls_per_look=per_look,
        writes_per_object=round(writes / CONVERGING, 2),
        kib_per_object=round(grown / CONVERGING / 1024, 1),
    )


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
        process = _operator(world, rate=RATE)
        try:
            first = await _first_pass(process, began)
            await world.await_ready(HELD, 900)
            held = resident(process.service)
            busy = [await world.echo(name, f"busy-{name}") for name in names(EDITS)]
        finally:
            process.service.stop()
    with scale_world(EDITS, bound=True) as world:
        await world.apply(names(EDITS))
        process = _operator(world, rate=RATE)
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


def _operator(world: ScaleWorld, *, rate: float) -> Running:
    looks = {"IMM_OPERATOR_POLL_INTERVAL": "1", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": str(INTERVAL)}
    own = {"IMM_OPERATOR_NAMESPACES": NAMESPACE, "IMM_OPERATOR_IMM_RATE": str(rate), **looks}
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


def _processor_seconds(process: Running, world: ScaleWorld) -> dict[str, float]:
    """Processor time so far of everybody who takes part; the local cloud is a thread of this process."""
    cloud = next(one for one in threading.enumerate() if one.name == "emulator")
    return {
        "under_test": processor_seconds(pid_of(process.service)),
        "api_server": processor_seconds(world.cluster.pid or 0),
        "local_cloud": time.clock_gettime(time.pthread_getcpuclockid(cloud.ident or 0)),
        "watching": time.thread_time(),
    }


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]

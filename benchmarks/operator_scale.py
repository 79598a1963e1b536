"""The operator beside plain Kopf: a thousand bindings to Ready, what they cost when settled, and five thousand held.

Both run against the same API server program, the same cloud and its documented rate, one after the other.

A look at each of five thousand objects every `INTERVAL` takes 333 calls a second, and a project is allowed 100: plain
Kopf would only ever be throttled. Held, it therefore looks once a minute, which is 83 calls a second; the operator has
the same minute as its `resyncInterval`, and still lists what is in the cloud every `INTERVAL`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import threading
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks.processes import pid_of, processor_seconds, resident
from benchmarks.programs import INTERVAL, Program, Start, operator, plain_kopf
from benchmarks.scale_world import ECHO_PATIENCE, ScaleWorld, names, scale_world

CONVERGING = 1_000
PATIENCE = 600.0  # seconds for all of them to become Ready; what is not done then is told as a lower bound
HELD = 5_000
RESYNC = 60.0  # seconds between two looks at one of those held
ALLOWED = 100.0  # IMM calls a second that the cloud allows in a project
RATE = 90.0  # and that the operator allows itself there by default
SLOW_RATE = 20.0  # one that a small machine, which also runs the cloud and the API server, keeps up with
EDITS = 120  # spread over a whole resync, begun whether or not those before are answered
LOOKS = 2  # settled listings that are counted


def operator_scale() -> dict[str, Any]:
    """Ratios of the operator to plain Kopf, and to the goals.

    The bound is the time that the project's rate allows one call for each binding in. Where the machine is slower than
    the rate, `processor_seconds` says who kept it busy, and a rate that it keeps up with shows what is the operator's.
    """
    ours = asyncio.run(_converge(partial(operator, rate=RATE)))
    slowly = asyncio.run(_converge(partial(operator, rate=SLOW_RATE), looks=False))
    theirs = asyncio.run(_converge(partial(plain_kopf, interval=INTERVAL)))
    held = asyncio.run(_hold(partial(operator, rate=RATE)))
    theirs_held = asyncio.run(_hold(partial(plain_kopf, interval=RESYNC)))
    return {
        "bindings": CONVERGING,
        "held": HELD,
        "load_average": round(os.getloadavg()[2], 1),
        "processors": os.cpu_count(),
        "seconds_over_bound": _over_bound(ours, ALLOWED),
        f"seconds_over_bound_at_{SLOW_RATE:.0f}_per_second": _over_bound(slowly, SLOW_RATE),
        "plain_seconds_over_bound": _over_bound(theirs, ALLOWED),
        "fewer_calls": round(theirs.calls_per_look / ours.calls_per_look, 1),
        **asdict(ours),
        **asdict(held),
        **{f"plain_{name}": figure for name, figure in (asdict(theirs) | asdict(theirs_held)).items()},
    }


@dataclass(frozen=True, slots=True)
class Converged:
    """How a thousand bindings became Ready."""

    seconds: float
    ready: int
    processor_seconds: dict[str, float]
    imm_calls_per_binding: float
    calls_per_look: float
    kubernetes_writes_per_object: float
    kib_per_object: float


@dataclass(frozen=True, slots=True)
class Held:
    """How five thousand that were there before were found, and what holding them takes.

    Attributes:
        held_seconds: From the start of the process until so many were Ready.
        edit_p99_seconds: From asking for a look to its echo, while all are looked at once in `RESYNC`.
        edit_p99_seconds_idle: The same with few objects.
    """

    held_ready: int
    held_seconds: float
    rss_mib: int
    seconds_to_first_pass: float
    edit_p99_seconds: float | str
    edit_p99_seconds_idle: float | str


def _over_bound(found: Converged, rate: float) -> str:
    ratio = found.seconds / (CONVERGING / rate)
    return f"{ratio:.2f}" if found.ready == CONVERGING else f">= {ratio:.2f}"


async def _converge(start: Start, *, looks: bool = True) -> Converged:
    with scale_world(CONVERGING, bound=False) as world:
        program = start(world)
        try:
            idle, busy, calls = resident(program.service), _processor_seconds(program, world), world.imm_calls()
            began = time.perf_counter()
            ready = asyncio.create_task(world.count_ready(CONVERGING, PATIENCE))
            await world.apply(names(CONVERGING))
            done = await ready
            seconds = time.perf_counter() - began
            after = _processor_seconds(program, world)
            grown = resident(program.service) - idle
            calls = world.imm_calls() - calls
            per_look = await _calls_per_look(world) if looks else 0.0
            writes = world.kubernetes_writes(program.user)
        finally:
            program.service.stop()
    return Converged(
        seconds=round(seconds, 1),
        ready=done,
        processor_seconds={who: round(after[who] - busy[who], 1) for who in after},
        imm_calls_per_binding=round(calls / CONVERGING, 2),
        calls_per_look=per_look,
        kubernetes_writes_per_object=round(writes / CONVERGING, 2),
        kib_per_object=round(grown / CONVERGING / 1024, 1),
    )


async def _calls_per_look(world: ScaleWorld) -> float:
    """IMM calls in the time in which every settled binding is looked at once, the mean of a few."""
    await asyncio.sleep(INTERVAL)  # the last change is seen and settled
    before = world.imm_calls()
    await asyncio.sleep(LOOKS * INTERVAL)
    return round((world.imm_calls() - before) / LOOKS, 1)


async def _hold(start: Start) -> Held:
    with scale_world(HELD, bound=True) as world:
        await world.apply(names(HELD), resyncInterval=f"{RESYNC:.0f}s")
        began = time.perf_counter()
        program = start(world)
        try:
            first = program.seconds_to_first_pass()
            ready = await world.count_ready(HELD, PATIENCE)
            seconds = time.perf_counter() - began
            await asyncio.sleep(RESYNC)  # what is left of the start is done, and what goes on is the resync
            held = resident(program.service)
            busy = await _edits(world)
        finally:
            program.service.stop()
    return Held(
        held_ready=ready,
        held_seconds=round(seconds, 1),
        rss_mib=round(held / 2**20),
        seconds_to_first_pass=round(first, 1),
        edit_p99_seconds=_p99(busy),
        edit_p99_seconds_idle=_p99(await _idle_edits(start)),
    )


async def _idle_edits(start: Start) -> list[float]:
    with scale_world(EDITS, bound=True) as world:
        await world.apply(names(EDITS))
        program = start(world)
        try:
            await world.count_ready(EDITS, PATIENCE)
            return await _edits(world)
        finally:
            program.service.stop()


async def _edits(world: ScaleWorld) -> list[float]:
    async with asyncio.TaskGroup() as group:
        edits = []
        for name in names(EDITS):
            edits.append(group.create_task(world.echo(name, f"asked-{name}")))
            await asyncio.sleep(RESYNC / EDITS)
    return [edit.result() for edit in edits]


def _p99(seconds: list[float]) -> float | str:
    found = round(statistics.quantiles(seconds, n=100, method="inclusive")[98], 2)
    return found if found < ECHO_PATIENCE else f">= {found}"


def _processor_seconds(program: Program, world: ScaleWorld) -> dict[str, float]:
    """Processor time so far of everybody who takes part; the local cloud is a thread of this process."""
    cloud = next(one for one in threading.enumerate() if one.name == "emulator")
    return {
        "under_test": processor_seconds(pid_of(program.service)),
        "api_server": processor_seconds(world.cluster.pid or 0),
        "local_cloud": time.clock_gettime(time.pthread_getcpuclockid(cloud.ident or 0)),
        "watching": time.thread_time(),
    }

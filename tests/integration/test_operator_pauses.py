"""A leader that is paused at each point of a submit, replaced, and woken: exactly one effect, and it stands down.

The points are met from outside: a slow answer of OSS holds a pass before its intent, a low rate holds it in the limiter
behind its intent, a slow answer of IMM holds the call in flight, behind the fence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.replicas import CALL, LEASE, RETRY, has_ended, leads, log_of, pause, replica_of, wake
from tests.integration.world import PROJECT, World

pytestmark = pytest.mark.e2e  # a lease and a half for each point

SLACK = 20  # seconds: the machine is shared
# A second look-up 20 s after the first, which a new leader makes at once; then the submit.
CONFIRMED = 20
SUBMITTED = CALL + CONFIRMED + SLACK + 20


@dataclass(frozen=True)
class Point:
    """Where the leader is paused, and when it is woken: while its successor still waits, or when that has submitted."""

    fault: dict[str, Any] | None
    reached: Callable[[World], bool]
    woken_late: bool
    settings: dict[str, str] = field(default_factory=dict)


def intent_stands(world: World) -> bool:
    """The submit's intent is in the cluster."""
    return "intent" in (world.get("datasetbinding", "paused") or {}).get("status", {})


def fault_struck(world: World) -> bool:
    """The one request that the fault is for has arrived at the cloud."""
    rules = world.cloud.run(lambda instance: instance.faults.describe())
    return all(rule["left"] == 0 for rule in rules)


def creates(world: World, bucket: str) -> list[tuple[object, object]]:
    """The calls of CreateBinding for a bucket so far, refused ones included: when, and with which code."""
    calls = world.cloud.requests("imm", "CreateBinding")
    return [(call["time"], call["code"]) for call in calls if bucket in str(call["params"])]


OSS_HOLDS = {"service": "oss", "operation": "GetBucketInfo", "when": "before", "latency": 6.0, "times": 1}
IMM_HOLDS = {"service": "imm", "operation": "CreateBinding", "when": "before", "latency": 8.0, "times": 1}
IMM_ANSWERS_LATE = IMM_HOLDS | {"when": "after"}
POINTS = {
    "before the intent": Point(OSS_HOLDS, fault_struck, woken_late=True),
    "in the limiter": Point(None, intent_stands, woken_late=False, settings={"IMM_OPERATOR_IMM_RATE": "0.3"}),
    "in flight": Point(IMM_HOLDS, lambda world: intent_stands(world) and fault_struck(world), woken_late=False),
    "the answer on its way": Point(
        IMM_ANSWERS_LATE, lambda world: intent_stands(world) and fault_struck(world), woken_late=True
    ),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", POINTS)
def test_a_paused_leader_wakes_and_stands_down(world: World, tmp_path: Path, name: str) -> None:
    """Whatever it was about to do, the one that followed has done it, once."""
    point = POINTS[name]
    world.stop()
    world.cloud.fault()
    bucket = f"paused-{list(POINTS).index(name)}"
    world.bucket(bucket)
    leader = replica_of(world, tmp_path / "leader")
    leader.settings = world.settings | point.settings | {"IMM_OPERATOR_POLL_INTERVAL": "30"}
    standby = replica_of(world, tmp_path / "standby")
    leader.start()
    try:
        leader.until("the first to lead", lambda: leads(leader), LEASE + RETRY + SLACK)
        leader.dataset("pauses")
        leader.await_ready("dataset", "pauses", seconds=60)
        standby.start()
        if point.fault is not None:
            leader.cloud.fault(point.fault)
        leader.binding("paused", bucket, "pauses")
        leader.until(f"the pass to be {name}", lambda: point.reached(leader), 40)
        pause(leader)
        standby.until("the standby to lead", lambda: leads(standby), LEASE + RETRY * 1.2 + SLACK)
        if point.woken_late:
            standby.until("the binding to be made", lambda: bool(creates(standby, bucket)), SUBMITTED)
        wake(leader)
        leader.until("the woken one to end", lambda: has_ended(leader), RETRY + CALL + SLACK)
        assert "lost the lease" in log_of(leader)
        standby.await_ready("datasetbinding", "paused", seconds=SUBMITTED)
        assert leads(standby)
        assert 1 == [binding.bucket for binding in standby.imm.list_bindings(PROJECT)].count(bucket)
        assert 1 == len(creates(standby, bucket)), creates(standby, bucket)
        if point.fault not in (IMM_HOLDS, IMM_ANSWERS_LATE):
            assert re.search(rf"bind oss://{bucket} .*\[request id", log_of(leader)) is None
    finally:
        wake(leader) if not has_ended(leader) else None
        leader.stop()
        standby.delete("datasetbinding", "paused")
        standby.await_gone("datasetbinding", "paused", seconds=40)
        standby.stop()

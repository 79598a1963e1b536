"""What one pass of the reconcile works with, put together by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.cloud.clouds import Clouds
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane
from controller.core.durations import seconds
from controller.reconcile.ports import Cluster, Objects
from controller.reconcile.report import Reporter
from controller.reconcile.scans import Scans
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots


@dataclass(frozen=True, slots=True)
class Context:
    """Ports and shared memory, the clock, and the lane this pass runs in."""

    clouds: Clouds
    objects: Objects
    cluster: Cluster
    reporter: Reporter
    sessions: Sessions
    snapshots: BindingSnapshots
    now: Callable[[], datetime]
    lane: Lane
    fence: Fence = unfenced
    scans: Scans = field(default_factory=Scans)
    orphan_after: timedelta = timedelta(days=1)


# Looking more often than this helps nobody and costs calls, whatever a spec says.
SHORTEST_RESYNC = 10.0


def resync_after(interval: str) -> float:
    """Seconds until the next look of its own accord, from `spec.resyncInterval`."""
    return max(SHORTEST_RESYNC, seconds(interval))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the work queue does with the object next.

    Attributes:
        look_again: Seconds until the next pass; None leaves the object alone until something wakes it.
        failed: The pass did not get through: back off, more each time.
        gone: The object was released; forget it.
    """

    look_again: float | None = None
    failed: bool = False
    gone: bool = False

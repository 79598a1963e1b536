"""What one pass of the reconcile works with, put together by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.cloud.clouds import Clouds
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane
from controller.core.durations import seconds
from controller.reconcile.elsewhere import Elsewhere
from controller.reconcile.imports.allowances import Allowances
from controller.reconcile.imports.boards import Boards
from controller.reconcile.imports.resolutions import Resolutions
from controller.reconcile.imports.runs import Runs
from controller.reconcile.imports.turns import Turns
from controller.reconcile.ports import Cluster, Objects
from controller.reconcile.report import Reporter
from controller.reconcile.scans import Scans
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots

IMPORT_WORKERS = 16  # chunks of one run that are on their way at the same time


@dataclass(frozen=True, slots=True)
class Context:
    """Ports and shared memory, the clock, and the lane this pass runs in.

    Attributes:
        runs: The imports' runs that are loaded.
        resolutions: What the imports' sources led to.
        allowances: How long a request to each endpoint may be.
        import_workers: How many chunks of one run may be on their way at once: so many are sent twice after a crash.
        chunk_calls: The threads those calls are made in.
        boards: What runs at the instances of Image Search.
        turns: Which import is next at each of them.
        callback_url: The operator's address for callbacks; None without one.
        elsewhere: Which other shards' objects are referred to.
    """

    clouds: Clouds
    objects: Objects
    cluster: Cluster
    reporter: Reporter
    sessions: Sessions
    snapshots: BindingSnapshots
    now: Callable[[], datetime]
    lane: Lane
    chunk_calls: Executor
    fence: Fence = unfenced
    scans: Scans = field(default_factory=Scans)
    orphan_after: timedelta = timedelta(days=1)
    runs: Runs = field(default_factory=Runs)
    resolutions: Resolutions = field(default_factory=Resolutions)
    allowances: Allowances = field(default_factory=Allowances)
    import_workers: int = IMPORT_WORKERS
    boards: Boards = field(default_factory=Boards)
    turns: Turns = field(default_factory=Turns)
    callback_url: str | None = None
    elsewhere: Elsewhere = field(default_factory=Elsewhere)


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

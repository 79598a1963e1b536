"""What the tests of whole passes share: failing calls, a settled binding, the poller's part."""

from __future__ import annotations

from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import Fate, World

PLACE = ("media", "pictures", "photos")


def failing(world: World, operation: str, error: BaseException, *, effect: bool = False, times: int = 1) -> None:
    """Have the next calls of an operation fail."""
    left = iter(range(times))

    def fate(called: str) -> Fate:
        hit = called == operation and next(left, None) is not None
        return Fate(effect=effect, raises=error) if hit else Fate()

    world.cloud.fate = fate


def settle(world: World, key: Key) -> None:
    """Run passes until the binding is scanned and its object settled."""
    world.run(key)
    world.cloud.set_state("photos", "Running", "IncrementalScanning")
    world.clock.advance(31)
    poll(world)
    world.run(key)
    world.cluster.writes.clear()
    world.cluster.events.clear()
    world.cloud.calls.clear()


def poll(world: World) -> None:
    """What the project's poller does."""
    for scope in world.context.snapshots.scopes():
        world.context.snapshots.refresh(scope)

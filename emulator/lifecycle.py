"""What moves by itself as time passes, brought up to the clock's now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imagesearch import batch_work as imagesearch
from emulator.imm import lifecycle as imm
from emulator.oss import lifecycle as oss

if TYPE_CHECKING:
    from emulator.state import Cloud

_MOST_ROUNDS = 10_000


def step(cloud: Cloud) -> bool:
    """One bounded step, after which the event loop may answer requests again; True if anything changed."""
    expired = oss.advance(cloud)
    worked_off = imagesearch.advance(cloud)
    return imm.advance(cloud) or worked_off or expired


def settle(cloud: Cloud) -> bool:
    """Advance until nothing changes any more; True if anything did.

    Raises:
        RuntimeError: The lifecycle never comes to rest, which is a bug in it.
    """
    for round_ in range(_MOST_ROUNDS):
        if not step(cloud):
            return round_ > 0
    raise RuntimeError(f"the lifecycle still changes after {_MOST_ROUNDS} rounds at {cloud.clock.now()}")

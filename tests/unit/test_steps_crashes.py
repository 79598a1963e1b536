"""Law 4 through the whole pass: crashes, lost answers and late effects at every port call, and one effect in the end.

A script of mishaps is drawn; each port call takes the next. A crash ends the process: the next pass starts in a new one
that remembers nothing. When the script is used up the weather is fair and the object must become Ready.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cloud.errors import Throttled, TimedOut, Unavailable
from controller.reconcile.kinds import Key
from controller.reconcile.ports import StaleObject
from tests.unit.operator_doubles import Crash, Fate, World

READS = ("list_bindings", "get_bucket", "get_dataset", "get_caller", "get_project")
MISHAPS = [
    "fine",
    "fine",
    "crash-before",
    "crash-after",
    "lost-without-effect",
    "lost-with-effect",
    "lost-and-late",
    "crash-and-late",
    "throttled",
    "unavailable",
]
script_of = st.lists(st.sampled_from(MISHAPS), min_size=10, max_size=40)


LOST = TimedOut("imm:X", "lost")
# What a mishap does to a cloud call. A time-out is known after 15 s at most, and a late effect comes by then.
FATES = {
    "crash-before": Fate(effect=False, raises=Crash()),
    "crash-after": Fate(raises=Crash()),
    "crash-and-late": Fate(delay=14.9, raises=Crash()),
    "lost-without-effect": Fate(effect=False, raises=LOST, took=15),
    "lost-with-effect": Fate(raises=LOST, took=1),
    "lost-and-late": Fate(delay=14.9, raises=LOST, took=0.1),
    "throttled": Fate(effect=False, raises=Throttled("imm:X", "slow down")),
    "unavailable": Fate(effect=False, raises=Unavailable("imm:X", "refused")),
    "fine": Fate(),
}


class Weather:
    """Takes the script apart, call by call; reads are only crashed on, as nothing else about them matters here."""

    def __init__(self, script: list[str]) -> None:
        self._script = deque(script)

    @property
    def fair(self) -> bool:
        """Whether all mishaps have happened."""
        return not self._script

    def of_cloud(self, operation: str) -> Fate:
        """The next cloud call's fate."""
        mishap = self._script.popleft() if self._script else "fine"
        return Fate() if operation in READS and mishap != "crash-before" else FATES[mishap]

    def before_write(self, _what: str) -> None:
        """A Kubernetes write that does not happen."""
        mishap = self._script.popleft() if self._script else "fine"
        if mishap == "crash-before":
            raise Crash
        if mishap == "throttled":
            raise StaleObject("edited meanwhile")
        if mishap == "unavailable":
            raise TimeoutError

    def after_write(self, _what: str) -> None:
        """A Kubernetes write whose answer nobody hears."""
        mishap = self._script.popleft() if self._script else "fine"
        if mishap == "crash-after":
            raise Crash
        if mishap == "lost-with-effect":
            raise TimeoutError


def live(world: World, key: Key, weather: Weather, pause: float) -> timedelta:
    """Run passes through the weather until Ready; how long that took from the last mishap on."""
    cleared = world.clock()
    for _ in range(1500):
        try:
            world.run(world.account)
            world.run(key)
            for scope in world.context.snapshots.scopes():
                world.context.snapshots.refresh(scope)
        except Crash:
            world.restart()
        except (StaleObject, TimeoutError, Throttled, TimedOut, Unavailable):
            pass
        if not weather.fair:
            cleared = world.clock()
        if world.condition(key) == ("True", "Succeeded"):
            return world.clock() - cleared
        world.clock.advance(pause)
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
    raise AssertionError(f"not Ready: {world.condition(key)} {world.cluster.read(key).status}")


@pytest.mark.parametrize("kind", ["binding", "dataset"])
@settings(max_examples=300, deadline=None)
@given(script=script_of, pause=st.sampled_from([0.5, 1.0, 7.0, 21.0]))
def test_whatever_happens_there_is_one_effect_and_it_is_not_called_adopted(
    kind: str, script: list[str], pause: float
) -> None:
    """Never two creates take effect, not even one that the cloud has to refuse; then two spaced looks do."""
    world, weather = World(), Weather(script)
    key = world.binding() if kind == "binding" else world.dataset()
    world.cloud.fate = weather.of_cloud
    world.cluster.before_write, world.cluster.after_write = weather.before_write, weather.after_write
    took = live(world, key, weather, pause)
    world.clock.advance(60)
    world.cloud.arrive()
    assert ["bind photos" if kind == "binding" else "create media/pictures"] == world.cloud.effects
    assert took < timedelta(seconds=110)
    status = world.cluster.read(key).status
    assert (False, None) == (status.adopted, status.intent)

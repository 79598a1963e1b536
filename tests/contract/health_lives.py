"""Lives of objects run by the operator's own passes against clouds and clusters in memory, every stored form kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from controller.api.fields import API_VERSION
from controller.cloud.errors import CloudError, Denied
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import World
from tests.unit.steps_room import failing, poll

Body = dict[str, Any]


class Recorded(World):
    """A world that keeps every form an object was ever stored in."""

    def __post_init__(self) -> None:
        self.bodies: list[Body] = []
        super().__post_init__()
        self.cluster.after_write = lambda _what: self.keep()

    def keep(self) -> None:
        """Take down what is stored now."""
        self.bodies += [copy.deepcopy(self.stored(key)) for key in self.cluster.bodies]

    def stored(self, key: Key) -> Body:
        """An object as the API server would give it."""
        return {"apiVersion": API_VERSION} | self.cluster.bodies[key]

    def look(self, key: Key) -> None:
        """Keep what a person just changed, then a pass, as the process makes it: a failed call only backs off."""
        self.keep()
        try:
            self.run(key)
        except CloudError as error:
            raise AssertionError("a pass reports what the cloud refuses") from error


def bodies_of_lives() -> list[Body]:
    """What all of them stored."""
    return [body for life in LIVES for body in _recorded(life).bodies]


def _recorded(life: Callable[[Recorded], None]) -> Recorded:
    world = Recorded()
    life(world)
    world.keep()
    return world


def indexed(world: Recorded) -> Key:
    """A binding from its manifest to Ready."""
    key = world.binding()
    world.look(key)
    world.look(world.account)
    world.look(key)
    world.cloud.set_state("photos", "Running", "FullScanning")
    world.clock.advance(31)
    poll(world)
    world.look(key)
    world.cloud.set_state("photos", "Running", "IncrementalScanning")
    world.clock.advance(31)
    poll(world)
    world.look(key)
    return key


def binding_suspended_and_resumed(world: Recorded) -> None:
    """While Ready; then for ever."""
    key = indexed(world)
    for suspend in (True, False, True):
        world.binding(suspend=suspend)
        world.look(key)


def binding_suspended_from_the_start(world: Recorded) -> None:
    """Nothing is known of it but that it waits."""
    world.look(world.account)
    key = world.binding(suspend=True)
    world.look(key)
    world.binding(suspend=False)
    world.look(key)


def binding_in_trouble(world: Recorded) -> None:
    """Failed, stopped, an unknown state, gone."""
    key = indexed(world)
    for state in ("Failed", "Stopped", "Sleeping"):
        world.cloud.set_state("photos", state)
        world.clock.advance(60)
        poll(world)
        world.look(key)
    world.cloud.bindings.clear()
    world.clock.advance(600)
    poll(world)
    world.look(key)


def binding_only_planned(world: Recorded) -> None:
    """Modes that write nothing."""
    world.look(world.account)
    for mode in ("DryRun", "Observe", "Apply"):
        world.look(world.binding(mode=mode))


def dataset_updated(world: Recorded) -> None:
    """Made, changed, refused."""
    world.look(world.account)
    key = world.dataset()
    world.look(key)
    world.dataset(description="holidays")
    world.look(key)
    failing(world, "get_dataset", Denied("imm:GetDataset", "no", code="Forbidden", request_id="r"))
    world.clock.advance(600)
    world.look(key)


def deleted_with_a_grace_period(world: Recorded) -> None:
    """It waits; then nobody can sign in any more."""
    key = indexed(world)
    world.binding(deletionPolicy="Delete")
    world.look(key)
    world.cluster.full = True  # no stand-in: it waits by itself
    world.delete(key)
    world.cluster.mark(key, generation=world.cluster.bodies[key]["metadata"]["generation"] + 1)
    world.look(key)
    world.cluster.secrets.clear()
    world.restart()
    world.look(world.account)
    world.clock.advance(3600)
    world.look(key)


def account_without_its_secret(world: Recorded) -> None:
    """It is mended, and edited."""
    kept = dict(world.cluster.secrets)
    world.cluster.secrets.clear()
    world.look(world.account)
    world.cluster.secrets.update(kept)
    world.look(world.account)
    spec = world.cluster.bodies[world.account]["spec"]
    world.cluster.put("CloudAccount", "account", spec | {"resyncInterval": "1h"})
    world.look(world.account)


LIVES = (
    binding_suspended_and_resumed,
    binding_suspended_from_the_start,
    binding_in_trouble,
    binding_only_planned,
    dataset_updated,
    deleted_with_a_grace_period,
    account_without_its_secret,
)

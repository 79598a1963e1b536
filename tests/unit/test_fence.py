"""What a pass does at the fence: no intent and no call past it, and no word against the new leader's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from controller.api.datasetbinding import DatasetBinding
from controller.cloud.errors import NotLeading
from controller.core.reasons import Reason
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import World

SHUT = 1_000_000


@dataclass
class Gate:
    """A fence that a test shuts, at once or after so many operations."""

    opens_in: float | None = None
    after: int = SHUT
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def __call__(self, operation: str) -> Iterator[None]:
        """`controller.cloud.fence.Fence`."""
        self.asked.append(operation)
        if len(self.asked) > self.after:
            raise NotLeading(operation, "not now", opens_in=self.opens_in)
        yield


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in."""
    made = World()
    made.sign_in()
    return made


def guard(world: World, gate: Gate) -> None:
    """Have the world's passes meet this fence, at their intents and at the cloud's door."""
    world.context = replace(world.context, fence=gate)

    def fate(operation: str) -> object:
        with gate(operation) if operation.startswith(("create", "update", "delete")) else _open():
            return plain(operation)

    plain = world.cloud.fate
    world.cloud.fate = fate  # type: ignore[assignment]  # what it returns is a Fate


@contextmanager
def _open() -> Iterator[None]:
    yield


def status_of(world: World, key: Key) -> DatasetBinding:
    """The binding as stored."""
    found = world.cluster.get(DatasetBinding, key.namespace, key.name)
    assert found is not None
    return found


def test_the_intent_and_the_submit_both_ask(world: World) -> None:
    """In this order."""
    gate = Gate()
    guard(world, gate)
    world.run(world.binding())
    assert ["CreateBinding", "create_binding"] == gate.asked


def test_a_leader_that_was_replaced_before_its_intent_writes_nothing(world: World) -> None:
    """No intent, no status, no call."""
    guard(world, Gate(after=0))
    key = world.binding()
    outcome = world.run(key)
    assert ["hold"] == world.cluster.writes
    assert [] == [call for call in world.cloud.calls if call.startswith("create")]
    assert (None, False) == (outcome.look_again, outcome.failed)


def test_a_leader_that_was_replaced_behind_its_intent_makes_no_call_and_writes_nothing_more(world: World) -> None:
    """The intent stays for the new leader, which looks twice."""
    guard(world, Gate(after=1))
    key = world.binding()
    world.run(key)
    assert ["hold", "status"] == world.cluster.writes
    assert [] == world.cloud.effects
    assert status_of(world, key).status.intent is not None


def test_a_new_leader_says_that_it_waits_and_looks_again_when_it_may(world: World) -> None:
    """One status, without an intent, and no back-off: the moment is known."""
    guard(world, Gate(after=0, opens_in=12.5))
    key = world.binding()
    outcome = world.run(key)
    again = world.run(key)
    assert ["hold", "status"] == world.cluster.writes
    assert (12.5, 12.5) == (outcome.look_again, again.look_again)
    written = status_of(world, key).status
    assert written.intent is None
    assert Reason.FAILOVER == next(c.reason for c in written.conditions if c.type == "Ready")


def test_a_submit_that_is_turned_away_for_a_moment_settles_its_intent(world: World) -> None:
    """Nothing was sent, so nothing has to be looked for: the next pass goes straight on."""
    gate = Gate(after=1, opens_in=2.0)
    guard(world, gate)
    key = world.binding()
    world.run(key)
    assert status_of(world, key).status.intent is None
    gate.after = SHUT
    world.run(key)
    assert 1 == len(world.cloud.effects)

"""What RAM denied, as an account's condition: from the objects that met it, until they get through."""

from __future__ import annotations

import pytest

from controller.cloud.errors import Denied
from controller.core.facts import Caller
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import ACCOUNT, Fate, World, secret

NO = Denied("imm:GetDataset", "You are not authorized", code="NoPermission", request_id="REQ-1")


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in."""
    made = World()
    made.sign_in()
    return made


def denied(world: World, *names: str) -> list[Key]:
    """Datasets whose look-up RAM denies."""
    world.cloud.fate = lambda op: Fate(effect=op != "get_dataset", raises=NO if op == "get_dataset" else None)
    keys = [world.dataset(name) for name in names]
    for key in keys:
        world.run(key)
    return keys


def permitted(world: World) -> str:
    """The message of Permitted=False, or nothing."""
    world.run(world.account)
    found = [c for c in world.cluster.read(world.account).status.conditions if c.type == "Permitted"]
    assert all(c.status == "False" and c.reason == "AccessDenied" for c in found)
    return found[0].message if found else ""


def test_the_message_names_principal_action_and_object(world: World) -> None:
    """In the object's own condition and on the account; the request id is in the event alone."""
    (key,) = denied(world, "pictures")
    assert {("team", "account"): 0.0} == world.context.sessions.take_wakes()
    principal = f"acs:ram::{ACCOUNT}:user/operator"
    said = world.cluster.read(key).status.conditions[0].message
    for text in (said, permitted(world)):
        assert "imm:GetDataset" in text
        assert principal in text
        assert "REQ-1" not in text
    assert "imm:GetDataset for Dataset pictures" in permitted(world)
    assert ["[request id REQ-1]" in message for _, message in world.cluster.events] == [True]


def test_it_lasts_until_each_of_them_got_through(world: World) -> None:
    """One write for each change, none while it stays the same."""
    one, other = denied(world, "one", "other")
    assert "Dataset one and 1 more" in permitted(world)
    world.cluster.writes.clear()
    permitted(world)
    world.run(one)
    permitted(world)
    assert [] == world.cluster.writes
    world.cloud.fate = lambda _op: Fate()
    world.run(one)
    assert "Dataset other" in permitted(world)
    world.run(other)
    assert "" == permitted(world)


def test_an_object_that_is_gone_takes_its_denial_along(world: World) -> None:
    """It can never get through any more."""
    (key,) = denied(world, "pictures")
    assert "" != permitted(world)
    del world.cluster.bodies[key]
    assert "" == permitted(world)


def test_somebody_else_starts_without_it(world: World) -> None:
    """Another user has other rights."""
    denied(world, "pictures")
    assert "" != permitted(world)
    world.cloud.caller = Caller(ACCOUNT, f"acs:ram::{ACCOUNT}:user/another", is_root=False)
    world.cluster.secrets["team", "key"] = secret("LTAI-two", "other")
    assert "" == permitted(world)


def test_a_restart_keeps_it_until_the_objects_were_looked_at(world: World) -> None:
    """A new process has met nothing yet, which is no permission."""
    (key,) = denied(world, "pictures")
    before = permitted(world)
    world.restart()
    assert before == permitted(world)
    world.run(key)
    assert before == permitted(world)


def test_waiting_for_another_object_is_no_success(world: World) -> None:
    """The call that was denied was not made."""
    (key,) = denied(world, "pictures")
    del world.cluster.bodies[world.account]
    world.run(key)
    kept = world.context.sessions.denials.keep(("team", "account"), lambda _who: True)
    assert 1 == len(kept)

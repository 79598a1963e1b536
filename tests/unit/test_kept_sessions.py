"""Credentials that outlive their Secret or account: for whom, and for how long."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from controller.api.datasetbinding import DatasetBinding
from controller.cloud.errors import BadCredentials
from controller.reconcile.denials import Denial
from controller.reconcile.sessions import Session, Sessions, fingerprint
from controller.runtime.poller import Poller
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store, parse
from tests.unit.operator_doubles import SECRET_KEY, START, Clock, World

ACCOUNT = "team", "account"


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in."""
    made = World()
    made.sign_in()
    return made


@pytest.fixture
def session(world: World) -> Session:
    """What it signed in with."""
    found = world.context.sessions.get(*ACCOUNT)
    assert found is not None
    return found


def test_only_what_leaves_is_served(session: Session) -> None:
    """Whoever takes a Secret away takes it from everything that goes on."""
    sessions = Sessions()
    sessions.put(*ACCOUNT, session)
    sessions.drop(*ACCOUNT)
    assert (None, session) == (sessions.get(*ACCOUNT), sessions.get(*ACCOUNT, leaving=True))
    assert sessions.get("others", "account", leaving=True) is None


def test_a_new_sign_in_replaces_them(session: Session) -> None:
    """The account has credentials again, and those serve everybody."""
    sessions, newer = Sessions(), replace(session, signed_in_at=START)
    sessions.put(*ACCOUNT, session)
    sessions.drop(*ACCOUNT)
    sessions.put(*ACCOUNT, newer)
    assert newer is sessions.get(*ACCOUNT, leaving=True)


@pytest.mark.parametrize("how", ["at-work", "at-the-sign-in"])
def test_refused_ones_serve_nobody(session: Session, how: str) -> None:
    """They are worth nothing any more."""
    sessions, error = Sessions(), BadCredentials("imm:ListBindings", "the key is gone", code="InvalidAccessKeyId")
    sessions.put(*ACCOUNT, session)
    sessions.drop(*ACCOUNT)
    if how == "at-work":
        sessions.suspect(*ACCOUNT, error, START)
    else:
        sessions.refuse(*ACCOUNT, "another key", error, START)
    assert sessions.get(*ACCOUNT, leaving=True) is None


class Room:
    """A poller over a store that has an account and a binding which refers to it."""

    def __init__(self, world: World, pool: Executor) -> None:
        self.store, self.sessions, self.binding = Store(Clock()), Sessions(), world.binding()
        for key in (world.account, self.binding):
            self.store.put(read(world.cluster.bodies[key]))
        self.poller = Poller(
            store=self.store,
            queue=WorkQueue(),
            sessions=self.sessions,
            snapshots=world.context.snapshots,
            clouds=world.cloud,
            now=world.clock,
            pool=pool,
            settings=Settings(),
        )


async def test_they_go_with_the_last_object_that_refers_to_the_account(world: World, session: Session) -> None:
    """The account goes, its binding goes, and the next poll forgets both sessions."""
    with ThreadPoolExecutor(1) as pool:
        room = Room(world, pool)
        room.sessions.put(*ACCOUNT, session)
        room.sessions.drop(*ACCOUNT)
        for gone, kept in ((None, True), (world.account, True), (room.binding, False)):
            if gone is not None:
                room.store.remove(gone)
            await room.poller.poll()
            assert kept == (room.sessions.get(*ACCOUNT, leaving=True) is not None)


async def test_nothing_of_an_account_outlives_what_needs_it(world: World, session: Session) -> None:
    """Neither what was refused, nor what was suspected or denied: a namespace that comes again starts afresh."""
    error = BadCredentials("imm:ListBindings", "the key is gone", code="InvalidAccessKeyId")
    with ThreadPoolExecutor(1) as pool:
        room = Room(world, pool)
        room.sessions.put(*ACCOUNT, session)
        room.sessions.suspect(*ACCOUNT, error, START)
        room.sessions.refuse(*ACCOUNT, fingerprint(session.credentials, session.place), error, START)
        room.sessions.denials.deny(ACCOUNT, (DatasetBinding, "photos"), Denial("imm:ListBindings", "no"))
        held = ("LTAI-one", SECRET_KEY)
        for gone in (world.account, room.binding):
            assert not [text for text in held if text in everything(room.sessions)], "no secret is kept to compare with"
            await room.poller.poll()
            assert room.sessions.refused(*ACCOUNT) is not None
            room.store.remove(gone)
        await room.poller.poll()
        assert (None, {}) == (room.sessions.refused(*ACCOUNT), room.sessions.take_wakes())
        assert "team" not in everything(room.sessions)


def everything(of: object, depth: int = 6) -> str:
    """All that an object holds, fields that its text form leaves out as well."""
    if isinstance(of, str) or depth == 0:
        return str(of)
    inner: list[Any] = [*of.items()] if isinstance(of, dict) else [*of] if isinstance(of, list | tuple | set) else []
    names = [*getattr(of, "__dict__", ()), *getattr(type(of), "__slots__", ())]
    inner += [getattr(of, name, None) for name in names if not name.startswith("__")]
    return " ".join([str(of) if not inner else "", *(everything(one, depth - 1) for one in inner)])


def read(body: dict[str, Any]) -> Any:
    """An object as the informer takes it in."""
    found = parse(body)
    assert found is not None
    return found

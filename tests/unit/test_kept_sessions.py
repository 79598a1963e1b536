"""Credentials that outlive their Secret or account: for whom, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from controller.cloud.errors import BadCredentials
from controller.reconcile.sessions import Session, Sessions
from controller.runtime.poller import Poller
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store, parse
from tests.unit.operator_doubles import START, Clock, World

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


async def test_they_go_with_the_last_object_that_refers_to_the_account(world: World, session: Session) -> None:
    """The account goes, its binding goes, and the next poll forgets both sessions."""
    binding = world.binding()
    store, sessions = Store(Clock()), Sessions()
    for key in (world.account, binding):
        store.put(read(world.cluster.bodies[key]))
    with ThreadPoolExecutor(1) as pool:
        poller = Poller(
            store=store,
            queue=WorkQueue(),
            sessions=sessions,
            snapshots=world.context.snapshots,
            clouds=world.cloud,
            now=world.clock,
            pool=pool,
            settings=Settings(),
        )
        sessions.put(*ACCOUNT, session)
        sessions.drop(*ACCOUNT)
        for gone, kept in ((None, True), (world.account, True), (binding, False)):
            if gone is not None:
                store.remove(gone)
            await poller.poll()
            assert kept == (sessions.get(*ACCOUNT, leaving=True) is not None)


def read(body: dict[str, Any]) -> Any:
    """An object as the informer takes it in."""
    found = parse(body)
    assert found is not None
    return found

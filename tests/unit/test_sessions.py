"""Sessions: by namespace and account, suspected ones are given up and named once."""

from __future__ import annotations

from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.core.facts import Caller
from controller.reconcile.sessions import Session, Sessions
from tests.unit.plan_inputs import NOW

ONE = Session(Place("1", "cn-hangzhou"), Credentials("id", "s"), Caller("1", "arn", is_root=False), NOW)


def test_a_session_belongs_to_one_namespace_and_account() -> None:
    """No reference crosses a namespace."""
    sessions = Sessions()
    sessions.put("team", "account", ONE)
    assert ONE == sessions.get("team", "account")
    assert sessions.get("others", "account") is None
    assert sessions.get("team", "other") is None


def test_a_suspect_is_given_up_and_named_once() -> None:
    """However many objects were refused."""
    sessions = Sessions()
    sessions.put("team", "account", ONE)
    sessions.suspect("team", "account")
    sessions.suspect("team", "account")
    assert sessions.get("team", "account") is None
    assert {("team", "account")} == sessions.take_suspects()
    assert set() == sessions.take_suspects()


def test_dropping_is_no_suspicion() -> None:
    """The account itself found out; nobody has to wake it."""
    sessions = Sessions()
    sessions.put("team", "account", ONE)
    sessions.drop("team", "account")
    sessions.drop("team", "account")
    assert sessions.get("team", "account") is None
    assert set() == sessions.take_suspects()

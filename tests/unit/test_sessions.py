"""Sessions: by namespace and account, suspected ones are given up and named once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.cloud.errors import BadCredentials
from controller.cloud.gate import Gate
from controller.core.facts import Caller
from controller.reconcile.sessions import Session, Sessions
from tests.unit.plan_inputs import NOW

REFUSED = BadCredentials("imm:GetDataset", "no")
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
    sessions = signed_in()
    sessions.suspect("team", "account", REFUSED, NOW)
    sessions.suspect("team", "account", REFUSED, NOW)
    assert sessions.get("team", "account") is None
    assert {("team", "account"): 0.0} == sessions.take_wakes()
    assert {} == sessions.take_wakes()


def test_a_key_that_signs_in_and_is_refused_again_comes_round_ever_later() -> None:
    """At once, then after 10, 20, 40 seconds, five minutes at most; after a quiet time from the start."""
    sessions, waits = Sessions(), list[float]()
    for _ in range(8):
        sessions.put("team", "account", ONE)
        sessions.suspect("team", "account", REFUSED, NOW)
        waits += sessions.take_wakes().values()
    assert [0, 10, 20, 40, 80, 160, 300, 300] == waits
    sessions.put("team", "account", ONE)
    sessions.suspect("team", "account", REFUSED, NOW + timedelta(minutes=11))
    assert [0] == list(sessions.take_wakes().values())


def test_another_key_starts_without_the_old_ones_record() -> None:
    """It was replaced because it was refused."""
    sessions = signed_in()
    sessions.suspect("team", "account", REFUSED, NOW)
    sessions.take_wakes()
    sessions.put("team", "account", replace(ONE, credentials=Credentials("other", "s")))
    sessions.suspect("team", "account", REFUSED, NOW)
    assert {("team", "account"): 0.0} == sessions.take_wakes()


def test_news_of_a_replaced_key_says_nothing_of_the_present_one() -> None:
    """A pass that began before the rotation ends after it."""
    sessions = signed_in()
    late = BadCredentials("imm:GetDataset", "no")
    late.gate = Gate()
    sessions.suspect("team", "account", late, NOW)
    assert ONE == sessions.get("team", "account")
    assert {} == sessions.take_wakes()


def signed_in() -> Sessions:
    """One account is signed in."""
    sessions = Sessions()
    sessions.put("team", "account", ONE)
    return sessions


def test_dropping_is_no_suspicion() -> None:
    """The account itself found out; nobody has to wake it."""
    sessions = Sessions()
    sessions.put("team", "account", ONE)
    sessions.drop("team", "account")
    sessions.drop("team", "account")
    assert sessions.get("team", "account") is None
    assert {} == sessions.take_wakes()

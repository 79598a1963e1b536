"""Credentials: read from a Secret in every usual form, and never shown."""

from __future__ import annotations

import base64
import logging
import traceback

import pytest

from controller.api.cloudaccount import CloudAccount
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials, CredentialsUnavailable, from_secret
from controller.cloud.errors import BadCredentials
from controller.core.facts import Caller
from controller.reconcile.sessions import Session
from tests.unit.operator_doubles import SECRET_KEY, START, Fate, World, secret

TOKEN = "planted-token-77aa"


def encoded(**data: str) -> dict[str, str]:
    """`data` as the API server gives it."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encoded(accessKeyId="id", accessKeySecret="s"), Credentials("id", "s")),
        (encoded(AccessKeyId="id", AccessKeySecret="s"), Credentials("id", "s")),
        (encoded(accessKeyId="id\n", accessKeySecret=" s\n"), Credentials("id", "s")),
        (encoded(accessKeyId="id", accessKeySecret="s", securityToken="t"), Credentials("id", "s", "t")),
        (encoded(accessKeyId="id", accessKeySecret="s", SecurityToken="t\n"), Credentials("id", "s", "t")),
        (encoded(accessKeyId="id", accessKeySecret="s", securityToken=""), Credentials("id", "s", None)),
        (encoded(accessKeyId="", AccessKeyId="id", accessKeySecret="s", other="x"), Credentials("id", "s")),
    ],
    ids=["camel", "vendor", "newlines", "token", "vendor-token", "empty-token", "empty-first"],
)
def test_the_usual_secrets_are_understood(data: dict[str, str], expected: Credentials) -> None:
    """Both spellings, stray newlines, temporary keys."""
    assert expected == from_secret("key", data)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({}, "accessKeyId"),
        (encoded(accessKeyId="id"), "accessKeySecret"),
        (encoded(accessKeySecret=SECRET_KEY), "accessKeyId"),
        (encoded(accessKeyId="id", accessKeySecret="\n"), "accessKeySecret"),
        ({"accessKeyId": "aWQ=", "accessKeySecret": "not base64!"}, "accessKeySecret"),
        ({"accessKeyId": "aWQ=", "accessKeySecret": base64.b64encode(b"\xff\xfe").decode()}, "accessKeySecret"),
    ],
    ids=["empty", "no-secret", "no-id", "blank", "no-base64", "no-text"],
)
def test_what_is_missing_is_named_and_nothing_else_shown(data: dict[str, str], named: str) -> None:
    """The Secret, the key, and no value."""
    with pytest.raises(CredentialsUnavailable) as caught:
        from_secret("key", data)
    assert "Secret key" in str(caught.value)
    assert named in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET_KEY not in shown
    assert "not base64!" not in shown


def test_no_text_form_holds_the_secret_or_the_token() -> None:
    """The value itself, what holds it, and what formats it."""
    held = Credentials("LTAI-one", SECRET_KEY, TOKEN)
    session = Session(Place("1", "cn-hangzhou"), held, Caller("1", "arn", is_root=False), START)
    for thing in (held, session, {"k": held}, [session], ValueError(held)):
        for text in (str(thing), repr(thing), f"{thing}", f"{thing!r:>10}"):
            assert SECRET_KEY not in text
            assert TOKEN not in text
    assert "LTAI-one" in repr(held)


def test_a_whole_life_of_an_account_leaves_no_trace_of_the_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Sign-in, work, refusal, replaced and broken keys: nothing in logs, events, status or output."""
    caplog.set_level(logging.DEBUG)
    world = World()
    world.run(world.account)
    key = world.binding()
    world.run(key)
    world.cloud.fate = lambda _op: Fate(
        effect=False, raises=BadCredentials("imm:X", "no", code="SignatureDoesNotMatch")
    )
    world.clock.advance(301)
    world.run(key)
    world.run(world.account)
    world.cluster.secrets["team", "key"] = secret("LTAI-two", SECRET_KEY + "x")
    world.run(world.account)
    world.cluster.secrets["team", "key"] = {"accessKeyId": "aWQ=", "accessKeySecret": SECRET_KEY}
    world.run(world.account)
    out, err = capfd.readouterr()
    everything = [caplog.text, out, err, repr(world.cluster.bodies), repr(world.cluster.events)]
    assert not [text for text in everything if SECRET_KEY in text]
    account = world.cluster.read(world.account)
    assert isinstance(account, CloudAccount)
    assert "accessKeySecret is not plain text" in account.status.conditions[-1].message

"""Whose policies count, and what operations need: sessions, roles, and the declarations of every service."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.auth.identity import Identity
from emulator.authorization import NEEDS
from emulator.ram.permissions import Verdict, granted_beyond, judge
from emulator.ram.state import Attachment, Policy, PolicyVersion, RamState, Role, User
from emulator.services import SERVICES
from tests.emulator.test_ram_evaluation import ACCOUNT, DENY_GET, GET, policy


def holding(*documents: str) -> tuple[RamState, Identity, Role]:
    """A user and a role that both hold these policies."""
    ram = RamState()
    attachments = []
    for number, document in enumerate(documents):
        name = f"p{number}"
        ram.policies[name] = Policy(name, "Custom", "", 0, 0, versions={"v1": PolicyVersion("v1", document, 0)})
        attachments.append(Attachment("Custom", name, 0))
    ram.users["ann"] = User("ann", "7", 0, 0, attachments=list(attachments))
    ram.roles["reader"] = Role("reader", "8", "{}", 0, 0, attachments=list(attachments))
    user = Identity(ACCOUNT, f"acs:ram::{ACCOUNT}:user/ann", "RAMUser", "7", "7", "key")
    return ram, user, ram.roles["reader"]


def session(session_policy: str | None) -> Identity:
    """A session of the role."""
    arn = f"acs:ram::{ACCOUNT}:assumed-role/reader/s"
    return Identity(ACCOUNT, arn, "AssumedRoleUser", "8:s", "", "STS.key", "reader", session_policy)


def test_the_account_itself_may_do_everything() -> None:
    """Without any policy."""
    root = Identity(ACCOUNT, f"acs:ram::{ACCOUNT}:root", "Account", ACCOUNT, ACCOUNT, "key")
    assert Verdict("Allow") == judge(RamState(), root, GET, {})


def test_policies_of_a_user_add_up() -> None:
    """Two allow more than one; one that denies wins over both."""
    ram, user, _ = holding(policy({"Action": "oss:PutObject"}), policy({"Action": "oss:GetObject"}))
    assert "Allow" == judge(ram, user, GET, {}).decision
    ram, user, _ = holding(policy({"Action": "oss:*"}), policy(DENY_GET))
    assert "ExplicitDeny" == judge(ram, user, GET, {}).decision
    assert "ImplicitDeny" == judge(RamState(), user, GET, {}).decision


@pytest.mark.parametrize(
    ("role_allows", "session_policy", "verdict"),
    [
        ("oss:*", None, ("Allow", "AccountLevelIdentityBasedPolicy")),
        ("oss:*", policy({"Action": "oss:GetObject"}), ("Allow", "SessionPolicy")),
        ("oss:*", policy({"Action": "oss:PutObject"}), ("ImplicitDeny", "SessionPolicy")),
        ("oss:*", policy({"Action": "*"}, DENY_GET), ("ExplicitDeny", "SessionPolicy")),
        ("oss:PutObject", policy({"Action": "*"}), ("ImplicitDeny", "AccountLevelIdentityBasedPolicy")),
    ],
)
def test_a_session_has_what_role_and_session_both_allow(
    role_allows: str, session_policy: str | None, verdict: tuple[str, str]
) -> None:
    """A session's policy takes away and never adds."""
    ram, _, _ = holding(policy({"Action": role_allows}))
    assert verdict == judge(ram, session(session_policy), GET, {})


@pytest.mark.parametrize(
    ("caller", "beyond"),
    [
        ({"Action": "*"}, None),
        ({"Action": "oss:*", "Resource": "acs:oss:*:*:photos*"}, None),
        ({"Action": "oss:Get*", "Resource": "acs:oss:*:*:photos/*"}, None),
        ({"Action": "oss:GetObject", "Resource": "acs:oss:*:*:photos/a*"}, "acs:oss:*:*:photos/*"),
        ({"Action": "oss:PutObject"}, "acs:oss:*:*:photos/*"),
    ],
)
def test_all_of_a_role_is_held_or_something_is_missing(caller: dict[str, Any], beyond: str | None) -> None:
    """A pattern of the role has to lie within a pattern of the caller."""
    ram, _, role = holding(policy({"Action": "oss:GetObject", "Resource": "acs:oss:*:*:photos/*"}))
    ram.policies["own"] = Policy("own", "Custom", "", 0, 0, versions={"v1": PolicyVersion("v1", policy(caller), 0)})
    ram.users["ann"].attachments[:] = [Attachment("Custom", "own", 0)]
    user = Identity(ACCOUNT, "", "RAMUser", "7", "7", "key")
    found = granted_beyond(ram, user, role)
    assert beyond == (None if found is None else found.resource)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_served_operation_declares_its_rights(service: str) -> None:
    """None is forgotten, and none is declared that is not served."""
    assert set(SERVICES[service].by_name) == set(NEEDS[service])


def test_an_action_is_confirmed_everywhere_or_nowhere() -> None:
    """Of one name there is one opinion."""
    sources: dict[str, set[str]] = {}
    for service, table in NEEDS.items():
        for needs in table.values():
            for need in needs:
                sources.setdefault(f"{service} {need.action}", set()).add(need.source)
    assert [] == [action for action, found in sources.items() if len(found) > 1]
    assert "documented" in sources["imm imm:CreateBinding"]
    assert "assumed" in sources["imm imm:GetBinding"]


def test_only_who_somebody_is_needs_no_right() -> None:
    """Every other operation can be denied."""
    free = {(service, name) for service, table in NEEDS.items() for name, needs in table.items() if not needs}
    assert {("sts", "GetCallerIdentity"), ("sts", "AssumeRoleWithOIDC"), ("location", "DescribeEndpoints")} == free

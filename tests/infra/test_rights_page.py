"""The policy on docs/guides/rights.md is what a stack asks for, from its first `pulumi up` to its end."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from emulator.testing import LocalCloud
from infra.rights import IMM, LONGEST_POLICY, Scope, grants
from tests.emulator.alicloud_provider import FIXTURE, send

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "rights.md"
PLACES = {"BUCKETS": "full-*", "PREFIX": "imm-full"}  # of the stack that was recorded
Granted = tuple[str, str]  # an action, and where


def policy() -> str:
    """The page's, with what its reader puts in."""
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert 1 == len(blocks)
    text: str = blocks[0]
    for name, value in PLACES.items():
        assert name in text
        text = text.replace(name, value)
    return text


def granted() -> list[Granted]:
    """Each action of the policy with each place."""
    statements = json.loads(policy())["Statement"]
    assert {"Allow"} == {one["Effect"] for one in statements}
    return [(action, place) for one in statements for action in one["Action"] for place in one["Resource"]]


@pytest.fixture
def asked(cloud: LocalCloud) -> set[Granted]:
    """What the provider's recorded requests needed: a stack made, read again, changed and deleted."""
    keys: dict[str, str] = {}
    for line in map(json.loads, FIXTURE.read_text(encoding="utf-8").splitlines()):
        _, body = send(cloud, line, keys)
        if line["operation"] == "CreateAccessKey":
            keys["KEY"] = json.loads(body)["AccessKey"]["AccessKeyId"]
    entries = cloud.run(lambda it: it.journal.select())
    return {(right.action, right.resource) for entry in entries for right in entry.rights}


def test_the_policy_is_all_that_a_stack_asks_for_and_nothing_else(asked: set[Granted]) -> None:
    """No request is left without its right, and no action stands there that nothing needs."""
    role = {(right, where) for right, where in _of_imms_role() if not right.startswith("kms:")}
    needed = asked | role
    rights = granted()
    assert [] == sorted(one for one in needed if not any(_covers(right, one) for right in rights))
    assert set() == {action for action, _ in rights} - {action for action, _ in needed}
    assert "`kms:Decrypt`" in PAGE.read_text(encoding="utf-8")


def test_no_place_stands_there_that_nothing_is_done_to(asked: set[Granted]) -> None:
    """Each place of a statement is one that one of its actions is needed on."""
    needed = asked | _of_imms_role()
    for one in json.loads(policy())["Statement"]:
        for place in one["Resource"]:
            assert any(_covers((action, place), right) for action in one["Action"] for right in needed), place


def test_ram_takes_it_as_one_policy() -> None:
    """With room for longer names of buckets."""
    assert len(json.dumps(json.loads(policy()), separators=(",", ":"))) < LONGEST_POLICY - 2000


def _of_imms_role() -> set[Granted]:
    """IMM refuses a role that its caller does not cover."""
    held = Scope("cn-hangzhou", "1234567890123456", buckets=("full-photos",), topics=("imm-full-events",), keys=("k",))
    return set(grants(IMM, held))


def _covers(right: Granted, needed: Granted) -> bool:
    return right[0] == needed[0] and fnmatchcase(needed[1], right[1])

"""Argo CD's actions on our kinds: offered where they make sense, and doing what the tests in its own format say.

Argo CD's own settings and Lua packages read argocd-cm and run the scripts, on a real API server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.crd import ALL
from sandbox.kubectl import Kubectl
from tests.contract.health_testdata import FOLDER
from tests.deploy.argocd_files import ARGOCD, CUSTOMIZATIONS, TIME, actions_of, files
from tests.deploy.argocd_room import Argo, installed_argo

KINDS = [kind.kind() for kind in ALL]
pytestmark = pytest.mark.timeout(900)  # the first run fetches and builds


@pytest.fixture(scope="module")
def argo(kubectl: Kubectl) -> Iterator[Argo]:
    """Argo CD with the settings that ship."""
    with installed_argo(kubectl) as made:
        yield made


def test_every_file_is_as_the_scripts_make_it() -> None:
    """A stale one: python -m tests.deploy.argocd_files."""
    wanted = files()
    assert wanted == {path: (ARGOCD / path).read_text() for path in wanted}
    kept = {path for path in wanted if path.startswith("resource_customizations")}
    there = {path.relative_to(ARGOCD).as_posix() for kind in KINDS for path in (CUSTOMIZATIONS / kind).rglob("*.*")}
    assert kept == there


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_in_the_format_of_argo_cd_pass(argo: Argo, kind: str) -> None:
    """What TestLuaResourceActionsScript of Argo CD does with such a folder, strictly: all actions, and no others."""
    folder = CUSTOMIZATIONS / kind / "actions"
    tests = yaml.safe_load((folder / "action_test.yaml").read_text())
    discovered = argo.ask([read(folder / test["inputPath"]) for test in tests["discoveryTests"]])
    for test, got in zip(tests["discoveryTests"], discovered, strict=True):
        offered = {action["name"]: action.get("disabled", False) for action in got["actions"]}
        assert {one["name"]: one["disabled"] for one in test["result"]} == offered, test["inputPath"]
    assert set(actions_of(kind)) == {test["action"] for test in tests["actionTests"]}
    made = argo.ask([read(folder / test["inputPath"]) for test in tests["actionTests"]])
    for test, got in zip(tests["actionTests"], made, strict=True):
        result = json.dumps(got["results"][test["action"]])
        assert read(folder / test["expectedOutputPath"]) == json.loads(at_time(result)), test


def test_health_comes_from_argocd_cm_too(argo: Argo) -> None:
    """The key of each kind holds the script that the contract of docs/health.md is tested with."""
    tests = yaml.safe_load((FOLDER / "health_test.yaml").read_text())["tests"]
    answers = argo.ask([read(FOLDER / test["inputPath"]) for test in tests])
    assert [test["healthStatus"] for test in tests] == [got["health"] for got in answers]


def read(path: Path) -> dict[str, Any]:
    """An object."""
    return dict(yaml.safe_load(path.read_text()))


def at_time(result: str) -> str:
    """What an action made, with the time of the examples where it wrote that of its run."""
    now = datetime.now(UTC)
    for past in range(60):
        result = result.replace(f'"{now - timedelta(seconds=past):%Y-%m-%dT%H:%M:%SZ}"', f'"{TIME}"')
    return result

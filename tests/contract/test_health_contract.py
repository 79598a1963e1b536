"""kstatus, Flux, Argo CD and `kubectl wait` give the same verdict in every state, by their own code.

`tests/integration/test_health_wait.py` has kubectl's part on a real API server.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.crd import ALL
from controller.core.reasons import Reason
from tests.contract.health_lives import bodies_of_lives
from tests.contract.health_states import CONCLUSIONS, State, states, waits
from tests.contract.health_testdata import FOLDER, HEALTH_TESTS, example_files, examples
from tests.contract.other_languages.programs_of_others import health_program

ROOT = Path(__file__).resolve().parents[2]
KINDS = [kind.kind() for kind in ALL]
Answer = dict[str, str]
pytestmark = pytest.mark.timeout(600)  # the first run fetches and builds


def ask(objects: list[dict[str, Any]]) -> list[Answer]:
    """What each reader says of each object, with the files that ship."""
    expressions = yaml.safe_load((ROOT / "deploy/flux/health-check-exprs.yaml").read_text())["spec"]["healthCheckExprs"]
    question = {
        "Scripts": dict.fromkeys(KINDS, (FOLDER / "health.lua").read_text()),
        "Expressions": {entry["kind"]: entry for entry in expressions},
        "Objects": objects,
    }
    done = subprocess.run(
        [health_program()], input=json.dumps(question), capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stderr
    answers: list[Answer] = json.loads(done.stdout)
    assert len(objects) == len(answers)
    return answers


def named(state: State) -> str:
    """For a failure's message."""
    meta, status = state.body["metadata"], state.body["status"]
    return f"{state.body['kind']} {state.row}: generation {meta['generation']}, {json.dumps(status)}"


def test_all_readers_agree_in_every_state() -> None:
    """Each row of the table, over every standing, reason, kind and history that the code can write."""
    found = states()
    wrong = []
    for state, got in zip(found, ask([state.body for state in found]), strict=True):
        said = CONCLUSIONS[state.row]
        wanted = {"kstatus": said.kstatus, "fluxKstatus": said.kstatus, "fluxExprs": said.flux, "argo": said.argo}
        if wanted != {name: got[name] for name in wanted} or waits(state.body) != said.wait:
            wrong.append(f"{named(state)} → {got}, kubectl {waits(state.body)}")
    assert [] == wrong
    assert set(CONCLUSIONS) == {state.row for state in found}
    assert set(KINDS) == {state.body["kind"] for state in found}
    reasons = {c["reason"] for state in found for c in state.body["status"].get("conditions", [])}
    assert {reason.value for reason in Reason} <= reasons


def test_every_status_written_in_whole_lives_is_a_row_of_the_table() -> None:
    """What real passes wrote, one write after another, never makes two readers disagree."""
    rows = {(row.kstatus, row.argo, row.flux, row.wait) for row in CONCLUSIONS.values()}
    bodies = bodies_of_lives()
    seen = {
        (got["kstatus"], got["argo"], got["fluxExprs"], waits(body))
        for body, got in zip(bodies, ask(bodies), strict=True)
    }
    assert set() == seen - rows
    assert {"Current", "InProgress", "Failed", "Terminating"} == {kstatus for kstatus, *_ in seen}
    assert {"Healthy", "Progressing", "Degraded", "Suspended"} == {argo for _, argo, *_ in seen}


def test_the_tests_that_ship_with_the_script_pass() -> None:
    """In Argo CD's own format, so that the folder can be handed in there as it is."""
    tests = yaml.safe_load((FOLDER / "health_test.yaml").read_text())["tests"]
    objects = [yaml.safe_load((FOLDER / test["inputPath"]).read_text()) for test in tests]
    answers = ask(objects)
    assert [test["healthStatus"] for test in tests] == [
        {"status": got["argo"], "message": got["argoSays"]} for got in answers
    ]
    assert set(KINDS) == {body["kind"] for body in objects}
    assert {health for health, _ in HEALTH_TESTS.values()} == {got["argo"] for got in answers}


def test_the_examples_of_the_script_are_what_the_code_writes() -> None:
    """A changed condition changes them: write them anew with `python -m tests.contract.health_testdata`."""
    wanted = example_files()
    found = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert wanted.keys() | {"health.lua"} == found
    assert wanted == {name: (FOLDER / name).read_text() for name in wanted}


def test_one_script_serves_every_kind() -> None:
    """A script of a kind's own would be taken in place of the one for all."""
    assert [FOLDER / "health.lua"] == list(FOLDER.parent.rglob("health.lua"))
    assert {f"testdata/{kind.lower()}_ready.yaml" for kind in KINDS} <= examples().keys()


def test_flux_has_expressions_for_every_kind() -> None:
    """And the same ones."""
    entries = yaml.safe_load((ROOT / "deploy/flux/health-check-exprs.yaml").read_text())["spec"]["healthCheckExprs"]
    assert KINDS == [entry.pop("kind") for entry in entries]
    assert 1 == len({json.dumps(entry) for entry in entries})


def test_the_page_has_the_table() -> None:
    """`docs/health.md` says of each state what was proven here."""
    page = (ROOT / "docs/health.md").read_text()
    rows = [
        f"| {row} | {said.kstatus} | {said.wait} | {said.argo} | {said.flux} |" for row, said in CONCLUSIONS.items()
    ]
    assert rows == [line for line in page.splitlines() if line.startswith("| ") and line.count("|") == 6][2:]

"""The examples that ship with Argo CD's health scripts, in Argo CD's own test format, written by the operator's code.

`python -m tests.contract.health_testdata` writes them anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from controller.api import crd
from controller.api.fields import API_VERSION, GROUP
from controller.api.kind import Kind
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import summarize
from tests.contract.health_states import NOW, SPECS, can_be_suspended

# State, Argo CD's health, and the verdicts that led there.
HEALTH_TESTS: dict[str, tuple[str, list[Verdict]]] = {
    "new": ("Progressing", []),
    "under_way": ("Progressing", [Verdict(Standing.PROGRESSING, Reason.DEPENDENCY_NOT_READY, "waiting for another")]),
    "ready": ("Healthy", [Verdict(Standing.READY, Reason.SUCCEEDED, "all is as specified")]),
    "stalled": ("Degraded", [Verdict(Standing.STALLED, Reason.ACCESS_DENIED, "grant the action")]),
    "edited": ("Progressing", [Verdict(Standing.READY, Reason.SUCCEEDED, "all is as specified")]),
    "suspended": (
        "Suspended",
        [
            Verdict(Standing.READY, Reason.SUCCEEDED, "all is as specified"),
            Verdict(Standing.READY, Reason.SUCCEEDED, "all is as specified", suspended=True),
        ],
    ),
}
UNSEEN = "waiting for the operator to look at this version of the object"
# Argo CD reads `_` as any: one script for every kind of the group. docs/operator-manual/health.md of Argo CD.
FOLDER = Path(__file__).resolve().parents[2] / "deploy/argocd/resource_customizations" / GROUP / "_"


def examples() -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """By file: an object in each state that its kind can be in, and what Argo CD says of it."""
    found = {}
    for kind in crd.ALL:
        for state, (health, _) in HEALTH_TESTS.items():
            if state != "suspended" or can_be_suspended(kind):
                body = _example(kind, state)
                file = f"testdata/{kind.kind().lower()}_{state}.yaml"
                found[file] = (body, {"status": health, "message": _message(body, state)})
    return found


def example_files() -> dict[str, str]:
    """Every file beside the script, by its path."""
    tests = [{"healthStatus": said, "inputPath": file} for file, (_, said) in examples().items()]
    files = {file: _yaml(body) for file, (body, _) in examples().items()}
    return files | {"health_test.yaml": _yaml({"tests": tests})}


def _example(kind: type[Kind], state: str) -> dict[str, Any]:
    metadata = {"name": "example", "namespace": "team", "generation": 1}
    body = {"apiVersion": API_VERSION, "kind": kind.kind(), "metadata": metadata, "spec": SPECS[kind.kind()]}
    status: dict[str, Any] = crd.INITIAL_STATUS
    for verdict in HEALTH_TESTS[state][1]:
        target = kind.read(body | {"status": status})
        written = summarize(target, target.status, verdict, NOW)
        status = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    edited = {"metadata": metadata | {"generation": 2}} if state == "edited" else {}
    return body | edited | {"status": status}


def _message(body: dict[str, Any], state: str) -> str:
    if state in {"new", "edited"}:
        return UNSEEN
    wanted = "Suspended" if state == "suspended" else "Ready"
    condition = next(c for c in body["status"]["conditions"] if c["type"] == wanted)
    return f"{condition['reason']}: {condition['message']}"


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=120)


def main() -> None:
    """Write every file."""
    for path, text in example_files().items():
        (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / path).write_text(text)


if __name__ == "__main__":
    main()

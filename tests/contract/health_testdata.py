"""The examples that ship with Argo CD's health scripts, in Argo CD's own test format, written by the operator's code.

`python -m tests.contract.health_testdata` writes them anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from controller.api.crd import ALL, INITIAL_STATUS
from controller.api.fields import API_VERSION, GROUP
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import summarize
from tests.contract.health_states import NOW, SPECS

# File, Argo CD's health, and the verdicts that led there; an account is never suspended.
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
EXAMPLES = {
    kind.kind(): [name for name in HEALTH_TESTS if name != "suspended" or kind.kind() != "CloudAccount"] for kind in ALL
}
UNSEEN = "waiting for the operator to look at this version of the object"
ROOT = Path(__file__).resolve().parents[2]


def folder(kind: str) -> Path:
    """Where Argo CD looks for what it knows of a kind."""
    return ROOT / "deploy/argocd/resource_customizations" / GROUP / kind


def example_files(kind: str) -> dict[str, str]:
    """Every file beside the script, by its path in the kind's folder."""
    bodies = {name: _example(kind, name) for name in EXAMPLES[kind]}
    tests = [
        {
            "healthStatus": {"status": HEALTH_TESTS[name][0], "message": _message(body, name)},
            "inputPath": f"testdata/{name}.yaml",
        }
        for name, body in bodies.items()
    ]
    files = {f"testdata/{name}.yaml": _yaml(body) for name, body in bodies.items()}
    return files | {"health_test.yaml": _yaml({"tests": tests})}


def _example(kind: str, name: str) -> dict[str, Any]:
    metadata = {"name": "example", "namespace": "team", "generation": 1}
    body = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": SPECS[kind]}
    status: dict[str, Any] = INITIAL_STATUS
    for verdict in HEALTH_TESTS[name][1]:
        target = next(model for model in ALL if model.kind() == kind).read(body | {"status": status})
        written = summarize(target, target.status, verdict, NOW)
        status = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    edited = {"metadata": metadata | {"generation": 2}} if name == "edited" else {}
    return body | edited | {"status": status}


def _message(body: dict[str, Any], name: str) -> str:
    if name in {"new", "edited"}:
        return UNSEEN
    wanted = "Suspended" if name == "suspended" else "Ready"
    condition = next(c for c in body["status"]["conditions"] if c["type"] == wanted)
    return f"{condition['reason']}: {condition['message']}"


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=120)


def main() -> None:
    """Write every file."""
    for kind in EXAMPLES:
        for path, text in example_files(kind).items():
            (folder(kind) / path).parent.mkdir(parents=True, exist_ok=True)
            (folder(kind) / path).write_text(text)


if __name__ == "__main__":
    main()

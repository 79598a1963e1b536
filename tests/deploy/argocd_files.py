"""What Argo CD is handed for our kinds, made of the scripts in deploy/argocd: its own folder's layout, and argocd-cm.

Argo CD finds health scripts by wildcard, but actions by the exact kind only (GetResourceActionDiscovery in its
util/lua/lua.go): so each kind has its copy. `python -m tests.deploy.argocd_files` writes all of it anew.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.crd import ALL
from controller.api.fields import GROUP, RECONCILE_REQUESTED_AT
from tests.contract.health_testdata import FOLDER, examples

ROOT = Path(__file__).resolve().parents[2]
ARGOCD = ROOT / "deploy" / "argocd"
CUSTOMIZATIONS = ARGOCD / "resource_customizations" / GROUP
CONFIG = "argocd-cm.yaml"
TIME = "2026-08-01T12:00:00Z"  # in the examples; an action writes the time of its run
HEAD = f"""\
# The health of the kinds of {GROUP} and the actions on them, for argocd-cm:
#   kubectl patch configmap argocd-cm --namespace argocd --patch-file deploy/argocd/argocd-cm.yaml
# Made of deploy/argocd/actions and deploy/argocd/resource_customizations by python -m tests.deploy.argocd_files
"""
Body = dict[str, Any]


def actions_of(kind: str) -> list[str]:
    """Which actions a kind has at all."""
    steered = ["resume", "suspend"] if kind != CloudAccount.kind() else []
    return ["reconcile", *steered, *(["retry-failed"] if kind == BatchImport.kind() else [])]


def inputs() -> dict[str, dict[str, tuple[Body, set[str]]]]:
    """By kind and file: an object in a state, and the actions offered then."""
    found: dict[str, dict[str, tuple[Body, set[str]]]] = {kind.kind(): {} for kind in ALL}
    for file, (body, _) in examples().items():
        state = Path(file).stem.split("_", 1)[1]
        kind = body["kind"]
        steering = "resume" if state == "suspended" else "suspend"
        if state == "suspended":
            body = body | {"spec": body["spec"] | {"suspend": True}}  # noqa: PLW2901 - the same object, as Git has it
        found[kind][state] = (body, {"reconcile", steering} & set(actions_of(kind)))
        if state == "ready" and kind != CloudAccount.kind():
            leaving = body["metadata"] | {"deletionTimestamp": TIME, "generation": 2}
            found[kind]["leaving"] = (body | {"metadata": leaving}, {"reconcile"})
    for state, (body, retried) in _imports(found[BatchImport.kind()]).items():
        found[BatchImport.kind()][state] = (body, {"reconcile", "suspend"} | ({"retry-failed"} if retried else set()))
    return found


def _imports(states: dict[str, tuple[Body, set[str]]]) -> dict[str, tuple[Body, bool]]:
    """Runs that are over, and whether a retry is offered."""
    ready, stalled = states["ready"][0], states["stalled"][0]

    def over(body: Body, phase: str, reason: str, spec: Body | None = None, status: Body | None = None) -> Body:
        made = deepcopy(body)
        made["spec"] |= spec or {}
        totals = (
            {"items": 5, "succeeded": 4, "failed": 1} if phase != "Complete" or reason else {"items": 5, "succeeded": 5}
        )
        made["status"] |= {"phase": phase, "totals": totals, **(status or {})}
        for condition in made["status"]["conditions"]:
            condition["reason"] = reason or condition["reason"]
        return made

    asked: Body = {"retry": {"failedItems": "once more"}}
    return {
        "failed": (over(stalled, "Failed", "PartiallyFailed"), True),
        "complete_but_for_one": (over(ready, "Complete", "Succeeded"), True),
        "complete": (over(ready, "Complete", ""), False),
        "retry_asked": (over(stalled, "Failed", "PartiallyFailed", asked), False),
        "retried": (over(stalled, "Failed", "PartiallyFailed", asked, {"lastRetry": "once more"}), True),
        "unknowable": (over(stalled, "Failed", "ReportExpired"), False),
        "observed": (over(stalled, "Failed", "PartiallyFailed", {"mode": "Observe"}), False),
    }


def done(action: str, body: Body) -> Body:
    """What an action makes of an object."""
    made = deepcopy(body)
    match action:
        case "reconcile":
            made["metadata"].setdefault("annotations", {})[RECONCILE_REQUESTED_AT] = TIME
        case "suspend" | "resume":
            made["spec"]["suspend"] = action == "suspend"
        case "retry-failed":
            made["spec"]["retry"] = {"failedItems": TIME}
    return made


def files() -> dict[str, str]:
    """Every file, by its path in deploy/argocd."""
    made = {CONFIG: HEAD + _yaml(config())}
    for kind, states in inputs().items():
        folder = f"resource_customizations/{GROUP}/{kind}/actions"
        made[f"{folder}/discovery.lua"] = script("discovery")
        for action in actions_of(kind):
            made[f"{folder}/{action}/action.lua"] = script(action)
        tests: dict[str, list[Body]] = {"discoveryTests": [], "actionTests": []}
        for state, (body, offered) in states.items():
            made[f"{folder}/testdata/{state}.yaml"] = _yaml(body)
            result = [{"name": action, "disabled": action not in offered} for action in actions_of(kind)]
            tests["discoveryTests"].append({"inputPath": f"testdata/{state}.yaml", "result": result})
        for action in actions_of(kind):
            state = next(state for state, (_, offered) in states.items() if action in offered)
            made[f"{folder}/testdata/{state}_{action}.yaml"] = _yaml(done(action, states[state][0]))
            paths = {"inputPath": f"testdata/{state}.yaml", "expectedOutputPath": f"testdata/{state}_{action}.yaml"}
            tests["actionTests"].append({"action": action} | paths)
        made[f"{folder}/action_test.yaml"] = _yaml(tests)
    return made


def config() -> Body:
    """The part of argocd-cm: a key for each kind, so that nothing that stands there is replaced."""
    data = {}
    for kind in (kind.kind() for kind in ALL):
        data[f"resource.customizations.health.{GROUP}_{kind}"] = (FOLDER / "health.lua").read_text()
        definitions = [{"name": action, "action.lua": script(action)} for action in actions_of(kind)]
        offered = {"discovery.lua": script("discovery"), "definitions": definitions}
        data[f"resource.customizations.actions.{GROUP}_{kind}"] = _yaml(offered)
    return {"data": data}


def script(name: str) -> str:
    """A script of deploy/argocd/actions."""
    return (ARGOCD / "actions" / f"{name}.lua").read_text()


class _Text(yaml.SafeDumper):
    """Scripts as blocks, as people write them."""


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _block)


def _yaml(content: Body) -> str:
    return yaml.dump(content, Dumper=_Text, sort_keys=False, width=120)


def main() -> None:
    """Write every file."""
    for path, text in files().items():
        (ARGOCD / path).parent.mkdir(parents=True, exist_ok=True)
        (ARGOCD / path).write_text(text)


if __name__ == "__main__":
    main()

"""The chart, and how its tests run helm on it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import programs
from sandbox.apiserver.toolchain import cache_folder, find_go
from tests.built import build, built
from tests.deploy.upstream_programs import UPSTREAM, helm_program

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "imm-operator"
NAME = NAMESPACE = "imm-operator"
HELM_SECONDS = 300
FIRST_BUILD = pytest.mark.timeout(900)  # the first run fetches and builds helm

Manifest = dict[str, Any]


def helm(*words: str | Path, kubeconfig: Path | None = None, text: str | None = None) -> str:
    """What helm printed; it sees no configuration of this user, and no cluster but the one that is named.

    Raises:
        ProgramError: with helm's complaint.
    """
    homes = {f"HELM_{name}_HOME": str(cache_folder() / "tests" / "helm" / name.lower()) for name in _HOMES}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HELM_", "KUBE"))}
    own = {"KUBECONFIG": str(kubeconfig or os.devnull)}
    return programs.run([helm_program(), *words], text=text, env=kept | homes | own, seconds=HELM_SECONDS)


_HOMES = ("CACHE", "CONFIG", "DATA")


def template(
    values: Mapping[str, Any] | None = None, *words: str, name: str = NAME, namespace: str = NAMESPACE
) -> list[Manifest]:
    """The manifests that the chart makes of these values, in helm's order.

    Raises:
        ProgramError: the values are refused.
    """
    own = ("--namespace", namespace, "--kube-version", "1.36.0", "--values=-", *words)
    made = helm("template", name, CHART, *own, text=json.dumps(values or {}))
    return [document for document in yaml.load_all(made, Loader=yaml.CSafeLoader) if document]


def only(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The one manifest of that kind, and of that name if one is given."""
    found = [body for body in manifests if body["kind"] == kind and name in (None, body["metadata"]["name"])]
    assert 1 == len(found), f"{kind} {name or ''}: {[body['metadata']['name'] for body in found]}"
    return found[0]


def container(manifests: list[Manifest]) -> Manifest:
    """The operator's container."""
    found: list[Manifest] = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert 1 == len(found)
    return found[0]


def environment(manifests: list[Manifest]) -> dict[str, str]:
    """The operator's variables with a plain value."""
    return {entry["name"]: entry["value"] for entry in container(manifests).get("env", []) if "value" in entry}


def prometheus_definitions() -> list[Path]:
    """The definitions of the Prometheus operator that `upstream/prometheus-operator` pins."""
    module = "github.com/prometheus-operator/prometheus-operator"
    folder = UPSTREAM / "prometheus-operator"

    def fill(out: Path) -> None:
        go = find_go(cache_folder())
        build([go, "mod", "download", module], folder)
        source = Path(programs.run([go, "list", "-m", "-f", "{{.Dir}}", module], cwd=folder).strip())
        for name in ("podmonitors", "servicemonitors", "prometheusrules"):
            file = f"monitoring.coreos.com_{name}.yaml"
            shutil.copyfile(source / "example" / "prometheus-operator-crd" / file, out / file)

    return sorted(built(folder, fill).glob("*.yaml"))

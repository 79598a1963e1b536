"""The Argo CD manifests are what Argo CD reads: strictly, by its own Go types, and of folders that exist."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.deploy.argocd_files import ARGOCD, ROOT
from tests.deploy.argocd_room import run

FILES = ["project.yaml", "operator.yaml", "media.yaml"]
WAVES = {"CloudAccount": "1", "Dataset": "2", "DatasetBinding": "3", "BatchImport": "4"}
CONFIRMED = {"Dataset", "DatasetBinding"}
pytestmark = pytest.mark.timeout(900)  # the first run fetches and builds


def manifests() -> dict[str, dict[str, Any]]:
    """The project and the two Applications."""
    return {name: yaml.safe_load((ARGOCD / name).read_text()) for name in FILES}


def test_every_manifest_is_read_strictly() -> None:
    """No unknown field, no wrong type; and a misspelled field is refused."""
    objects = list(manifests().values())
    assert [""] * len(objects) == run("decode", objects)
    spoilt = [one | {"spec": one["spec"] | {"sourceRepo": "x"}} for one in objects]
    assert all('unknown field "spec.sourceRepo"' in said for said in run("decode", spoilt))


def test_the_applications_ignore_nothing_and_may_touch_what_they_hold(kubectl: Kubectl) -> None:
    """Folders exist, kustomize builds them, and the project allows their namespaces."""
    found = manifests()
    project = found.pop("project.yaml")["spec"]
    for one in found.values():
        spec = one["spec"]
        assert "ignoreDifferences" not in spec
        assert (ROOT / spec["source"]["path"]).is_dir()
        assert spec["source"]["repoURL"] in project["sourceRepos"]
        assert spec["destination"] in project["destinations"]
    built = yaml.safe_load_all(kubectl("kustomize", str(ARGOCD)))
    assert ["AppProject", "Application", "Application"] == [one["kind"] for one in built]


def test_the_example_carries_its_waves_and_is_admitted(kubectl: Kubectl) -> None:
    """The components reach every object of their kinds; the API server takes each."""
    install(kubectl)
    for body in yaml.safe_load_all(kubectl("kustomize", str(ARGOCD / "example"))):
        notes = body["metadata"].get("annotations", {})
        assert WAVES.get(body["kind"]) == notes.get("argocd.argoproj.io/sync-wave")
        asks = notes.get("argocd.argoproj.io/sync-options") == "Prune=confirm,Delete=confirm"
        assert asks is (body["kind"] in CONFIRMED)
        own = body | {"metadata": body["metadata"] | ({"namespace": "default"} if body["kind"] != "Namespace" else {})}
        kubectl("apply", "--dry-run=server", "--filename=-", text=json.dumps(own))

"""The Flux manifests are what Flux's controllers read: strictly, by their own Go types, and of folders that exist."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.fields import GROUP
from tests.deploy.upstream_programs import flux

ROOT = Path(__file__).resolve().parents[2]
FLUX = ROOT / "deploy" / "flux"
FILES = [
    path for path in sorted(FLUX.rglob("*.yaml")) if path.name not in {"kustomization.yaml", "health-check-exprs.yaml"}
]
pytestmark = pytest.mark.timeout(900)  # the first run fetches and builds


def documents(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def decoded(objects: list[dict[str, Any]]) -> list[str]:
    """What each of Flux's types says of an object; empty where it takes it."""
    done = subprocess.run(
        [flux(), "decode"], input=json.dumps(objects), capture_output=True, text=True, timeout=60, check=False
    )
    assert 0 == done.returncode, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_manifest_is_read_strictly(path: Path) -> None:
    """No unknown field, no wrong type; and a misspelled field is refused."""
    objects = documents(path)
    assert [""] * len(objects) == decoded(objects)
    spoilt = [one | {"spec": one["spec"] | {"intervall": "1m"}} for one in objects]
    assert all('unknown field "spec.intervall"' in said for said in decoded(spoilt))


def test_the_stack_manifests_source_is_read_strictly_too() -> None:
    """deploy/pulumi-operator has its checkout from Flux."""
    objects = documents(ROOT / "deploy" / "pulumi-operator" / "source.yaml")
    assert [""] * len(objects) == decoded(objects)


def test_what_refers_to_something_finds_it() -> None:
    """Sources, dependencies and folders; and the expressions are the ones that are tested."""
    objects = [one for path in FILES for one in documents(path)]
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    chain = [one for one in objects if one["kind"] == "Kustomization"]
    expressions = yaml.safe_load((FLUX / "health-check-exprs.yaml").read_text())["spec"]["healthCheckExprs"]
    for one in chain:
        source = one["spec"]["sourceRef"]
        assert (source["kind"], source["name"]) in names
        assert {("Kustomization", other["name"]) for other in one["spec"].get("dependsOn", [])} <= names
        assert list((ROOT / one["spec"]["path"]).glob("*.yaml")), one["spec"]["path"]
        assert one["spec"].get("healthCheckExprs", expressions) == expressions
    assert [None, "imm-definitions", "imm-prod"] == [one["spec"].get("dependsOn", [{}])[0].get("name") for one in chain]
    (release,) = documents(FLUX / "helm" / "release.yaml")
    assert (ROOT / release["spec"]["chart"]["spec"]["chart"] / "Chart.yaml").is_file()
    kept = (yaml.safe_load(path.read_text()) for path in (ROOT / chain[0]["spec"]["path"]).glob("*.yaml"))
    assert {GROUP} == {definition["spec"]["group"] for definition in kept}
    assert chain[0]["spec"]["prune"] is False

"""The kustomize base is the chart's, and every overlay builds: before and after the hand-over is rendered into it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox.apiserver.build import find_kubectl
from sandbox.kubectl import Kubectl
from sandbox.programs import run
from tests.deploy import kustomize_base
from tests.deploy.chart_room import FIRST_BUILD, ROOT, Manifest, container, environment, only, template
from tests.infra.test_handover_path import printed
from tests.infra.test_stack_config import as_given

pytestmark = FIRST_BUILD

ENVIRONMENTS = ("local", "dev", "staging", "prod")
OVERLAYS = ("base", "namespaced", "rights")
HELMS = ("helm.sh/chart", "app.kubernetes.io/managed-by")


def built(folder: Path) -> list[Manifest]:
    """What kustomize makes of a folder."""
    return [body for body in yaml.safe_load_all(run([find_kubectl(), "kustomize", folder])) if body]


def environment_of(name: str) -> Path:
    return ROOT / "environments" / name


def test_the_base_is_the_charts() -> None:
    """File by file: run `python -m tests.deploy.kustomize_base`."""
    folder = kustomize_base.BASE
    texts = {path.name: path.read_text() for path in folder.glob("*.yaml") if path.name not in kustomize_base.OWN}
    assert kustomize_base.rendered() == texts
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted([*texts, "namespace.yaml"])


def test_the_base_has_all_that_the_chart_has() -> None:
    """Object by object, but for Helm's labels, the definitions, and the namespace, which Helm does not make."""
    ours = {(body["kind"], body["metadata"]["name"]): body for body in built(kustomize_base.BASE)}
    assert ours.pop(("Namespace", "imm-operator"))
    for body in template({"crds": {"install": False}}):
        for label in HELMS:
            del body["metadata"]["labels"][label]
        assert body == ours.pop((body["kind"], body["metadata"]["name"]))
    assert {} == ours


def test_the_rights_alone_bring_no_pods() -> None:
    """Nor what only concerns pods; the demo applies them to clusters that are not its own."""
    made = built(ROOT / "deploy" / "kustomize" / "rights")
    kinds = {body["kind"] for body in made}
    assert {"Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} <= kinds
    assert {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"}.isdisjoint(kinds)
    missing = {key(body) for body in built(kustomize_base.BASE)} - {key(body) for body in made}
    assert {"Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget"} == {kind for kind, _ in missing}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_api_server_takes_each_overlay(kubectl: Kubectl, overlay: str) -> None:
    """With a Namespace that is there already, as at every apply but the first."""
    kubectl("apply", "--server-side", f"--filename={kustomize_base.BASE / 'namespace.yaml'}")
    folder = ROOT / "deploy" / "kustomize" / overlay
    flags = ("--server-side", "--dry-run=server", "--force-conflicts", "--warnings-as-errors", "--validate=strict")
    said = kubectl("apply", *flags, f"--kustomize={folder}").splitlines()
    assert len(built(folder)) == len(said)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_builds_before_anything_is_rendered(name: str) -> None:
    """The file that `imm-operator render` will write is there, and says how it is written."""
    assert f"imm-operator render - --out environments/{name}" in (environment_of(name) / "handover.yaml").read_text()
    assert built(environment_of(name))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_takes_what_its_stack_hands_over(name: str, tmp_path: Path) -> None:
    """In the namespace that it makes for them; the stack's own program and the operator's own command write it."""
    shutil.copytree(ROOT / "deploy" / "kustomize", tmp_path / "deploy" / "kustomize")
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    before = {key(body) for body in built(tmp_path / "environments" / name)}
    command = [sys.executable, "-m", "controller.cli", "render", "-", "--out", f"environments/{name}"]
    subprocess.run(command, input=printed(name), cwd=tmp_path, text=True, check=True, capture_output=True, timeout=60)
    after = built(tmp_path / "environments" / name)
    new = [body for body in after if key(body) not in before]
    assert {"CloudAccount", "Dataset", "ConfigMap"} <= {body["kind"] for body in new}
    namespaces = {body["metadata"]["namespace"] for body in new}
    assert {stack_namespace(name)} == namespaces
    assert ("Namespace", stack_namespace(name)) in before


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_an_environment_runs_the_version_of_its_manifests(name: str) -> None:
    """From a registry of the team's own."""
    image = container(built(environment_of(name)))["image"]
    of_the_base = container(built(kustomize_base.BASE))["image"]
    assert f"registry.example.com/platform/{of_the_base}" == image


def test_each_environment_is_what_it_says() -> None:
    """One replica with one namespace's credentials; the defaults; two that never share a node."""
    dev, prod = built(environment_of("dev")), built(environment_of("prod"))
    assert (1, 2) == tuple(only(made, "Deployment")["spec"]["replicas"] for made in (dev, prod))
    assert stack_namespace("dev") == environment(dev)["IMM_OPERATOR_NAMESPACES"]
    assert "60" == environment(prod)["IMM_OPERATOR_LEASE_DURATION"]
    spread = only(prod, "Deployment")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert ["DoNotSchedule", "ScheduleAnyway"] == [constraint["whenUnsatisfiable"] for constraint in spread]
    granted = [body for body in dev if body["kind"] == "RoleBinding" and "credentials" in body["metadata"]["name"]]
    account = {"kind": "ServiceAccount", "name": "imm-operator", "namespace": "imm-operator"}
    assert [("media-dev", [account])] == [(body["metadata"]["namespace"], body["subjects"]) for body in granted]
    bound = {body["metadata"]["name"] for body in dev if body["kind"] == "ClusterRoleBinding"}
    assert {"imm-operator"} == bound


def stack_namespace(name: str) -> str:
    """Where the stack's objects go."""
    return as_given(name).namespace


def key(body: Manifest) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]

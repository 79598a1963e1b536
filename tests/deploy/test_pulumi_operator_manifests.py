"""The Stacks of deploy/pulumi-operator: read strictly by the operator's Go types by hand, and held to that here.

The operator's module cannot be had as one: the module proxy refuses github.com/pulumi/pulumi-kubernetes-operator/v2. On
2026-11-22 its sources at v2.9.0 were built by hand, and `Stack` of operator/api/pulumi/v1 read all four manifests with
strict decoding, and refused a misspelled field. `READ` has the fields of that day: one that is not in it was not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from controller.api.fields import GROUP
from sandbox.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "pulumi-operator"
STACKS = {"dev.yaml": "dev", "staging.yaml": "staging", "prod.yaml": "prod", "prod-drift.yaml": "prod"}
READ = frozenset(
    {
        "apiVersion: str",
        "kind: str",
        "metadata.name: str",
        "metadata.namespace: str",
        "spec.backend: str",
        "spec.continueResyncOnCommitMatch: bool",
        "spec.destroyOnFinalize: bool",
        "spec.envRefs.*.literal.value: str",
        "spec.envRefs.*.secret.key: str",
        "spec.envRefs.*.secret.name: str",
        "spec.envRefs.*.type: str",
        "spec.fluxSource.dir: str",
        "spec.fluxSource.sourceRef.apiVersion: str",
        "spec.fluxSource.sourceRef.kind: str",
        "spec.fluxSource.sourceRef.name: str",
        "spec.prerequisites[].name: str",
        "spec.prerequisites[].requirement.succeededWithinDuration: str",
        "spec.preview: bool",
        "spec.refresh: bool",
        "spec.resyncFrequencySeconds: int",
        "spec.retryMaxBackoffDurationSeconds: int",
        "spec.secretsProvider: str",
        "spec.serviceAccountName: str",
        "spec.stack: str",
        "spec.updateTemplate.spec.expectNoChanges: bool",
        "spec.useLocalStackOnly: bool",
        "spec.workspaceReclaimPolicy: str",
        "spec.workspaceTemplate.spec.image: str",
        "spec.workspaceTemplate.spec.resources.limits.memory: str",
        "spec.workspaceTemplate.spec.resources.requests.cpu: str",
        "spec.workspaceTemplate.spec.resources.requests.memory: str",
        "spec.workspaceTemplate.spec.securityProfile: str",
    }
)
NAMED_BY_US = ("envRefs",)  # a map whose keys are ours: variables


def stacks() -> dict[str, dict[str, Any]]:
    """By file."""
    return {file: yaml.safe_load((FOLDER / file).read_text()) for file in STACKS}


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Every path of a manifest with the type of what stands there."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = "*" if path.rpartition(".")[2] in NAMED_BY_US else key
            yield from fields(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")
    else:
        yield f"{path}: {type(value).__name__}"


def test_the_stacks_have_no_field_that_the_operators_types_have_not_read() -> None:
    """A new one: read it with those types first, as the docstring says."""
    assert READ == {path for stack in stacks().values() for path in fields(stack)}


def test_the_stacks_are_those_of_the_environments_and_wait_for_each_other() -> None:
    """Each has its Pulumi.<stack>.yaml; each waits for the one before; none destroys anything by being deleted."""
    found = stacks()
    for file, name in STACKS.items():
        assert (ROOT / "environments" / f"Pulumi.{name}.yaml").is_file()
        assert name == found[file]["spec"]["stack"]
        assert found[file]["spec"]["destroyOnFinalize"] is False
    names = {stack["metadata"]["name"] for stack in found.values()}
    waits = {file: [one["name"] for one in stack["spec"].get("prerequisites", [])] for file, stack in found.items()}
    assert ([], ["imm-dev"], ["imm-staging"]) == (waits["dev.yaml"], waits["staging.yaml"], waits["prod.yaml"])
    assert {name for waited in waits.values() for name in waited} <= names


def test_the_rest_is_admitted_and_kustomize_builds_all_of_it(kubectl: Kubectl) -> None:
    """Namespace and account on a real API server; every file is in the kustomization."""
    built = list(yaml.safe_load_all(kubectl("kustomize", str(FOLDER))))
    assert {stack["metadata"]["name"] for stack in stacks().values()} == {
        one["metadata"]["name"] for one in built if one["kind"] == "Stack"
    }
    own = [one for one in built if "toolkit.fluxcd.io" not in one["apiVersion"] and one["kind"] != "Stack"]
    assert {"Namespace", "ServiceAccount", "ClusterRoleBinding"} >= {one["kind"] for one in own}
    for one in own:
        body = one | {
            "metadata": one["metadata"] | ({"namespace": "default"} if "namespace" in one["metadata"] else {})
        }
        assert GROUP not in one["apiVersion"]
        kubectl("apply", "--dry-run=server", "--filename=-", text=json.dumps(body))

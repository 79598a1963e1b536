"""What the chart makes, shown to the real API server: types, policies, Pod Security, Prometheus operator kinds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.kubectl import Kubectl
from tests.deploy.chart_room import FIRST_BUILD, Manifest, only, prometheus_definitions, template

pytestmark = FIRST_BUILD

RESTRICTED = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
INGRESS = {"enabled": True, "host": "imm.example.com", "className": "alb", "path": "/imm", "tlsSecret": "certificate"}
MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "one shard of several": {"shard": "second", "crds": {"install": False}},
    "without policies": {"admissionPolicies": {"enabled": False}, "networkPolicy": {"enabled": False}},
    "without a budget": {"podDisruptionBudget": {"enabled": False}},
    "without a Service": {"metrics": {"service": {"enabled": False}}},
    "definitions that are not kept": {
        "crds": {"keep": False, "annotations": {"example.com/owner": "platform"}},
        "admissionPolicies": {"crdGuard": False},
    },
    "another account": {"serviceAccount": {"create": False, "name": "default"}},
    "a role for ambient": {"rrsa": {"roleName": "imm-operator"}, "settings": {"allowAmbient": True}},
    "callbacks": {
        "callbacks": {"enabled": True, "ingress": INGRESS, "service": {"type": "LoadBalancer", "port": 8443}},
        "settings": {"httpPort": 9090, "callbackPort": 9091},
        "networkPolicy": {
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"team": "observability"}}}],
            "callbacksFrom": [{"ipBlock": {"cidr": "198.51.100.0/24"}}],
            "extraEgress": [{"to": [{"ipBlock": {"cidr": "100.100.100.200/32"}}], "ports": [{"port": 80}]}],
        },
    },
    "monitors": {"metrics": {name: {"enabled": True} for name in ("serviceMonitor", "rules", "dashboard")}},
    "a pod monitor": {"metrics": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}},
    "all of the pod": {
        "image": {"repository": "registry.example.com/imm-operator", "digest": "sha256:" + "a" * 64},
        "imagePullSecrets": [{"name": "registry"}],
        "replicas": 3,
        "extraEnv": [{"name": "HTTPS_PROXY", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "url"}}}],
        "extraVolumes": [{"name": "ca", "configMap": {"name": "sts-ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
        "settings": {"stsCaFile": "/ca/ca.crt", "leaseDuration": 60, "orphanAfter": 86400000},
        "podLabels": {"team": "media"},
        "podAnnotations": {"example.com/note": "text"},
        "commonLabels": {"cost-centre": "4711"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}}
        ]}},
        "topologySpreadConstraints": [],
        "priorityClassName": "system-cluster-critical",
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def monitored(kubectl: Kubectl) -> Kubectl:
    """A cluster that knows the Prometheus operator's kinds."""
    files = [f"--filename={path}" for path in prometheus_definitions()]
    kubectl("apply", "--server-side", *files)
    kubectl("wait", "--for=condition=Established", *files, "--timeout=60s")
    return kubectl


@pytest.fixture
def restricted(kubectl: Kubectl, namespace: str) -> str:
    """A namespace that admits what the strictest of the Pod Security Standards allows."""
    kubectl("label", "namespace", namespace, *RESTRICTED)
    return namespace


def shown(kubectl: Kubectl, bodies: list[Manifest]) -> list[str]:
    """What the API server says to them, one line for each; a warning is a failure."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    said = kubectl("apply", "--dry-run=server", "--warnings-as-errors", "--validate=strict", "--filename=-", text=text)
    return said.splitlines()


@pytest.mark.parametrize("name", MATRIX)
def test_the_api_server_takes_what_the_chart_makes(monitored: Kubectl, restricted: str, name: str) -> None:
    """Every object, with no field that it does not know and no warning, in a namespace that is restricted."""
    made = template(MATRIX[name], namespace=restricted)
    said = shown(monitored, made)
    assert len(made) == len(said)
    assert all(line.endswith("(server dry run)") for line in said)


@pytest.mark.parametrize("name", MATRIX)
def test_the_pod_itself_is_admitted(kubectl: Kubectl, restricted: str, name: str) -> None:
    """A Deployment is only warned of; its pods would be refused later, where nobody looks."""
    made = template(
        MATRIX[name] | {"serviceAccount": {"create": False, "name": "default"}, "rrsa": {}}, namespace=restricted
    )
    pod = pod_of(made, restricted)
    assert ["pod/probe created (server dry run)"] == shown(kubectl, [pod])


@pytest.mark.parametrize("weaker", ["runAsNonRoot", "seccompProfile"])
def test_a_weaker_pod_is_not(kubectl: Kubectl, restricted: str, weaker: str) -> None:
    """So the check above is one."""
    pod = pod_of(template({"serviceAccount": {"create": False, "name": "default"}}, namespace=restricted), restricted)
    del pod["spec"]["securityContext"][weaker]
    with pytest.raises(Exception, match=f"violates PodSecurity.*{weaker}"):
        shown(kubectl, [pod])


def test_the_api_server_takes_a_namespaced_release(kubectl: Kubectl, restricted: str, namespace: str) -> None:
    """With its Roles in each namespace that it watches."""
    made = template({"watchNamespaces": ["default", namespace]}, namespace=restricted)
    assert len(made) == len(shown(kubectl, made))
    assert {"default", namespace} == {
        body["metadata"]["namespace"]
        for body in made
        if body["kind"] == "Role" and "-leader" not in body["metadata"]["name"]
    }


def pod_of(made: list[Manifest], namespace: str) -> Manifest:
    """A pod as the Deployment would make it."""
    template_ = only(made, "Deployment")["spec"]["template"]
    metadata = template_["metadata"] | {"name": "probe", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template_["spec"]}

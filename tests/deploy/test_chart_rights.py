"""A release that watches one namespace: its rights are enough for the work there, and reach nowhere else."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.instance import Config
from emulator.testing import running
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.operator import Operator, install
from sandbox.demo.services import answers, start
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError
from tests.deploy.chart_room import FIRST_BUILD, environment, only, template
from tests.integration.world import World, prepare

pytestmark = FIRST_BUILD

UPDATE_STATUS = ("update", "datasets.imm-operator.dev", "--subresource=status")
TOKEN = ("create", "serviceaccounts/any", "--subresource=token")
# What is asked, and whether it is allowed in the watched namespace, in another one, and in the operator's own.
QUESTIONS: dict[tuple[str, ...], tuple[bool, bool, bool]] = {
    ("get", "secrets/any"): (True, False, False),
    ("list", "secrets"): (False, False, False),
    TOKEN: (True, False, False),
    ("list", "datasets.imm-operator.dev"): (True, False, False),
    ("patch", "datasets.imm-operator.dev"): (True, False, False),
    UPDATE_STATUS: (True, False, False),
    ("create", "events"): (True, False, False),
    ("create", "pods"): (False, False, False),
    ("create", "leases.coordination.k8s.io"): (False, False, True),
    ("update", "leases.coordination.k8s.io/RELEASE"): (False, False, True),
    ("update", "leases.coordination.k8s.io/another"): (False, False, False),
    ("list", "leases.coordination.k8s.io"): (False, False, False),
}


@pytest.fixture(scope="module")
def release(kubectl: Kubectl) -> Iterator[dict[str, Any]]:
    """The chart's objects, applied for a namespace of tenants; the pods are left to the test."""
    install(kubectl)
    marked = uuid.uuid4().hex[:8]
    names = {"name": f"imm-operator-{marked}", "own": f"operator-{marked}", "watched": f"tenant-{marked}"}
    for namespace in (names["own"], names["watched"]):
        kubectl("create", "namespace", namespace)
    values = {
        "watchNamespaces": [names["watched"]],
        "crds": {"install": False},
        "admissionPolicies": {"crdGuard": False},
    }
    made = template(values, name=names["name"], namespace=names["own"])
    bodies = [body for body in made if body["kind"] != "Deployment"]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    kubectl("apply", "--filename=-", text=text)
    yield names | {"made": made}
    kubectl("delete", "--filename=-", "--wait=false", text=text)
    kubectl("delete", "namespace", names["own"], names["watched"], "--wait=false")


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_a_namespaced_release_has_rights_in_its_namespaces_only(
    release: dict[str, Any], kubectl: Kubectl, words: tuple[str, ...]
) -> None:
    """The operator's account, as the authorizer sees it."""
    account = only(release["made"], "ServiceAccount")["metadata"]["name"]
    who = f"system:serviceaccount:{release['own']}:{account}"
    asked = [word.replace("RELEASE", release["name"]) for word in words]
    places = (release["watched"], "default", release["own"])
    assert QUESTIONS[words] == tuple(may(kubectl, who, place, *asked) for place in places)


def test_no_other_namespace_is_even_looked_at(release: dict[str, Any], kubectl: Kubectl) -> None:
    """Whether it terminates is asked of the watched ones; kube-system says which cluster this is."""
    who = f"system:serviceaccount:{release['own']}:{release['name']}"
    asked = {name: may(kubectl, who, "default", "get", f"namespaces/{name}") for name in ("kube-system", "default")}
    assert {"kube-system": True, "default": False} == asked
    assert may(kubectl, who, "default", "get", f"namespaces/{release['watched']}")
    assert not may(kubectl, who, "default", "list", "namespaces")


def test_these_rights_are_enough(release: dict[str, Any], cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """The operator's process, with the chart's account and variables, from a CloudAccount to a dataset and back."""
    with running(Config(virtual_clock=False)) as cloud:
        world = World(cluster, kubectl, cloud, release["watched"], tmp_path)
        prepare(world)
        world.operator = started(release, cluster, cloud.url, tmp_path)
        try:
            world.account()
            world.await_ready("CloudAccount", "main")
            world.dataset("photos", deletionPolicy="Delete", deletionGracePeriod="10s")
            world.await_ready("Dataset", "photos")
            assert world.imm.get_dataset("media", "photos") is not None
            kubectl("delete", "dataset", "photos", f"--namespace={world.namespace}", "--wait=false")
            world.await_gone("Dataset", "photos", seconds=40)
            log = (tmp_path / "operator.log").read_text()
        finally:
            world.stop()
    assert "forbidden" not in log.lower()
    leases = kubectl("get", "leases", f"--namespace={release['own']}", "--output=name").split()
    assert [f"lease.coordination.k8s.io/{release['name']}"] == leases


def started(release: dict[str, Any], cluster: Cluster, sts: str, directory: Path) -> Operator:
    """The process that the chart's Deployment would run; only where it is told what a pod knows, it is told here."""
    kubeconfig = directory / "operator.kubeconfig"
    service_account_kubeconfig(cluster.kubeconfig, release["own"], release["name"], kubeconfig, hours=1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {
        "KUBECONFIG": str(kubeconfig),
        "IMM_OPERATOR_LEASE_NAMESPACE": release["own"],
        "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
        "IMM_OPERATOR_HTTP_PORT": str(port),
        "IMM_OPERATOR_STS_ENDPOINT": sts,
        "IMM_OPERATOR_POLL_INTERVAL": "0.3",
    }
    service = start("operator", ["controller"], directory / "operator.log", environment(release["made"]) | here)
    service.await_ready(lambda: answers(f"http://127.0.0.1:{port}/readyz"), seconds=60)
    return Operator(f"http://127.0.0.1:{port}", service)


def may(kubectl: Kubectl, who: str, namespace: str, *words: str) -> bool:
    """Whether somebody may do something in a namespace."""
    try:
        return kubectl("auth", "can-i", *words, f"--as={who}", f"--namespace={namespace}").strip() == "yes"
    except ProgramError:  # kubectl ends with 1 for a no
        return False

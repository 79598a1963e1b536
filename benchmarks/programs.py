"""The two programs compared, each a process under a service account of its own.

So the API server's audit log tells their writes apart, and neither is the administrator, whom it never throttles.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.plain_kopf import PASSED, STARTED
from benchmarks.processes import age
from benchmarks.scale_world import NAMESPACE, ScaleWorld
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.operator import start_operator
from sandbox.demo.services import Service, start

INTERVAL = 15.0  # seconds between two looks at one object: a thousand of them stay below the rate a project has
OURS = "system:serviceaccount:imm-operator:imm-operator"
PLAIN = "plain-kopf"
FIRST_PASS = re.compile(r'controller_runtime_reconcile_total{controller="datasetbinding",result="\w+"} [1-9]')
RULES = (
    ("apiextensions.k8s.io", "customresourcedefinitions", ("list", "watch")),
    ("", "namespaces", ("list", "watch")),
    ("imm-operator.dev", "datasetbindings", ("list", "watch", "patch")),
    ("imm-operator.dev", "datasetbindings/status", ("patch",)),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A process under test, its user, and whether it has been over a binding."""

    service: Service
    user: str
    has_passed: Callable[[], bool]

    def seconds_to_first_pass(self) -> float:
        """From the start of the process to the end of its first pass over a binding.

        Raises:
            ProgramError: it makes none in a minute.
        """
        self.service.await_ready(self.has_passed, seconds=60)
        return age(self.service)


Start = Callable[[ScaleWorld], Program]


def operator(world: ScaleWorld, *, rate: float) -> Program:
    """The operator, which allows itself so many IMM calls a second."""
    looks = {"IMM_OPERATOR_POLL_INTERVAL": "1", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": str(INTERVAL)}
    own = {"IMM_OPERATOR_NAMESPACES": NAMESPACE, "IMM_OPERATOR_IMM_RATE": str(rate), **looks}
    started = start_operator(world.cluster, world.directory, world.cloud.url, own)

    def has_passed() -> bool:
        with urllib.request.urlopen(f"{started.url}/metrics") as answer:  # noqa: S310 - a loopback address of ours
            return FIRST_PASS.search(answer.read().decode()) is not None

    return Program(started.service, OURS, has_passed)


def plain_kopf(world: ScaleWorld, *, interval: float) -> Program:
    """Plain Kopf, which looks at each object after so many seconds. Its pass ends before Kopf writes what it found."""
    _grant(world)
    kubeconfig = world.directory / "plain.kubeconfig"
    environment = {
        "KUBECONFIG": str(service_account_kubeconfig(world.cluster.kubeconfig, NAMESPACE, PLAIN, kubeconfig)),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": world.cloud.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": world.cloud.access_key_secret,
        "EMULATOR_URL": world.cloud.url,
        "REGION": world.cloud.region,
        "INTERVAL": str(interval),
    }
    service = start("plain", ["benchmarks.plain_kopf"], world.directory / "plain.log", environment)
    service.await_ready(lambda: STARTED in service.log.read_text(), seconds=60)
    user = f"system:serviceaccount:{NAMESPACE}:{PLAIN}"
    return Program(service, user, lambda: PASSED in service.log.read_text())


def _grant(world: ScaleWorld) -> None:
    """Plain Kopf's service account, and what Kopf needs to watch, finalize, annotate and write a status."""
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": PLAIN}}
    rules = [{"apiGroups": [group], "resources": [what], "verbs": verbs} for group, what, verbs in RULES]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": PLAIN}
    account = {"kind": "ServiceAccount", "name": PLAIN, "namespace": NAMESPACE}
    items = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": PLAIN, "namespace": NAMESPACE}},
        api | {"kind": "ClusterRole", "rules": rules},
        api | {"kind": "ClusterRoleBinding", "roleRef": role, "subjects": [account]},
    ]
    world.kubectl("apply", "--filename=-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

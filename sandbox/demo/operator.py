"""The operator in the demo: its definitions and rights applied, then the real process under its own service account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import ports
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.services import Service, answers, start
from sandbox.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = NAME = "imm-operator"
TOKEN_HOURS = 24


@dataclass(frozen=True)
class Operator:
    """A running operator: where its probes and metrics are."""

    url: str
    service: Service


def install(kubectl: Kubectl) -> None:
    """Apply the definitions and the RBAC that ship with the project, and wait until the kinds are served."""
    kubectl("apply", "--server-side", f"--filename={ROOT / 'crds'}")
    kubectl("wait", "--for=condition=Established", f"--filename={ROOT / 'crds'}", "--timeout=60s")
    kubectl("apply", "--server-side", f"--kustomize={ROOT / 'deploy' / 'kustomize' / 'rights'}")


def start_operator(
    cluster: Cluster, directory: Path, sts_endpoint: str, settings: Mapping[str, str] | None = None
) -> Operator:
    """Start the operator as its service account, never as admin, and wait until it is ready."""
    kubeconfig = directory / "operator.kubeconfig"
    service_account_kubeconfig(cluster.kubeconfig, NAMESPACE, NAME, kubeconfig, hours=TOKEN_HOURS)
    port = ports.reserve()
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "IMM_OPERATOR_STS_ENDPOINT": sts_endpoint,
        "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
        "IMM_OPERATOR_HTTP_PORT": str(port),
        "IMM_OPERATOR_LEASE_NAMESPACE": NAMESPACE,
        "IMM_OPERATOR_LOG_FORMAT": "plain",
        "IMM_OPERATOR_POLL_INTERVAL": "1",
        **(settings or {}),
    }
    service = start("operator", ["controller"], directory / "operator.log", environment)
    url = f"http://127.0.0.1:{port}"
    service.await_ready(lambda: answers(f"{url}/readyz"), seconds=60)
    return Operator(url, service)

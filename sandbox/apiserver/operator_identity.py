"""Let a process outside the cluster run as a service account of it, with no right more than its pod would have.

The demo and the tests start the operator this way, so a rule missing in its ClusterRole fails here and not at a user's.
"""

import json
from pathlib import Path

from sandbox.apiserver import kubeconfig
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError


def service_account_token(
    cluster_kubeconfig: Path, namespace: str, name: str, *, hours: float = 1, audience: str | None = None
) -> str:
    """Return a token of the service account from the TokenRequest API."""
    words = [f"--namespace={namespace}", f"--duration={round(hours * 3600)}s"]
    words += [f"--audience={audience}"] if audience else []
    try:
        return Kubectl(cluster_kubeconfig)("create", "token", name, *words).strip()
    except ProgramError as error:
        raise ProgramError(
            f"No token for service account {namespace}/{name}: does it exist, and may this kubeconfig "
            f"({cluster_kubeconfig}) create serviceaccounts/token?\n{error}"
        ) from error


def service_account_kubeconfig(
    cluster_kubeconfig: Path, namespace: str, name: str, out: Path, hours: float = 8
) -> Path:
    """Write to `out` a kubeconfig that signs in as the service account for so many hours, and return `out`."""
    token = service_account_token(cluster_kubeconfig, namespace, name, hours=hours)
    shown = Kubectl(cluster_kubeconfig)("config", "view", "--minify", "--flatten", "--output=json")
    return kubeconfig.with_token(out, json.loads(shown)["clusters"][0]["cluster"], token, namespace)

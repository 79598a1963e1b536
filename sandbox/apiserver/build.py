"""Which programs make up the sandbox cluster: our one binary, built once and cached, or a folder of upstream's own.

`KUBEBUILDER_ASSETS` is the folder that controller-runtime's envtest uses (kube-apiserver, etcd, kubectl). Whoever has
one saves the build, at a price: it has no controller manager.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.apiserver import go_build, toolchain
from sandbox.programs import ProgramError

NO_CONTROLLERS = (
    "KUBEBUILDER_ASSETS is set: its kube-apiserver and etcd are used, without a controller manager. A deleted "
    "namespace stays Terminating and owned objects are not collected; unset the variable to build the whole cluster."
)


@dataclass(frozen=True)
class OneBinary:
    """API server, etcd and controllers in one process, built from `sandbox/cluster`."""

    server: Path


@dataclass(frozen=True)
class SeparateBinaries:
    """Upstream's own builds, side by side; nothing there ends namespaces or collects garbage."""

    apiserver: Path
    etcd: Path


Programs = OneBinary | SeparateBinaries


def find_programs(environment: Mapping[str, str] = os.environ) -> Programs:
    """Return the programs of `KUBEBUILDER_ASSETS` if it is set, else our binary, built now if need be."""
    if assets := environment.get("KUBEBUILDER_ASSETS"):
        folder = Path(assets)
        return SeparateBinaries(apiserver=_asset(folder, "kube-apiserver"), etcd=_asset(folder, "etcd"))
    cache = toolchain.cache_folder(environment)
    output = _built(cache) / "cluster"
    if not output.exists():
        go_build.build(toolchain.find_go(cache), ".", output, "the Kubernetes API server")
    return OneBinary(output)


def find_kubectl(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the kubectl of `KUBEBUILDER_ASSETS`, else of PATH, else one built beside the API server."""
    if (assets := environment.get("KUBEBUILDER_ASSETS")) and (Path(assets) / "kubectl").exists():
        return Path(assets) / "kubectl"
    if on_path := shutil.which("kubectl", path=environment.get("PATH")):
        return Path(on_path)
    cache = toolchain.cache_folder(environment)
    output = _built(cache) / "kubectl"
    if not output.exists():
        go_build.build(toolchain.find_go(cache), "k8s.io/kubernetes/cmd/kubectl", output, "kubectl")
    return output


def _asset(folder: Path, name: str) -> Path:
    program = folder / name
    if not os.access(program, os.X_OK):
        raise ProgramError(
            f"KUBEBUILDER_ASSETS names {folder}, but there is no executable `{name}` in it.\n"
            "Point it at a folder with kube-apiserver and etcd, or unset it to have both built here."
        )
    return program


def _built(cache: Path) -> Path:
    """Return the folder of exactly this source: an edit of it is a new build, an old check-out finds its own again."""
    digest = hashlib.sha256("\0".join(go_build.flags()).encode())
    for name in ("go.sum", "go.mod", "main.go"):
        digest.update((go_build.SOURCE / name).read_bytes())
    return cache / "cluster" / digest.hexdigest()

"""The operator run from its image's files, and what is found about it: one JSON object, every value of it measured."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import ports
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.operator import NAME, NAMESPACE, Operator
from sandbox.demo.services import Service, answers
from sandbox.demo.stage import Stage
from sandbox.demo.story import Scene, set_up
from sandbox.image.container import Container, main_process
from sandbox.image.layout import Layout
from sandbox.programs import ProgramError

PROBE = Path(__file__).with_name("probe.py")
KUBECONFIG = "/etc/imm-operator/kubeconfig"  # Kopf knows a pod's API server by its name only, which only pods resolve
READY_SECONDS = 60
GRACE_SECONDS = 30  # what Kubernetes gives a pod


class Confined(Service):
    """The operator in its container; it is not on a leash, and ends for good with who started it."""

    def stop(self) -> None:
        """End it at once where it has not ended in order."""
        if self.process.poll() is None:
            self.kill()


@dataclass
class Started:
    """The operator, once `set_up` has started it: its container, and how that went."""

    container: Container
    layout: Layout
    process: int = 0
    ready_seconds: float = 0.0
    start_mib: int = 0

    def operate(self, cluster: Cluster, directory: Path, sts_endpoint: str) -> Operator:
        """Start the image's own command under its service account, and wait until it is ready."""
        port, kubeconfig = ports.reserve(), directory / "operator.kubeconfig"
        service_account_kubeconfig(cluster.kubeconfig, NAMESPACE, NAME, kubeconfig)
        kubeconfig.chmod(0o444)
        environment = {
            "KUBECONFIG": KUBECONFIG,
            "IMM_OPERATOR_LEASE_NAMESPACE": NAMESPACE,
            "IMM_OPERATOR_STS_ENDPOINT": sts_endpoint,
            "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
            "IMM_OPERATOR_HTTP_PORT": str(port),
            "IMM_OPERATOR_POLL_INTERVAL": "1",
        }
        command = [*self.layout.stage.entrypoint, *self.layout.stage.command]
        began, log = time.monotonic(), directory / "operator.log"
        process = self.container.start(command, environment, {KUBECONFIG: kubeconfig}, log)
        service = Confined("operator", process, log)
        url = f"http://127.0.0.1:{port}"
        try:
            service.await_ready(lambda: answers(f"{url}/readyz"), READY_SECONDS)
        except BaseException:
            service.stop()
            raise
        self.ready_seconds = round(time.monotonic() - began, 1)
        self.process = main_process(service.process)
        self.start_mib = resident_mib(self.process)
        return Operator(url, service)


def prove(layout: Layout, directory: Path, stage: Stage) -> dict[str, Any]:
    """Run the operator from the layout through the demo's bindings, end it, and say what was seen.

    Raises:
        ProgramError: it did not do its work, or wrote, or did not end in order.
    """
    container = Container(layout, directory)
    with stage.step("looking around in the image's file system"):
        found = json.loads(container.output(["python3", "-c", PROBE.read_text()], directory / "probe.log"))
        version = container.output([*layout.stage.entrypoint, "--version"], directory / "version.log").strip()
    before = _state(layout.root)
    started = Started(container, layout)
    with ExitStack() as stack:
        scene = set_up(directory, None, stage, stack, started.operate)
        ready = _ready(scene)
        mib = resident_mib(started.process)
        with stage.step("the operator ends on SIGTERM"):
            code = _end(scene.operator.service, started.process)
    return {
        **found,
        "version": version,
        "megabytes": round(layout.megabytes, 1),
        "ready_seconds": started.ready_seconds,
        "resident_mib": {"at_start": started.start_mib, "in_use": mib},
        "bindings_ready": ready,
        "changed_files": sorted(before ^ _state(layout.root)),
        "left_in_tmp": sorted(path.name for path in container.temporary.rglob("*")),
        "exit_code": code,
    }


def resident_mib(process: int) -> int:
    """Of a process, from the kernel."""
    told = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", told)
    if found is None:
        raise ProgramError(f"process {process} has no memory any more: it has ended")
    return int(found[1]) // 1024


def _ready(scene: Scene) -> int:
    shown = json.loads(scene.kubectl("get", "datasetbindings", *scene.namespace, "--output=json"))
    conditions = (c for item in shown["items"] for c in item["status"]["conditions"])
    return sum(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _end(service: Service, process: int) -> int:
    """Ask the process to end as the kubelet does, and give it as long; its code is its starter's."""
    os.kill(process, signal.SIGTERM)
    return service.process.wait(GRACE_SECONDS)


def _state(root: Path) -> set[str]:
    """Every file with what a write would change."""
    files = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {f"{path.relative_to(root)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files}

"""Where the commands of a page are typed: a copy of the project, programs on PATH, and what the page presumes.

What a page may presume is in `tests/docs_commands_scenes.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulator.instance import Config
from emulator.testing import LocalCloud, running
from sandbox.apiserver.build import find_kubectl
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.kubectl import Kubectl
from sandbox.programs import run
from tests import docs_commands_programs
from tests.docs_commands import ROOT
from tests.docs_commands_node import Node

NOT_COPIED = {".git", ".venv", ".sandbox", "tests", "dist", "benchmarks"}


@dataclass
class Room:
    """A place of one page, or of a few that presume the same."""

    folder: Path
    stack: ExitStack
    environment: dict[str, str]
    out: Path
    _cloud: LocalCloud | None = None
    _cluster: Cluster | None = None
    nodes: list[Node] = field(default_factory=list)

    @property
    def cloud(self) -> LocalCloud:
        """The local cloud, with its address and key in the environment."""
        if self._cloud is None:
            self._cloud = self.stack.enter_context(running(Config(virtual_clock=False)))
            told = run([sys.executable, "-m", "emulator", "env", "--url", self._cloud.url])
            for line in told.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                self.environment[name] = value
        return self._cloud

    @property
    def cluster(self) -> Cluster:
        """A Kubernetes API server of this room alone, with a node; the environment says where it is."""
        if self._cluster is None:
            self._cluster = self.stack.enter_context(start_cluster(self.out / "cluster", durable=False))
            kubeconfig = self.out / "kubeconfig"  # the reader's own: a page may change it
            shutil.copyfile(self._cluster.kubeconfig, kubeconfig)
            self.environment["KUBECONFIG"] = str(kubeconfig)
            node = Node(self._cluster, self.out / "node", self._cloud.url if self._cloud else "")
            self.nodes.append(self.stack.enter_context(node))
        return self._cluster

    @property
    def kubectl(self) -> Kubectl:
        """The administrator's."""
        return Kubectl(self.cluster.kubeconfig)

    def type(self, command: str) -> str:
        """What a command of the scene's own prints."""
        words = ["bash", "-euo", "pipefail", "-c", command]
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert 0 == done.returncode, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


Scene = Callable[[Room], object]


@contextmanager
def opened(out: Path, scenes: tuple[Scene, ...]) -> Iterator[Room]:
    """A room with these scenes."""
    folder = out / "imm-operator"
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT, folder, ignore=_left_out, symlinks=True)
    (folder / "tests").symlink_to(ROOT / "tests")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    programs = out / "programs"
    programs.mkdir()
    for name in docs_commands_programs.NAMES:
        docs_commands_programs.stand_in(programs, name)
    (programs / "kubectl").symlink_to(find_kubectl())
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KUBE", "HELM_", "IMM_OPERATOR_", "ALIBABA_", "PULUMI_"))
        and "PROXY" not in name.upper()
    }
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), kept.get("PATH", "")])
    homes = {f"HELM_{name}_HOME": str(out / "helm" / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
    with ExitStack() as stack:
        room = Room(folder, stack, kept | homes | {"PATH": path, "KUBECONFIG": os.devnull}, out)
        for scene in scenes:
            scene(room)
        yield room


def _left_out(folder: str, names: list[str]) -> set[str]:
    outermost = NOT_COPIED & set(names) if Path(folder) == ROOT else set()
    return outermost | {name for name in names if name == "__pycache__" or name.endswith(("_cache", ".hypothesis"))}

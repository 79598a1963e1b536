"""Argo CD's own code beside a real API server: its settings in a namespace, and the program that asks it."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.kubectl import Kubectl
from tests.deploy.argocd_files import ARGOCD, CONFIG
from tests.deploy.upstream_programs import argocd

RUN_SECONDS = 180
Body = dict[str, Any]


@dataclass(frozen=True)
class Argo:
    """The cluster it looks at, and the namespace that argocd-cm is in."""

    kubectl: Kubectl
    namespace: str

    def ask(self, objects: list[Body]) -> list[Body]:
        """Of each object: `health`, `actions`, and `results` of every action."""
        return list(run("ask", {"Namespace": self.namespace, "Objects": objects}, self.kubectl.kubeconfig))

    def modified(self, namespace: str, pairs: list[tuple[Body, Body]]) -> dict[str, list[str]]:
        """By way of comparing: which of the pairs (what Git has, what the cluster has) are out of sync."""
        asked = [{"Target": tracked(target), "Live": live} for target, live in pairs]
        answers = run("diff", {"Namespace": namespace, "Pairs": asked}, self.kubectl.kubeconfig)
        return {
            way: [
                f"{target['kind']} {target['metadata']['name']}: {differences(answer['live'], answer['predicted'])}"
                for (target, _), answer in zip(pairs, verdicts, strict=True)
                if answer["modified"]
            ]
            for way, verdicts in answers.items()
        }

    def sync(self, namespace: str, objects: list[Body], seconds: int = 60, **how: bool) -> Body:
        """One sync of what Git has into a namespace: its `phase` and `message`, and the `results`."""
        asked = {"Namespace": namespace, "Customizations": self.namespace, "Seconds": seconds}
        asked |= {"Objects": [tracked(body) for body in objects]}
        return dict(run("sync", asked | how, self.kubectl.kubeconfig))


def tracked(body: Body) -> Body:
    """The object as Argo CD applies and compares it: with the annotation that it knows its own by."""
    group = body["apiVersion"].rpartition("/")[0]
    metadata = body["metadata"]
    key = f"app:{group}/{body['kind']}:{metadata.get('namespace', '')}/{metadata['name']}"
    annotations = metadata.get("annotations", {}) | {"argocd.argoproj.io/tracking-id": key}
    return body | {"metadata": metadata | {"annotations": annotations}}


def differences(live: Any, predicted: Any, path: str = "") -> list[str]:
    """Where two objects differ, and how."""
    if isinstance(live, dict) and isinstance(predicted, dict):
        keys = sorted(live.keys() | predicted.keys())
        return [found for key in keys for found in differences(live.get(key), predicted.get(key), f"{path}.{key}")]
    return [] if live == predicted else [f"{path}: {live!r} would be {predicted!r}"]


def run(command: str, question: object, kubeconfig: Path = Path(os.devnull)) -> Any:
    """Ask the program."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [argocd(), command],
        input=json.dumps(question),
        env=environment | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


@contextmanager
def installed_argo(kubectl: Kubectl) -> Iterator[Argo]:
    """Settings as Argo CD's own manifests make them, empty, and then patched by the command of the guide."""
    namespace = f"argocd-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    labels = {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "labels": labels}}
    kubectl("apply", f"--namespace={namespace}", "--filename=-", text=json.dumps(config))
    kubectl("patch", "configmap", "argocd-cm", f"--namespace={namespace}", f"--patch-file={ARGOCD / CONFIG}")
    try:
        yield Argo(kubectl, namespace)
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")

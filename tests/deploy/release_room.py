"""A release by helm in a cluster of its own, a cloud, and the operator's process as the release's Deployment has it.

No kubelet runs pods here: the process gets the variables of the Deployment that is in the cluster, and the release's
service account. Definitions change in these tests, so no other test shares the cluster.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from emulator.instance import Config
from emulator.testing import running
from sandbox import ports
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.operator_identity import service_account_kubeconfig
from sandbox.demo.operator import Operator
from sandbox.demo.services import answers, start
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError
from tests.deploy.chart_room import CHART, NAME, NAMESPACE, helm
from tests.integration.world import PROJECT, World, prepare

WORK = "imm-work"
PHOTO = Path(__file__).resolve().parents[2] / "examples" / "media" / "photos" / "dune.jpg"
READS = ("Get", "List", "Describe", "Head", "Query", "Simple", "Batch", "Assume", "PutBucket")
GROUP = "imm-operator.dev"
KINDS = ("cloudaccounts", "datasets", "datasetbindings", "batchimports")
NEWER = "deletionGracePeriod"  # the field that the older chart's definitions do not have yet


@dataclass
class Release:
    """A release, and one tenant's namespace with an account, a dataset and a binding in the cloud."""

    world: World
    started: int = field(default=0)

    @property
    def kubectl(self) -> Kubectl:
        """The administrator's."""
        return self.world.kubectl

    def helm(self, *words: str | Path) -> str:
        """Helm, in the operator's namespace."""
        return helm(*words, f"--namespace={NAMESPACE}", kubeconfig=self.world.cluster.kubeconfig)

    def install(self, chart: Path = CHART, *words: str) -> None:
        """Helm install, as the guide has it."""
        self.helm("install", NAME, chart, "--create-namespace", *words)
        self.established()

    def upgrade(self, chart: Path = CHART, *words: str) -> None:
        """Helm upgrade, as the guide has it."""
        self.helm("upgrade", NAME, chart, "--reset-then-reuse-values", *words)
        self.established()

    def established(self) -> None:
        """The kinds are served."""
        names = [f"crd/{kind}.{GROUP}" for kind in KINDS]
        self.kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")

    def start(self) -> None:
        """The process that the Deployment in the cluster would run."""
        self.started += 1
        directory = self.world.directory / f"operator-{self.started}"
        directory.mkdir()
        shown = json.loads(self.kubectl("get", "deployment", NAME, f"--namespace={NAMESPACE}", "--output=json"))
        pod = shown["spec"]["template"]["spec"]
        own = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
        kubeconfig = directory / "operator.kubeconfig"
        service_account_kubeconfig(
            self.world.cluster.kubeconfig, NAMESPACE, pod["serviceAccountName"], kubeconfig, hours=1
        )
        port = ports.reserve()
        here = {
            "KUBECONFIG": str(kubeconfig),
            "IMM_OPERATOR_LEASE_NAMESPACE": NAMESPACE,
            "IMM_OPERATOR_HTTP_HOST": "127.0.0.1",
            "IMM_OPERATOR_HTTP_PORT": str(port),
            "IMM_OPERATOR_STS_ENDPOINT": self.world.cloud.url,
            "IMM_OPERATOR_POLL_INTERVAL": "0.3",
            "IMM_OPERATOR_SETTLED_POLL_INTERVAL": "0.3",
        }
        service = start("operator", ["controller"], directory / "operator.log", own | here)
        service.await_ready(lambda: answers(f"http://127.0.0.1:{port}/readyz"), seconds=60)
        self.world.operator = Operator(f"http://127.0.0.1:{port}", service)

    def begin(self, chart: Path = CHART) -> None:
        """An operator that has just been installed, and an account for it."""
        self.install(chart)
        self.start()
        self.world.account(workBucket=WORK)

    def restart(self) -> None:
        """The Deployment's new pod in the place of the old one."""
        self.world.stop()
        self.start()

    def bound(self, name: str = "photos", *, photo: bool = True, **spec: Any) -> dict[str, Any]:
        """A dataset and a bucket that is bound to it, Ready; with a photo in it, or empty."""
        bucket = self.world.bucket(f"{name}-bucket")
        if photo:
            bucket.put_object_from_file("a.jpg", str(PHOTO))
        self.world.dataset(name, **spec)
        self.world.binding(name, f"{name}-bucket", name, **spec)
        self.world.await_ready("Dataset", name)
        return self.world.await_ready("DatasetBinding", name)

    def settle(self, *names: str) -> None:
        """Have each binding and its dataset looked at once more by the operator that runs now."""
        token = uuid.uuid4().hex
        for name in names:
            for kind in ("Dataset", "DatasetBinding"):
                self.world.request(kind, name, token)
                self.world.await_ready(kind, name)

    def writes(self) -> dict[str, int]:
        """The cloud's journal of what is no mere read, of IMM and OSS; buckets are made by the tests alone."""
        counts = self.world.cloud.counts()
        return {
            f"{service}:{operation}": count
            for service in ("imm", "oss")
            for operation, count in counts.get(service, {}).items()
            if not operation.startswith(READS)
        }

    def in_cloud(self, name: str = "photos") -> tuple[bool, bool]:
        """Whether the cloud has the dataset and the binding."""
        found = self.world.imm.list_bindings(PROJECT)
        return self.world.imm.get_dataset(PROJECT, name) is not None, any(b.bucket == f"{name}-bucket" for b in found)

    def owner_record(self, name: str = "photos") -> dict[str, Any] | None:
        """Whose the binding is on record."""
        cloud = self.world.cloud
        key = f"owners/{cloud.account_id}/{cloud.region}/{PROJECT}/{name}/{name}-bucket.json"
        work = self.world.bucket(WORK)
        return dict(json.loads(work.get_object(key).read())) if work.object_exists(key) else None

    def stored(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """Spec, status, generation and finalizers of each object of the tenant."""
        shown = json.loads(
            self.kubectl("get", ",".join(kinds or KINDS), f"--namespace={self.world.namespace}", "--output=json")
        )
        return {
            f"{body['kind']}/{body['metadata']['name']}": {
                "spec": body["spec"],
                "status": body.get("status"),
                "generation": body["metadata"]["generation"],
                "finalizers": body["metadata"].get("finalizers"),
            }
            for body in shown["items"]
        }

    def definitions(self) -> set[str]:
        """Our definitions in the cluster."""
        return definitions(self.kubectl)

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`imm-operator`, as somebody with the administrator's kubeconfig and the account's key."""
        cloud = self.world.cloud
        own = {
            "PATH": "/usr/bin:/bin",
            "KUBECONFIG": str(self.world.cluster.kubeconfig),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key_secret,
            "ALIBABA_CLOUD_REGION": cloud.region,
            "OSS_ENDPOINT": cloud.url,
        }
        return subprocess.run(
            [sys.executable, "-m", "controller.cli", *words],
            capture_output=True, text=True, env=own, timeout=90, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@contextmanager
def opened(cluster: Cluster, directory: Path) -> Iterator[Release]:
    """Nothing is installed yet; afterwards nothing is left in the cluster."""
    kubectl, namespace = Kubectl(cluster.kubeconfig), f"team-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    with running(Config(virtual_clock=False)) as cloud:
        world = World(cluster, kubectl, cloud, namespace, directory)
        prepare(world)
        world.bucket(WORK)
        try:
            yield Release(world)
        finally:
            world.stop()
            clear(cluster, kubectl, namespace)


def clear(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    """Take everything away, whatever a failed test left."""
    releases = json.loads(helm("list", "--all-namespaces", "--output=json", kubeconfig=cluster.kubeconfig) or "[]")
    for one in releases:
        helm("uninstall", one["name"], f"--namespace={one['namespace']}", kubeconfig=cluster.kubeconfig)
    kubectl("delete", "lease", "--all", f"--namespace={NAMESPACE}")
    for kind in definitions(kubectl):
        for name in kubectl("get", kind, f"--namespace={namespace}", "--output=name").split():
            kubectl("patch", name, f"--namespace={namespace}", "--type=merge", '--patch={"metadata":{"finalizers":[]}}')
        with suppress(ProgramError):  # it may be on its way out, and gone by now
            # The guard is in force for a moment after it is gone.
            kubectl("annotate", "--overwrite", f"crd/{kind}.{GROUP}", f"{GROUP}/allow-deletion=true")
        kubectl("delete", f"crd/{kind}.{GROUP}", "--ignore-not-found", "--timeout=300s", seconds=320)


def definitions(kubectl: Kubectl) -> set[str]:
    """Our definitions in the cluster, by plural."""
    names = kubectl("get", "crd", "--output=name").split()
    return {name.partition("/")[2].partition(".")[0] for name in names if name.endswith(f".{GROUP}")}


def older_chart(directory: Path) -> Path:
    """The chart as an earlier version might have been: fewer fields, other columns, another version."""
    chart = directory / "older"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "0.0.9", "appVersion": "0.0.9"}))
    for path in sorted((chart / "files" / "crds").glob("*.yaml")):
        body = yaml.safe_load(path.read_text())
        version = body["spec"]["versions"][0]
        without(version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"], (NEWER,))
        version["additionalPrinterColumns"] = version["additionalPrinterColumns"][:1]
        path.write_text(yaml.safe_dump(body))
    return chart


def without(fields: dict[str, Any], names: Sequence[str]) -> None:
    """Remove fields that are there."""
    for name in names:
        fields.pop(name, None)

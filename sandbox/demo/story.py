"""The demo's steps in order, and what a person sees at the end."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.api.handover import Handover
from sandbox.apiserver.build import find_programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.apiserver.existing_cluster import use_context
from sandbox.demo import media
from sandbox.demo.image_search import buy_instance
from sandbox.demo.local_cloud import LocalCloud, start_cloud
from sandbox.demo.operator import ROOT, Operator, install, start_operator
from sandbox.demo.stage import Stage
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError, run

BINDINGS = ROOT / "examples" / "manifests" / "bindings.yaml"
IMPORT = ROOT / "examples" / "manifests" / "import.yaml"
PICTURES = ROOT / "examples" / "manifests" / "pictures.yaml"
INSTANCE = "shop"  # of Image Search, as pictures.yaml names it
STACK = "local"
READY_SECONDS = 120
LIVE_SECONDS = 30
POLL = 0.2


@dataclass(frozen=True)
class Scene:
    """Everything that runs while the demo is up."""

    directory: Path
    cluster: Cluster
    cloud: LocalCloud
    operator: Operator
    handover: Handover
    kubectl: Kubectl

    def dataset(self, name: str) -> tuple[str, str]:
        """Project and name of a dataset of the hand-over."""
        return next((p.name, d.name) for p in self.handover.projects for d in p.datasets if d.name == name)

    def bucket(self, dataset: str) -> str:
        """The media bucket that is bound to a dataset, as the cluster has it."""
        binding = json.loads(self.kubectl("get", "datasetbinding", dataset, *self.namespace, "--output=json"))
        return str(binding["spec"]["bucket"])

    @property
    def namespace(self) -> tuple[str]:
        """Kubectl's flag for the demo's namespace."""
        return (f"--namespace={self.handover.namespace}",)


def set_up(
    directory: Path,
    context: str | None,
    stage: Stage,
    stack: ExitStack,
    operate: Callable[[Cluster, Path, str], Operator] = start_operator,
) -> Scene:
    """Start everything, the operator by `operate`, and do the main job up to where every binding is Ready."""
    cluster = _cluster(directory, context, stage, stack)
    with stage.step("local Alibaba Cloud"):
        cloud = start_cloud(directory)
        stack.callback(cloud.service.stop)
    with stage.step("provisioning: the Pulumi program, rehearsed against the local cloud"):
        handover = _provision(directory, cloud)
    files = media.corpus()
    with stage.step(f"uploading {sum(map(len, files.values()))} files"):
        for dataset, paths in files.items():
            media.upload(cloud.bucket(_bucket_of(dataset, handover)), paths)
    kubectl = Kubectl(cluster.kubeconfig)
    with stage.step("definitions and RBAC"):
        install(kubectl)
    with stage.step("operator, as its own service account"):
        operator = operate(cluster, directory, cloud.url)
        stack.callback(operator.service.stop)
    scene = Scene(directory, cluster, cloud, operator, handover, kubectl)
    with stage.step("CloudAccount, Datasets and DatasetBindings applied"):
        _make_namespace(scene)
        if context is not None:
            stack.callback(_leave, scene, stage)
        _apply(scene)
    with stage.step("waiting until everything is Ready"):
        for kind in ("cloudaccounts", "datasets", "datasetbindings"):
            _await_ready(scene, kind)
    return scene


def follow_changes(scene: Scene, stage: Stage) -> None:
    """Upload one file and delete another while the operator runs, and wait until the index shows both."""
    project, dataset = scene.dataset("photos")
    bucket = scene.cloud.bucket(scene.bucket("photos"))
    first = next(path for path in media.corpus()["photos"] if path.parent.name == "photos")
    imm = scene.cloud.imm()

    def hits(key: str) -> int:
        return len(imm.simple_query(project, dataset, equals("URI", f"oss://{bucket.bucket_name}/{key}")))

    with stage.step("a file uploaded later shows up in the index"):
        bucket.put_object_from_file("later/arrival.jpg", str(first))
        _await("later/arrival.jpg to be indexed", lambda: hits("later/arrival.jpg") == 1)
    with stage.step("a deleted one disappears from it"):
        bucket.delete_object(media.key_of(first))
        _await(f"{media.key_of(first)} to leave the index", lambda: hits(media.key_of(first)) == 0)


def import_labelled(scene: Scene, stage: Stage) -> None:
    """Index a handful of files by hand, with labels; one of them is not there."""
    with stage.step("an import of labelled photos, followed until every file has its verdict"):
        scene.kubectl("apply", f"--filename={IMPORT}")
        _await_ready(scene, "batchimports")


def import_pictures(scene: Scene, stage: Stage) -> None:
    """Import photos into Image Search; one of them is not there, and is left out before anything is submitted."""
    with stage.step("an Image Search import, checked before it is submitted, followed to the end"):
        buy_instance(scene.cloud.url, INSTANCE)
        scene.kubectl("apply", f"--filename={PICTURES}")
        _await_ready(scene, "batchimports")
    manifest = f"oss://{scene.bucket('photos')}/photos/increment.meta"
    project, dataset = scene.dataset("photos")
    imm = scene.cloud.imm()
    with stage.step("its increment.meta lies beside the photos, and so is indexed like them"):
        _await(
            f"{manifest} to be indexed", lambda: len(imm.simple_query(project, dataset, equals("URI", manifest))) == 1
        )


def equals(field: str, value: str) -> dict[str, Any]:
    """A SimpleQuery condition."""
    return {"Operation": "eq", "Field": field, "Value": value}


def _cluster(directory: Path, context: str | None, stage: Stage, stack: ExitStack) -> Cluster:
    if context is not None:
        with stage.step(f"using the cluster of context {context}"):
            return use_context(context, directory)
    programs = find_programs()  # shows its own progress: the first build takes minutes
    with stage.step("Kubernetes API server"):
        # The local cloud starts empty each time, and so must the cluster: status would speak of what is gone.
        shutil.rmtree(directory / "cluster", ignore_errors=True)
        cluster = start_cluster(directory / "cluster", programs=programs, durable=False)
    stack.callback(cluster.stop)
    return cluster


def _provision(directory: Path, cloud: LocalCloud) -> Handover:
    state = directory / "rehearsal.json"
    state.unlink(missing_ok=True)
    rehearse = [sys.executable, "-m", "sandbox", "rehearse", "--stack", STACK, "--state", str(state)]
    steps = run([*rehearse, "up"], env=cloud.environment, cwd=ROOT, seconds=300)
    (directory / "provisioning.log").write_text(steps)
    return Handover.model_validate_json(run([*rehearse, "output"], env=cloud.environment, cwd=ROOT))


def _bucket_of(dataset: str, handover: Handover) -> str:
    """The stack names its buckets after what is in them."""
    for bucket in handover.media_buckets:
        if bucket.endswith(dataset):
            return bucket
    raise ProgramError(f"environments/Pulumi.{STACK}.yaml has no media bucket that ends in {dataset!r}; add one")


def _make_namespace(scene: Scene) -> None:
    try:
        scene.kubectl("create", "namespace", scene.handover.namespace)
    except ProgramError as error:
        raise ProgramError(
            f"The demo wants a namespace {scene.handover.namespace!r} of its own in this cluster and cannot make it. "
            f"If it is left over from an earlier demo, delete it:\n{error}"
        ) from error


def _leave(scene: Scene, stage: Stage) -> None:
    """Take the demo's objects out of a cluster that is not ours, while the operator can still release them."""
    with stage.step(f"removing namespace {scene.handover.namespace} from the cluster"):
        scene.kubectl("delete", "namespace", scene.handover.namespace, "--timeout=60s")
    stage.say(
        "The definitions and the RBAC stay. To remove them: kubectl annotate -f crds "
        "imm-operator.dev/allow-deletion=true; kubectl delete -f crds; kubectl delete -k deploy/kustomize/rights"
    )


def _apply(scene: Scene) -> None:
    document = scene.handover.model_dump_json(by_alias=True, exclude_none=True)
    rendered = run([sys.executable, "-m", "controller.cli", "render", "-"], text=document)
    key = scene.cloud.operator_key()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": scene.handover.credentials_secret},
        "stringData": {
            "accessKeyId": key.access_key_id,
            "accessKeySecret": key.access_key_secret,
        },
    }
    scene.kubectl("apply", *scene.namespace, "--filename=-", text=json.dumps(secret))
    scene.kubectl("apply", "--filename=-", text=rendered)
    scene.kubectl("apply", f"--filename={BINDINGS}")


def _await_ready(scene: Scene, kind: str) -> None:
    words = ("wait", kind, "--all", "--for=condition=Ready", f"--timeout={READY_SECONDS}s", *scene.namespace)
    try:
        scene.kubectl(*words, seconds=READY_SECONDS + 10)
    except ProgramError as error:
        shown = scene.kubectl("get", "imm", "--output=wide", *scene.namespace)
        raise ProgramError(
            f"{kind} did not become Ready; the operator's log is in {scene.directory}:\n{shown}\n{error}"
        ) from error


def _await(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIVE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise ProgramError(f"waited {LIVE_SECONDS} s for {what} in vain")
        time.sleep(POLL)

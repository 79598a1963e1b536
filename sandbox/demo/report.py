"""What the demo shows at its end. Every number is read back from the API server and the cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.demo import media
from sandbox.demo.image_search import smaller_copy
from sandbox.demo.stage import Stage
from sandbox.demo.story import INSTANCE, Scene

# Two questions that only the files' own content can answer, and one for what an import said of them.
QUERIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "photos",
        "pictures taken before 2010",
        {
            "Operation": "and",
            "SubQueries": [
                {"Operation": "eq", "Field": "MediaType", "Value": "image"},
                {"Operation": "lt", "Field": "ProduceTime", "Value": "2010-01-01T00:00:00+08:00"},
            ],
        },
    ),
    (
        "documents",
        "documents whose author is Steve Canny",
        {
            "Operation": "and",
            "SubQueries": [
                {"Operation": "eq", "Field": "MediaType", "Value": "document"},
                {"Operation": "eq", "Field": "Artist", "Value": "Steve Canny"},
            ],
        },
    ),
    (
        "photos",
        "photos labelled album=excursions",
        {"Operation": "eq", "Field": "CustomLabels.album", "Value": "excursions"},
    ),
)
SHOWN = ("CustomId", "ProduceTime", "ImageWidth", "ImageHeight", "Title", "Artist", "PageCount")
FAILED = {"Operation": "exist", "Field": "Reason"}


def show(scene: Scene, stage: Stage) -> dict[str, Any]:
    """Print objects, queries and failures; return the last line's numbers."""
    stage.heading("kubectl get imm --all-namespaces")
    stage.say(scene.kubectl("get", "imm", "--all-namespaces"))
    hits = sum(_show_query(scene, stage, *query) for query in QUERIES)
    failed = _show_failures(scene, stage)
    imports = _show_imports(scene, stage)
    return {
        "demo": "ok",
        "bindings_ready": _bindings_ready(scene),
        "files_indexed": _files_indexed(scene),
        "imported": sum(one["totals"]["succeeded"] for one in imports),
        "import_failed": sum(one["totals"]["failed"] for one in imports),
        "query_hits": hits,
        "failed_files": failed,
        "search_top1": _show_search(scene, stage),
        "seconds": round(stage.seconds, 1),
    }


def show_playground(scene: Scene, stage: Stage) -> None:
    """Print every address and the commands to play with."""
    bucket = scene.bucket("photos")
    stage.heading("It stays up; Ctrl-C stops everything.")
    stage.say(f"  API server     {scene.cluster.url}")
    stage.say(f"  local cloud    {scene.cloud.url}   (open it in a browser)")
    stage.say(f"  operator       {scene.operator.url}/metrics   /healthz   /readyz")
    stage.say(f"  logs           {scene.directory}/*.log")
    stage.heading("To play with, in another shell:")
    stage.say(f"  export KUBECONFIG={scene.cluster.kubeconfig}")
    stage.say("  kubectl get imm -A -o wide --watch")
    stage.say(f"  kubectl describe immb photos -n {scene.handover.namespace}")
    stage.say(
        f"  kubectl delete immb photos -n {scene.handover.namespace}   # Retain: the binding goes on in the cloud"
    )
    stage.say("  kubectl apply -f examples/manifests/bindings.yaml          # …and is adopted again")
    stage.say(f"  kubectl get immi excursions -n {scene.handover.namespace} -o yaml    # the verdict of every file")
    stage.say('  eval "$(.venv/bin/python -m emulator env --url ' + scene.cloud.url + ')"')
    stage.say(f"  .venv/bin/python examples/upload.py {bucket} README.md")


def _show_query(scene: Scene, stage: Stage, dataset: str, question: str, query: Mapping[str, Any]) -> int:
    files = scene.cloud.imm().simple_query(*scene.dataset(dataset), query)
    stage.heading(f"{question}: {len(files)} hits")
    for file in files:
        facts = "  ".join(f"{name}={file[name]}" for name in SHOWN if file.get(name))
        stage.say(f"  {file['URI']}  {facts}")
    return len(files)


def _show_failures(scene: Scene, stage: Stage) -> int:
    files = [
        file
        for dataset in ("photos", "documents")
        for file in scene.cloud.imm().simple_query(*scene.dataset(dataset), FAILED)
    ]
    stage.heading(f"files that could not be read: {len(files)}")
    for file in files:
        stage.say(f"  {file['URI']}  {file['Reason']}")
    return len(files)


def _show_imports(scene: Scene, stage: Stage) -> list[dict[str, Any]]:
    found = json.loads(scene.kubectl("get", "batchimports", "--output=json", *scene.namespace))["items"]
    for one in found:
        status = one["status"]
        totals = status["totals"]
        stage.heading(
            f"import {one['metadata']['name']}: {totals['succeeded']} succeeded, {totals['failed']} failed, "
            f"{totals.get('skipped', 0)} left out"
        )
        for failure in status.get("failures", ()):
            stage.say(f"  {failure['item']}  {failure['error']}")
    return [one["status"] for one in found]


def _show_search(scene: Scene, stage: Stage) -> str:
    """What Image Search takes for the picture that a smaller, recompressed copy was made of."""
    asked = media.MEDIA / "photos" / "china.jpg"
    hits = scene.cloud.find_similar(smaller_copy(asked), INSTANCE)
    stage.heading(f"pictures like a half-size copy of {asked.name}: {len(hits)} hits")
    for hit in hits:
        stage.say(f"  {hit.name}  product={hit.product}  {hit.content}  score={hit.score:.3f}")
    return hits[0].name if hits else ""


def _bindings_ready(scene: Scene) -> int:
    bindings = json.loads(scene.kubectl("get", "datasetbindings", "--output=json", *scene.namespace))["items"]
    return sum(
        condition["type"] == "Ready" and condition["status"] == "True"
        for binding in bindings
        for condition in binding["status"]["conditions"]
    )


def _files_indexed(scene: Scene) -> int:
    """The datasets' own statistics, as the cloud gives them."""
    imm = scene.cloud.imm()
    found = [imm.get_dataset(project.name, d.name) for project in scene.handover.projects for d in project.datasets]
    return sum(dataset.file_count for dataset in found if dataset is not None)

"""What kube-state-metrics makes of objects as the API server stores them, and that its configuration fits the CRDs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from controller.api.batchimport import Phase
from controller.reconcile.kinds import KINDS
from sandbox.kubectl import Kubectl
from tests.deploy.metric_names import KUBE_STATE_METRICS, PAGE, configured
from tests.deploy.upstream_programs import ROOT, kube_state_metrics

RESOURCES: list[dict[str, Any]] = yaml.safe_load(KUBE_STATE_METRICS.read_text())["spec"]["resources"]
WHEN = "2026-08-01T12:00:00Z"
ACCOUNT = {"region": "cn-hangzhou", "accountId": "1234567890123456", "credentials": {"secretRef": {"name": "key"}}}
REF = {"accountRef": {"name": "prod"}}


def condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    """As the operator writes it."""
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": WHEN}


OBJECTS: dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]] = {
    ("CloudAccount", "prod"): (
        ACCOUNT | {"workBucket": "records"},
        {
            "observedGeneration": 1,
            "conditions": [condition(kind, "False", "AccessDenied") for kind in ("Ready", "Permitted")],
        },
    ),
    ("Dataset", "pictures"): (
        REF | {"project": "media", "name": "pictures", "mode": "Observe"},
        {
            "observedGeneration": 1,
            "adopted": True,
            "statistics": {"files": 12, "totalSize": 5_000_000_000, "bindings": 2},
            "drift": [{"field": field, "wanted": "a", "actual": "b"} for field in ("templateId", "quotas")],
        },
    ),
    ("DatasetBinding", "photos"): (
        REF | {"dataset": {"ref": "pictures"}, "bucket": "photos", "deletionPolicy": "Delete"},
        {
            "observedGeneration": 1,
            "project": "media",
            "dataset": "pictures",
            "state": "Running",
            "phase": "FullScanning",
            "progress": {"indexed": 3, "total": 9},
            "conditions": [condition("Ready", "Unknown", "Indexing"), condition("Reconciling", "True", "Indexing")],
        },
    ),
    ("DatasetBinding", "unseen"): (REF | {"dataset": {"ref": "pictures"}, "bucket": "more-photos"}, {}),
    ("BatchImport", "photos"): (
        REF
        | {
            "suspend": True,
            "target": {"dataset": {"ref": "pictures"}},
            "source": {"items": [{"uri": "oss://photos/a.jpg"}]},
        },
        {
            "observedGeneration": 1,
            "phase": "Failed",
            "dataset": "pictures",
            "totals": {"items": 4, "submitted": 4, "succeeded": 1, "failed": 2, "unknown": 1},
            "startedAt": WHEN,
            "conditions": [
                condition("Ready", "False", "PartiallyFailed"),
                condition("Stalled", "True", "PartiallyFailed"),
            ],
        },
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lines(kubectl: Kubectl) -> Iterator[set[str]]:
    """What kube-state-metrics serves of those objects, once a real API server has stored them."""
    program = kube_state_metrics()
    namespace = "kube-state-metrics"
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
    kubectl("create", "namespace", namespace)
    for (kind, name), (spec, status) in OBJECTS.items():
        meta = {"name": name, "namespace": namespace}
        body = {"apiVersion": "imm-operator.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}
        kubectl("apply", "-f", "-", text=json.dumps(body))
        if status:
            words = ("--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}")
            kubectl("patch", kind, name, f"--namespace={namespace}", *words)
    stored = kubectl(
        "get", ",".join(kind.plural for kind in KINDS.values()), f"--namespace={namespace}", "--output=json"
    )
    objects = json.loads(stored)["items"]
    objects[0]["metadata"]["deletionTimestamp"] = WHEN  # the API server sets it only where a finalizer holds an object
    done = subprocess.run(
        [program, KUBE_STATE_METRICS],
        input=json.dumps(objects),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert 0 == done.returncode, done.stderr
    yield {plain(line) for line in done.stdout.splitlines() if not line.startswith("#")}
    kubectl("delete", "namespace", namespace, "--wait=false")


def plain(line: str) -> str:
    """A line without what is the same in all, and with its labels in order."""
    name, labels, value = re.fullmatch(r"(\w+){(.*)} (\S+)", line.replace("customresource_", "")).groups()  # type: ignore[union-attr]  # None fails
    same = ("group", "version", 'namespace="kube-state-metrics"')
    told = sorted(one for one in re.findall(r'\w+="[^"]*"', labels) if not one.startswith(same))
    return f"{name}{{{','.join(told)}}} {float(value):.0f}"


def of(kind: str, name: str, *labels: str) -> str:
    """Labels of a series of an object."""
    return ",".join(sorted([f'kind="{kind}"', f'name="{name}"', *labels]))


def test_conditions_are_told_with_their_reason(lines: set[str]) -> None:
    """1 for True alone; an object that nobody has looked at has none."""
    binding, account = ("DatasetBinding", "photos"), ("CloudAccount", "prod")
    told = {line for line in lines if line.startswith("imm_operator_resource_condition")}
    for key, kind, status, reason, value in (
        (binding, "Ready", "Unknown", "Indexing", 0),
        (binding, "Reconciling", "True", "Indexing", 1),
        (account, "Permitted", "False", "AccessDenied", 0),
        (("BatchImport", "photos"), "Stalled", "True", "PartiallyFailed", 1),
    ):
        labels = of(*key, f'type="{kind}"', f'status="{status}"', f'reason="{reason}"')
        assert f"imm_operator_resource_condition{{{labels}}} {value}" in told
    assert not [line for line in told if 'name="unseen"' in line]


def test_an_object_that_nobody_looked_at_shows_as_such(lines: set[str]) -> None:
    """Its generation is 1 and what was observed is the CRD's -1."""
    labels = of("DatasetBinding", "unseen")
    assert f"imm_operator_resource_generation{{{labels}}} 1" in lines
    assert f"imm_operator_resource_observed_generation{{{labels}}} -1" in lines
    assert f"imm_operator_resource_observed_generation{{{of('Dataset', 'pictures')}}} 1" in lines


def test_what_decides_about_an_object_is_told(lines: set[str]) -> None:
    """With the defaults that the API server filled in; one series an object."""
    infos = {
        of("CloudAccount", "prod", 'account_id="1234567890123456"', 'region="cn-hangzhou"', 'work_bucket="records"'),
        of("Dataset", "pictures", 'account="prod"', 'project="media"', 'dataset="pictures"', 'mode="Observe"',
           'suspend="false"', 'deletion_policy="Retain"', 'adopted="true"'),
        of("DatasetBinding", "photos", 'account="prod"', 'project="media"', 'dataset="pictures"', 'bucket="photos"',
           'mode="Apply"', 'suspend="false"', 'deletion_policy="Delete"'),
        of("DatasetBinding", "unseen", 'account="prod"', 'bucket="more-photos"', 'mode="Apply"', 'suspend="false"',
           'deletion_policy="Retain"'),
        of("BatchImport", "photos", 'account="prod"', 'dataset="pictures"', 'mode="Apply"', 'suspend="true"'),
    }  # fmt: skip
    wanted = {f"imm_operator_resource_info{{{labels}}} 1" for labels in infos}
    assert wanted == {line for line in lines if line.startswith("imm_operator_resource_info")}


def test_an_import_tells_its_phase_and_its_counts(lines: set[str]) -> None:
    """All phases, one of which is 1; all counts, as the schema has them."""
    me = ("BatchImport", "photos")
    phases = {
        f"imm_operator_batchimport_phase{{{of(*me, f'phase={chr(34)}{p}{chr(34)}')}}} {int(p == 'Failed')}"
        for p in Phase
    }
    assert phases == {line for line in lines if line.startswith("imm_operator_batchimport_phase")}
    counts = {"items": 4, "submitted": 4, "succeeded": 1, "failed": 2, "unknown": 1}
    for name, count in counts.items():
        labels = of(*me, f'count="{name}"')
        assert f"imm_operator_batchimport_items{{{labels}}} {count}" in lines
    assert f"imm_operator_batchimport_started_timestamp_seconds{{{of(*me)}}} 1785585600" in lines
    assert not [line for line in lines if line.startswith("imm_operator_batchimport_ended")]


def test_drift_figures_and_states_are_told(lines: set[str]) -> None:
    """One series a field that drifted."""
    dataset, binding = of("Dataset", "pictures"), of("DatasetBinding", "photos")
    wanted = {
        f"imm_operator_dataset_files{{{dataset}}} 12",
        f"imm_operator_dataset_size_bytes{{{dataset}}} 5000000000",
        f"imm_operator_dataset_bindings{{{dataset}}} 2",
        f"imm_operator_datasetbinding_indexed_objects{{{binding}}} 3",
        f"imm_operator_datasetbinding_bucket_objects{{{binding}}} 9",
    }
    for field in ("templateId", "quotas"):
        labels = of("Dataset", "pictures", f'field="{field}"')
        wanted.add(f"imm_operator_resource_drift_info{{{labels}}} 1")
    state = of("DatasetBinding", "photos", 'state="Running"', 'phase="FullScanning"')
    wanted.add(f"imm_operator_datasetbinding_state_info{{{state}}} 1")
    assert set() == wanted - lines


def test_a_deletion_tells_when_it_was_asked_for(lines: set[str]) -> None:
    """Of the one object that is going."""
    told = [line for line in lines if line.startswith("imm_operator_resource_deletion")]
    assert 1 == len(told)
    assert told[0].endswith(" 1785585600")


def test_every_metric_has_a_series(lines: set[str]) -> None:
    """But the end of an import that is not over; so none is misspelled."""
    found = {line.split("{")[0] for line in lines}
    assert {"imm_operator_batchimport_ended_timestamp_seconds"} == configured() - found


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: str(one["groupVersionKind"]["kind"]))
def test_every_path_is_in_the_crd(resource: dict[str, Any]) -> None:
    """Of its kind, and to a value that can be told."""
    kind = resource["groupVersionKind"]["kind"]
    crd = yaml.safe_load((ROOT / "crds" / f"{KINDS[kind].plural}.yaml").read_text())
    (version,) = crd["spec"]["versions"]
    names = resource["groupVersionKind"]
    assert (crd["spec"]["group"], version["name"], crd["spec"]["names"]["kind"]) == tuple(names.values())
    schema = version["schema"]["openAPIV3Schema"]
    for path in resource["labelsFromPath"].values():
        assert leads(schema, path), path
    for metric in resource["metrics"]:
        (how,) = (value for key, value in metric["each"].items() if key != "type")
        start = how.get("path", [])
        found = below(schema, start)
        assert found, start
        for path in [*how.get("labelsFromPath", {}).values(), how.get("valueFrom", [])]:
            assert leads(found.get("items", found), path), (metric["name"], path)
        if "list" in how:
            assert found["enum"] == how["list"]


def below(schema: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """The schema at a path, empty where there is none. The API server's own fields are known to be there."""
    if path[:1] == ["metadata"] and path[1] in {"name", "namespace", "generation", "deletionTimestamp"}:
        return {"type": "string"}
    for part in path:
        schema = schema.get("properties", {}).get(part, {})
    return schema


def leads(schema: dict[str, Any], path: list[str]) -> bool:
    """Whether a path ends at something; an empty one ends where it begins."""
    return bool(below(schema, path))


def test_the_page_has_every_metric() -> None:
    """And none that is not made."""
    text = PAGE.read_text(encoding="utf-8").split("## Single objects")[1].split("## Alerts")[0]
    assert configured() == set(re.findall(r"`(imm_operator_\w+)`", text))


def test_the_page_gives_the_rights_to_every_kind() -> None:
    """As the chart of kube-state-metrics takes them."""
    (block,) = re.findall(r"```yaml\n(rbac:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rules = yaml.safe_load(block)["rbac"]["extraRules"]
    assert {kind.plural for kind in KINDS.values()} == set(rules[1]["resources"])
    assert ["list", "watch"] == rules[0]["verbs"] == rules[1]["verbs"]

"""The dashboard and the runbooks: what they ask Prometheus is PromQL, of metrics and labels that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.api.fields import API_VERSION
from tests.deploy.metric_names import KUBE_STATE_METRICS, PAGE, configured, known_metrics, names_in
from tests.deploy.upstream_programs import ROOT, promtool

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "imm-operator.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ASKED = [(panel["title"], target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]]
RUNBOOKS = [
    (page.stem, query, "")
    for page in sorted((ROOT / "docs" / "runbooks").glob("*.md"))
    for query in re.findall(r"```promql\n(.*?)```", page.read_text(), re.DOTALL)
]
FROM_PROMETHEUS = {"job", "instance", "namespace", "pod", "le"}
FROM_KUBE_STATE_METRICS = {"namespace", "name", "customresource_kind"}
GRAFANA = {"$__rate_interval": "5m", "$job": "imm-operator"}


@pytest.fixture(scope="module")
def tool() -> Path:
    """The real promtool."""
    return promtool()


@pytest.mark.parametrize(("where", "expression", "_legend"), ASKED + RUNBOOKS)
def test_the_expression_is_promql_of_metrics_that_exist(tool: Path, where: str, expression: str, _legend: str) -> None:
    """Once Grafana has put its variables in."""
    for variable, value in GRAFANA.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    words: list[str | Path] = [tool, "--experimental", "promql", "format", expression]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    assert names_in(expression), where
    assert set() == names_in(expression) - known_metrics()


def labels_of(metric: str) -> set[str]:
    """What docs/metrics.md, or the configuration of kube-state-metrics, says that its series have."""
    if metric in configured():
        found = set(FROM_KUBE_STATE_METRICS)
        for resource in yaml.safe_load(KUBE_STATE_METRICS.read_text())["spec"]["resources"]:
            for one in resource["metrics"]:
                if metric == f"{resource['metricNamePrefix']}_{one['name']}":
                    (how,) = (value for key, value in one["each"].items() if key != "type")
                    found |= {*how.get("labelsFromPath", {}), how.get("labelFromKey", ""), how.get("labelName", "")}
        return found
    name = re.sub(r"(_seconds)_(bucket|sum|count)$", r"\1", metric)
    (cell,) = re.findall(rf"^\| `{name}` \| (.*?) ?\|", PAGE.read_text(), re.MULTILINE)
    return {*re.findall(r"`(\w+)`", cell), *FROM_PROMETHEUS}


@pytest.mark.parametrize(("where", "expression", "legend"), ASKED + RUNBOOKS)
def test_the_labels_are_those_of_the_metric(where: str, expression: str, legend: str) -> None:
    """In what is chosen, in what it is grouped by, and in what is shown."""
    used = {*re.findall(r'(\w+)(?:=~|!~|!=|=)"', expression), *re.findall(r"{{(\w+)}}", legend)}
    for grouping in re.findall(r"\b(?:by|on) \((.*?)\)", expression):
        used |= {label.strip() for label in grouping.split(",")}
    assert set() == used - set().union(*(labels_of(name) for name in names_in(expression))), where


def test_the_dashboard_can_be_provisioned() -> None:
    """A uid that stays, a data source that is chosen, no panel on top of another."""
    assert "imm-operator" == DASHBOARD["uid"]
    assert "id" not in DASHBOARD
    assert {"datasource", "job"} == {one["name"] for one in DASHBOARD["templating"]["list"]}
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert {"${datasource}"} == {panel["datasource"]["uid"] for panel in PANELS}
    assert len(DASHBOARD["panels"]) == len({panel["id"] for panel in DASHBOARD["panels"]})


def test_the_dashboard_shows_every_family_of_the_operators_own() -> None:
    """So that a new metric is not forgotten; passes and process in their most telling ones."""
    shown = set().union(*(names_in(expression) for _, expression, _ in ASKED))
    told = re.findall(r"^\| `(imm_operator_\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert [] == [name for name in told if not any(one.startswith(name) for one in shown)]


def test_runbooks_link_to_pages_and_headings_that_exist() -> None:
    """Of these docs."""
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        for target, _, heading in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", page.read_text())):
            found = (page.parent / target).resolve()
            assert found.is_file(), (page.name, target)
            titles = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert not heading or heading in anchors, (page.name, heading)


def test_kube_state_metrics_reads_the_version_that_is_served() -> None:
    """So that a new version of the kinds is not forgotten here."""
    kinds = [one["groupVersionKind"] for one in yaml.safe_load(KUBE_STATE_METRICS.read_text())["spec"]["resources"]]
    assert {API_VERSION} == {f"{one['group']}/{one['version']}" for one in kinds}

"""Every alert fires when it should and is silent when it should be, says promtool, and every alert has its runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.alert_cases import CASES
from tests.deploy.metric_names import known_metrics, names_in
from tests.deploy.upstream_programs import ROOT, promtool

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
}


@pytest.fixture(scope="module")
def tool() -> Path:
    """The real promtool."""
    return promtool()


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What a program says."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def test_prometheus_takes_the_rules(tool: Path) -> None:
    """With every lint that promtool knows."""
    done = run(tool, "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert 0 == done.returncode, done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


def test_each_alert_has_its_cases() -> None:
    """And no case is left of an alert that is gone."""
    assert list(ALERTS) == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_alert_fires(name: str, tool: Path, tmp_path: Path) -> None:
    """When its time has come and not a minute before, with the labels and words that a person reads."""
    case, rule = CASES[name], ALERTS[name]
    told = {
        "exp_labels": case.labels | rule["labels"],
        "exp_annotations": {key: filled(text, case.labels) for key, text in rule["annotations"].items()},
    }
    assert_alerts(tool, tmp_path, name, case.firing, {case.after - 1: [], case.after: [told]})


@pytest.mark.parametrize("name", CASES)
def test_the_alert_is_silent(name: str, tool: Path, tmp_path: Path) -> None:
    """At the same time, with series that it looks at."""
    case = CASES[name]
    named = names_in(ALERTS[name]["expr"])
    looked_at = named - {"imm_operator_build_info"} or named
    given = {series.split("{")[0] for series in case.silent}
    assert given & looked_at
    assert_alerts(tool, tmp_path, name, case.quiet, {case.after: []})


def assert_alerts(tool: Path, room: Path, name: str, series: dict[str, str], told: dict[int, list[Any]]) -> None:
    """What promtool sees, each time after so many minutes."""
    rules = {"groups": [{"name": "one", "rules": [ALERTS[name]]}]}
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": one, "values": values} for one, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts}
                    for minute, alerts in told.items()
                ],
            }
        ],
    }
    (room / "rules.yaml").write_text(yaml.safe_dump(rules))
    (room / "tests.yaml").write_text(yaml.safe_dump(tests))
    done = run(tool, "test", "rules", "tests.yaml", cwd=room)
    assert 0 == done.returncode, done.stdout + done.stderr


def filled(text: str, labels: dict[str, str]) -> str:
    """An annotation as Prometheus shows it; a label that the alert has not is an error here and empty there."""
    return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text)


def test_annotations_use_nothing_but_labels() -> None:
    """So that what this file expects is what Prometheus fills in."""
    for rule in ALERTS.values():
        for text in rule["annotations"].values():
            assert "{{" not in filled(text, dict.fromkeys(re.findall(r"labels\.(\w+)", text), "x"))


@pytest.mark.parametrize("name", ALERTS)
def test_the_alert_has_a_runbook(name: str) -> None:
    """Where its annotation says, with every section filled."""
    rule = ALERTS[name]
    assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert f"docs/runbooks/{name}.md" == rule["annotations"]["runbook_url"]
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text()
    assert page.startswith(f"# {name}\n")
    assert SECTIONS == re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert all(len(part.strip()) > 40 for part in re.split(r"^## .+$", page, flags=re.MULTILINE)[1:])


def test_no_runbook_is_left_over() -> None:
    """Of an alert that is gone."""
    assert set(ALERTS) | {"README"} == {page.stem for page in (ROOT / "docs" / "runbooks").glob("*.md")}


def test_the_list_of_runbooks_is_complete() -> None:
    """With the severity of each, in the order of the rules."""
    page = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    rows = re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", page, re.MULTILINE)
    assert [(name, rule["labels"]["severity"]) for name, rule in ALERTS.items()] == rows


@pytest.mark.parametrize("name", ALERTS)
def test_the_alert_asks_for_metrics_that_exist(name: str) -> None:
    """The operator's own, or those that kube-state-metrics is told to make."""
    names = names_in(ALERTS[name]["expr"])
    assert names
    assert set() == names - known_metrics()

"""Which metrics there are, and which an expression asks for."""

from __future__ import annotations

import re
from functools import cache

import yaml

from tests.deploy.upstream_programs import ROOT

PAGE = ROOT / "docs" / "metrics.md"
KUBE_STATE_METRICS = ROOT / "deploy" / "prometheus" / "kube-state-metrics.yaml"
# Every metric that rules and dashboard use begins so; PromQL's own words do not.
PREFIXES = ("imm_operator", "controller_runtime", "workqueue", "rest_client", "leader_election", "process", "python")
NAME = re.compile(rf"\b(?:{'|'.join(PREFIXES)})_\w+")


def names_in(expression: str) -> set[str]:
    """The metrics of a PromQL expression; what stands in quotes is none."""
    return set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


@cache
def known_metrics() -> frozenset[str]:
    """Series by name: those of docs/metrics.md, which is compared with what is served, and kube-state-metrics'."""
    text = PAGE.read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    parts = {f"{name}{part}" for name in told for part in ("_bucket", "_count", "_sum") if name.endswith("_seconds")}
    return frozenset({*told, *parts, *configured()})


@cache
def configured() -> frozenset[str]:
    """Those that kube-state-metrics is told to make."""
    resources = yaml.safe_load(KUBE_STATE_METRICS.read_text())["spec"]["resources"]
    return frozenset(f"{one['metricNamePrefix']}_{metric['name']}" for one in resources for metric in one["metrics"])

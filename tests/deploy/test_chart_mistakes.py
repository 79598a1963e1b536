"""Values that contradict the chart's own: refused by the value's name, instead of by a Deployment or a pod later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.programs import ProgramError
from tests.deploy.chart_room import FIRST_BUILD, Manifest, only, template

pytestmark = FIRST_BUILD

PLAIN = {"crds": {"install": False}}
CALLED = {"callbacks": {"enabled": True}}
ADDRESS = "https://imm.example.com"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"podLabels": {"app.kubernetes.io/instance": "mine"}}, "podLabels has app.kubernetes.io/instance"),
    ({"commonLabels": {"app.kubernetes.io/name": "mine"}}, "commonLabels has app.kubernetes.io/name"),
    ({"commonLabels": {"app.kubernetes.io/part-of": "mine"}}, "commonLabels has app.kubernetes.io/part-of"),
    ({"extraEnv": [{"name": "IMM_OPERATOR_SHARD", "value": "b"}]}, "extraEnv has IMM_OPERATOR_SHARD: say settings"),
    ({"podDisruptionBudget": {"maxUnavailable": 0}}, "minimum: got 0, want 1"),
    ({"podDisruptionBudget": {"maxUnavailable": "0%"}}, "'0%' does not match pattern"),
    ({"settings": {"httpHost": "127.0.0.1"}}, "settings.httpHost is 127.0.0.1, where the kubelet cannot ask"),
    (CALLED | {"settings": {"callbackUrl": ADDRESS, "callbackPort": 8080}}, "both want port 8080"),
    (CALLED | {"settings": {"callbackUrl": ADDRESS, "httpPort": 8081}}, "both want port 8081"),
]


@pytest.mark.parametrize(
    ("values", "words"), REFUSED, ids=lambda part: json.dumps(part) if isinstance(part, dict) else ""
)
def test_what_contradicts_the_chart_is_refused(values: dict[str, Any], words: str) -> None:
    """By the value's name."""
    with pytest.raises(ProgramError) as refusal:
        template(PLAIN | values)
    assert words in str(refusal.value)


def test_other_labels_and_variables_are_free() -> None:
    """A team's own, on everything and on the pods alone."""
    own = {"podLabels": {"app.kubernetes.io/component": "operator"}, "commonLabels": {"team": "media"}}
    made = template(PLAIN | own | {"extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "imm"}]})
    labels = only(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert {"app.kubernetes.io/component": "operator", "team": "media"}.items() <= labels.items()


def test_everything_that_selects_the_pods_finds_them() -> None:
    """Whatever the release, its shard and its labels; by the pods' labels alone, as a cluster goes by them."""
    on = {"enabled": True}
    metrics = {"metrics": {"podMonitor": on}, "callbacks": on, "settings": {"callbackUrl": ADDRESS}}
    for values in ({}, {"shard": "b"}, {"commonLabels": {"team": "media"}, "podLabels": {"team": "other"}}):
        made = template(PLAIN | metrics | values, name="first")
        pod = only(made, "Deployment")["spec"]["template"]
        selectors = list(selecting(made))
        assert 6 == len(selectors)
        assert all(selector and selector.items() <= pod["metadata"]["labels"].items() for selector in selectors)
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert ports == set(asked(made))


def selecting(made: list[Manifest]) -> list[dict[str, str]]:
    """The labels by which each object finds the pods."""
    specs = [(body["kind"], body["spec"]) for body in made if "spec" in body]
    by_labels = [spec["selector"]["matchLabels"] for kind, spec in specs if kind in BY_SELECTOR]
    return [
        *by_labels,
        *(spec["selector"] for kind, spec in specs if kind == "Service"),
        *(spec["podSelector"]["matchLabels"] for kind, spec in specs if kind == "NetworkPolicy"),
    ]


BY_SELECTOR = ("Deployment", "PodDisruptionBudget", "PodMonitor")


def asked(made: list[Manifest]) -> list[str]:
    """The names of the pods' ports that Services lead to."""
    return [port["targetPort"] for body in made if body["kind"] == "Service" for port in body["spec"]["ports"]]


def test_the_service_monitor_finds_the_service() -> None:
    """The one with the metrics alone, by labels and port; and labels of an object win over those of its target."""
    made = template(
        PLAIN | CALLED | {"metrics": {"serviceMonitor": {"enabled": True}}, "settings": {"callbackUrl": ADDRESS}}
    )
    spec = only(made, "ServiceMonitor")["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    found = [body for body in made if body["kind"] == "Service" and wanted <= body["metadata"]["labels"].items()]
    assert ["imm-operator-metrics"] == [body["metadata"]["name"] for body in found]
    assert [(port["name"], True) for port in found[0]["spec"]["ports"]] == [
        (endpoint["port"], endpoint["honorLabels"]) for endpoint in spec["endpoints"]
    ]

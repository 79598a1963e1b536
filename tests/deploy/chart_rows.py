"""The chart's values, and what each of them changes: `test_chart_values.py` runs the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.deploy.chart_room import CHART, Manifest, environment

Look = Callable[[list[Manifest]], Any]
ON, OFF = True, False
BACKUP = {"example.com/backup": "yes"}
PEERS = [{"namespaceSelector": {"matchLabels": {"team": "observability"}}}]


@dataclass(frozen=True)
class Row:
    """Set to `value`, with the values `given`, the chart makes what `look` finds to be `expected`.

    `also` is what is set together with the value only, since it is refused alone.
    """

    value: Any
    look: Look
    expected: Any
    given: dict[str, Any] = field(default_factory=dict)
    also: dict[str, Any] = field(default_factory=dict)


def at(kind: str, path: str = "", name: str | None = None) -> Look:
    """What stands there in the object of that kind; None where nothing does."""

    def look(manifests: list[Manifest]) -> Any:
        found: Any = next((m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])), None)
        for step in path.split("/") if path else []:
            if isinstance(found, list):
                found = found[int(step)] if int(step) < len(found) else None
            elif isinstance(found, dict):
                found = found.get(step)
        return found

    return look


def names(kind: str) -> Look:
    """The names of the objects of that kind."""
    return lambda manifests: sorted(m["metadata"]["name"] for m in manifests if m["kind"] == kind)


def variable(name: str) -> Look:
    """A variable of the container."""
    return lambda manifests: environment(manifests).get(name)


def included(path: str, part: Any) -> Look:
    """Whether a part is in a list of the Deployment's pod."""
    return lambda manifests: part in (at("Deployment", f"spec/template/{path}")(manifests) or [])


def part_of(look: Look, *keys: str) -> Look:
    """Some keys of an object."""
    return lambda manifests: {key: (look(manifests) or {}).get(key) for key in keys}


def labelled_everywhere(manifests: list[Manifest]) -> bool:
    """Whether the label of the test is on every object, and on the pods."""
    bodies = [*manifests, at("Deployment", "spec/template")(manifests)]
    return all(body["metadata"]["labels"].get("team") == "media" for body in bodies)


POD = "spec/template/spec"
CONTAINER = f"{POD}/containers/0"
CALLBACKS = {"callbacks.enabled": ON, "settings.callbackUrl": "https://imm.example.com/callbacks"}
INGRESS = {"callbacks.enabled": ON, "callbacks.ingress.enabled": ON, "callbacks.ingress.host": "imm.example.com"}
SERVICE_MONITOR, POD_MONITOR = {"metrics.serviceMonitor.enabled": ON}, {"metrics.podMonitor.enabled": ON}
RULES, DASHBOARD = {"metrics.rules.enabled": ON}, {"metrics.dashboard.enabled": ON}
ENDPOINT, POD_ENDPOINT = "spec/endpoints/0", "spec/podMetricsEndpoints/0"
CALLBACK_SERVICE = "imm-operator-callbacks"
ENVIRONMENT = {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}
VOLUME, MOUNT = {"name": "ca", "secret": {"secretName": "sts-ca"}}, {"name": "ca", "mountPath": "/ca", "readOnly": ON}
SPREAD = {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
OURS = {"matchLabels": {"app.kubernetes.io/instance": "imm-operator", "app.kubernetes.io/name": "imm-operator"}}
TOLERATION = {"key": "spot", "operator": "Exists", "effect": "NoSchedule"}
AFFINITY: dict[str, Any] = {
    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{}]}}
}
PROXY = {"ports": [{"port": 3128, "protocol": "TCP"}]}
DIGEST = "sha256:" + "0" * 64

ROWS: dict[str, Row] = {
    "image.repository": Row("r.example.com/imm", at("Deployment", f"{CONTAINER}/image"), "r.example.com/imm:0.1.0"),
    "image.tag": Row("1.2.3", at("Deployment", f"{CONTAINER}/image"), "imm-operator:1.2.3"),
    "image.digest": Row(
        DIGEST, at("Deployment", f"{CONTAINER}/image"), f"imm-operator@{DIGEST}", {"image.tag": "ignored"}
    ),
    "image.pullPolicy": Row("Always", at("Deployment", f"{CONTAINER}/imagePullPolicy"), "Always"),
    "imagePullSecrets": Row([{"name": "key"}], at("Deployment", f"{POD}/imagePullSecrets"), [{"name": "key"}]),
    "replicas": Row(3, at("Deployment", "spec/replicas"), 3),
    "shard": Row("b", variable("IMM_OPERATOR_SHARD"), "b"),
    "watchNamespaces": Row(["team-a", "team-b"], variable("IMM_OPERATOR_NAMESPACES"), "team-a,team-b"),
    "settings": Row({"workers": 8}, variable("IMM_OPERATOR_WORKERS"), "8"),  # and each of them below
    "fullnameOverride": Row("imm", names("Deployment"), ["imm"]),
    "serviceAccount.create": Row(OFF, at("ServiceAccount"), None, {"serviceAccount.name": "mine"}),
    "serviceAccount.name": Row("mine", at("Deployment", f"{POD}/serviceAccountName"), "mine"),
    "serviceAccount.annotations": Row(BACKUP, at("ServiceAccount", "metadata/annotations"), BACKUP),
    "rrsa.roleName": Row(
        "imm-role",
        at("ServiceAccount", "metadata/annotations"),
        {"pod-identity.alibabacloud.com/role-name": "imm-role"} | BACKUP,
        {"serviceAccount.annotations": BACKUP},
    ),
    "crds.install": Row(
        ON,
        names("CustomResourceDefinition"),
        [f"{plural}.imm-operator.dev" for plural in ("batchimports", "cloudaccounts", "datasetbindings", "datasets")],
    ),
    "crds.keep": Row(
        OFF,
        at("CustomResourceDefinition", "metadata/annotations"),
        None,
        {"crds.install": ON, "admissionPolicies.crdGuard": OFF},
    ),
    "crds.annotations": Row(
        BACKUP,
        at("CustomResourceDefinition", "metadata/annotations"),
        {"helm.sh/resource-policy": "keep"} | BACKUP,
        {"crds.install": ON},
    ),
    "admissionPolicies.enabled": Row(OFF, names("ValidatingAdmissionPolicy"), []),
    "admissionPolicies.crdGuard": Row(OFF, names("ValidatingAdmissionPolicy"), ["imm-operator-tokens"]),
    "admissionPolicies.tokens": Row(OFF, names("ValidatingAdmissionPolicyBinding"), ["imm-operator-crd-guard"]),
    "podDisruptionBudget.enabled": Row(OFF, at("PodDisruptionBudget"), None),
    "podDisruptionBudget.maxUnavailable": Row("50%", at("PodDisruptionBudget", "spec/maxUnavailable"), "50%"),
    "networkPolicy.enabled": Row(OFF, at("NetworkPolicy"), None),
    "networkPolicy.apiServerPorts": Row(
        [8443], at("NetworkPolicy", "spec/egress/2/ports"), [{"port": 8443, "protocol": "TCP"}]
    ),
    "networkPolicy.metricsFrom": Row(PEERS, at("NetworkPolicy", "spec/ingress/0/from"), PEERS),
    "networkPolicy.callbacksFrom": Row(PEERS, at("NetworkPolicy", "spec/ingress/1/from"), PEERS, CALLBACKS),
    "networkPolicy.extraEgress": Row([PROXY], at("NetworkPolicy", "spec/egress/3"), PROXY),
    "metrics.service.enabled": Row(OFF, at("Service"), None),
    "metrics.service.annotations": Row(BACKUP, at("Service", "metadata/annotations"), BACKUP),
    "metrics.serviceMonitor.enabled": Row(ON, at("ServiceMonitor", f"{ENDPOINT}/path"), "/metrics"),
    "metrics.serviceMonitor.interval": Row("1m", at("ServiceMonitor", f"{ENDPOINT}/interval"), "1m", SERVICE_MONITOR),
    "metrics.serviceMonitor.scrapeTimeout": Row(
        "5s", at("ServiceMonitor", f"{ENDPOINT}/scrapeTimeout"), "5s", SERVICE_MONITOR
    ),
    "metrics.serviceMonitor.labels": Row(
        {"release": "p"}, at("ServiceMonitor", "metadata/labels/release"), "p", SERVICE_MONITOR
    ),
    "metrics.podMonitor.enabled": Row(ON, at("PodMonitor", f"{POD_ENDPOINT}/port"), "http"),
    "metrics.podMonitor.interval": Row("1m", at("PodMonitor", f"{POD_ENDPOINT}/interval"), "1m", POD_MONITOR),
    "metrics.podMonitor.scrapeTimeout": Row("5s", at("PodMonitor", f"{POD_ENDPOINT}/scrapeTimeout"), "5s", POD_MONITOR),
    "metrics.podMonitor.labels": Row({"release": "p"}, at("PodMonitor", "metadata/labels/release"), "p", POD_MONITOR),
    "metrics.rules.enabled": Row(
        ON, at("PrometheusRule", "spec"), yaml.safe_load((CHART / "files" / "rules.yaml").read_text())
    ),
    "metrics.rules.labels": Row({"release": "p"}, at("PrometheusRule", "metadata/labels/release"), "p", RULES),
    "metrics.rules.runbooks": Row(
        "https://example.com/runbooks/",
        at("PrometheusRule", "spec/groups/0/rules/0/annotations/runbook_url"),
        "https://example.com/runbooks/ImmOperatorAbsent.md",
        RULES,
    ),
    "metrics.dashboard.enabled": Row(
        ON, at("ConfigMap", "data/imm-operator.json"), (CHART / "files" / "dashboard.json").read_text()
    ),
    "metrics.dashboard.labels": Row(
        {"dashboards": "on"}, at("ConfigMap", "metadata/labels/dashboards"), "on", DASHBOARD
    ),
    "metrics.dashboard.annotations": Row(
        {"grafana_folder": "IMM"}, at("ConfigMap", "metadata/annotations"), {"grafana_folder": "IMM"}, DASHBOARD
    ),
    "callbacks.enabled": Row(
        ON,
        at("Deployment", f"{CONTAINER}/ports/1"),
        {"name": "callbacks", "containerPort": 8081},
        also={"settings.callbackUrl": CALLBACKS["settings.callbackUrl"]},
    ),
    "callbacks.service.type": Row("NodePort", at("Service", "spec/type", CALLBACK_SERVICE), "NodePort", CALLBACKS),
    "callbacks.service.port": Row(8443, at("Service", "spec/ports/0/port", CALLBACK_SERVICE), 8443, CALLBACKS),
    "callbacks.service.annotations": Row(
        BACKUP, at("Service", "metadata/annotations", CALLBACK_SERVICE), BACKUP, CALLBACKS
    ),
    "callbacks.ingress.enabled": Row(
        ON,
        at("Ingress", "spec/rules/0/http/paths/0/backend/service"),
        {"name": CALLBACK_SERVICE, "port": {"name": "http"}},
        CALLBACKS,
    ),
    "callbacks.ingress.className": Row("alb", at("Ingress", "spec/ingressClassName"), "alb", INGRESS),
    "callbacks.ingress.host": Row(
        "other.example.com", variable("IMM_OPERATOR_CALLBACK_URL"), "http://other.example.com", INGRESS
    ),
    "callbacks.ingress.path": Row("/imm", variable("IMM_OPERATOR_CALLBACK_URL"), "http://imm.example.com/imm", INGRESS),
    "callbacks.ingress.tlsSecret": Row(
        "certificate", variable("IMM_OPERATOR_CALLBACK_URL"), "https://imm.example.com", INGRESS
    ),
    "callbacks.ingress.annotations": Row(BACKUP, at("Ingress", "metadata/annotations"), BACKUP, INGRESS),
    "resources": Row(
        {"limits": {"memory": "1Gi"}}, at("Deployment", f"{CONTAINER}/resources/limits"), {"memory": "1Gi"}
    ),
    "extraEnv": Row([ENVIRONMENT], included("spec/containers/0/env", ENVIRONMENT), ON),
    "extraVolumes": Row([VOLUME], included("spec/volumes", VOLUME), ON),
    "extraVolumeMounts": Row([MOUNT], included("spec/containers/0/volumeMounts", MOUNT), ON),
    "podLabels": Row({"team": "media"}, at("Deployment", "spec/template/metadata/labels/team"), "media"),
    "podAnnotations": Row(BACKUP, part_of(at("Deployment", "spec/template/metadata/annotations"), *BACKUP), BACKUP),
    "commonLabels": Row({"team": "media"}, labelled_everywhere, ON, {"crds.install": ON} | RULES | DASHBOARD | INGRESS),
    "nodeSelector": Row({"disk": "ssd"}, at("Deployment", f"{POD}/nodeSelector"), {"disk": "ssd"}),
    "tolerations": Row([TOLERATION], at("Deployment", f"{POD}/tolerations"), [TOLERATION]),
    "affinity": Row(AFFINITY, at("Deployment", f"{POD}/affinity"), AFFINITY),
    "topologySpreadConstraints": Row(
        [SPREAD], at("Deployment", f"{POD}/topologySpreadConstraints"), [SPREAD | {"labelSelector": OURS}]
    ),
    "priorityClassName": Row("high", at("Deployment", f"{POD}/priorityClassName"), "high"),
    "terminationGracePeriodSeconds": Row(60, at("Deployment", f"{POD}/terminationGracePeriodSeconds"), 60),
}
# What only one value of a setting cannot be seen by, or the chart needs beside it.
SETTINGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "callbackUrl": ("https://imm.example.com/callbacks", {"callbacks.enabled": ON}),
    "leaseName": ("another", {}),
    "leaseNamespace": ("elsewhere", {}),
    "stsEndpoint": ("https://sts-vpc.cn-hangzhou.aliyuncs.com", {}),
    "stsCaFile": ("/ca/ca.crt", {}),
    "orphanAfter": (86400000, {}),  # which a template would write as 8.64e+07
    "leaseDuration": (600, {}),
    "logFormat": ("plain", {}),
    "httpHost": ("::", {}),
}

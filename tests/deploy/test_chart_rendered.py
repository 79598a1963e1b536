"""What the chart makes: the pod, the definitions, two releases beside each other, and what it says to people."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
import yaml

from controller.runtime.ending import LONGEST
from sandbox.programs import ProgramError
from tests.deploy import chart_files
from tests.deploy.chart_room import CHART, FIRST_BUILD, NAMESPACE, ROOT, Manifest, container, helm, only, template

pytestmark = FIRST_BUILD

CLUSTER_SCOPED = {
    *("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"replica": 3}, "additional properties 'replica' not allowed"),
    ({"settings": {"worker": 3}}, "at '/settings': additional properties 'worker' not allowed"),
    ({"settings": {"workers": "many"}}, "at '/settings/workers': got string, want integer"),
    ({"settings": {"leaseDuration": 5}}, "at '/settings/leaseDuration': minimum: got 5, want 19"),
    ({"settings": {"namespaces": "a"}}, "additional properties 'namespaces' not allowed"),
    ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
    ({"watchNamespaces": ["Team A"]}, "at '/watchNamespaces/0': 'Team A' does not match pattern"),
    ({"terminationGracePeriodSeconds": 5}, "minimum: got 5, want 28"),
    ({"rrsa": {"roleName": "acs:ram::1:role/a"}}, "at '/rrsa/roleName'"),
    ({"serviceAccount": {"create": False}}, "serviceAccount.name is needed with serviceAccount.create=false"),
    ({"serviceAccount": {"create": False, "name": "a"}, "rrsa": {"roleName": "r"}}, "annotate yours with pod-identity"),
    ({"callbacks": {"enabled": True}}, "set settings.callbackUrl, or callbacks.ingress.enabled"),
    ({"settings": {"callbackUrl": "https://a"}}, "set callbacks.enabled=true as well"),
    ({"callbacks": {"ingress": {"enabled": True}}}, "leads nowhere without callbacks.enabled=true"),
    ({"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}}, "use metrics.podMonitor"),
    ({"metrics": {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}}, "enable one of them"),
    ({"fullnameOverride": "a" * 40, "shard": "second"}, "longer than 45 characters"),
]


@pytest.mark.parametrize(
    ("values", "words"), REFUSED, ids=lambda part: json.dumps(part) if isinstance(part, dict) else ""
)
def test_what_cannot_work_is_refused_in_words(values: dict[str, Any], words: str) -> None:
    """Before anything reaches a cluster, naming the value, and what to do where a type does not say it."""
    with pytest.raises(ProgramError) as refusal:
        template(values)
    assert words in str(refusal.value)


def test_no_object_of_the_values_is_open() -> None:
    """A mistyped key is found at every depth; what is free are labels, annotations and Kubernetes' own types."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    sections = [schema, *(part for part in _parts(schema) if "properties" in part)]
    assert all(part["additionalProperties"] is False for part in sections)
    assert set(yaml.safe_load((CHART / "values.yaml").read_text())) | {"global"} == set(schema["properties"])


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [part for part in schema.get("properties", {}).values() if isinstance(part, dict)]
    return [*inner, *(deeper for part in inner for deeper in _parts(part))]


def test_helm_finds_nothing_to_complain_about() -> None:
    """With its strict lint."""
    assert "0 chart(s) failed" in helm("lint", "--strict", CHART)


def test_the_chart_has_the_version_of_the_project() -> None:
    """Both of its versions."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (version, version) == (chart["version"], chart["appVersion"])


def test_what_is_made_of_other_files_is_fresh() -> None:
    """The copies, the settings and the README: `make crds` makes them."""
    assert [] == [path.name for path, text in chart_files.made().items() if path.read_text() != text]


def test_the_definitions_are_those_of_the_project() -> None:
    """Word for word, but for Helm's labels and the policy that keeps them; a copy that is not fresh is seen here."""
    made = {body["metadata"]["name"]: body for body in template() if body["kind"] == "CustomResourceDefinition"}
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        body = yaml.safe_load(path.read_text())
        ours = made.pop(body["metadata"]["name"])
        assert {"helm.sh/resource-policy": "keep"} == ours["metadata"].pop("annotations")
        assert body["metadata"].get("labels", {}).items() <= ours["metadata"].pop("labels").items()
        body["metadata"].pop("labels", None)
        assert body == ours
        assert path.read_text() == (CHART / "files" / "crds" / path.name).read_text()
    assert {} == made


def test_an_annotation_never_ends_the_policy_that_keeps_the_definitions() -> None:
    """Another value of the same annotation is not taken by mistake: crds.keep decides."""
    made = template({"crds": {"annotations": {"helm.sh/resource-policy": "delete"}}})
    definitions = [body for body in made if body["kind"] == "CustomResourceDefinition"]
    assert {"keep"} == {body["metadata"]["annotations"]["helm.sh/resource-policy"] for body in definitions}


def test_the_pod_can_do_nothing_that_it_need_not() -> None:
    """No root, no right to become it, no place to write to but /tmp, and no variables of the namespace's Services."""
    made = template({"crds": {"install": False}})
    pod = only(made, "Deployment")["spec"]["template"]["spec"]
    assert (True, 65532, {"type": "RuntimeDefault"}) == tuple(
        pod["securityContext"][key] for key in ("runAsNonRoot", "runAsUser", "seccompProfile")
    )
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == container(made)["securityContext"]
    assert [{"name": "tmp", "emptyDir": {}}] == pod["volumes"]
    assert [{"name": "tmp", "mountPath": "/tmp"}] == container(made)["volumeMounts"]  # noqa: S108 - the container's
    assert (True, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
    assert only(made, "ServiceAccount")["automountServiceAccountToken"] is False


def test_the_operator_is_given_the_time_it_takes_to_stop() -> None:
    """What is under way, and a call that has been sent; the schema lets nobody take it away."""
    made = only(template({"crds": {"install": False}}), "Deployment")
    grace = made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    schema = json.loads((CHART / "values.schema.json").read_text())
    shortest = schema["properties"]["terminationGracePeriodSeconds"]["minimum"]
    assert LONGEST <= shortest <= grace


def test_the_probes_ask_the_port_of_the_probes() -> None:
    """By name, so that another port moves all of them."""
    made = template({"crds": {"install": False}, "settings": {"httpPort": 9090, "callbackPort": 9091}} | CALLED)
    probes = {kind: container(made)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"} == {
        kind: probe["path"] for kind, probe in probes.items()
    }
    assert {"http"} == {probe["port"] for probe in probes.values()}
    assert {"http": 9090, "callbacks": 9091} == {
        port["name"]: port["containerPort"] for port in container(made)["ports"]
    }
    assert [9090] == [port["port"] for port in only(made, "Service", "imm-operator-metrics")["spec"]["ports"]]


CALLED = {"callbacks": {"enabled": True, "ingress": {"enabled": True, "host": "imm.example.com"}}}


def test_releases_have_no_object_in_common() -> None:
    """Three in one cluster, two of them in one namespace: one brings the definitions."""
    others = {"crds": {"install": False}}
    releases = [
        template(),
        template(others | {"shard": "b"}),
        template(others | {"watchNamespaces": ["team-c"]}, name="c", namespace="elsewhere"),
    ]
    keys = [{key(body) for body in release} for release in releases]
    assert sum(map(len, keys)) == len(set.union(*keys))
    assert {"imm-operator-b"} == {body["metadata"]["name"] for body in releases[1] if body["kind"] == "Deployment"}
    assert {"c-imm-operator"} == {body["metadata"]["name"] for body in releases[2] if body["kind"] == "Deployment"}
    for release in releases:
        labels = only(release, "Deployment")["spec"]["selector"]["matchLabels"]
        assert 1 == sum(labels.items() <= _pod_labels(other).items() for other in releases)


def test_a_release_that_is_named_after_its_shard_repeats_nothing() -> None:
    """Nor does one whose name has the chart's in it."""
    made = template({"crds": {"install": False}, "shard": "b"}, name="imm-operator-b")
    assert "imm-operator-b" == only(made, "Deployment")["metadata"]["name"]


def test_the_default_shard_is_the_one_without_a_name() -> None:
    """As for the operator itself."""
    assert template({"shard": "default"}) == template()


def key(body: Manifest) -> tuple[str, str, str]:
    """What makes an object this one in a cluster."""
    scope = "" if body["kind"] in CLUSTER_SCOPED else body["metadata"].get("namespace", "(none)")
    assert scope != "(none)", f"{body['kind']} {body['metadata']['name']} says no namespace"
    return body["kind"], scope, body["metadata"]["name"]


def _pod_labels(made: list[Manifest]) -> dict[str, str]:
    labels: dict[str, str] = only(made, "Deployment")["spec"]["template"]["metadata"]["labels"]
    return labels


def test_the_policies_name_the_operator_that_they_are_about() -> None:
    """Each release's own account, wherever it is; a fixed name would leave the others free."""
    made = template({"serviceAccount": {"name": "mine"}}, namespace="elsewhere")
    spec = only(made, "ValidatingAdmissionPolicy", "imm-operator-tokens")["spec"]
    who = 'request.userInfo.username == "system:serviceaccount:elsewhere:mine"'
    assert [who] == [condition["expression"] for condition in spec["matchConditions"]]
    assert 'request.namespace != "elsewhere" || request.name != "mine"' in {
        rule["expression"] for rule in spec["validations"]
    }


def test_only_probes_metrics_and_callbacks_are_let_in() -> None:
    """And out: DNS, HTTPS and the API server."""
    quiet = only(template({"crds": {"install": False}}), "NetworkPolicy")["spec"]
    called = only(template({"crds": {"install": False}} | CALLED), "NetworkPolicy")["spec"]
    assert [["http"]] == [[port["port"] for port in rule["ports"]] for rule in quiet["ingress"]]
    assert [["http"], ["callbacks"]] == [[port["port"] for port in rule["ports"]] for rule in called["ingress"]]
    assert [[53, 53], [443], [443, 6443]] == [[port["port"] for port in rule["ports"]] for rule in quiet["egress"]]
    assert ["Ingress", "Egress"] == quiet["policyTypes"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "what is in the cloud stay."),
        ({}, "It watches every namespace."),
        ({}, "The image imm-operator:0.1.0 has no registry in its name"),
        (
            {"crds": {"keep": False}, "admissionPolicies": {"crdGuard": False}},
            "and every object with them, in every namespace",
        ),
        ({"crds": {"install": False}}, "This release does not bring the definitions"),
        ({"watchNamespaces": ["team-a"]}, "may read credentials in: team-a."),
        (
            {"shard": "b"},
            "is installed as imm-operator/imm-operator-b, for objects with the label imm-operator.dev/shard=b.",
        ),
        ({"rrsa": {"roleName": "imm"}}, "label namespace imm-operator pod-identity.alibabacloud.com/injection=on"),
        ({"admissionPolicies": {"tokens": False}}, "can act as every\nservice account of the cluster"),
    ],
    ids=lambda part: json.dumps(part) if isinstance(part, dict) else "",
)
def test_the_notes_say_what_to_do_next(values: dict[str, Any], words: str) -> None:
    """And what uninstalling does, as the values have it."""
    made = helm(
        *("install", "imm-operator", CHART, "--namespace", NAMESPACE, "--dry-run=client", "--values=-"),
        text=json.dumps(values),
    )
    notes = made.partition("NOTES:\n")[2]
    assert words in notes
    assert "kubectl -n imm-operator rollout status deployment/imm-operator" in notes

"""The sandbox's API server is a real cluster in everything an operator relies on."""

import base64
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.apiserver import go_build
from sandbox.apiserver.api_call import call, trust
from sandbox.apiserver.build import NO_CONTROLLERS
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.existing_cluster import use_context
from sandbox.apiserver.kubeconfig import NAME
from sandbox.apiserver.operator_identity import service_account_kubeconfig, service_account_token
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError


def config_map(name: str, **metadata: object) -> str:
    """Return a manifest that every cluster accepts."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}})


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what the server does a moment after its answer; a condition may fail with an error meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(ProgramError):
            if condition():
                return
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


@pytest.fixture
def controllers(cluster: Cluster) -> None:
    """Skip where the binaries at hand come without a controller manager."""
    if not cluster.controllers:
        pytest.skip(NO_CONTROLLERS)


# ── a real cluster ───────────────────────────────────────────────────────────────────────────────


def test_a_started_cluster_is_ready(cluster: Cluster, kubectl: Kubectl) -> None:
    """Whoever gets a cluster can use it at once: etcd, API and the default roles stand."""
    assert kubectl("get", "--raw=/readyz") == "ok"
    if cluster.controllers:  # then it is our own build
        version = json.loads(kubectl("get", "--raw=/version"))["gitVersion"]
        assert f"k8s.io/kubernetes {version}\n" in (go_build.SOURCE / "go.mod").read_text()
    assert "cluster-admin" in kubectl("get", "clusterroles", "--output=name")


def test_strangers_reach_nothing_but_health_and_the_token_keys(cluster: Cluster) -> None:
    """Anonymous access is off: 401, not even RBAC's 403."""
    assert cluster.ca_file
    stranger = trust(cluster.ca_file)
    assert call(cluster.url, "/readyz", stranger)[0] == 200
    assert call(cluster.url, "/openid/v1/jwks", stranger)[0] == 200
    assert call(cluster.url, "/version", stranger)[0] == 401
    assert call(cluster.url, "/api/v1/namespaces", stranger)[0] == 401


def test_kubectl_applies_gets_waits_and_deletes(kubectl: Kubectl, namespace: str) -> None:
    """The four verbs of the demo work as anywhere."""
    inside = f"--namespace={namespace}"
    assert "configmap/one created" in kubectl("apply", inside, "--filename=-", text=config_map("one"))
    assert "configmap/one unchanged" in kubectl("apply", inside, "--filename=-", text=config_map("one"))
    kubectl("wait", inside, "configmap/one", "--for=jsonpath={.metadata.name}=one", "--timeout=20s")
    assert kubectl("get", inside, "configmap", "one", "--output=name").strip() == "configmap/one"
    kubectl("delete", inside, "configmap", "one")
    with pytest.raises(ProgramError, match="NotFound"):
        kubectl("get", inside, "configmap", "one")


def test_the_audit_log_tells_who_wrote_what(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    """Tests count writes per object in it, so each finished request is exactly one line."""
    kubectl("apply", f"--namespace={namespace}", "--filename=-", text=config_map("counted"))
    log = cluster.audit_log
    assert log

    def writes() -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in log.read_text().rpartition("\n")[0].splitlines() if namespace in line]
        told = [line for line in lines if line.get("objectRef", {}).get("name") == "counted"]
        return [
            (line["verb"], line["user"]["username"]) for line in told if line["verb"] not in {"get", "list", "watch"}
        ]

    kubectl("get", f"--namespace={namespace}", "configmap", "counted")
    eventually(lambda: bool(writes()))
    assert writes() == [("create", "sandbox-admin")]


@pytest.mark.usefixtures("controllers")
def test_a_namespace_can_be_deleted(kubectl: Kubectl, namespace: str) -> None:
    """The namespace controller runs: deletion ends, with everything inside."""
    name = f"{namespace}-ends"
    kubectl("create", "namespace", name)
    kubectl("apply", f"--namespace={name}", "--filename=-", text=config_map("inside"))
    kubectl("delete", "namespace", name, "--timeout=60s")
    with pytest.raises(ProgramError, match="NotFound"):
        kubectl("get", "namespace", name)


@pytest.mark.usefixtures("controllers")
def test_owned_objects_go_with_their_owner(kubectl: Kubectl, namespace: str) -> None:
    """The garbage collector runs."""
    inside = f"--namespace={namespace}"
    kubectl("apply", inside, "--filename=-", text=config_map("owner"))
    uid = kubectl("get", inside, "configmap", "owner", "--output=jsonpath={.metadata.uid}")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    kubectl("apply", inside, "--filename=-", text=config_map("owned", ownerReferences=[reference]))
    kubectl("delete", inside, "configmap", "owner")
    kubectl("wait", inside, "configmap/owned", "--for=delete", "--timeout=60s")


@pytest.mark.usefixtures("controllers")
def test_a_new_namespace_has_its_default_service_account(kubectl: Kubectl, namespace: str) -> None:
    """A pod, or a token request, in a fresh namespace finds what it finds in every cluster."""
    kubectl("wait", f"--namespace={namespace}", "serviceaccount/default", "--for=create", "--timeout=20s")


@pytest.mark.usefixtures("controllers")
def test_roles_that_collect_others_are_filled(kubectl: Kubectl) -> None:
    """What a chart adds to `view` reaches people who have `view`."""
    kubectl("wait", "clusterrole/view", "--for=jsonpath={.rules[0].verbs}", "--timeout=20s")


def test_a_rule_of_a_custom_kind_is_enforced(kubectl: Kubectl, namespace: str) -> None:
    """CEL rules are evaluated by the server, with the message that the author wrote."""
    group = f"{namespace}.example.com"
    kubectl("apply", "--filename=-", text=json.dumps(custom_kind(group)))
    kubectl("wait", f"crd/ranges.{group}", "--for=condition=Established", "--timeout=20s")
    good = {"apiVersion": f"{group}/v1", "kind": "Range", "metadata": {"name": "one"}, "spec": {"low": 1, "high": 2}}
    kubectl("create", f"--namespace={namespace}", "--filename=-", text=json.dumps(good))
    bad = good | {"metadata": {"name": "two"}, "spec": {"low": 3, "high": 2}}
    with pytest.raises(ProgramError, match="low must not be above high"):
        kubectl("create", f"--namespace={namespace}", "--filename=-", text=json.dumps(bad))
    kubectl("delete", "crd", f"ranges.{group}", "--wait=false")


def custom_kind(group: str) -> dict[str, object]:
    """Return a definition whose spec has one rule over two fields."""
    number = {"type": "integer"}
    spec = {
        "type": "object",
        "properties": {"low": number, "high": number},
        "x-kubernetes-validations": [{"rule": "self.low <= self.high", "message": "low must not be above high"}],
    }
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"ranges.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Range", "plural": "ranges", "singular": "range"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


# ── identities ───────────────────────────────────────────────────────────────────────────────────


def test_a_service_account_may_do_what_its_role_says_and_no_more(
    cluster: Cluster, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    """RBAC decides: refused before the role, allowed after, other verbs still refused."""
    inside = f"--namespace={namespace}"
    kubectl("create", inside, "serviceaccount", "worker")
    own = Kubectl(service_account_kubeconfig(cluster.kubeconfig, namespace, "worker", tmp_path / "worker.kubeconfig"))
    with pytest.raises(ProgramError, match=r"\(Forbidden\).*cannot list resource .configmaps"):
        own("get", "configmaps")
    kubectl("create", inside, "role", "reader", "--verb=list", "--resource=configmaps")
    kubectl("create", inside, "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:worker")
    eventually(lambda: "yes" in own("auth", "can-i", "list", "configmaps"))
    assert own("get", "configmaps", "--output=name") == ""
    with pytest.raises(ProgramError, match=r'forbidden.*cannot create resource "configmaps"'):
        own("create", "configmap", "more")
    assert (tmp_path / "worker.kubeconfig").stat().st_mode & 0o777 == 0o600


def test_a_requested_token_carries_its_audience_and_verifies_with_the_published_keys(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    """What a cloud does with an RRSA token: find the issuer, fetch its keys, check signature and audience."""
    kubectl("create", f"--namespace={namespace}", "serviceaccount", "signer")
    token = service_account_token(cluster.kubeconfig, namespace, "signer", audience="sts.aliyuncs.com")
    header, claims = (json.loads(decoded(part)) for part in token.split(".")[:2])
    assert claims["aud"] == ["sts.aliyuncs.com"]
    assert claims["iss"] == cluster.url
    assert claims["sub"] == f"system:serviceaccount:{namespace}:signer"
    assert cluster.ca_file
    stranger = trust(cluster.ca_file)
    found = json.loads(call(cluster.url, "/.well-known/openid-configuration", stranger)[1])
    assert found["jwks_uri"] == f"{cluster.url}/openid/v1/jwks"
    keys = json.loads(call(cluster.url, "/openid/v1/jwks", stranger)[1])["keys"]
    key = next(key for key in keys if key["kid"] == header["kid"])
    public = rsa.RSAPublicNumbers(
        e=int.from_bytes(decoded(key["e"]), "big"), n=int.from_bytes(decoded(key["n"]), "big")
    ).public_key()
    signed, _, signature = token.rpartition(".")
    public.verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def decoded(part: str) -> bytes:
    """Decode one part of a token, which comes without padding."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_missing_service_account_is_named(cluster: Cluster, namespace: str) -> None:
    """The message says which account, and what to look at."""
    with pytest.raises(ProgramError, match=f"No token for service account {namespace}/nobody: does it exist"):
        service_account_token(cluster.kubeconfig, namespace, "nobody")


# ── an existing cluster ──────────────────────────────────────────────────────────────────────────


def test_an_existing_context_is_used_and_left_alone(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping somebody else's cluster does nothing to it."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    with use_context(NAME, tmp_path) as found:
        assert found.url == cluster.url
        assert Kubectl(found.kubeconfig)("config", "current-context").strip() == NAME
        assert found.ca_file
        assert call(found.url, "/readyz", trust(found.ca_file))[0] == 200
    assert kubectl("get", "--raw=/readyz") == "ok"


def test_an_unknown_context_is_refused_with_the_known_ones(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A typing error costs one line to read."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    with pytest.raises(ProgramError, match=f"There is no context 'nowhere' in .*Known contexts: {NAME}"):
        use_context("nowhere", tmp_path)


def test_a_context_whose_server_is_gone_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before anything is applied."""
    gone = tmp_path / "gone"
    gone.write_text(cluster.kubeconfig.read_text().replace(cluster.url, "https://127.0.0.1:1"))
    monkeypatch.setenv("KUBECONFIG", str(gone))
    with pytest.raises(ProgramError, match=r"\(https://127.0.0.1:1\) does not answer"):
        use_context(NAME, tmp_path)

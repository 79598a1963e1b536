"""RRSA with the real operator process: a namespace's service account becomes a RAM role, and no key lies anywhere.

The API server signs the tokens, the local cloud checks them against the cluster's own keys, over HTTPS.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

import pytest

from emulator.instance import Config, Instance
from emulator.testing import LocalCloud, running
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.issuer import AUDIENCE, Issuer, issuer_of, subject
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError
from tests.emulator.role_room import new_provider, new_role, new_user, trust
from tests.integration.collector import Collector
from tests.integration.world import World, opened

POLICIES = ("AliyunIMMFullAccess", "AliyunOSSFullAccess")


@pytest.fixture(scope="module")
def issuer(cluster: Cluster) -> Issuer:
    """The cluster, as the cloud sees it."""
    return issuer_of(cluster)


@pytest.fixture(scope="module")
def secure(issuer: Issuer) -> Iterator[LocalCloud]:
    """A local cloud over HTTPS that trusts the cluster's certificate authority; its clock stands still."""
    with running(Config(virtual_clock=True, oidc_ca=issuer.ca_file), https=True) as local:
        yield local


@pytest.fixture(scope="module")
def provider(secure: LocalCloud, issuer: Issuer) -> str:
    """The cluster registered as an OpenID Connect provider; its ARN."""
    return new_provider(secure, issuer.url, client_ids=AUDIENCE, fingerprints=issuer.fingerprint)


@pytest.fixture(scope="module")
def world(
    cluster: Cluster,
    installed: Kubectl,
    secure: LocalCloud,
    collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A namespace and an operator that is told where STS is; nobody's key is in the cluster."""
    settings = {
        "IMM_OPERATOR_VERBOSE": "true",
        "IMM_OPERATOR_STS_ENDPOINT": secure.url,
        "IMM_OPERATOR_STS_CA_FILE": secure.ca_file or "",
        "IMM_OPERATOR_POLL_INTERVAL": "0.3",
        **collector.settings,
    }
    directory, plain = tmp_path_factory.mktemp("operator"), secure.over_http()
    with opened(cluster, installed, directory, settings, name="rrsa", cloud=plain, neighbour=True) as made:
        installed("create", "serviceaccount", "indexer", f"--namespace={made.namespace}")
        yield made


@pytest.fixture(scope="module")
def role(world: World, secure: LocalCloud, issuer: Issuer, provider: str) -> str:
    """A role that trusts the namespace's service account; its ARN."""
    return role_for(secure, issuer, provider, "indexer", subject(world.namespace, "indexer"), *POLICIES)


def role_for(cloud: LocalCloud, issuer: Issuer, provider: str, name: str, who: str, *policies: str) -> str:
    """A role that trusts one service account of the cluster."""
    condition: dict[str, Any] = {"oidc:iss": issuer.url, "oidc:aud": AUDIENCE, "oidc:sub": who}
    policy = trust(Principal={"Federated": [provider]}, Condition={"StringEquals": condition})
    return new_role(cloud, name, policy, *policies)


def account(world: World, provider: str, role: str, name: str = "main", who: str = "indexer", **spec: Any) -> None:
    """A CloudAccount that works as a role."""
    rrsa = {"roleArn": role, "oidcProviderArn": provider, "serviceAccountName": who}
    own = {
        "region": world.cloud.region,
        "accountId": world.cloud.account_id,
        "credentials": {"rrsa": rrsa},
        "endpoints": {"imm": world.cloud.url, "oss": world.cloud.url},
    }
    world.apply("CloudAccount", name, own | spec)


def exchanges(world: World) -> int:
    """How often a token was exchanged for keys so far, refused exchanges included."""
    return world.cloud.counts().get("sts", {}).get("AssumeRoleWithOIDC", 0)


def test_a_namespace_works_as_its_role(world: World, provider: str, role: str) -> None:
    """Account, dataset and binding become Ready, every call is the role's, and one exchange served them all."""
    before = exchanges(world)
    account(world, provider, role)
    body = world.await_ready("cloudaccount", "main")
    assert f"assumed-role/indexer/{world.namespace}@main" in body["status"]["principal"]
    world.bucket("rrsa-photos")
    world.dataset("pictures")
    world.binding("photos", "rrsa-photos", "pictures")
    world.await_ready("dataset", "pictures")
    world.until("the binding to be made", lambda: world.calls("CreateBinding") == 1)
    world.cloud.advance(60)
    world.await_ready("datasetbinding", "photos")
    made = world.cloud.requests("imm", "CreateDataset") + world.cloud.requests("imm", "CreateBinding")
    assert {body["status"]["principal"].rsplit("/", 1)[1]} == {str(r["principal"]).rsplit("/", 1)[1] for r in made}
    assert 1 == exchanges(world) - before
    assert "" == world.kubectl("get", "secrets", f"--namespace={world.namespace}", "--output=name").strip()


def test_an_ended_key_is_replaced_and_nobody_stalls(world: World, provider: str, role: str) -> None:
    """The refused pass wakes its account; one exchange later everything goes on, with the listing it had."""
    account(world, provider, role)
    world.await_ready("cloudaccount", "main")
    world.dataset("lasting")
    world.await_ready("dataset", "lasting")
    before = exchanges(world)
    world.cloud.advance(3601)
    world.request("dataset", "lasting", "after-the-end")
    world.await_ready("dataset", "lasting")
    assert 1 == exchanges(world) - before
    said = json.loads(world.kubectl("get", "events", f"--namespace={world.namespace}", "--output=json"))["items"]
    assert [] == [event for event in said if event["reason"] == "CredentialsRejected"]


def test_keys_are_renewed_before_they_end(world: World, provider: str, role: str) -> None:
    """With less than 15 minutes left the account's own pass fetches others; no call is refused for it."""

    def back(instance: Instance) -> None:
        instance.cloud.clock = type(instance.cloud.clock)(instance.cloud.clock.wall() - 50 * 60)

    world.cloud.run(back)  # so that keys of an hour end in ten minutes
    marker = len(world.cloud.requests())
    account(world, provider, role, "early", resyncInterval="10s")
    world.await_ready("cloudaccount", "early")
    before = exchanges(world)
    world.until("the keys to be renewed twice", lambda: exchanges(world) >= before + 2, 90)
    codes = {str(request["code"]) for request in world.cloud.requests()[marker:]}
    assert not {code for code in codes if "Expired" in code}
    world.delete("cloudaccount", "early")
    world.cloud.advance(50 * 60)


def test_a_role_that_trusts_somebody_else_costs_one_exchange(
    world: World, secure: LocalCloud, issuer: Issuer, provider: str
) -> None:
    """The message names the subject that the trust policy has to name; an edit of the spec tries nothing again."""
    other = role_for(secure, issuer, provider, "strangers", subject("elsewhere", "indexer"), *POLICIES)
    before = exchanges(world)
    account(world, provider, other, "stranger")
    condition = world.await_reason("cloudaccount", "stranger", "CredentialsRejected")
    assert f"oidc:sub {subject(world.namespace, 'indexer')}" in condition["message"]
    account(world, provider, other, "stranger", resyncInterval="11m")
    world.await_reason("cloudaccount", "stranger", "CredentialsRejected")
    assert 1 == exchanges(world) - before
    world.delete("cloudaccount", "stranger")


def test_a_service_account_that_does_not_exist_is_named(world: World, provider: str, role: str) -> None:
    """Nothing is sent to the cloud."""
    before = exchanges(world)
    account(world, provider, role, "nobody", who="nobody")
    condition = world.await_reason("cloudaccount", "nobody", "CredentialsUnavailable")
    assert "service account nobody does not exist" in condition["message"]
    assert before == exchanges(world)
    world.delete("cloudaccount", "nobody")


@pytest.mark.parametrize(
    ("namespace", "name", "words", "said"),
    [
        (None, "indexer", (), "for the audience sts.aliyuncs.com only"),
        (None, "indexer", ("--audience=https://kubernetes.default.svc",), "for the audience sts.aliyuncs.com only"),
        (None, "indexer", (f"--audience={AUDIENCE}", "--duration=2h"), "for an hour at most"),
        ("imm-operator", "imm-operator", (f"--audience={AUDIENCE}", "--duration=1h"), "no token of its own"),
        (None, "indexer", (f"--audience={AUDIENCE}", "--duration=1h"), ""),
    ],
    ids=["of-the-cluster", "of-somebody", "for-long", "its-own", "for-the-cloud"],
)
def test_the_operators_tokens_are_for_the_cloud_only(
    world: World, namespace: str | None, name: str, words: tuple[str, ...], said: str
) -> None:
    """The API server itself holds it to that, whatever the process asks for."""
    operator = Kubectl(world.directory / "operator.kubeconfig")
    where = f"--namespace={namespace or world.namespace}"
    if not said:
        assert 2 == operator("create", "token", name, where, *words).count(".")
        return
    with pytest.raises(ProgramError) as refused:
        operator("create", "token", name, where, *words)
    assert said in str(refused.value)


@pytest.fixture(scope="module")
def other(world: World) -> World:
    """A second tenant of the same operator: its own Secret, service account, CloudAccount, Dataset."""
    there = replace(world, namespace=f"{world.namespace}-other", operator=None)
    there.user = world.user
    world.kubectl("create", "serviceaccount", "owner", f"--namespace={there.namespace}")
    there.account("theirs")
    there.await_ready("cloudaccount", "theirs")
    there.dataset("theirs", accountRef={"name": "theirs"})
    there.await_ready("dataset", "theirs")
    return there


def test_a_tenant_cannot_use_anothers_secret(world: World, other: World) -> None:
    """A name is looked up in the own namespace only."""
    account(world, "", "", "thief", credentials={"secretRef": {"name": "theirs-key"}})
    condition = world.await_reason("cloudaccount", "thief", "CredentialsUnavailable")
    assert f"Secret theirs-key does not exist in namespace {world.namespace}" in condition["message"]
    assert "" != world.kubectl("get", "secret", "theirs-key", f"--namespace={other.namespace}")
    world.delete("cloudaccount", "thief")


def test_a_tenant_cannot_use_anothers_role(
    world: World, other: World, secure: LocalCloud, issuer: Issuer, provider: str
) -> None:
    """Not even with a service account of the same name: the token says whose namespace it is from."""
    theirs = role_for(secure, issuer, provider, "theirs", subject(other.namespace, "owner"), *POLICIES)
    account(world, provider, theirs, "poser", who="owner")
    condition = world.await_reason("cloudaccount", "poser", "CredentialsUnavailable")
    assert f"service account owner does not exist in namespace {world.namespace}" in condition["message"]
    world.kubectl("create", "serviceaccount", "owner", f"--namespace={world.namespace}")
    world.request("cloudaccount", "poser", "again")
    world.await_reason("cloudaccount", "poser", "CredentialsRejected")
    account(other, provider, theirs, "rightful", who="owner")
    other.await_ready("cloudaccount", "rightful")
    world.delete("cloudaccount", "poser")


def test_a_tenant_cannot_use_anothers_account_or_dataset(world: World, other: World, provider: str, role: str) -> None:
    """References have no namespace, and names of other namespaces do not exist."""
    account(world, provider, role)
    world.await_ready("cloudaccount", "main")
    world.dataset("borrowed", accountRef={"name": "theirs"})
    world.await_reason("dataset", "borrowed", "DependencyNotFound")
    world.binding("borrowed", "rrsa-photos", "theirs")
    world.await_reason("datasetbinding", "borrowed", "DependencyNotFound")
    assert "True" == other.condition("dataset", "theirs", "Ready")["status"]
    world.delete("datasetbinding", "borrowed")
    world.delete("dataset", "borrowed")


def test_a_tenants_own_address_sees_that_tenants_key_only(world: World, other: World) -> None:
    """Whoever names a host gets what is signed with his own key there, no token, and nobody else's requests."""
    with listening() as (address, heard):
        mine = new_user(world.cloud, "endpoints", *POLICIES)
        world.secret("mine", accessKeyId=mine[0], accessKeySecret=mine[1])
        account(
            world,
            "",
            "",
            "mine",
            credentials={"secretRef": {"name": "mine"}},
            endpoints={"imm": address, "oss": address},
        )
        world.await_ready("cloudaccount", "mine")
        world.dataset("mine", accountRef={"name": "mine"})
        world.until("the host to be asked", lambda: bool(heard))
        other.request("dataset", "theirs", "meanwhile")
    assert all(f"Credential={mine[0]}," in request for request in heard)
    theirs = world.user.key
    secrets = [mine[1], theirs.access_key_id, theirs.access_key_secret, "OIDCToken", "eyJ"]
    assert [] == [secret for secret in secrets for request in heard if secret in request]
    world.delete("dataset", "mine")
    world.delete("cloudaccount", "mine")


def test_the_operators_own_rights_are_not_lent(world: World) -> None:
    """Off by default, in words; and with an address of the tenant's own the API server refuses them anyway."""
    account(world, "", "", "ambient", credentials={"ambient": {}}, endpoints={})
    condition = world.await_reason("cloudaccount", "ambient", "CredentialsUnavailable")
    assert "IMM_OPERATOR_ALLOW_AMBIENT" in condition["message"]
    with pytest.raises(ProgramError, match=r"spec\.endpoints cannot be set with spec\.credentials\.ambient"):
        account(world, "", "", "sent-away", credentials={"ambient": {}})
    world.delete("cloudaccount", "ambient")


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A tenant's host: its address, and every request it got."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            heard.append(f"{self.path}\n{self.headers}\n{body.decode(errors='replace')}")
            self.send_response(503)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        server.server_close()


def test_nothing_secret_stands_anywhere(world: World, other: World, secure: LocalCloud, collector: Collector) -> None:
    """After all that happened above, with the most talkative log: no secret, no security token, no cluster token.

    Each refusal is provoked once more with a planted key, over a connection that breaks, too.
    """
    planted = new_user(world.cloud, "planted", *POLICIES)
    world.secret(
        "planted", accessKeyId=planted[0], accessKeySecret=planted[1] + "-wrong", securityToken="planted-token"
    )
    account(world, "", "", "planted", credentials={"secretRef": {"name": "planted"}})
    world.await_reason("cloudaccount", "planted", "CredentialsRejected")
    for token, rule in (("dropped", {"drop": True}), ("page", {"html": 502})):
        world.cloud.fault({"service": "sts", **rule})
        world.annotate("cloudaccount", "main", f"imm-operator.dev/reconcile-requested-at={token}")
        world.await_reason("cloudaccount", "main", "CloudUnavailable")
    world.cloud.fault()
    sessions = secure.run(lambda instance: list(instance.cloud.accounts[secure.account_id].sts.sessions.values()))
    assert sessions
    secrets = {secret for session in sessions for secret in (session.secret, session.token)}
    secrets |= {world.user.key.access_key_secret, planted[1], "planted-token"}
    world.until("the exchanges' spans", lambda: "AssumeRoleWithOIDC" in collector.text())
    everything = [
        (world.directory / "operator.log").read_text(),
        collector.text(),
        urlopen(f"{world.operator.url}/metrics").read().decode() if world.operator else "",  # noqa: S310 - our own
        *(
            world.kubectl(
                "get", "cloudaccounts,datasets,datasetbindings,events", f"--namespace={where}", "--output=yaml"
            )
            for where in (world.namespace, other.namespace)
        ),
    ]
    assert all(len(text) > 1000 for text in everything)
    assert [] == [secret for secret in secrets for text in everything if secret in text]
    assert [] == [found for text in everything for found in re.findall(r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]+", text)]
    assert "DEBUG" in everything[0]

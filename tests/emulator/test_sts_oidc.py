"""AssumeRoleWithOIDC: tokens checked against the issuer's own keys, good and bad, and who trusts their subject."""

from __future__ import annotations

import hmac
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from alibabacloud_credentials.provider import OIDCRoleArnCredentialsProvider
from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ims20190815.client import Client as ImsClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config as OpenApiConfig
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from emulator.cli import main
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from emulator.tls import make_certificates
from tests.emulator.issuers import AUDIENCE, SUBJECT, Issuer, described, fingerprint_of, issuing, new_key
from tests.emulator.processes import emulator
from tests.emulator.role_room import config_as, new_provider, new_role, pair_of, refused, trust

FAIL = "AuthenticationFail"
STS_NAME = "sts.cn-hangzhou.aliyuncs.com"


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """An issuer with one key."""
    with issuing(tmp_path) as running_:
        yield running_


@pytest.fixture
def cloud(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud over HTTPS that trusts the issuer's authority."""
    config = Config(virtual_clock=True, oidc_ca=issuer.ca_file)
    with running(config, https=True, https_names=[STS_NAME]) as local:
        monkeypatch.setenv("SSL_CERT_FILE", local.ca_file or "")
        yield local


@pytest.fixture
def provider(cloud: LocalCloud, issuer: Issuer) -> str:
    """The issuer, registered as `ack` registers a cluster; its ARN."""
    return new_provider(cloud, issuer.url, client_ids=AUDIENCE, fingerprints=issuer.fingerprint)


@pytest.fixture
def role(cloud: LocalCloud, provider: str, issuer: Issuer) -> str:
    """A role that trusts one subject of the provider; its ARN."""
    condition = {"oidc:iss": issuer.url, "oidc:aud": AUDIENCE, "oidc:sub": SUBJECT}
    policy = trust(Principal={"Federated": [provider]}, Condition={"StringEquals": condition})
    return new_role(cloud, "Operator", policy, "AdministratorAccess")


@pytest.fixture
def sign_in(cloud: LocalCloud, provider: str, role: str) -> Callable[..., Any]:
    """Assume the role with a token, and without any key: `sign_in(token)`."""
    sts = StsClient(config_as(cloud, ("", "", None)))

    def call(token: str, **details: Any) -> Any:
        given = {"oidcprovider_arn": provider, "role_arn": role, "role_session_name": "tests", **details}
        return sts.assume_role_with_oidc(sts_models.AssumeRoleWithOIDCRequest(oidctoken=token, **given)).body

    return call


def test_a_good_token_leads_to_a_session(cloud: LocalCloud, issuer: Issuer, sign_in: Callable[..., Any]) -> None:
    """The answer says whose token it was; the key works over both protocols of the same cloud."""
    answer = sign_in(issuer.token(), duration_seconds=900)
    info = answer.oidctoken_info
    assert (issuer.url, SUBJECT, AUDIENCE) == (info.issuer, info.subject, info.client_ids)
    for way in (cloud, cloud.over_http()):
        identity = StsClient(config_as(way, pair_of(answer))).get_caller_identity().body
        assert f"acs:ram::{cloud.account_id}:assumed-role/operator/tests" == identity.arn


def test_an_elliptic_key_does_as_well(issuer: Issuer, sign_in: Callable[..., Any]) -> None:
    """ES256, and the right one of several keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer.answers["/keys"]["keys"] += [described(new_key(), "second"), described(key, "third")]
    assert sign_in(issuer.token(key=key, algorithm="ES256", kid="third")).credentials.security_token


def test_keys_are_asked_for_anew(issuer: Issuer, sign_in: Callable[..., Any]) -> None:
    """An issuer that changes its key is understood at once, and the old one counts no longer."""
    old, new = issuer.token(), new_key()
    assert sign_in(old).credentials.security_token
    issuer.answers["/keys"] = {"keys": [described(new, "next")]}
    assert sign_in(issuer.token(key=new, kid="next")).credentials.security_token
    assert (401, f"{FAIL}.OIDCToken.InvalidSignature") == refused(sign_in, old)


def public_pem(issuer: Issuer) -> bytes:
    """What somebody would take for the secret of an HMAC."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return issuer.key.public_key().public_bytes(serialization.Encoding.PEM, form)


def forged_hs256(issuer: Issuer) -> str:
    """A token signed with the public key as if it were a shared secret; PyJWT itself refuses to make one."""
    good = issuer.token().split(".")
    header = jwt.utils.base64url_encode(json.dumps({"alg": "HS256", "kid": "first"}).encode()).decode()
    signed = f"{header}.{good[1]}"
    signature = hmac.digest(public_pem(issuer), signed.encode(), "sha256")
    return f"{signed}.{jwt.utils.base64url_encode(signature).decode()}"


def tampered(issuer: Issuer) -> str:
    """Another subject under the signature of the right one."""
    header, _, signature = issuer.token().split(".")
    _, other, _ = issuer.token(sub="system:serviceaccount:media:admin").split(".")
    return f"{header}.{other}.{signature}"


NOW = int(time.time())
BAD: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "expired": (lambda i: i.token(exp=NOW - 60), "OIDCToken.Expired"),
    "issued too long ago": (lambda i: i.token(iat=NOW - 13 * 3600), "OIDCToken.Expired"),
    "not yet valid": (lambda i: i.token(nbf=NOW + 3600), "OIDCToken.Invalid"),
    "issued in the future": (lambda i: i.token(iat=NOW + 3600), "OIDCToken.Invalid"),
    "for somebody else": (lambda i: i.token(aud=["https://kubernetes.default.svc"]), "OIDCToken.AudienceNotMatch"),
    "of another issuer": (lambda i: i.token(iss="https://example.com"), "OIDCToken.IssuerNotMatch"),
    "of the issuer with a slash": (lambda i: i.token(iss=f"{i.url}/"), "OIDCToken.IssuerNotMatch"),
    "without an end": (lambda i: i.token(exp=None), "OIDCToken.Invalid"),
    "without a beginning": (lambda i: i.token(iat=None), "OIDCToken.Invalid"),
    "without an audience": (lambda i: i.token(aud=None), "OIDCToken.Invalid"),
    "without a subject": (lambda i: i.token(sub=None), "OIDCToken.Invalid"),
    "unsigned": (lambda i: i.token(key="", algorithm="none"), "OIDCToken.Invalid"),
    "signed with the public key": (forged_hs256, "OIDCToken.Invalid"),
    "of another algorithm": (lambda i: i.token(algorithm="PS256"), "OIDCToken.Invalid"),
    "signed by somebody else": (lambda i: i.token(key=new_key()), "OIDCToken.InvalidSignature"),
    "changed": (tampered, "OIDCToken.InvalidSignature"),
    "of an unknown key": (lambda i: i.token(kid="second"), "OIDCToken.InvalidSignature"),
    "of another kind of key": (
        lambda i: i.token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        "OIDCToken.InvalidSignature",
    ),
    "no token": (lambda _: "not-a-token", "OIDCToken.Invalid"),
    "three parts of nothing": (lambda _: "a.b.c", "OIDCToken.Invalid"),
    "empty": (lambda _: "", "OIDCToken.Invalid"),
    "too long": (lambda i: i.token(padding="x" * 20_000), "OIDCToken.Invalid"),
    "of another subject": (lambda i: i.token(sub="system:serviceaccount:other:operator"), "NoPermission"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused(issuer: Issuer, sign_in: Callable[..., Any], kind: str) -> None:
    """Each in the service's own words, and a good one right after it is not."""
    make, code = BAD[kind]
    assert (401, f"{FAIL}.{code}") == refused(sign_in, make(issuer))
    assert sign_in(issuer.token()).credentials.security_token


def test_a_key_without_a_name_must_be_the_only_one(issuer: Issuer, sign_in: Callable[..., Any]) -> None:
    """A token that names no key is tried with the issuer's one key, and with none of several."""
    assert sign_in(issuer.token(kid=None)).credentials.security_token
    issuer.answers["/keys"]["keys"].append(described(new_key(), "second"))
    assert (401, f"{FAIL}.OIDCToken.InvalidSignature") == refused(sign_in, issuer.token(kid=None))


@pytest.mark.parametrize(
    ("at", "document"),
    [
        ("/.well-known/openid-configuration", None),
        ("/.well-known/openid-configuration", b"<html>"),
        ("/.well-known/openid-configuration", []),
        ("/.well-known/openid-configuration", {"issuer": "https://example.com", "jwks_uri": "https://example.com"}),
        ("/.well-known/openid-configuration", "no jwks_uri"),
        ("/.well-known/openid-configuration", "http jwks_uri"),
        ("/keys", None),
        ("/keys", {"keys": "none"}),
        ("/keys", b"[" * 100_000),
    ],
)
def test_a_broken_issuer_is_said_to_be(issuer: Issuer, sign_in: Callable[..., Any], at: str, document: object) -> None:
    """What it publishes must be there, be JSON, and name itself."""
    if isinstance(document, str):
        document = {"issuer": issuer.url, **({"jwks_uri": "http://127.0.0.1/keys"} if "http" in document else {})}
    issuer.answers[at] = document
    assert (401, f"{FAIL}.OIDCToken.IssuerConfigurationBroken") == refused(sign_in, issuer.token())


def test_the_issuer_must_show_a_certificate_of_a_listed_authority(
    cloud: LocalCloud, issuer: Issuer, sign_in: Callable[..., Any], tmp_path: Path
) -> None:
    """A trusted authority without a listed fingerprint, a listed one that did not sign, and no authority at all."""
    other = make_certificates("cn-hangzhou").authority
    ims = ImsClient(config_as(cloud))

    def fingerprints(*wanted: str) -> None:
        for given in wanted:
            add = ims_models.AddFingerprintToOIDCProviderRequest(oidcprovider_name="cluster", fingerprint=given)
            ims.add_fingerprint_to_oidcprovider(add)
        remove = ims_models.RemoveFingerprintFromOIDCProviderRequest(
            oidcprovider_name="cluster", fingerprint=issuer.fingerprint
        )
        ims.remove_fingerprint_from_oidcprovider(remove)

    fingerprints("0" * 40)
    assert (401, f"{FAIL}.OIDCToken.PublicKeyFingerprintMismatch") == refused(sign_in, issuer.token())
    given = fingerprint_of(other).upper()
    add = ims_models.AddFingerprintToOIDCProviderRequest(oidcprovider_name="cluster", fingerprint=given)
    issuer.ca_file.write_bytes(issuer.ca_file.read_bytes() + other)
    ims.add_fingerprint_to_oidcprovider(add)
    assert (401, f"{FAIL}.OIDCToken.HttpsUrlInvalid") == refused(sign_in, issuer.token())
    issuer.ca_file.unlink()
    assert (401, f"{FAIL}.OIDCToken.HttpsUrlInvalid") == refused(sign_in, issuer.token())


def test_an_emulator_that_was_told_of_no_authority_trusts_no_issuer(issuer: Issuer) -> None:
    """And says which option it lacks."""
    with running() as cloud:
        arn = new_provider(cloud, issuer.url, client_ids=AUDIENCE)
        role = new_role(cloud, "Operator", trust(Principal={"Federated": [arn]}))
        request = sts_models.AssumeRoleWithOIDCRequest(
            oidcprovider_arn=arn, role_arn=role, role_session_name="tests", oidctoken=issuer.token()
        )
        with pytest.raises(Exception, match="--oidc-ca"):
            StsClient(config_as(cloud, ("", "", None))).assume_role_with_oidc(request)


def test_provider_and_role_must_exist_and_belong_together(
    cloud: LocalCloud, issuer: Issuer, sign_in: Callable[..., Any], provider: str
) -> None:
    """In one account; a role that trusts no issuer cannot be had with a token."""
    token = issuer.token()
    missing = f"acs:ram::{cloud.account_id}:oidc-provider/missing"
    assert (401, f"{FAIL}.NoPermission") == refused(sign_in, token, oidcprovider_arn=missing)
    assert (400, "InvalidParameter.OIDCProviderArn") == refused(sign_in, token, oidcprovider_arn="cluster")
    gone = f"acs:ram::{cloud.account_id}:role/gone"
    assert (404, "EntityNotExist.Role") == refused(sign_in, token, role_arn=gone)
    plain = new_role(cloud, "plain", trust(Principal={"RAM": [f"acs:ram::{cloud.account_id}:root"]}))
    assert (401, f"{FAIL}.NoPermission") == refused(sign_in, token, role_arn=plain)
    theirs = cloud.add_account("99", "LTAIother", "other-secret")
    foreign = new_role(theirs, "foreign", trust(Principal={"Federated": [provider]}))
    assert (401, f"{FAIL}.NoPermission") == refused(sign_in, token, role_arn=foreign)


def test_a_token_does_not_stay_in_the_journal(cloud: LocalCloud, issuer: Issuer, sign_in: Callable[..., Any]) -> None:
    """It is as good as a key as long as it lasts."""
    token = issuer.token()
    sign_in(token)
    shown = json.dumps(cloud.requests("sts", "AssumeRoleWithOIDC"))
    assert "Operator" in shown or "operator" in shown
    assert token not in shown


def test_the_sdk_s_own_provider_signs_in(
    cloud: LocalCloud, issuer: Issuer, provider: str, role: str, tmp_path: Path
) -> None:
    """alibabacloud_credentials knows HTTPS only; it trusts what SSL_CERT_FILE names."""
    file = tmp_path / "token"
    file.write_text(issuer.token())
    own = OIDCRoleArnCredentialsProvider(
        role_arn=role, oidc_provider_arn=provider, oidc_token_file_path=str(file), sts_endpoint=cloud.host
    )
    made = own.get_credentials()
    pair = (made.get_access_key_id(), made.get_access_key_secret(), made.get_security_token())
    assert "AssumedRoleUser" == StsClient(config_as(cloud, pair)).get_caller_identity().body.identity_type


CHAIN = f"""
import os, socket
from alibabacloud_credentials.client import Client
host, port = os.environ["EMULATOR"].split(":")
resolve = socket.getaddrinfo  # this machine's DNS, as a sandbox may answer for the name
def here(name, *rest, **more):
    return resolve(host, int(port)) if name == "{STS_NAME}" else resolve(name, *rest, **more)
socket.getaddrinfo = here
print(Client().get_credential().access_key_id)
"""


def test_the_default_chain_signs_in(
    cloud: LocalCloud, issuer: Issuer, provider: str, role: str, tmp_path: Path
) -> None:
    """With the environment that RRSA gives a pod, and nothing else."""
    file = tmp_path / "token"
    file.write_text(issuer.token())
    env = {name: value for name, value in os.environ.items() if not name.startswith("ALIBABA_CLOUD_")}
    env |= {
        "ALIBABA_CLOUD_ROLE_ARN": role,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": provider,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(file),
        "ALIBABA_CLOUD_STS_REGION": cloud.region,
        "EMULATOR": cloud.host,
    }
    printed = subprocess.run([sys.executable, "-c", CHAIN], env=env, check=True, capture_output=True, timeout=60)
    assert printed.stdout.startswith(b"STS.")


def test_providers_are_kept_over_a_restart(tmp_path: Path, issuer: Issuer) -> None:
    """With everything else."""
    data = tmp_path / "data"
    with running(data=data) as cloud:
        arn = new_provider(cloud, issuer.url, client_ids="a,b", fingerprints=issuer.fingerprint)
    with running(data=data) as cloud:
        request = ims_models.GetOIDCProviderRequest(oidcprovider_name="cluster")
        found = ImsClient(config_as(cloud)).get_oidcprovider(request).body.oidcprovider
    assert (arn, "a,b", issuer.fingerprint) == (found.arn, found.client_ids, found.fingerprints)


def test_a_silent_issuer_keeps_nobody_waiting_but_its_own(
    cloud: LocalCloud, issuer: Issuer, provider: str, role: str
) -> None:
    """While the emulator asks an issuer that does not answer, it answers everybody else; then it gives up."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor() as others:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        arn = new_provider(cloud, url, name="silent", client_ids=AUDIENCE)
        request = sts_models.AssumeRoleWithOIDCRequest(
            oidcprovider_arn=arn, role_arn=role, role_session_name="tests", oidctoken=issuer.token(iss=url)
        )
        anonymous = StsClient(config_as(cloud, ("", "", None)))
        waiting = others.submit(refused, anonymous.assume_role_with_oidc, request)
        connection, _ = silent.accept()
        with connection:
            assert "Account" == StsClient(config_as(cloud)).get_caller_identity().body.identity_type
            assert not waiting.done()
            assert (401, f"{FAIL}.OIDCToken.IssuerConfigurationBroken") == waiting.result(20)


def test_a_process_is_told_of_authorities_by_an_option(issuer: Issuer, tmp_path: Path) -> None:
    """`run --https-port --oidc-ca`, and for the client what `env --https` exports: no key but the token."""
    with emulator("--https-port", "0", "--oidc-ca", str(issuer.ca_file)) as plain:
        exported = CliRunner().invoke(main, ["env", "--https", "--url", plain.url]).output
        env = dict(re.findall(r"export (\w+)=(.*)", exported))
        root = (env["ALIBABA_CLOUD_ACCESS_KEY_ID"], env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        admin = OpenApiConfig(*root, endpoint=env["IMS_ENDPOINT"], ca=env["SSL_CERT_FILE"])
        request = ims_models.CreateOIDCProviderRequest(
            oidcprovider_name="cluster", issuer_url=issuer.url, client_ids=AUDIENCE
        )
        arn = ImsClient(admin).create_oidcprovider(request).body.oidcprovider.arn
        policy = trust(Principal={"Federated": [arn]}, Condition={"StringLike": {"oidc:sub": "system:*:operator"}})
        role = RamClient(admin).create_role(
            ram_models.CreateRoleRequest(role_name="Operator", assume_role_policy_document=policy)
        )
        file = tmp_path / "token"
        file.write_text(issuer.token())
        details = {"role_arn": role.body.role.arn, "oidc_provider_arn": arn, "oidc_token_file_path": str(file)}
        script = f"{SIGN_IN}\nprint(sign_in(sts_endpoint={env['STS_ENDPOINT']!r}, **{details!r}))"
        command = [sys.executable, "-c", script]
        printed = subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, timeout=60)
    assert printed.stdout.startswith(b"STS.")


SIGN_IN = """
from alibabacloud_credentials.provider import OIDCRoleArnCredentialsProvider
def sign_in(**details):
    return OIDCRoleArnCredentialsProvider(**details).get_credentials().get_access_key_id()
"""

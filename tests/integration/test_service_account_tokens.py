"""RRSA from end to end: a real cluster's service account signs in to the local cloud as a role, by its token alone.

Nothing is put in between: the API server signs, the SDK's own provider sends, the emulator fetches the issuer's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.provider import OIDCRoleArnCredentialsProvider
from alibabacloud_imm20200930 import models as imm_models
from alibabacloud_imm20200930.client import Client as ImmClient

from emulator.instance import Config
from emulator.testing import LocalCloud, running
from sandbox.apiserver.cluster import Cluster
from sandbox.apiserver.issuer import AUDIENCE, Issuer, issuer_of, subject
from sandbox.apiserver.operator_identity import service_account_token
from sandbox.kubectl import Kubectl
from tests.emulator.role_room import Pair, config_as, new_provider, new_role, refused, trust

SignIn = Callable[..., Pair]


@pytest.fixture
def issuer(cluster: Cluster) -> Issuer:
    """The cluster, as the cloud sees it."""
    return issuer_of(cluster)


@pytest.fixture
def cloud(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud over HTTPS that trusts the cluster's certificate authority."""
    with running(Config(virtual_clock=True, oidc_ca=issuer.ca_file), https=True) as local:
        monkeypatch.setenv("SSL_CERT_FILE", local.ca_file or "")
        yield local


@pytest.fixture
def provider(cloud: LocalCloud, issuer: Issuer) -> str:
    """The cluster registered as an OpenID Connect provider; its ARN."""
    return new_provider(cloud, issuer.url, client_ids=AUDIENCE, fingerprints=issuer.fingerprint)


@pytest.fixture
def service_account(kubectl: Kubectl, namespace: str) -> str:
    """A service account that nothing else uses."""
    kubectl("create", "serviceaccount", "indexer", f"--namespace={namespace}")
    return "indexer"


@pytest.fixture
def sign_in(
    cloud: LocalCloud, cluster: Cluster, namespace: str, service_account: str, provider: str, tmp_path: Path
) -> SignIn:
    """Sign in as a role with a fresh token of the service account: `sign_in(role_arn)`."""

    def sign(role_arn: str, audience: str = AUDIENCE) -> Pair:
        file = tmp_path / "token"
        file.write_text(service_account_token(cluster.kubeconfig, namespace, service_account, audience=audience))
        own = OIDCRoleArnCredentialsProvider(
            role_arn=role_arn, oidc_provider_arn=provider, oidc_token_file_path=str(file), sts_endpoint=cloud.host
        )
        made = own.get_credentials()
        return made.get_access_key_id(), made.get_access_key_secret(), made.get_security_token()

    return sign


def role_for(cloud: LocalCloud, provider: str, issuer: Issuer, who: str, *policies: str) -> str:
    """A role that trusts one service account of the cluster, as Alibaba's guide to RRSA writes it; its ARN."""
    condition: dict[str, Any] = {"oidc:iss": issuer.url, "oidc:aud": AUDIENCE, "oidc:sub": who}
    policy = trust(Principal={"Federated": [provider]}, Condition={"StringEquals": condition})
    return new_role(cloud, "rrsa", policy, *policies)


def test_a_service_account_works_as_its_role(
    cloud: LocalCloud, issuer: Issuer, provider: str, namespace: str, service_account: str, sign_in: SignIn
) -> None:
    """The role's policies count: it may list projects and not make one."""
    arn = role_for(cloud, provider, issuer, subject(namespace, service_account), "AliyunIMMReadOnlyAccess")
    imm = ImmClient(config_as(cloud, sign_in(arn)))
    assert [] == (imm.list_projects(imm_models.ListProjectsRequest()).body.projects or [])
    status, _ = refused(imm.create_project, imm_models.CreateProjectRequest(project_name="media"))
    assert 403 == status
    (listed,) = cloud.requests("imm", "ListProjects")
    assert str(listed["principal"]).startswith(f"acs:ram::{cloud.account_id}:assumed-role/rrsa/")


def test_a_role_that_trusts_another_subject_is_out_of_reach(
    cloud: LocalCloud, issuer: Issuer, provider: str, namespace: str, sign_in: SignIn
) -> None:
    """A token of this namespace's service account is not one of the same name elsewhere."""
    arn = role_for(cloud, provider, issuer, subject(f"{namespace}-other", "indexer"))
    with pytest.raises(CredentialException, match=r"AuthenticationFail\.NoPermission"):
        sign_in(arn)


def test_a_token_for_the_cluster_itself_is_not_one_for_the_cloud(
    cloud: LocalCloud, issuer: Issuer, provider: str, namespace: str, service_account: str, sign_in: SignIn
) -> None:
    """Or every pod could sign in with the token it always has."""
    arn = role_for(cloud, provider, issuer, subject(namespace, service_account))
    with pytest.raises(CredentialException, match="AudienceNotMatch"):
        sign_in(arn, audience=issuer.url)


def test_a_cloud_that_lists_another_authority_refuses(
    cloud: LocalCloud, issuer: Issuer, namespace: str, service_account: str, cluster: Cluster
) -> None:
    """The fingerprint that the provider lists is the cluster's own, or nobody gets in."""
    arn = new_provider(cloud, issuer.url, name="mistaken", client_ids=AUDIENCE, fingerprints="0" * 40)
    role = role_for(cloud, arn, issuer, subject(namespace, service_account))
    file = cluster.directory / f"{namespace}.token"
    file.write_text(service_account_token(cluster.kubeconfig, namespace, service_account, audience=AUDIENCE))
    own = OIDCRoleArnCredentialsProvider(
        role_arn=role, oidc_provider_arn=arn, oidc_token_file_path=str(file), sts_endpoint=cloud.host
    )
    with pytest.raises(CredentialException, match="PublicKeyFingerprintMismatch"):
        own.get_credentials()

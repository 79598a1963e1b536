"""The cluster as an issuer of tokens: what a cloud must be told so that its roles can trust service accounts (RRSA).

The issuer is read from the cluster's own public document, because a cluster that was there before names it as it likes.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sandbox.apiserver.api_call import call, trust
from sandbox.apiserver.cluster import Cluster
from sandbox.programs import ProgramError

DISCOVERY = "/.well-known/openid-configuration"
AUDIENCE = "sts.aliyuncs.com"  # what the cloud's token service wants its tokens to be for


@dataclass(frozen=True)
class Issuer:
    """What an OpenID Connect provider of the cloud is made from."""

    url: str
    ca_file: Path
    fingerprint: str  # SHA-1 of the authority's certificate, in hex, as the cloud wants it


def issuer_of(cluster: Cluster) -> Issuer:
    """Return the issuer of the cluster's service account tokens.

    Raises:
        ProgramError: the cluster does not show strangers who issues its tokens, or shows it under the system's own
            certificate authorities.
    """
    if cluster.ca_file is None:
        raise ProgramError(
            f"{cluster.url} has no certificate authority of its own, so the sandbox's cloud cannot check it"
        )
    status, body = call(cluster.url, DISCOVERY, trust(cluster.ca_file))
    if status != 200:  # noqa: PLR2004 - HTTP's own number for success
        raise ProgramError(
            f"{cluster.url}{DISCOVERY} answers strangers with {status}. Bind the ClusterRole "
            "system:service-account-issuer-discovery to the group system:unauthenticated, and allow anonymous requests."
        )
    certificate = x509.load_pem_x509_certificate(cluster.ca_file.read_bytes())  # the first, where there are several
    return Issuer(
        url=str(json.loads(body)["issuer"]),
        ca_file=cluster.ca_file,
        fingerprint=certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - what the cloud names it by
    )


def subject(namespace: str, service_account: str) -> str:
    """Return who a service account is in its tokens, for the condition `oidc:sub` of a role's trust policy."""
    return f"system:serviceaccount:{namespace}:{service_account}"

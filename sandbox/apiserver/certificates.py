"""The sandbox cluster's own certificate authority, made once per data directory and reused by every later start.

Certificates are ECDSA P-256, made in a millisecond each, and good until 2038. The key that signs service account tokens
is RSA, as in the clusters people have: clouds that verify such tokens (RRSA) expect RS256.
"""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ADMINISTRATORS = "system:masters"
NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
SERVICE_ADDRESS = "10.96.0.1"  # the first of the service range: what `kubernetes.default.svc` resolves to


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """What the cluster's parties show each other."""

    authority: Pair
    serving: Pair
    admin: Pair
    controllers: Pair
    token_key: Path


def certificates(directory: Path) -> Certificates:
    """Return the certificates in `directory`; make them there if it has none."""
    found = Certificates(
        authority=_pair(directory, "ca"),
        serving=_pair(directory, "serving"),
        admin=_pair(directory, "admin"),
        controllers=_pair(directory, "controllers"),
        token_key=directory / "service-accounts.key",
    )
    if not found.token_key.exists():  # written last, so it stands for all
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(found)
    return found


def _pair(directory: Path, name: str) -> Pair:
    return Pair(directory / f"{name}.crt", directory / f"{name}.key")


def _make(wanted: Certificates) -> None:
    authority = trustme.CA(path_length=0, organization_name="imm-operator sandbox")
    _write(wanted.authority, authority.cert_pem, authority.private_key_pem)
    _issue(authority, wanted.serving, "kube-apiserver", *NAMES, "127.0.0.1", "::1", SERVICE_ADDRESS)
    _issue(authority, wanted.admin, "sandbox-admin", "sandbox-admin")
    # A user of its own, so that an audit log tells the controllers' requests from those of people.
    _issue(authority, wanted.controllers, "system:kube-controller-manager", "kube-controller-manager")
    tokens = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, form, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    _write_secret(wanted.token_key, tokens.private_bytes(pem, form, plain))


def _issue(authority: trustme.CA, pair: Pair, user: str, *names: str) -> None:
    """Kubernetes reads the user from the common name and the group from the organization."""
    issued = authority.issue_cert(*names, common_name=user, organization_name=ADMINISTRATORS)
    _write(pair, issued.cert_chain_pems[0], issued.private_key_pem)


def _write(pair: Pair, certificate: trustme.Blob, key: trustme.Blob) -> None:
    certificate.write_to_path(pair.certificate)
    _write_secret(pair.key, key.bytes())


def _write_secret(path: Path, secret: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(secret)

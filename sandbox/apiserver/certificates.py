"""The sandbox cluster's own certificate authority, made once per data directory and reused by every later start.

Certificates are ECDSA P-256, made in a millisecond each. The key that signs service account tokens is RSA, as in the
clusters people have: clouds that verify such tokens (RRSA) expect RS256.
"""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A demo's folder may be opened again next year; nothing outside this machine trusts this authority.
LIFETIME = dt.timedelta(days=3650)
NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
SERVICE_ADDRESS = "10.96.0.1"  # the first of the service range: what `kubernetes.default.svc` resolves to

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


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
    authority = _Authority(wanted.authority)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1", SERVICE_ADDRESS)]
    authority.issue(wanted.serving, _name("kube-apiserver"), x509.SubjectAlternativeName(names))
    authority.issue(wanted.admin, _name("sandbox-admin", group="system:masters"))
    # A user of its own, so that an audit log tells the controllers' requests from those of people.
    authority.issue(wanted.controllers, _name("system:kube-controller-manager", group="system:masters"))
    _write_key(wanted.token_key, rsa.generate_private_key(public_exponent=65537, key_size=2048))


class _Authority:
    """Signs with a key that lives no longer than this call needs it."""

    def __init__(self, pair: Pair) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("imm-operator sandbox")
        basic = x509.BasicConstraints(ca=True, path_length=0)
        certificate = _unsigned(self.name, self.name, self.key, self.key).add_extension(basic, critical=True)
        usage = _key_usage(signs_certificates=True)
        _write_certificate(
            pair.certificate, certificate.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())
        )
        _write_key(pair.key, self.key)

    def issue(self, pair: Pair, subject: x509.Name, names: x509.SubjectAlternativeName | None = None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
        certificate = (
            _unsigned(subject, self.name, key, self.key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if names:
            certificate = certificate.add_extension(names, critical=False)
        _write_certificate(pair.certificate, certificate.sign(self.key, hashes.SHA256()))
        _write_key(pair.key, key)


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _name(common: str, group: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: PrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

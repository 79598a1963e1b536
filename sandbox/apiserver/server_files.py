"""What the API server and etcd are started with: their configuration files and flags, in one place.

A cluster as upstream ships it: RBAC, the default admission plugins, service account tokens with this server as their
issuer. Anonymous requests reach the health checks and the issuer's public keys and nothing else.
"""

import json
from pathlib import Path

from sandbox.apiserver.certificates import Certificates

# Relative to the data directory, where the server runs: a socket's path is limited to 108 bytes, and unlike a port
# it is closed to the machine's other users. etcd wants the form host:port for a name.
ETCD_SOCKET = "unix://etcd:1"
ETCD_PEER_SOCKET = "unix://etcd:2"
ANONYMOUS_PATHS = ("/livez", "/readyz", "/healthz", "/.well-known/openid-configuration", "/openid/v1/jwks")


def write_etcd_config(directory: Path, *, durable: bool) -> Path:
    """Write etcd's configuration: one member, alone; not `durable` skips fsync and may lose data with the machine."""
    return _write_json(
        directory / "etcd.json",
        {
            "name": "sandbox",
            "data-dir": "etcd",
            "listen-client-urls": ETCD_SOCKET,
            "advertise-client-urls": ETCD_SOCKET,
            "listen-peer-urls": ETCD_PEER_SOCKET,
            "initial-advertise-peer-urls": ETCD_PEER_SOCKET,
            "initial-cluster": f"sandbox={ETCD_PEER_SOCKET}",
            "unsafe-no-fsync": not durable,
            "log-level": "warn",
        },
    )


def server_flags(directory: Path, port: int, certificates: Certificates, audit_log: Path | None) -> list[str]:
    """Write the API server's configuration files and return its flags."""
    url = server_url(port)
    flags = {
        "etcd-servers": ETCD_SOCKET,
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": port,
        "endpoint-reconciler-type": "none",  # a loopback address is refused as an endpoint, again and again
        "service-cluster-ip-range": "10.96.0.0/16",
        "tls-cert-file": certificates.serving.certificate,
        "tls-private-key-file": certificates.serving.key,
        "client-ca-file": certificates.authority.certificate,
        "authorization-mode": "RBAC",
        "authentication-config": _write_json(directory / "authentication.json", _authentication()),
        "service-account-issuer": url,
        "service-account-jwks-uri": f"{url}/openid/v1/jwks",
        "service-account-signing-key-file": certificates.token_key,
        "service-account-key-file": certificates.token_key,
        "profiling": "false",
    }
    if audit_log:
        policy = _write_json(directory / "audit-policy.json", _audit_policy())
        flags |= {"audit-log-path": audit_log, "audit-policy-file": policy, "audit-log-maxsize": 100}
    return [f"--{name}={value}" for name, value in flags.items()]


def server_url(port: int) -> str:
    """Return where the server is reached, which is also the issuer in its service account tokens."""
    return f"https://127.0.0.1:{port}"


def _authentication() -> dict[str, object]:
    return {
        "apiVersion": "apiserver.config.k8s.io/v1beta1",  # also read by the older servers in KUBEBUILDER_ASSETS
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": [{"path": path} for path in ANONYMOUS_PATHS]},
    }


def _audit_policy() -> dict[str, object]:
    """One line per finished request: who, what, which object; no bodies."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "Metadata"}],
    }


def _write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, indent=2))  # JSON is YAML, and nothing in it needs care with quotes
    return path

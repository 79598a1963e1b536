"""Write kubeconfig files: the one form in which kubectl, Kopf and people take "where, and as whom"."""

import base64
from pathlib import Path

import yaml

from sandbox.apiserver import private_file
from sandbox.apiserver.certificates import Pair

NAME = "imm-operator-sandbox"


def with_certificate(path: Path, url: str, authority: Path, client: Pair) -> Path:
    """Write a kubeconfig that signs in with a client certificate."""
    user = {
        "client-certificate-data": _encoded(client.certificate.read_bytes()),
        "client-key-data": _encoded(client.key.read_bytes()),
    }
    cluster = {"server": url, "certificate-authority-data": _encoded(authority.read_bytes())}
    return _write(path, cluster, user, {})


def with_token(path: Path, cluster: dict[str, str], token: str, namespace: str) -> Path:
    """Write a kubeconfig that signs in with a bearer token to a cluster described as in another kubeconfig."""
    return _write(path, cluster, {"token": token}, {"namespace": namespace})


def authority_file(path: Path, cluster: dict[str, str]) -> Path | None:
    """Write the certificate authority of a flattened kubeconfig beside it; None when the system's own is meant."""
    if not (data := cluster.get("certificate-authority-data")):
        return None
    file = path.with_suffix(".crt")
    file.write_bytes(base64.b64decode(data))
    return file


def _write(path: Path, cluster: dict[str, str], user: dict[str, str], context: dict[str, str]) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": user}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, **context}}],
    }
    return private_file.write(path, yaml.safe_dump(content, sort_keys=False))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()

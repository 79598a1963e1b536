"""An issuer of OpenID Connect tokens on this machine: a key, its documents over HTTPS, and tokens good and bad."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from emulator.tls import make_certificates

AUDIENCE = "sts.aliyuncs.com"
SUBJECT = "system:serviceaccount:media:operator"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def new_key() -> rsa.RSAPrivateKey:
    """A key to sign with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def described(key: Key, kid: str) -> dict[str, Any]:
    """The public half as a JSON Web Key."""
    rsa_ = isinstance(key, rsa.RSAPrivateKey)
    algorithm: Any = jwt.algorithms.RSAAlgorithm if rsa_ else jwt.algorithms.ECAlgorithm
    document = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": kid, "use": "sig", "alg": "RS256" if rsa_ else "ES256"}


def fingerprint_of(certificate: bytes) -> str:
    """Of one certificate in PEM. `ssl` reads the first of two in one text only where its length happens to need `=`."""
    return sha1(ssl.PEM_cert_to_DER_cert(certificate.decode()), usedforsecurity=False).hexdigest()


@dataclass
class Issuer:
    """A running issuer; what it answers can be changed by address."""

    url: str
    ca_file: Path
    key: rsa.RSAPrivateKey
    answers: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Of the authority that vouches for its address."""
        return fingerprint_of(self.ca_file.read_bytes())

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str | None = "first", **claims: Any) -> str:
        """A token that is right but for what is said; a claim of None is left out."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": [AUDIENCE], "sub": SUBJECT, "iat": now, "nbf": now, "exp": now + 3600}
        said = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        headers = {} if kid is None else {"kid": kid}
        return jwt.encode(said, self.key if key is None else key, algorithm=algorithm, headers=headers)


@contextmanager
def issuing(directory: Path) -> Iterator[Issuer]:
    """Run an issuer for as long as the block lasts; `directory` gets its certificate authority."""
    certificates = make_certificates("cn-hangzhou")
    ca_file = directory / "issuer-ca.pem"
    ca_file.write_bytes(certificates.authority)
    answers: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = answers.get(self.path)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(404 if document is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = certificates.context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    url = f"https://127.0.0.1:{server.server_address[1]}"
    issuer = Issuer(url, ca_file, new_key(), answers)
    answers["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/keys"}
    answers["/keys"] = {"keys": [described(issuer.key, "first")]}
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""One plain HTTPS request to the API server, for the start of a cluster, before anything better can be used."""

import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.apiserver.certificates import Pair

PATIENCE = 5.0


def trust(authority: Path, client: Pair | None = None) -> ssl.SSLContext:
    """Return a TLS context that trusts `authority` alone and signs in as `client`."""
    context = ssl.create_default_context(cafile=authority)
    if client:
        context.load_cert_chain(client.certificate, client.key)
    return context


def call(url: str, path: str, context: ssl.SSLContext, body: object = None) -> tuple[int, bytes]:
    """GET `path`, or POST `body` to it; return the status and the answer. A server that is not up is an OSError."""
    where = urlsplit(url)
    connection = http.client.HTTPSConnection(where.hostname or "", where.port, context=context, timeout=PATIENCE)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

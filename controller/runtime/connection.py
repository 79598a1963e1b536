"""One connection to the API server for Kopf and for our own client: bounded, and with a token that is read again.

Kopf's default opens one TLS connection per object in flight. A bound service-account token is replaced on disk every
hour, so it is read from the file and never kept.
"""

from __future__ import annotations

import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from controller.runtime.rest_client import requests
from controller.runtime.watches import Watches

MAX_CONNECTIONS = 24
TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
NAMESPACE_FILE = TOKEN_FILE.with_name("namespace")
TOKEN_INTERVAL = 60.0
USER_AGENT = f"imm-operator/{version('imm-operator')}"


class TokenFromFile:
    """An aiohttp middleware that signs each request with the service account's present token."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._token = ""
        self._read_at = float("-inf")

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Read the file at most once a minute; it is a few bytes of tmpfs."""
        if time.monotonic() - self._read_at > TOKEN_INTERVAL:
            self._token = self._path.read_text().strip()
            self._read_at = time.monotonic()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return await handler(request)


def unconfigured() -> str | None:
    """Why there is no API server to talk to, and what to do; None in a pod, or where there is a kubeconfig."""
    named = os.environ.get("KUBECONFIG")
    kubeconfig = Path(named or Path.home() / ".kube" / "config")
    if TOKEN_FILE.exists() or os.pathsep in str(kubeconfig) or kubeconfig.exists():
        return None
    return f"KUBECONFIG names {named}, which is not there" if named else "set KUBECONFIG, or make ~/.kube/config"


def own_namespace() -> str | None:
    """The pod's namespace, or None outside a pod."""
    return NAMESPACE_FILE.read_text().strip() if NAMESPACE_FILE.exists() else None


def connect(settings: kopf.OperatorSettings, logger: Any, watches: Watches) -> kopf.AiohttpSession:
    """Sign in as the pod's service account, else as the kubeconfig's current context.

    A watch keeps its connection, so those come on top of what everything else shares.

    Raises:
        kopf.LoginError: neither exists any more.
    """
    in_cluster = kopf.login_with_service_account(settings=settings, logger=logger)
    info = in_cluster or kopf.login_with_kubeconfig(settings=settings, logger=logger)
    if info is None:
        raise kopf.LoginError("the service account or kubeconfig that was there at the start is gone")
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS + len(watches), ssl=info.as_ssl_context()),
        headers={"User-Agent": USER_AGENT} | ({} if in_cluster else info.as_http_headers()),
        middlewares=(TokenFromFile(TOKEN_FILE),) if in_cluster else (),
        trace_configs=[requests.tracing(), watches.tracing()],
        proxy=info.proxy_url,
        trust_env=info.trust_env,
    )
    return kopf.AiohttpSession(
        server=info.server, aiohttp_session=session, default_namespace=info.default_namespace, priority=info.priority
    )

"""A thin Kubernetes client: the handful of calls the operator makes, over the session Kopf watches with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp

from controller.api.fields import GROUP, VERSION
from controller.reconcile.ports import ObjectGone, StaleObject

FIELD_MANAGER = "imm-operator"
PAGE = 500
TIMEOUT = aiohttp.ClientTimeout(total=30)
NOT_FOUND, CONFLICT, UNAUTHORIZED, BAD_REQUEST = 404, 409, 401, 400


class KubeError(Exception):
    """The API server refused or did not answer; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Kubernetes API {status}: {message[:256]}")
        self.status = status


class Kube:
    """Calls on the API server. The session is replaced when Kopf signs in again."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._server = ""
        self._connected = asyncio.Event()
        self.requests: dict[tuple[str, str], int] = {}

    def use(self, server: str, session: aiohttp.ClientSession) -> None:
        """Take the session of a fresh login."""
        self._server, self._session = server.rstrip("/"), session
        self._connected.set()

    async def pages(self, plural: str, namespace: str | None) -> AsyncIterator[list[dict[str, Any]]]:
        """LIST a kind of ours in pages of 500."""
        token = ""
        while True:
            query = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            page = await self._call("GET", _path(plural, namespace), query=query)
            yield page.get("items", [])
            token = page.get("metadata", {}).get("continue", "")
            if not token:
                return

    async def patch_finalizers(self, plural: str, meta: dict[str, Any], finalizers: list[str]) -> dict[str, Any]:
        """Set the finalizers of the very version in `meta`."""
        body = {"metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]}}
        path = _path(plural, meta["namespace"], meta["name"])
        return await self._call("PATCH", path, body, content_type="application/merge-patch+json")

    async def put_status(self, kind: str, plural: str, meta: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        """Replace the status of the very version in `meta`; the API server ignores everything else."""
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": meta, "status": status}
        return await self._call("PUT", _path(plural, meta["namespace"], meta["name"]) + "/status", body)

    async def get_secret(self, namespace: str, name: str) -> dict[str, str] | None:
        """`data` of a Secret, or None."""
        try:
            body = await self._call("GET", f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}")
        except ObjectGone:
            return None
        data: dict[str, str] = body.get("data") or {}
        return data

    async def post_event(self, namespace: str, event: dict[str, Any]) -> None:
        """Create a core/v1 Event."""
        await self._call("POST", f"/api/v1/namespaces/{quote(namespace)}/events", event)

    async def _call(
        self,
        verb: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        await self._connected.wait()
        if self._session is None:
            raise KubeError(0, "not signed in")
        params = dict(query or {}) | ({} if verb == "GET" else {"fieldManager": FIELD_MANAGER})
        headers = {"Content-Type": content_type} if body is not None else {}
        self._count(verb, path)
        async with self._session.request(
            verb, self._server + path, json=body, params=params, headers=headers, timeout=TIMEOUT
        ) as response:
            if response.status == CONFLICT:
                raise StaleObject(path)
            if response.status == NOT_FOUND:
                raise ObjectGone(path)
            if response.status >= BAD_REQUEST:
                raise KubeError(response.status, await response.text())
            answer: dict[str, Any] = await response.json()
            return answer

    def _count(self, verb: str, path: str) -> None:
        resource = next((part for part in reversed(path.split("/")) if part == "status"), "")
        key = verb, resource or "object"
        self.requests[key] = self.requests.get(key, 0) + 1


def _path(plural: str, namespace: str | None, name: str | None = None) -> str:
    scope = f"/namespaces/{quote(namespace)}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{scope}/{plural}" + (f"/{quote(name)}" if name else "")

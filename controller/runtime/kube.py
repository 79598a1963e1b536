"""A thin Kubernetes client: the handful of calls the operator makes, over the session Kopf watches with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import aiohttp

from controller.api.fields import GROUP, VERSION
from controller.cloud import spans
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.watches import OWN

FIELD_MANAGER = "imm-operator"
PAGE = 500
TIMEOUT = 30.0
NOT_FOUND, CONFLICT, FORBIDDEN, BAD_REQUEST, SERVER_ERROR = 404, 409, 403, 400, 500


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
        self._uid = ""

    def use(self, server: str, session: aiohttp.ClientSession) -> None:
        """Take the session of a fresh login."""
        self._server, self._session = server.rstrip("/"), session
        self._connected.set()

    async def pages(
        self, plural: str, namespace: str | None, selector: str = ""
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """LIST a kind of ours in pages of 500; all of them, or those whose labels fit a selector."""
        token = ""
        chosen = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            query = chosen | ({"continue": token} if token else {})
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

    async def create(self, plural: str, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object of ours; StaleObject when there is one of that name."""
        return await self._call("POST", _path(plural, namespace), body)

    async def get(self, plural: str, namespace: str, name: str) -> dict[str, Any]:
        """An object of ours, past the cache."""
        return await self._call("GET", _path(plural, namespace, name))

    async def delete(self, plural: str, namespace: str, name: str, *, uid: str) -> None:
        """Ask for the end of an object of ours, of this very one."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        await self._call("DELETE", _path(plural, namespace, name), body)

    async def get_namespace(self, name: str) -> dict[str, Any]:
        """A Namespace."""
        return await self._call("GET", f"/api/v1/namespaces/{quote(name)}")

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

    async def cluster_uid(self) -> str:
        """The uid of namespace kube-system, which no two clusters share and a cluster keeps for life; read once."""
        if not self._uid:
            body = await self._call("GET", "/api/v1/namespaces/kube-system")
            self._uid = str(body["metadata"]["uid"])
        return self._uid

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have something made that is answered and not kept: a review, a token."""
        return await self._call("POST", path, body)

    async def post_event(self, namespace: str, event: dict[str, Any]) -> None:
        """Create a core/v1 Event."""
        await self._call("POST", f"/api/v1/namespaces/{quote(namespace)}/events", event)

    async def leases(self) -> list[dict[str, Any]]:
        """Every Lease of the cluster."""
        answer = await self._call("GET", "/apis/coordination.k8s.io/v1/leases")
        items: list[dict[str, Any]] = answer.get("items", [])
        return items

    async def get_lease(self, namespace: str, name: str, seconds: float) -> dict[str, Any]:
        """A Lease, read within so many seconds."""
        return await self._call("GET", _lease(namespace, name), seconds=seconds)

    async def write_lease(self, meta: dict[str, Any], spec: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Create a Lease, or replace the very version in `meta`."""
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
        if "resourceVersion" in meta:
            return await self._call("PUT", _lease(meta["namespace"], meta["name"]), body, seconds=seconds)
        return await self._call("POST", _lease(meta["namespace"]), body, seconds=seconds)

    async def _call(
        self,
        verb: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
        seconds: float = TIMEOUT,
    ) -> dict[str, Any]:
        await self._connected.wait()
        if self._session is None:
            raise KubeError(0, "not signed in")
        params = dict(query or {}) | ({} if verb == "GET" else {"fieldManager": FIELD_MANAGER})
        headers = {"Content-Type": content_type} if body is not None else {}
        with _span(verb, path) as span:
            async with self._session.request(
                verb,
                self._server + path,
                json=body,
                params=params,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
                trace_request_ctx=OWN,
            ) as response:
                span.note({"http.response.status_code": response.status})
                if response.status == CONFLICT:
                    raise StaleObject(path)
                if response.status == NOT_FOUND:
                    raise ObjectGone(path)
                if response.status >= BAD_REQUEST:
                    raise KubeError(response.status, await response.text())
                answer: dict[str, Any] = await response.json()
                return answer


@contextmanager
def _span(verb: str, path: str) -> Iterator[spans.Span]:
    """Around a write of an object; neither a read nor the Lease, which is renewed for ever, is worth one."""
    if verb == "GET" or "/leases" in path:
        yield spans.UNTOLD
        return
    with spans.span(f"kubernetes:{verb}", {"http.request.method": verb, "url.path": path}) as span:
        try:
            yield span
        except Exception as error:
            span.fail(error)
            raise


def _path(plural: str, namespace: str | None, name: str | None = None) -> str:
    scope = f"/namespaces/{quote(namespace)}" if namespace else ""
    return f"/apis/{GROUP}/{VERSION}{scope}/{plural}" + (f"/{quote(name)}" if name else "")


def _lease(namespace: str, name: str = "") -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{quote(namespace)}/leases"
    return path + (f"/{quote(name)}" if name else "")

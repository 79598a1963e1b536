"""`controller.reconcile.ports.Cluster` for worker threads: each call is run in the event loop and waited for."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiohttp

from controller.api.fields import API_VERSION, FINALIZER
from controller.api.kind import Kind
from controller.api.status import Status
from controller.reconcile.ports import AnyKind, NotAllowed, ObjectGone, StaleObject
from controller.runtime import tokens
from controller.runtime.kube import BAD_REQUEST, FIELD_MANAGER, FORBIDDEN, SERVER_ERROR, Kube, KubeError
from controller.runtime.store import Store, parse

WAIT = 60.0
MAX_EVENT_MESSAGE = 1024
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class KubernetesCluster:
    """Writes to Kubernetes and puts each answer into the store, so that the next pass reads what was written."""

    def __init__(self, kube: Kube, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._kube = kube
        self._store = store
        self._loop = loop

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        with _allowed():
            return self._run(self._kube.get_secret(namespace, name))

    def request_token(self, namespace: str, service_account: str, audience: str, seconds: int) -> str | None:
        with _allowed():
            return self._run(tokens.request(self._kube, namespace, service_account, audience, seconds))

    def find(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        try:
            body = self._run(self._kube.get(kind.plural, namespace, name))
        except ObjectGone:
            return None
        return _parsed(kind, body)

    def find_all(self, kind: type[AnyKind], namespace: str) -> list[AnyKind]:
        async def items() -> list[dict[str, Any]]:
            return [item async for page in self._kube.pages(kind.plural, namespace) for item in page]

        found = (_parsed(kind, body) for body in self._run(items()))
        return [target for target in found if target is not None]

    def namespace_ending(self, namespace: str) -> datetime | None:
        asked_at = self._run(self._kube.get_namespace(namespace))["metadata"].get("deletionTimestamp")
        return datetime.fromisoformat(asked_at) if asked_at else None

    def stand_in(self, target: Kind, manifest: dict[str, Any]) -> bool:
        try:
            self._run(self._make_stand_in(target, manifest))
        except KubeError as error:
            if not BAD_REQUEST <= error.status < SERVER_ERROR:
                raise
            # A terminating namespace takes no new object; nor does one whose quota is used up.
            log.info("%s %s waits by itself: %s", target.kind(), target.metadata.name, error)
            return False
        return True

    async def _make_stand_in(self, target: Kind, manifest: dict[str, Any]) -> None:
        """Create, write the status, delete, in this order: one that terminates is whole. Any step may be done."""
        where = target.plural, target.metadata.namespace, manifest["metadata"]["name"]
        try:
            made = await self._kube.create(target.plural, target.metadata.namespace, manifest)
        except StaleObject:  # it exists: the last attempt came that far
            made = await self._kube.get(*where)
        if "deletionTimestamp" in made["metadata"]:
            return
        status = target.status.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        meta = {key: made["metadata"][key] for key in ("namespace", "name", "uid", "resourceVersion")}
        await self._kube.put_status(target.kind(), target.plural, meta, status)
        await self._kube.delete(*where, uid=meta["uid"])

    def uid(self) -> str:
        return self._run(self._kube.cluster_uid())

    def hold(self, target: AnyKind) -> AnyKind:
        names = [*target.metadata.finalizers, FINALIZER]
        return self._written(target, self._kube.patch_finalizers(target.plural, _meta(target), names))

    def release(self, target: Kind) -> bool:
        try:
            names = [name for name in target.metadata.finalizers if name != FINALIZER]
            # The answer is not put into the store: the watch may have said "deleted" before it is here.
            self._run(self._kube.patch_finalizers(target.plural, _meta(target), names))
        except ObjectGone:
            log.debug("%s was gone before its finalizer was", target.metadata.name)
            return False
        return True

    def write_status(self, target: AnyKind, status: Status) -> AnyKind:
        body = status.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return self._written(target, self._kube.put_status(target.kind(), target.plural, _meta(target), body))

    def emit(self, target: Kind, *, warning: bool, reason: str, message: str) -> None:
        try:
            self._run(self._kube.post_event(target.metadata.namespace, _event(target, warning, reason, message)))
        except (KubeError, ObjectGone, StaleObject, aiohttp.ClientError, TimeoutError) as error:
            # In a terminating namespace no event can be made; the log line and the metric remain.
            log.warning("no event %s for %s/%s: %s", reason, target.metadata.namespace, target.metadata.name, error)

    def _written(self, target: AnyKind, call: Coroutine[Any, Any, dict[str, Any]]) -> AnyKind:
        written = type(target).read(self._run(call))
        self._store.put(written)
        return written

    def _run(self, call: Coroutine[Any, Any, Result]) -> Result:
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result(WAIT)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise


def _parsed(kind: type[AnyKind], body: dict[str, Any]) -> AnyKind | None:
    found = parse({"kind": kind.kind()} | body)
    return found if isinstance(found, kind) else None


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except KubeError as error:
        if error.status == FORBIDDEN:
            raise NotAllowed(str(error)) from error
        raise


def _meta(target: Kind) -> dict[str, Any]:
    meta = target.metadata
    return {"namespace": meta.namespace, "name": meta.name, "uid": meta.uid, "resourceVersion": meta.resource_version}


def _event(target: Kind, warning: bool, reason: str, message: str) -> dict[str, Any]:  # noqa: FBT001 - private
    meta, now = target.metadata, datetime.now(UTC)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{meta.name}.", "namespace": meta.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": target.kind(),
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
        },
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "message": message[:MAX_EVENT_MESSAGE],
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "count": 1,
    }

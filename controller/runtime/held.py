"""Objects that our finalizer holds, and whether an operator works: for whoever lets go of them in its place.

Which Leases are ours is told by who wrote them: a release's name is anybody's choice, the field manager is not.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import kopf
import yaml

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import FINALIZER, shard_of
from controller.core.lease import Record, Terms
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.connection import connect
from controller.runtime.kube import FIELD_MANAGER, Kube
from controller.runtime.watches import Watches

KINDS: tuple[type[DatasetBinding | Dataset], ...] = (DatasetBinding, Dataset)  # the others have no finalizer of ours
LOOK = 1.0  # seconds between two looks at a Lease
TRIES = 5
Body = dict[str, Any]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """An object with our finalizer, as it is stored: one that this version cannot read can be let go of, too."""

    kind: type[DatasetBinding | Dataset]
    body: Body

    @property
    def terminating(self) -> bool:
        """Whether somebody asked for it to go."""
        return "deletionTimestamp" in self.body["metadata"]


@asynccontextmanager
async def signed_in() -> AsyncIterator[Kube]:
    """The API server as the pod's service account, or as the kubeconfig's current context.

    Raises:
        kopf.LoginError: there is neither, or it cannot be read.
    """
    kube = Kube()
    try:
        session = connect(kopf.OperatorSettings(), log, Watches((), 0.0, time.monotonic))
    except (OSError, LookupError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())
        raise kopf.LoginError(f"the kubeconfig cannot be read: {words or type(error).__name__}") from error
    try:
        kube.use(session.server, session.aiohttp_session)
        yield kube
    finally:
        await session.aiohttp_session.close()


async def held(kube: Kube, namespaces: Sequence[str], shard: str | None, *, living: bool) -> list[Held]:
    """What our finalizer holds: in these namespaces, or in all; of one shard, or of all; what is to go, or all.

    Raises:
        controller.runtime.kube.KubeError: the API server refused.
    """
    found = []
    for kind in KINDS:
        for namespace in namespaces or (None,):
            async for page in _pages(kube, kind.plural, namespace):
                found += [Held(kind, body) for body in page]
    return [
        one
        for one in found
        if FINALIZER in one.body["metadata"].get("finalizers", ())
        and (living or one.terminating)
        and (shard is None or shard_of(one.body["metadata"].get("labels") or {}) == shard)
    ]


async def _pages(kube: Kube, plural: str, namespace: str | None) -> AsyncIterator[list[Body]]:
    """LIST; no definition, no objects."""
    try:
        async for page in kube.pages(plural, namespace):
            yield page
    except ObjectGone:
        log.debug("%s is no kind of this cluster", plural)


async def let_go(kube: Kube, one: Held) -> bool:
    """Take our finalizer off, by compare-and-swap, as the operator does; False when the object was gone already.

    Raises:
        StaleObject: it changed each time anew.
        controller.runtime.kube.KubeError: the API server refused.
    """
    meta = one.body["metadata"]
    for _ in range(TRIES):
        names = [name for name in meta.get("finalizers", ()) if name != FINALIZER]
        try:
            await kube.patch_finalizers(one.kind.plural, meta, names)
        except ObjectGone:
            return False
        except StaleObject:
            try:
                again = (await kube.get(one.kind.plural, meta["namespace"], meta["name"]))["metadata"]
            except ObjectGone:
                return False
            if again["uid"] != meta["uid"]:
                return False
            meta = again
        else:
            return True
    raise StaleObject(f"{one.kind.plural} {meta['namespace']}/{meta['name']}")


async def working(kube: Kube, besides: Collection[str], tell: Callable[[float], None]) -> str | None:
    """The Lease, as NAMESPACE/NAME, of an operator that works; None where none does, but for those that are named.

    Only that a Lease goes on proves its holder alive, as clocks of two machines are never compared. A clean end leaves
    none to wait for. `tell` is told how long the wait for a Lease that may be a dead one's is going to be.

    Raises:
        controller.runtime.kube.KubeError: the API server refused.
    """
    first = await _leases(kube, besides)
    suspects = {place: lease for place, lease in first.items() if _record(lease).holder and _record(lease).runs}
    if not suspects:
        return None
    patience = max(Terms(_record(lease).runs, 0.0).renew_deadline for lease in suspects.values())
    tell(patience)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        await asyncio.sleep(LOOK)
        for place, lease in (await _leases(kube, besides)).items():
            before = first.get(place)
            if _record(lease).holder and (before is None or _version(before) != _version(lease)):
                return place
    return None


async def _leases(kube: Kube, besides: Collection[str]) -> dict[str, Body]:
    """Our Leases of the cluster, by place."""
    named = {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in await kube.leases()}
    return {place: one for place, one in named.items() if place not in besides and _ours(one)}


def _ours(lease: Body) -> bool:
    return any(entry.get("manager") == FIELD_MANAGER for entry in lease["metadata"].get("managedFields", ()))


def _record(lease: Body) -> Record:
    return Record.read(lease.get("spec") or {})


def _version(lease: Body) -> tuple[str, str]:
    return lease["metadata"]["uid"], lease["metadata"]["resourceVersion"]

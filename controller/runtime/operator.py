"""Kopf's part: watch, sign in, discover, stop on signals. It does not decide anything."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import kopf
from kopf._core.engines.peering import Identity  # the type of a public argument

from controller.api.fields import GROUP, VERSION
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.connection import connect
from controller.runtime.engine import Engine
from controller.runtime.settings import Settings
from controller.runtime.shards import Shard

KOPFS_END = 6.0  # seconds for Kopf's own tasks to end, of which it gives them five
log = logging.getLogger(__name__)


class ForeverJittered:
    """Back-offs without end: a Kubernetes API outage must neither lose an event nor end the process."""

    def __iter__(self) -> Iterator[float]:
        jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
        return (
            min(30.0, 0.5 * 2**n) * jitter.uniform(0.5, 1.0) for n in itertools.chain(range(6), itertools.repeat(6))
        )


class NothingKept(kopf.DiffBaseStorage):
    """In place of Kopf's copy of each object for change handlers, of which there are none: a third of each event."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:  # noqa: ARG002 - Kopf's own
        """Nothing of an object."""
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002 - Kopf's own
        """Nothing was kept."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Keep nothing."""


async def run(settings: Settings) -> bool:
    """Run the operator until a signal stops it, or it loses its Lease; whether it ended in order."""
    registry = kopf.OperatorRegistry()
    engine = Engine(settings)

    async def login(*, settings: kopf.OperatorSettings, logger: Any, **_: Any) -> kopf.AiohttpSession:
        session = connect(settings, logger, engine.health.watches)
        engine.kube.use(session.server, session.aiohttp_session)
        return session

    async def startup(**_: Any) -> None:
        await engine.start()

    async def cleanup(**_: Any) -> None:
        await engine.stop()

    kopf.on.login(registry=registry)(login)
    kopf.on.startup(registry=registry)(startup)
    kopf.on.cleanup(registry=registry)(cleanup)
    for name, kind in KINDS.items():
        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=f"watch-{kind.plural}")(_watch(engine, name))
    others = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=_kopf_settings(Shard(settings.shard), settings.watch_timeout),
        clusterwide=not settings.watched,
        namespaces=settings.watched,
        standalone=True,
        # No peer ever reads it; Kopf's own would name the user, which a number without a name (an image's) has not.
        identity=Identity("imm-operator"),
        stop_flag=engine.ended,
    )
    _end_on_signals(engine)
    overdue = asyncio.create_task(_overdue(engine))
    await end_of(asyncio.create_task(kopf.run_tasks(tasks, ignored=others | {overdue})), overdue)
    return not (engine.lost or engine.failed)


async def end_of(theirs: asyncio.Task[None], overdue: asyncio.Task[None]) -> None:
    """Wait for Kopf's end, whose error is raised, or until it is overdue."""
    await asyncio.wait({theirs, overdue}, return_when=asyncio.FIRST_COMPLETED)
    if theirs.done():
        await theirs
    else:
        log.warning("our part of the process has ended and Kopf's has not; it is not waited for")


async def _overdue(engine: Engine) -> None:
    """Wait until Kopf had its time: a watch that waits for an answer, or for another key, it waits for in vain."""
    await engine.stopped.wait()
    await asyncio.sleep(KOPFS_END)


def _end_on_signals(engine: Engine) -> None:
    """In place of Kopf's handlers, which take a single one, and tell nobody until its own parts have ended."""

    def end(name: str) -> None:
        if engine.ended.is_set():
            log.warning("%s again: this process ends at once; what is under way is on record", name)
            logging.shutdown()
            os._exit(1)
        engine.begin_end(name)

    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, end, one.name)


def _watch(engine: Engine, name: str) -> Any:
    async def event(*, type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - Kopf's own keyword
        meta = body["metadata"]
        told = Key(name, meta["namespace"], meta["name"])
        engine.health.watches.told(told, meta["resourceVersion"])
        engine.informer.observe({"kind": name} | dict(body), deleted=type == "DELETED")

    return event


def _kopf_settings(shard: Shard, watch_timeout: float) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.queueing.idle_timeout = 0.05  # a worker keeps its slot that long after an object's last event
    settings.networking.error_backoffs = ForeverJittered()
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.watching.chunk_size = 500
    settings.watching.inactivity_timeout = watch_timeout
    settings.scanning.disabled = True  # our kinds are known; no need to watch CustomResourceDefinitions
    settings.peering.standalone = True
    if shard.selector:
        settings.watching.label_selectors[GROUP, VERSION, kopf.EVERYTHING] = shard.selector
    settings.persistence.diffbase_storage = NothingKept()
    settings.persistence.finalizer = f"{GROUP}/kopf"  # Kopf takes off what it thinks its own: never let it be ours
    return settings

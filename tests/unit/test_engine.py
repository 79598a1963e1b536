"""The engine's life without an API server, and its writes to one that answers as it is told."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from controller.api.dataset import Dataset, DatasetStatus
from controller.api.fields import FINALIZER
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.cluster import KubernetesCluster
from controller.runtime.ending import DRAIN
from controller.runtime.engine import Engine
from controller.runtime.kube import Kube, KubeError
from controller.runtime.settings import Settings
from controller.runtime.store import Store
from tests.unit.informer_inputs import body
from tests.unit.operator_doubles import Clock
from tests.unit.test_leadership import LeaseServer


async def test_a_loop_that_ended_is_said_by_the_probe() -> None:
    """A process that lists no more must not look alive."""
    engine = Engine(Settings(http_host="127.0.0.1", http_port=0, lease_namespace="ns"))
    await engine.start()
    try:
        assert engine.trouble() is None
        lister = next(task for task in asyncio.all_tasks() if task.get_name() == "lister")
        lister.cancel()
        await asyncio.wait([lister], timeout=60)
        assert "stopped: lister" == engine.trouble()
    finally:
        await engine.stop()


@dataclass
class ApiServer:
    """Takes requests down and answers with the next status, or with a newer version of the object."""

    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """Any request."""
        sent = await request.json()
        self.requests.append((request.method, request.path, sent))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.json_response(body("Dataset", version=7, finalizers=[FINALIZER]), status=status)


@asynccontextmanager
async def serving(server: ApiServer) -> AsyncIterator[tuple[KubernetesCluster, Store]]:
    """A cluster whose API server is `server`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    kube, store = Kube(), Store(Clock())
    async with aiohttp.ClientSession() as session:
        kube.use(f"http://{host}:{port}", session)
        yield KubernetesCluster(kube, store, asyncio.get_running_loop()), store
    await runner.cleanup()


DATASET = Dataset.read(body("Dataset", version=3, finalizers=["other/one"]))
PATH = "/apis/imm-operator.dev/v1alpha1/namespaces/team/datasets/pictures"
WRITES: dict[str, Callable[[KubernetesCluster], object]] = {
    "hold": lambda cluster: cluster.hold(DATASET),
    "status": lambda cluster: cluster.write_status(DATASET, DatasetStatus(observed_generation=1)),
}


async def test_a_finalizer_is_added_to_the_version_that_was_read() -> None:
    """Other people's stay; the answer is in the store at once."""
    server = ApiServer()
    async with serving(server) as (cluster, store):
        held = await asyncio.to_thread(cluster.hold, DATASET)
        assert "7" == held.metadata.resource_version
        assert held == store.get(Dataset, "team", "pictures")
    metadata = {"finalizers": ["other/one", FINALIZER], "resourceVersion": "3"}
    assert [("PATCH", PATH, {"metadata": metadata})] == server.requests


async def test_a_status_replaces_that_of_the_version_that_was_read() -> None:
    """Defaults are left out; nothing but the status is sent along."""
    server = ApiServer()
    async with serving(server) as (cluster, store):
        await asyncio.to_thread(cluster.write_status, DATASET, DatasetStatus(observed_generation=1))
        assert store.get(Dataset, "team", "pictures") is not None
    ((method, path, sent),) = server.requests
    assert ("PUT", f"{PATH}/status", {"observedGeneration": 1}) == (method, path, sent["status"])
    assert "3" == sent["metadata"]["resourceVersion"]
    assert "spec" not in sent


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(("status", "error"), [(409, StaleObject), (404, ObjectGone), (422, KubeError)])
async def test_a_refused_write_is_told_apart(
    write: Callable[[KubernetesCluster], object], status: int, error: type[Exception]
) -> None:
    """Changed meanwhile, gone, or refused; the store stays as it was."""
    async with serving(ApiServer([status])) as (cluster, store):
        with pytest.raises(error):
            await asyncio.to_thread(write, cluster)
        assert [] == store.all()


async def test_an_object_that_went_before_its_finalizer_did_is_released() -> None:
    """Somebody took the finalizer off by hand."""
    server = ApiServer([404])
    async with serving(server) as (cluster, store):
        await asyncio.to_thread(cluster.release, DATASET)
        assert [] == store.all()
    assert ["other/one"] == server.requests[0][2]["metadata"]["finalizers"]


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_an_event_that_cannot_be_made_is_logged(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """The pass goes on: an event is told, not relied on."""
    server = ApiServer([status])
    async with serving(server) as (cluster, _):
        with caplog.at_level(logging.WARNING):
            await asyncio.to_thread(cluster.emit, DATASET, warning=True, reason="Planned", message="😀" * 5000)
    event = server.requests[0][2]
    assert ("Warning", "Planned", "pictures") == (event["type"], event["reason"], event["involvedObject"]["name"])
    assert len(event["message"]) <= 1024
    assert "no event Planned for team/pictures" in caplog.text


def waiting_import() -> list[dict[str, Any]]:
    """An account that names a queue, and an import that waits for results on it."""
    meta = {"namespace": "team", "uid": "u", "resourceVersion": "1", "generation": 1}
    account = {
        "region": "cn-hangzhou",
        "accountId": "1234567890123456",
        "credentials": {"secretRef": {"name": "key"}},
        "events": {"topic": "news", "queue": "results"},
    }
    batch = {
        "accountRef": {"name": "account"},
        "target": {"dataset": {"project": "media", "name": "pictures"}},
        "source": {"items": [{"uri": "oss://photos/a.jpg"}]},
    }
    status = {"phase": "Waiting", "run": "r", "observedGeneration": 1}
    return [
        {"kind": "CloudAccount", "metadata": meta | {"name": "account"}, "spec": account},
        {"kind": "BatchImport", "metadata": meta | {"name": "photos"}, "spec": batch, "status": status},
    ]


def readers() -> list[threading.Thread]:
    """The threads that read queues."""
    return [thread for thread in threading.enumerate() if thread.name == "consumer-results"]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - a thread's state has no event
            await asyncio.sleep(0.02)


async def test_a_standby_reads_no_queue_and_a_leader_does(caplog: pytest.LogCaptureFixture) -> None:
    """The thread begins when this process leads; at the end nobody waits for it."""
    server = LeaseServer()
    server.put({"holderIdentity": "another", "leaseDurationSeconds": 600, "leaseTransitions": 0})
    app = web.Application()
    app.router.add_route("*", "/apis/coordination.k8s.io/v1/namespaces/ns/leases{rest:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    settings = Settings(
        http_host="127.0.0.1", http_port=0, lease_namespace="ns", lease_name="lease", poll_interval=0.05
    )
    engine = Engine(settings)
    async with aiohttp.ClientSession() as session:
        engine.kube.use(f"http://127.0.0.1:{runner.addresses[0][1]}", session)
        for stored in waiting_import():
            engine.informer.observe(stored, deleted=False)
        with caplog.at_level(logging.INFO):
            await engine.start()
            await until(lambda: "another holds the lease" in caplog.text)
        assert [] == readers()
        server.put({"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 1})
        await until(lambda: readers() != [])
        began = asyncio.get_running_loop().time()
        await engine.stop()
        assert asyncio.get_running_loop().time() - began < DRAIN
        await until(lambda: readers() == [])
    await runner.cleanup()


async def broken(_request: web.Request) -> web.Response:
    """An API server without its etcd."""
    return web.Response(status=500, text="the etcd leader changed")


@asynccontextmanager
async def leading() -> AsyncIterator[Engine]:
    """An engine that leads, and whose API server knows Leases and breaks on everything else."""
    leases = LeaseServer()
    leases.put({"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 1})
    app = web.Application()
    app.router.add_route("*", "/apis/coordination.k8s.io/v1/namespaces/ns/leases{rest:.*}", leases.answer)
    app.router.add_route("*", "/{rest:.*}", broken)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    engine = Engine(Settings(http_host="127.0.0.1", http_port=0, lease_namespace="ns", lease_name="lease"))
    async with aiohttp.ClientSession() as session:
        engine.kube.use(f"http://127.0.0.1:{runner.addresses[0][1]}", session)
        await engine.start()
        try:
            await until(lambda: any(task.get_name() == "poller" for task in asyncio.all_tasks()))
            yield engine
        finally:
            await engine.stop()
            await runner.cleanup()


def import_with_a_task() -> dict[str, Any]:
    """An import whose task is at work."""
    spec = {
        "accountRef": {"name": "account"},
        "target": {"imageSearch": {"instanceName": "shop", "bucket": "photos"}},
        "source": {"pictures": [{"productId": "1", "picName": "a.png", "customContent": "c"}]},
    }
    status = {"phase": "Waiting", "run": "r", "task": {"id": 7, "state": "Processing"}, "observedGeneration": 1}
    meta = {"namespace": "team", "name": "pictures", "uid": "u", "resourceVersion": "1", "generation": 1}
    return {"kind": "BatchImport", "metadata": meta, "spec": spec, "status": status}


@pytest.mark.parametrize("breaks", ["the look", "the telling"])
async def test_what_runs_on_of_an_import_that_is_gone_is_told_or_that_it_is_not(
    breaks: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the API server cannot say that it went to another shard, it is taken to be gone."""

    def fails(*_given: object) -> None:
        raise RuntimeError("a bug")

    if breaks == "the telling":
        monkeypatch.setattr("controller.runtime.engine.tell_gone", fails)
    said = "task 7 of instance shop runs on" if breaks == "the look" else "what may run on of it was not told"
    stored = import_with_a_task()
    with caplog.at_level(logging.WARNING):
        async with leading() as engine:
            engine.informer.observe(stored, deleted=False)
            engine.informer.observe(stored, deleted=True)
            await until(lambda: said in caplog.text)

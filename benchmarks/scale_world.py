"""A real API server and a local cloud with room for thousands of bindings, and the means to watch them settle.

Ten buckets times as many datasets as it takes: OSS allows an account a hundred buckets, IMM a dataset ten bindings.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import oss2

from controller.api.fields import RECONCILE_REQUESTED_AT
from controller.cloud.credentials import Credentials
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.ports import ProjectSpec
from controller.core.facts import QuotaFacts
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from sandbox.apiserver.api_call import trust
from sandbox.apiserver.certificates import certificates
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl

PROJECT = "media"
NAMESPACE = "scale"
BUCKETS = 10
AT_ONCE = 16
ECHO_PATIENCE = 60.0  # seconds until an edit counts as one that took at least so long
STARTING = 429  # the API server's answer while it has not read a new kind from etcd yet
READ_ONLY = frozenset({"get", "list", "watch"})
API = f"/apis/imm-operator.dev/v1alpha1/namespaces/{NAMESPACE}/datasetbindings"


@dataclass(frozen=True)
class ScaleWorld:
    """One cluster, one cloud, one namespace with a CloudAccount and nothing else yet."""

    cluster: Cluster
    kubectl: Kubectl
    cloud: LocalCloud
    directory: Path
    trust: ssl.SSLContext

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """The administrator's connection to the API server."""
        connector = aiohttp.TCPConnector(ssl=self.trust, limit=AT_ONCE * 2)
        async with aiohttp.ClientSession(self.cluster.url, connector=connector) as session:
            yield session

    async def apply(self, names: Iterable[str], **spec: Any) -> None:
        """Create one DatasetBinding for each name; `place_of` says of what."""
        async with self.session() as session:
            turns = asyncio.Semaphore(AT_ONCE)

            async def create(name: str) -> None:
                async with turns, session.post(API, json=_binding(name, spec)) as answer:
                    answer.raise_for_status()

            await asyncio.gather(*(create(name) for name in names))

    async def count_ready(self, wanted: int, seconds: float) -> int:
        """Wait, as long as so many seconds, until so many bindings are Ready, seen by a watch; how many are."""
        ready = set[str]()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self.session() as session:
                async for body in _watch(session):
                    if _is_ready(body):
                        ready.add(body["metadata"]["name"])
                    if len(ready) >= wanted:
                        break
        return len(ready)

    async def echo(self, name: str, token: str) -> float:
        """Seconds from asking one binding for a look until its status echoes that; `ECHO_PATIENCE` if that is over."""
        try:
            async with asyncio.timeout(ECHO_PATIENCE):
                return await self._echo(name, token)
        except TimeoutError:
            return ECHO_PATIENCE

    async def _echo(self, name: str, token: str) -> float:
        ask = {"metadata": {"annotations": {RECONCILE_REQUESTED_AT: token}}}
        kind = {"Content-Type": "application/merge-patch+json"}
        async with self.session() as session:
            watching = _watch(session, name)
            await anext(watching)  # it is there: what comes now is news
            began = time.perf_counter()
            async with session.patch(f"{API}/{name}", json=ask, headers=kind) as answer:
                answer.raise_for_status()
            async for body in watching:
                if body.get("status", {}).get("lastHandledReconcileAt") == token:
                    return time.perf_counter() - began
        raise RuntimeError(f"{name} never echoed {token}")

    def imm_calls(self) -> int:
        """IMM calls so far."""
        return sum(self.cloud.counts().get("imm", {}).values())

    def kubernetes_writes(self, user: str) -> int:
        """Writes of one user on DatasetBindings so far, from the audit log."""
        if self.cluster.audit_log is None:
            raise RuntimeError("the cluster was started without an audit log")
        entries = (json.loads(line) for line in self.cluster.audit_log.read_text().splitlines())
        return sum(
            entry["verb"] not in READ_ONLY
            and entry["user"]["username"] == user
            and entry.get("objectRef", {}).get("resource") == "datasetbindings"
            for entry in entries
        )


def names(count: int) -> list[str]:
    """Names of so many bindings."""
    return [f"b-{number:05}" for number in range(count)]


def place_of(name: str) -> tuple[str, str]:
    """Dataset and bucket of a binding."""
    number = int(name.removeprefix("b-"))
    return f"set-{number // BUCKETS}", f"scale-{number % BUCKETS}"


@contextmanager
def scale_world(most: int, *, bound: bool) -> Iterator[ScaleWorld]:
    """A world with room for `most` bindings; `bound` makes them in the cloud beforehand, to be adopted."""
    with tempfile.TemporaryDirectory(prefix="imm-operator-bench-") as folder:
        directory = Path(folder)
        with (
            start_cluster(directory / "cluster", audit=True, durable=False) as cluster,
            running(Config(virtual_clock=False)) as cloud,
        ):
            kubectl = Kubectl(cluster.kubeconfig)
            install(kubectl)
            _fill(cloud, most, bound=bound)
            _account(kubectl, cloud)
            keys = certificates(directory / "cluster" / "pki")
            yield ScaleWorld(cluster, kubectl, cloud, directory, trust(keys.authority.certificate, keys.admin))


def _fill(cloud: LocalCloud, most: int, *, bound: bool) -> None:
    def quick(instance: Any) -> None:
        settings = instance.cloud.imm_settings
        settings.binding_ready_seconds, settings.queries_per_second = 0.1, 0

    cloud.run(quick)
    keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
    limiter = Limiter("benchmark", rate=1e6, burst=1e6)
    imm = Imm(ImmCalls(keys, region=cloud.region, endpoint=cloud.url, limiter_of=lambda _project: limiter))
    imm.create_project(ProjectSpec(name=PROJECT, service_role="AliyunIMMDefaultRole"))
    auth, session = oss2.AuthV4(keys.access_key_id, keys.access_key_secret), oss2.Session()
    for number in range(BUCKETS):
        oss2.Bucket(auth, cloud.url, f"scale-{number}", region=cloud.region, session=session).create_bucket()
    for number in range(most // BUCKETS):
        imm.create_dataset(PROJECT, f"set-{number}", template_id=None, description=None, quotas=QuotaFacts())
    for name in names(most) if bound else []:
        imm.create_binding(PROJECT, *place_of(name))
    # From here on the project has the rate that the documentation gives it.
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 100.0))


def _account(kubectl: Kubectl, cloud: LocalCloud) -> None:
    kubectl("create", "namespace", NAMESPACE)
    keys = {"accessKeyId": cloud.access_key_id, "accessKeySecret": cloud.access_key_secret}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": keys}
    account = {
        "apiVersion": "imm-operator.dev/v1alpha1",
        "kind": "CloudAccount",
        "metadata": {"name": "main"},
        "spec": {
            "region": cloud.region,
            "accountId": cloud.account_id,
            "credentials": {"secretRef": {"name": "key"}},
            "endpoints": {"imm": cloud.url, "oss": cloud.url},
        },
    }
    both = json.dumps({"apiVersion": "v1", "kind": "List", "items": [secret, account]})
    kubectl("apply", f"--namespace={NAMESPACE}", "--filename=-", text=both)


def _binding(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    dataset, bucket = place_of(name)
    own = {"accountRef": {"name": "main"}, "dataset": {"project": PROJECT, "name": dataset}, "bucket": bucket}
    return {
        "apiVersion": "imm-operator.dev/v1alpha1",
        "kind": "DatasetBinding",
        "metadata": {"name": name},
        "spec": own | spec,
    }


async def _watch(session: aiohttp.ClientSession, name: str = "") -> AsyncIterator[dict[str, Any]]:
    """Every version of every binding, or of one; first those that are there."""
    only = {"fieldSelector": f"metadata.name={name}"} if name else {}
    quiet = aiohttp.ClientTimeout(total=None)
    while True:  # the API server ends a watch whose reader falls behind; a new one begins with everything again
        async with session.get(API, params={"watch": "true"} | only, timeout=quiet) as answer:
            if answer.status != STARTING:
                answer.raise_for_status()
                async for event in _events(answer.content):
                    yield event["object"]
        await asyncio.sleep(0.2)


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    """A watch's events, to its end or to the error that the API server ends it with."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for event in map(json.loads, lines):
            if event["type"] == "ERROR":
                return
            yield event


def _is_ready(body: dict[str, Any]) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

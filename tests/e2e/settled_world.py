"""A namespace full of settled objects, made quickly: one of each kind is settled by the operator, the rest are copies.

A copy has the pattern's status with its own names in it, and in the cloud there is what it speaks of. That this is what
the operator itself would have left is shown by the test: at the next start it finds nothing to write.
"""

from __future__ import annotations

import asyncio
import copy
import json
import ssl
from bisect import bisect_right
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import oss2

from controller.api.batchimport import BatchImportSpec
from controller.core.imports.identity import work_hash
from emulator.imm.state import Project
from emulator.instance import Instance
from sandbox.apiserver.api_call import trust
from sandbox.apiserver.certificates import certificates
from tests.integration.import_room import DATASET, FILES, WORK, ImportRoom
from tests.integration.replicas import process_of
from tests.integration.world import PROJECT, World

OPERATOR = "system:serviceaccount:imm-operator:imm-operator"
PER_DATASET = 10  # bindings, the documented maximum
AT_ONCE = 24
PLURALS = {"Dataset": "datasets", "DatasetBinding": "datasetbindings", "BatchImport": "batchimports"}


@dataclass(frozen=True)
class Size:
    """How much there is."""

    projects: int = 10
    datasets: int = 50  # in each project
    imports: int = 0

    @property
    def bindings(self) -> int:
        """All of them."""
        return self.projects * self.datasets * PER_DATASET

    @property
    def objects(self) -> int:
        """All that are copied."""
        return self.projects * self.datasets + self.bindings + self.imports


@dataclass(frozen=True)
class Copy:
    """An object that is like a pattern but for its names."""

    kind: str
    name: str
    body: dict[str, Any]


@dataclass
class SettledWorld:
    """A world with an import room, and the patterns in it."""

    world: World
    room: ImportRoom

    def fill(self, size: Size) -> None:
        """Settle the patterns, end the operator, and make the copies."""
        self._settle_patterns()
        self.world.stop()
        for number in range(size.projects):
            self.world.user.grant({"project": project_of(number)})
        self._fill_cloud(size)
        copies = [*self._datasets(size), *self._bindings(size), *self._imports(size)]
        asyncio.run(self._create(copies))

    def _settle_patterns(self) -> None:
        world, room = self.world, self.room
        for number in range(PER_DATASET):
            world.bucket(bucket_of(number))
        room.put("pattern.txt")
        world.binding("pattern", bucket_of(0), DATASET)
        world.await_ready("DatasetBinding", "pattern", 60)
        room.apply("pattern", room.items("pattern.txt"))
        room.await_phase("pattern", "Complete", 60)
        world.request("Dataset", DATASET, "counted")  # so that its figures are those of the end

    def _fill_cloud(self, size: Size) -> None:
        def fill(instance: Instance) -> None:
            held = instance.cloud.imm(self.world.cloud.account_id, self.world.cloud.region)
            pattern = held.projects[PROJECT]
            dataset = pattern.datasets[DATASET]
            (binding,) = dataset.bindings.values()
            for number in range(size.projects):
                project = Project(project_of(number), pattern.created, pattern.updated)
                held.projects[project.name] = project
                for name in map(dataset_of, range(size.datasets)):
                    made = replace(dataset, name=name, bindings={}, files={}, total_size=0, delayed=[])
                    for bucket in map(bucket_of, range(PER_DATASET)):
                        made.bindings[f"oss://{bucket}"] = replace(binding, bucket=bucket)
                    project.datasets[name] = made

        self.world.cloud.run(fill)

    def _pattern(self, kind: str, name: str) -> dict[str, Any]:
        body = self.world.get(kind, name) or {}
        meta = body["metadata"]
        body["metadata"] = {"namespace": meta["namespace"], "finalizers": meta.get("finalizers", [])}
        return body

    def _datasets(self, size: Size) -> Iterator[Copy]:
        pattern = self._pattern("Dataset", DATASET)
        for project, dataset in places(size):
            body = copy.deepcopy(pattern)
            body["spec"] |= {"project": project, "name": dataset}
            body["status"] = _renamed(body["status"], {f"{PROJECT}/{DATASET}": f"{project}/{dataset}"})
            body["status"].pop("lastHandledReconcileAt")
            body["status"]["statistics"] = {"files": 0, "totalSize": 0, "bindings": PER_DATASET}
            yield Copy("Dataset", f"{project}-{dataset}", body)

    def _bindings(self, size: Size) -> Iterator[Copy]:
        pattern = self._pattern("DatasetBinding", "pattern")
        for project, dataset in places(size):
            for bucket in map(bucket_of, range(PER_DATASET)):
                body = copy.deepcopy(pattern)
                body["spec"] |= {"bucket": bucket, "dataset": {"ref": f"{project}-{dataset}"}}
                names = {f"{PROJECT}/{DATASET}": f"{project}/{dataset}", bucket_of(0): bucket}
                body["status"] = _renamed(body["status"], names) | {"project": project, "dataset": dataset}
                yield Copy("DatasetBinding", f"{project}-{dataset}-{bucket}", body)

    def _imports(self, size: Size) -> Iterator[Copy]:
        pattern = self._pattern("BatchImport", "pattern")
        run = pattern["status"]["run"]
        records = self._records(run)
        for number in range(size.imports):
            name, body = f"import-{number:04}", copy.deepcopy(pattern)
            own = f"{number:08x}{run[8:]}"
            work = work_hash(
                BatchImportSpec.model_validate(body["spec"]),
                account_id=self.world.cloud.account_id,
                region=self.world.cloud.region,
                namespace=self.world.namespace,
                name=name,
                project=PROJECT,
                dataset=DATASET,
            )
            body["status"] = _renamed(body["status"], {run: own, body["status"]["work"]: work})
            self.world.cloud.put_objects(
                WORK, [(key.replace(run, own), data.replace(run.encode(), own.encode())) for key, data in records]
            )
            yield Copy("BatchImport", name, body)

    def _records(self, run: str) -> list[tuple[str, bytes]]:
        bucket = self.world.bucket(WORK)
        keys = [one.key for one in oss2.ObjectIterator(bucket, prefix="runs/") if run in one.key]
        return [(key, bucket.get_object(key).read()) for key in keys]

    async def _create(self, copies: Iterable[Copy]) -> None:
        async with aiohttp.ClientSession(
            self.world.cluster.url, connector=aiohttp.TCPConnector(ssl=self._trust(), limit=AT_ONCE)
        ) as session:
            turns = asyncio.Semaphore(AT_ONCE)

            async def create(one: Copy) -> None:
                path = f"/apis/imm-operator.dev/v1alpha1/namespaces/{self.world.namespace}/{PLURALS[one.kind]}"
                body = one.body | {"metadata": one.body["metadata"] | {"name": one.name}}
                async with turns:
                    async with session.post(path, json=body) as answer:
                        answer.raise_for_status()
                        made = await answer.json()
                    async with session.put(
                        f"{path}/{one.name}/status", json=made | {"status": one.body["status"]}
                    ) as answer:
                        answer.raise_for_status()

            work: list[Coroutine[Any, Any, None]] = [create(one) for one in copies]
            await asyncio.gather(*work)

    def _trust(self) -> ssl.SSLContext:
        keys = certificates(self.world.cluster.directory / "pki")
        return trust(keys.authority.certificate, keys.admin)


def project_of(number: int) -> str:
    """A project's name."""
    return f"media-{number}"


def dataset_of(number: int) -> str:
    """A dataset's name."""
    return f"set-{number:02}"


def bucket_of(number: int) -> str:
    """A bucket's name."""
    return f"{FILES}-{number}"


def places(size: Size) -> Iterator[tuple[str, str]]:
    """Project and dataset of each copied Dataset."""
    for project in map(project_of, range(size.projects)):
        for dataset in map(dataset_of, range(size.datasets)):
            yield project, dataset


def _renamed(status: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    text = json.dumps(status)
    for old, new in names.items():
        text = text.replace(old, new)
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def memory(world: World) -> int:
    """Resident bytes of the operator, the most that there ever were."""
    status = Path(f"/proc/{process_of(world)}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def cloud_calls(world: World) -> Counter[str]:
    """Calls on the cloud so far, by service and operation."""
    counts = world.cloud.counts()
    return Counter({f"{service} {name}": count for service, made in counts.items() for name, count in made.items()})


def fastest(world: World, service: str, *, seconds: float) -> int:
    """The most calls of a service in so many seconds, of those that the journal still has."""
    moments = [float(str(one["time"])) for one in world.cloud.requests(service)]
    return max(bisect_right(moments, moment + seconds) - number for number, moment in enumerate(moments))


def kubernetes_requests(world: World, since: int) -> Counter[str]:
    """The operator's requests in the namespace, by verb and resource, after so many bytes of the audit log."""
    assert world.cluster.audit_log is not None
    with world.cluster.audit_log.open("rb") as log:
        log.seek(since)
        lines = log.read().rpartition(b"\n")[0].splitlines()  # the last line may be written at this moment
    found: Counter[str] = Counter()
    for entry in map(json.loads, lines):
        target = entry.get("objectRef", {})
        ours = entry["user"]["username"] == OPERATOR and target.get("namespace") == world.namespace
        if ours and entry["verb"] != "watch":  # one that ended
            found[f"{entry['verb']} {target['resource']}"] += 1
    return found

"""What an import stands on: work bucket, topic and queue, many labelled files in a table, and somebody who watches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import oss2
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsClient

from benchmarks.processes import resident
from benchmarks.scale_world import NAMESPACE, PROJECT, ScaleWorld, scale_world
from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from sandbox.demo.operator import Operator, start_operator

FILES, WORK = "bench-files", "bench-records"
TOPIC = QUEUE = "bench-results"
DATASET = "set-0"
LABELS = {"album": "excursions", "place": "Dresden"}
CALL = "BatchIndexFileMeta"
LOOK_EVERY = 0.25
API = f"/apis/imm-operator.dev/v1alpha1/namespaces/{NAMESPACE}"


@dataclass
class Watched:
    """One import from apply to end.

    Attributes:
        calls: Of each call that indexes: the cloud's clock, and the code it was refused with.
        peak: The most resident bytes of the operator meanwhile.
        stalled: Looks that found the object Stalled.
        seconds: From apply to the verdict.
    """

    calls: list[tuple[float, str]] = field(default_factory=list)
    peak: int = 0
    stalled: int = 0
    seconds: float = 0.0
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> list[float]:
        """When the calls that took effect were made."""
        return [moment for moment, code in self.calls if not code]

    @property
    def lasted(self) -> float:
        """Seconds from the first call that took effect to the last."""
        return max(self.accepted) - min(self.accepted)


@dataclass(frozen=True)
class ImportWorld:
    """A cluster and a cloud with everything an import needs, except the operator."""

    world: ScaleWorld

    @contextmanager
    def operator(self, **settings: str) -> Iterator[Operator]:
        """The operator as a process under its own service account, signed in."""
        own = {"IMM_OPERATOR_NAMESPACES": NAMESPACE, **settings}
        started = start_operator(self.world.cluster, self.world.directory, self.world.cloud.url, own)
        try:
            asyncio.run(self._await_account())
            yield started
        finally:
            started.service.stop()

    def follow(self, name: str, count: int, operator: Operator) -> Watched:
        """Import the first so many files, and watch it to its end."""
        return asyncio.run(self._follow(name, count, operator))

    def make_files(self, most: int) -> None:
        """Upload so many files."""
        self.world.cloud.put_objects(FILES, ((key_of(number), b"text") for number in range(most)))

    async def _follow(self, name: str, count: int, operator: Operator) -> Watched:
        cloud, seen, last = self.world.cloud, Watched(), 0
        table = "".join(json.dumps(line_of(number)) + "\n" for number in range(count))
        cloud.put_objects(FILES, [(f"tables/{name}.jsonl", table.encode())])
        newest = cloud.requests("imm", CALL)
        last = int(str(newest[-1]["number"])) if newest else 0
        async with self.world.session() as session:
            began = time.perf_counter()
            async with session.post(f"{API}/batchimports", json=_import(name)) as answer:
                answer.raise_for_status()
            while not seen.status.get("endedAt"):
                await asyncio.sleep(LOOK_EVERY)
                seen.peak = max(seen.peak, resident(operator.service))
                for entry in cloud.requests("imm", CALL, since=last):
                    seen.calls.append((float(str(entry["time"])), str(entry["code"])))
                    last = int(str(entry["number"]))
                seen.status = (await _get(session, "batchimports", name)).get("status", {})
                seen.stalled += _is(seen.status, "Stalled")
            seen.seconds = time.perf_counter() - began
        return seen

    async def _await_account(self) -> None:
        async with asyncio.timeout(60), self.world.session() as session:
            ready = False
            while not ready:
                await asyncio.sleep(LOOK_EVERY)
                ready = _is((await _get(session, "cloudaccounts", "main")).get("status", {}), "Ready")


@contextmanager
def import_world() -> Iterator[ImportWorld]:
    """A world with no file yet."""
    with scale_world(10, bound=False) as world:
        cloud = world.cloud
        keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
        auth = oss2.AuthV4(keys.access_key_id, keys.access_key_secret)
        for bucket in (FILES, WORK):
            oss2.Bucket(auth, cloud.url, bucket, region=cloud.region).create_bucket()
        mns = MnsClient(client_config(keys, region=cloud.region, endpoint=cloud.url))
        mns.create_topic(mns_models.CreateTopicRequest(topic_name=TOPIC))
        mns.create_queue(mns_models.CreateQueueRequest(queue_name=QUEUE))
        mns.subscribe(
            mns_models.SubscribeRequest(
                topic_name=TOPIC,
                subscription_name=QUEUE,
                endpoint=f"acs:mns:{cloud.region}:{cloud.account_id}:queues/{QUEUE}",
                push_type="queue",
                notify_content_format="SIMPLIFIED",
            )
        )
        more = {"workBucket": WORK, "events": {"topic": TOPIC, "queue": QUEUE}, "endpoints": {"mns": cloud.url}}
        patch = json.dumps({"spec": more})
        world.kubectl("patch", "cloudaccount", "main", f"--namespace={NAMESPACE}", "--type=merge", f"--patch={patch}")
        yield ImportWorld(world)


def key_of(number: int) -> str:
    """A file's key; all are of one length, so that the fewest calls they fit into can be computed."""
    return f"photos/2026/08/{number:06}.txt"


def line_of(number: int) -> dict[str, Any]:
    """A file in the table."""
    return {"uri": f"oss://{FILES}/{key_of(number)}", "customId": f"bench-{number:06}", "customLabels": LABELS}


def _import(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "imm-operator.dev/v1alpha1",
        "kind": "BatchImport",
        "metadata": {"name": name},
        "spec": {
            "accountRef": {"name": "main"},
            "target": {"dataset": {"project": PROJECT, "name": DATASET}},
            "source": {"table": {"bucket": FILES, "key": f"tables/{name}.jsonl"}},
        },
    }


async def _get(session: aiohttp.ClientSession, plural: str, name: str) -> dict[str, Any]:
    async with session.get(f"{API}/{plural}/{name}") as answer:
        answer.raise_for_status()
        found: dict[str, Any] = await answer.json()
        return found


def _is(status: Mapping[str, Any], condition: str) -> bool:
    return any(one["type"] == condition and one["status"] == "True" for one in status.get("conditions", []))

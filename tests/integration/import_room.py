"""What the tests of imports stand on: work bucket, topic and queue in the local cloud, files, and the truth."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import oss2
from alibabacloud_mns_open20220119 import models as mns_models
from alibabacloud_mns_open20220119.client import Client as MnsClient
from mns.queue import Message

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from emulator.instance import Instance
from tests.integration.world import PROJECT, World
from tests.mns_sdk import account_of

IMPORT = "BatchImport"
WORK = "import-records"
FILES = "import-files"
TOPIC, QUEUE, DEAD = "import-results", "import-queue", "import-dead-letters"
DATASET = "imported"
VISIBILITY = 2  # seconds; short, so that a message that was left comes again within a test


@dataclass
class ImportRoom:
    """One world with everything an import needs."""

    world: World

    def open(self) -> None:
        """Make buckets, topic, queues and dataset, and let the account know of them."""
        world = self.world
        for bucket in (WORK, FILES):
            world.bucket(bucket)
        mns = self._mns()
        mns.create_topic(mns_models.CreateTopicRequest(topic_name=TOPIC))
        for queue in (QUEUE, DEAD):
            mns.create_queue(mns_models.CreateQueueRequest(queue_name=queue, visibility_timeout=VISIBILITY))
        endpoint = f"acs:mns:{world.cloud.region}:{world.cloud.account_id}:queues/{QUEUE}"
        mns.subscribe(
            mns_models.SubscribeRequest(
                topic_name=TOPIC,
                subscription_name=QUEUE,
                endpoint=endpoint,
                push_type="queue",
                notify_content_format="SIMPLIFIED",
            )
        )
        self.account()
        world.dataset(DATASET)
        world.await_ready("Dataset", DATASET)

    def account(self, work: str = WORK, **events: Any) -> None:
        """The CloudAccount with its work bucket and events."""
        url = self.world.cloud.url
        self.world.account(
            workBucket=work,
            endpoints={"imm": url, "oss": url, "mns": url, "imageSearch": url},
            events={"topic": TOPIC, "queue": QUEUE, "deadLetterQueue": DEAD} | events,
        )
        self.world.await_ready("CloudAccount", "main")

    def put(self, *keys: str, data: bytes = b"text") -> None:
        """Upload small files."""
        auth = oss2.AuthV4(self.world.cloud.access_key_id, self.world.cloud.access_key_secret)
        bucket = oss2.Bucket(auth, self.world.cloud.url, FILES, region=self.world.cloud.region)
        for key in keys:
            bucket.put_object(key, data)

    def table(self, key: str, lines: Iterable[str]) -> dict[str, Any]:
        """Upload a table of JSON lines; the `source` that reads it."""
        self.put(key, data="".join(f"{line}\n" for line in lines).encode())
        return {"table": {"bucket": FILES, "key": key}}

    def apply(self, name: str, source: dict[str, Any], **spec: Any) -> None:
        """Apply an import into the room's dataset."""
        own = {"accountRef": {"name": "main"}, "target": {"dataset": {"ref": DATASET}}, "source": source}
        self.world.apply(IMPORT, name, own | spec)

    def items(self, *keys: str, **more: Any) -> dict[str, Any]:
        """An inline source of files of the room's bucket."""
        return {"items": [{"uri": uri(key)} | more for key in keys]}

    def await_phase(self, name: str, phase: str, seconds: float = 90) -> dict[str, Any]:
        """Wait until the import's status of its present generation says so; the status."""
        self.world.until(
            f"import {name} to be {phase}",
            lambda: self.status(name).get("phase") == phase and self._is_current(name),
            seconds,
            lambda: str(self.status(name)),
        )
        return self.status(name)

    def status(self, name: str) -> dict[str, Any]:
        """The import's status."""
        return dict((self.world.get(IMPORT, name) or {}).get("status") or {})

    def indexed(self, dataset: str = DATASET) -> dict[str, dict[str, Any]]:
        """The truth: every file the dataset holds, with its metadata."""

        def look(instance: Instance) -> dict[str, dict[str, Any]]:
            held = instance.cloud.imm(self.world.cloud.account_id, self.world.cloud.region)
            return {name: dict(file.meta) for name, file in held.projects[PROJECT].datasets[dataset].files.items()}

        return self.world.cloud.run(look)

    def billed(self) -> int:
        """How many calls that index anything the cloud was asked for so far."""
        return self.world.calls("BatchIndexFileMeta") + self.world.calls("IndexFileMeta")

    def upload(self, keys: Iterable[str], data: bytes = b"text") -> None:
        """Put many small files there, without a request for each."""
        self.world.cloud.put_objects(FILES, ((key, data) for key in keys))

    def journalled(self, name: str) -> int:
        """How many segments the journal of the import's run has."""
        run = self.status(name).get("run")
        if run is None:
            return 0
        return sum(1 for _ in oss2.ObjectIterator(self.world.bucket(WORK), prefix=f"runs/{run}/journal/"))

    def settings(self, **changes: float) -> None:
        """How fast the local IMM works, and what it allows."""

        def change(instance: Instance) -> None:
            for name, value in changes.items():
                setattr(instance.cloud.imm_settings, name, value)

        self.world.cloud.run(change)

    def struck(self) -> list[int]:
        """How often each fault rule in force has struck."""
        rules = self.world.cloud.run(lambda instance: instance.faults.describe())
        return [int(str(rule["struck"])) for rule in rules]

    def messages(self, queue: str) -> list[str]:
        """The bodies of what lies in a queue."""

        def look(instance: Instance) -> list[str]:
            held = instance.cloud.mns(self.world.cloud.account_id, self.world.cloud.region).queues[queue]
            return [message.body for message in held.messages.values()]

        return self.world.cloud.run(look)

    def hide(self, seconds: int) -> None:
        """For how long a message that was received is not to be seen."""

        def change(instance: Instance) -> None:
            held = instance.cloud.mns(self.world.cloud.account_id, self.world.cloud.region)
            held.queues[QUEUE].visibility_timeout = seconds

        self.world.cloud.run(change)

    def send(self, queue: str, body: str) -> None:
        """Put a message into a queue, as anybody might."""
        with account_of(self.world.cloud) as account:
            held = account.get_queue(queue)
            held.set_encoding(False)
            held.send_message(Message(body))

    def _is_current(self, name: str) -> bool:
        body = self.world.get(IMPORT, name) or {}
        return bool(body.get("status", {}).get("observedGeneration") == body.get("metadata", {}).get("generation"))

    def _mns(self) -> MnsClient:
        cloud = self.world.cloud
        keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
        return MnsClient(client_config(keys, region=cloud.region, endpoint=cloud.url))


def uri(key: str) -> str:
    """A file of the room's bucket."""
    return f"oss://{FILES}/{key}"


def drive(name: str) -> str:
    """A file of Drive and Photo Service."""
    return f"pds://domains/bj1/drives/1/files/{name}/revisions/40CB7794C929"


def many(prefix: str, count: int) -> list[str]:
    """Keys of so many files."""
    return [f"{prefix}/{number:05}.txt" for number in range(count)]


def lines(keys: Iterable[str], **more: Any) -> list[str]:
    """A table of the room's files, as JSON lines."""
    return [json.dumps({"uri": uri(key)} | more) for key in keys]

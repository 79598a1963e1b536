"""A namespace with an account and an import under way, a real queue at the emulator, and consumers that read it.

The emulator's clock is virtual: a long poll ends when a message comes, or when the test moves the clock past it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import oss2
from mns.account import Account as MnsAccount
from mns.queue import Message, QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from controller.api.batchimport import BatchImport, OnExisting
from controller.api.cloudaccount import CloudAccount
from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import NotLeading
from controller.cloud.limiter import Lane, Limiters
from controller.core.facts import Caller
from controller.core.imports import documents, items, records
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import part_key, record_key, segment_key, user_data
from controller.core.imports.items import Item, fingerprint
from controller.core.imports.records import Answered, Chunk, Means, Planned, Record
from controller.core.imports.run import RunState
from controller.reconcile.context import Context
from controller.reconcile.imports.journal import read_segments
from controller.reconcile.imports.runs import Runs
from controller.reconcile.kinds import Key
from controller.reconcile.report import Reporter
from controller.reconcile.sessions import Session, Sessions
from controller.reconcile.snapshots import BindingSnapshots
from controller.runtime.consumers import Consumers
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from controller.runtime.traffic import Traffic
from emulator.testing import LocalCloud
from tests.unit.operator_doubles import Cluster

RUN, NONCE = "0123456789abcdef" * 2, "n0nce"
PROJECT, DATASET, BUCKET = "media", "pictures", "work"
FILES = 10
VISIBILITY = 30  # seconds
IMPORT = Key("BatchImport", "team", "photos")
PATIENCE = 60.0


def uri(index: int) -> str:
    """A file of the run."""
    return f"oss://photos/{index}.jpg"


@dataclass
class Room:
    """What a test works with; its `context` is that of one operator process."""

    cloud: LocalCloud
    leads: bool = True
    shut: set[str] = field(default_factory=set)  # operations that the fence lets nothing of through
    gates: dict[str, threading.Event] = field(default_factory=dict)  # operations that wait in the fence for an event
    versions: int = 0
    monotonic: float = 0.0  # the consumers' own clock, which only lingering asks
    limiters: Limiters = field(default_factory=Limiters)
    cluster: Cluster = field(default_factory=Cluster)
    sessions: Sessions = field(default_factory=Sessions)
    queue: WorkQueue = field(default_factory=WorkQueue)
    traffic: Traffic = field(default_factory=Traffic)
    first: list[Record] = field(default_factory=list)
    mns: Any = field(init=False)
    oss: oss2.Bucket = field(init=False)
    store: Store = field(init=False)
    context: Context = field(init=False)
    consumers: Consumers = field(init=False)

    def __post_init__(self) -> None:
        cloud = self.cloud
        self.mns = MnsAccount(cloud.url, cloud.access_key_id, cloud.access_key_secret)
        auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
        self.oss = oss2.Bucket(auth, cloud.url, BUCKET, session=oss2.Session(), region=cloud.region)
        self.oss.create_bucket()
        self.store = Store(self.now)
        self.store.complete = True
        self.cluster.now = self.now
        runs = Runs()
        self.context = Context(
            clouds=AlibabaClouds(self.limiters, Rates(mns_per_account=1000), sts_endpoint=cloud.url, fence=self.fence),
            objects=self.store,
            cluster=self.cluster,
            reporter=Reporter(self.cluster, self.now),
            sessions=self.sessions,
            snapshots=BindingSnapshots(self.now),
            now=self.now,
            lane=Lane.EDIT,
            chunk_calls=ThreadPoolExecutor(2),
            runs=runs,
        )
        self.consumers = Consumers(
            self.context,
            store=self.store,
            queue=self.queue,
            leads=lambda: self.leads,
            traffic=self.traffic,
            clock=lambda: self.monotonic,
        )

    @contextmanager
    def fence(self, operation: str) -> Iterator[None]:
        """`controller.cloud.fence.Fence`."""
        if operation in self.shut:
            raise NotLeading(operation, "another process leads")
        if operation in self.gates:
            assert self.gates[operation].wait(PATIENCE)
        yield

    def now(self) -> datetime:
        """The emulator's clock."""
        return datetime.fromtimestamp(self.cloud.now(), UTC)

    # ── the cloud ──

    def make_queue(self, name: str = "results") -> Any:
        """A queue that the test may look into, through the official SDK."""
        made = self.mns.get_queue(name)
        made.set_encoding(False)
        made.create(QueueMeta(VISIBILITY))
        return made

    def make_topic(self, notify: str = "SIMPLIFIED") -> Any:
        """A topic that the queue is subscribed to."""
        topic = self.mns.get_topic("news")
        topic.create(TopicMeta())
        endpoint = f"acs:mns:{self.cloud.region}:{self.cloud.account_id}:queues/results"
        topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, notify_content_format=notify))
        return topic

    def send(self, body: str, queue: str = "results") -> None:
        """Put a message straight into a queue."""
        sender = self.mns.get_queue(queue)
        sender.set_encoding(False)
        sender.send_message(Message(body))

    def lying(self, queue: str = "results") -> tuple[int, int]:
        """Messages that wait, and that are hidden."""
        found = self.port(queue).look()
        assert found is not None
        return found.waiting, found.in_work

    def settled(self) -> bool:
        """Nothing is left in the queue, and nobody is still counting what became of it."""
        return self.lying() == (0, 0) and not self.consumers.working

    def port(self, queue: str = "results") -> Any:
        """The operator's own port, as the test's own reader."""
        session = self.session()
        return self.context.clouds.queue(session.place, session.credentials, queue)

    # ── the namespace ──

    def session(self, **place: Any) -> Session:
        """A sign-in at the emulator, with a key of its own."""
        cloud = self.cloud
        credentials = Credentials(cloud.access_key_id, cloud.access_key_secret)
        where = {"imm": cloud.url, "oss": cloud.url, "mns": cloud.url, "work_bucket": BUCKET} | place
        caller = Caller(cloud.account_id, f"acs:ram::{cloud.account_id}:user/operator", is_root=False)
        return Session(Place(cloud.account_id, cloud.region, **where), credentials, caller, self.now())

    def account(self, namespace: str = "team", **events: Any) -> None:
        """A CloudAccount that is signed in."""
        cloud = self.cloud
        spec = {
            "region": cloud.region,
            "accountId": cloud.account_id,
            "credentials": {"secretRef": {"name": "key"}},
            "endpoints": {"mns": cloud.url},
            "workBucket": BUCKET,
            "events": {"topic": "news", "queue": "results"} | events,
        }
        self.store.put(CloudAccount.read(self._body("account", namespace, spec)))
        self.sessions.put(namespace, "account", self.session())

    def batch(self, namespace: str = "team", phase: str = "Waiting") -> None:
        """A BatchImport in a phase."""
        spec = {
            "accountRef": {"name": "account"},
            "target": {"dataset": {"project": PROJECT, "name": DATASET}},
            "source": {"items": [{"uri": uri(index)} for index in range(FILES)]},
        }
        status = {"phase": phase, "run": RUN, "observedGeneration": 1}
        self.store.put(BatchImport.read(self._body("photos", namespace, spec) | {"status": status}))

    def _body(self, name: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
        """An object as the API server stores it, in a version of its own."""
        self.versions += 1
        meta = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}", "generation": 1}
        return {"metadata": meta | {"resourceVersion": str(self.versions)}, "spec": spec}

    def run(self, *, chunks: int = 1) -> None:
        """A run of ten files that were sent in so many chunks, loaded by this process."""
        record = RunRecord(
            cluster="c", namespace="team", name="photos", work="w", account_id=self.cloud.account_id,
            region=self.cloud.region, project=PROJECT, dataset=DATASET, on_existing=OnExisting.REINDEX,
            items=FILES, skipped=0, digest="d", nonce=NONCE, started_at=self.now(),
        )  # fmt: skip
        size = FILES // chunks
        sent = [Chunk(number, Means.INDEX, ((number * size, (number + 1) * size),)) for number in range(chunks)]
        told: list[Record] = [Planned(self.now(), tuple(sent)), *(Answered(one.number, self.now()) for one in sent)]
        self.oss.put_object(record_key(RUN), documents.encode(record))
        self.oss.put_object(part_key(RUN, 0), items.encode(Item(uri(index)) for index in range(FILES)))
        self.oss.put_object(segment_key(RUN, 0), records.encode(told))
        self.first = told
        session = self.session()
        oss = self.context.clouds.oss(session.place, session.credentials, Lane.RESYNC)
        assert self.context.runs.open(RUN, oss, BUCKET) is not None

    def recorded(self) -> RunState:
        """The run as a restart would read it."""
        state = RunState(array("Q", (fingerprint(uri(index)) for index in range(FILES))))
        for record in [*self.first, *self.journal()]:
            state.apply(record)
        return state

    def journal(self) -> list[Record]:
        """What is durable, read anew; without what stood there at first."""
        session = self.session()
        oss = self.context.clouds.oss(session.place, session.credentials, Lane.EDIT)
        return [record for segment in list(read_segments(oss, BUCKET, RUN))[1:] for record in segment]

    # ── time ──

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition while the event loop goes on."""
        deadline = time.monotonic() + PATIENCE
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < deadline, "it did not come to pass"
            await asyncio.sleep(0.02)

    async def ended(self) -> None:
        """Wait until no consumer's thread is left; the clock moves, so that no long poll lasts."""

        def none_left() -> bool:
            self.cloud.advance(11)
            return not any(reader.alive for reader in self.consumers.readers)

        await self.until(none_left)


def notice(*indices: int, chunk: int = 0, nonce: str = NONCE, run: str = RUN, **errors: str) -> str:
    """What IMM publishes of an index call, flat; `f3="…"` is the error of file 3."""
    files = [{"URI": uri(index), "Error": errors.get(f"f{index}", "")} for index in indices]
    return json.dumps(
        {
            "ProjectName": PROJECT,
            "DatasetName": DATASET,
            "RequestId": "r",
            "Success": True,
            "Message": "",
            "UserData": user_data(run, nonce, chunk),
            "Files": files,
        }
    )


def enveloped(flat: str) -> str:
    """The newer shape: an event with the flat one as a text in it."""
    subject = f"acs:imm:cn-hangzhou:1234567890123456:{PROJECT}/BatchIndex"
    return json.dumps(
        {"id": "e", "source": "acs.imm", "type": "imm:FileMeta:BatchIndex", "subject": subject, "content": flat}
    )


def in_base64(text: str) -> str:
    """As some publishers send it."""
    return base64.b64encode(text.encode()).decode()


@contextmanager
def room_of(cloud: LocalCloud) -> Iterator[Room]:
    """A room, cleared of its connections at the end. Made in an event loop."""
    made = Room(cloud)
    try:
        yield made
    finally:
        made.mns.mns_client.close_connection()
        made.oss.session.session.close()


def publish(topic: Any, text: str) -> None:
    """Publish as it is."""
    topic.publish_message(TopicMessage(text))

"""An import and the cloud it runs in: the real adapters at an emulator, the cluster in memory, and a process that ends.

The clock is the emulator's. A test takes passes and delivers messages itself, so that it decides what comes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import oss2

from controller.api.batchimport import BatchImport, BatchImportStatus
from controller.api.events import ForeignMessages
from controller.cloud.clouds import AlibabaClouds, Rates
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ProjectSpec
from controller.core.facts import QuotaFacts
from controller.core.imports.messages import read_notice
from controller.core.imports.records import Record
from controller.reconcile.context import Context, Outcome
from controller.reconcile.imports.deliver import Disposition, deliver
from controller.reconcile.imports.journal import read_segments
from controller.reconcile.kinds import Key, reconcile_object
from controller.reconcile.report import Reporter
from controller.reconcile.sessions import Session, Sessions
from controller.reconcile.snapshots import BindingSnapshots
from emulator.testing import LocalCloud
from tests.mns_sdk import make_results
from tests.unit.operator_doubles import Cluster, Crash, secret

PROJECT, DATASET, PHOTOS, WORK = "media", "d", "photos", "work"
WRITES = (
    *("index", "update", "delete", "put_new", "put_object"),
    *("copy_object", "begin_upload", "upload_part", "complete_upload", "abort_upload", "increase"),
)
PASSES = 400


@dataclass
class Guard:
    """Stands before every port: counts what may change the cloud, and ends the process at a chosen one of them."""

    at: int = 0  # the write to die at; 0 is never
    after: bool = False  # once it took effect
    writes: list[str] = field(default_factory=list)
    dead: bool = False
    lock: Any = field(default_factory=threading.Lock)
    before_call: Callable[[str], None] = field(default=lambda _name: None)

    def wrap(self, port: Any) -> Any:
        """The port, watched."""
        return _Watched(port, self)

    def call(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make a call, or die."""
        with self.lock:
            self._check()
            number = 0
            if name in WRITES:
                self.writes.append(name)
                number = len(self.writes)
            if number and number == self.at and not self.after:
                self.dead = True
            self._check()
        self.before_call(name)
        result = method(*args, **kwargs)
        with self.lock:
            if number and number == self.at and self.after:
                self.dead = True
            self._check()
        return result

    def _check(self) -> None:
        if self.dead:
            raise Crash


class _Watched:
    def __init__(self, port: Any, guard: Guard) -> None:
        self._port = port
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return lambda *args, **kwargs: self._guard.call(name, method, *args, **kwargs)


class WatchedClouds:
    """The ports of the real adapters, each behind the guard."""

    def __init__(self, clouds: AlibabaClouds, guard: Guard) -> None:
        self._clouds = clouds
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        make = getattr(self._clouds, name)
        return lambda *args: self._guard.wrap(make(*args))


@dataclass
class ImportWorld:
    """A namespace `team` with a signed-in account, a dataset, a bucket with photos, and a queue of results."""

    cloud: LocalCloud
    workers: int = 4
    cluster: Cluster = field(default_factory=Cluster)
    guard: Guard = field(default_factory=Guard)
    events: dict[str, Any] = field(default_factory=dict)
    search_rate: float = 100_000
    callback_url: str | None = None
    context: Context = field(init=False)
    bucket: oss2.Bucket = field(init=False)
    account: Key = field(init=False)
    pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        cloud = self.cloud
        self.cluster.now = self.now
        self.cluster.secrets["team", "key"] = secret(cloud.access_key_id, cloud.access_key_secret)
        self.pool = ThreadPoolExecutor(self.workers)
        self.session = oss2.Session()
        auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
        for name in (PHOTOS, WORK):
            made = oss2.Bucket(auth, cloud.url, name, session=self.session, region=cloud.region)
            made.create_bucket()
            if name == PHOTOS:
                self.bucket = made
        self.account = self.cluster.put("CloudAccount", "account", self.account_spec())
        self.restart()
        session = self.context.sessions.get("team", "account")
        assert session is not None
        imm = self.context.clouds.imm(session.place, session.credentials, Lane.EDIT)
        imm.create_project(ProjectSpec(PROJECT))
        imm.create_dataset(PROJECT, DATASET, template_id=None, description=None, quotas=QuotaFacts())
        make_results(cloud, "results")

    def account_spec(self, **more: Any) -> dict[str, Any]:
        """The CloudAccount's."""
        cloud = self.cloud
        return {
            "region": cloud.region,
            "accountId": cloud.account_id,
            "credentials": {"secretRef": {"name": "key"}},
            "endpoints": {"imm": cloud.url, "oss": cloud.url, "mns": cloud.url, "imageSearch": cloud.url},
            "workBucket": WORK,
            "events": {"topic": "results", "queue": "results"} | self.events,
        } | more

    def restart(self) -> None:
        """A new process: nothing is remembered but what the cluster and the cloud hold."""
        self.guard = Guard()
        rates = Rates(
            imm_per_project=100_000,
            oss_per_account=100_000,
            mns_per_account=100_000,
            sts_per_account=1000,
            image_search_per_operation=self.search_rate,
            image_checks_per_instance=self.search_rate,
            reports_per_account=1000,
        )
        clouds = AlibabaClouds(Limiters(), rates, sts_endpoint=self.cloud.url)
        watched: Any = WatchedClouds(clouds, self.guard)
        self.context = Context(
            clouds=watched,
            objects=self.cluster,
            cluster=self.cluster,
            reporter=Reporter(self.cluster, self.now),
            sessions=Sessions(),
            snapshots=BindingSnapshots(self.now),
            now=self.now,
            lane=Lane.EDIT,
            import_workers=self.workers,
            chunk_calls=self.pool,
            callback_url=self.callback_url,
        )
        reconcile_object(self.cluster.read(self.account), self.context)

    def close(self) -> None:
        """Let go of threads and connections."""
        self.pool.shutdown()
        self.session.session.close()

    # ── the cloud ──

    def now(self) -> datetime:
        """The emulator's clock."""
        return datetime.fromtimestamp(self.cloud.now(), UTC)

    def upload(self, count: int, start: int = 0) -> list[str]:
        """Put objects; their URIs."""
        names = [f"{number:05}.txt" for number in range(start, start + count)]
        for name in names:
            self.bucket.put_object(name, f"text {name}".encode())
        return [f"oss://{PHOTOS}/{name}" for name in names]

    def indexed(self) -> dict[str, dict[str, Any]]:
        """The truth: metadata of every file of the dataset, by URI."""

        def read(instance: Any) -> dict[str, dict[str, Any]]:
            dataset = instance.cloud.imm(self.cloud.account_id, self.cloud.region).projects[PROJECT].datasets[DATASET]
            return {uri: dict(held.meta) for uri, held in dataset.files.items()}

        return self.cloud.run(read)

    def calls(self, operation: str) -> int:
        """How often an IMM operation was called."""
        return self.cloud.counts().get("imm", {}).get(operation, 0)

    def requests(self) -> int:
        """Requests of any kind so far."""
        return sum(sum(of.values()) for of in self.cloud.counts().values())

    def port(self) -> Any:
        """The queue, as the operator reads it."""
        session = self.signed_in()
        return self.context.clouds.queue(session.place, session.credentials, "results")

    def signed_in(self) -> Session:
        """The account's session."""
        session = self.context.sessions.get("team", "account")
        assert session is not None
        return session

    def oss(self) -> Any:
        """The work bucket, for a look."""
        session = self.signed_in()
        return self.context.clouds.oss(session.place, session.credentials, Lane.EDIT)

    def journal(self, run: str) -> list[Record]:
        """Everything on record."""
        return list(chain.from_iterable(read_segments(self.oss(), WORK, run)))

    # ── the operator ──

    def batch(self, uris: Sequence[str | dict[str, Any]], name: str = "photos", **spec: Any) -> Key:
        """Apply a BatchImport with inline items."""
        items = [{"uri": uri} if isinstance(uri, str) else uri for uri in uris]
        given = {
            "accountRef": {"name": "account"},
            "target": {"dataset": {"project": PROJECT, "name": DATASET}},
            "source": {"items": items},
        }
        return self.cluster.put("BatchImport", name, given | spec)

    def prefix(self, name: str = "photos", **spec: Any) -> Key:
        """Apply a BatchImport of everything in the bucket."""
        return self.batch([], name, source={"prefix": {"bucket": PHOTOS}}, **spec)

    def run(self, key: Key) -> Outcome:
        """One pass; two where the first only names a run, which comes before anything is sent."""
        before = self.cluster.read(key)
        outcome = reconcile_object(before, self.context)
        named = isinstance(before, BatchImport) and self.status(key).run != before.status.run
        if named and outcome.look_again == 0.0:
            return reconcile_object(self.cluster.read(key), self.context)
        return outcome

    def settle(self, key: Key) -> Outcome:
        """Passes until one does not ask for the next at once."""
        for _ in range(PASSES):
            outcome = self.run(key)
            if not (outcome.failed or outcome.look_again == 0.0):
                return outcome
        raise AssertionError(f"it goes on for ever: {self.status(key)}")

    def deliver(self, most: int = 16) -> list[Disposition]:
        """Take one batch of messages to the runs, as a consumer does."""
        queue = self.port()
        received = queue.receive(0, most)
        notices = [(one, read_notice(one.body)) for one in received]
        account = self.account.namespace, self.account.name
        fates = deliver(self.context, notices, ForeignMessages.LEAVE, [account])
        queue.delete([one.handle for one in received if fates[one.id] is not Disposition.LEAVE])
        return [fates[one.id] for one in received]

    def deliver_all(self) -> list[Disposition]:
        """Every batch there is."""
        fates: list[Disposition] = []
        while batch := self.deliver():
            fates += batch
        return fates

    def finish(self, key: Key) -> BatchImportStatus:
        """Let the cloud work, take its messages, and take passes, until there is nothing to do."""
        self.settle(key)
        self.work(key)
        if any(self.status(key).totals == run.totals and not run.concluded for run in self.context.runs.active()):
            self.work(key)  # what was lost and not found was sent again
        return self.status(key)

    def work(self, key: Key) -> None:
        """Let the cloud index and tell, and the operator hear of it."""
        self.cloud.advance(60)
        self.deliver_all()
        self.settle(key)

    def status(self, key: Key) -> BatchImportStatus:
        """What the object says."""
        found: BatchImportStatus = self.cluster.read(key).status
        return found

    def ready(self, key: Key) -> tuple[str, str]:
        """Status and reason of Ready."""
        (found,) = [c for c in self.status(key).conditions if c.type == "Ready"]
        return found.status, found.reason

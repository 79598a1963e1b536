"""The operator's ports in memory: a cloud, a cluster and a clock that a test moves.

Every cloud call first asks `Cloud.fate` what becomes of it, so that a test can lose answers, delay effects, refuse or
crash at any point; every object goes through its stored JSON form, as it does at a real API server.
"""

# ruff: noqa: ARG002 - a port's signature is given, and a double does not need all of it

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from controller.api.fields import FINALIZER, RECONCILE_REQUESTED_AT
from controller.api.kind import Kind
from controller.api.status import Status
from controller.cloud.ambient import refused
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError, Conflict, ParentNotFound
from controller.cloud.limiter import Lane
from controller.cloud.ports import (
    FilesPort,
    HeadFacts,
    ImageSearchPort,
    ImmPort,
    ObjectPage,
    ObjectRange,
    OssPort,
    ProjectSpec,
    QueuePort,
    ReportPort,
    Role,
    RolePort,
    StsPort,
    UploadedObject,
    UploadedPart,
)
from controller.core.facts import BindingFacts, BucketFacts, Caller, DatasetFacts, ProjectFacts, QuotaFacts
from controller.reconcile.context import Context, Outcome
from controller.reconcile.kinds import KINDS, Key, reconcile_object
from controller.reconcile.ports import AnyKind, Contest, NotAllowed, ObjectGone, StaleObject
from controller.reconcile.report import Reporter
from controller.reconcile.rivals import contests
from controller.reconcile.sessions import Sessions
from controller.reconcile.snapshots import BindingSnapshots

ACCOUNT, REGION = "1234567890123456", "cn-hangzhou"
SECRET_KEY = "planted-secret-4f1d"
TOKEN, JWT = "planted-token-77aa", "planted-jwt-c0de"
START = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)
Result = TypeVar("Result")
WITH_THE_LOCAL_CLOUD = "imports are tested with the local cloud"
WRITES = ("create_dataset", "update_dataset", "delete_dataset", "create_binding", "delete_binding")


class Crash(BaseException):
    """The process ends here."""


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one call: whether and when it takes effect, and what the caller gets to know."""

    effect: bool = True
    delay: float = 0.0  # seconds from the call to its effect
    raises: BaseException | None = None
    took: float = 0.0  # seconds until the caller knows


@dataclass
class Cloud:
    """IMM, OSS and STS of one account in one region."""

    clock: Clock
    fate: Callable[[str], Fate] = field(default=lambda _operation: Fate())
    projects: set[str] = field(default_factory=lambda: {"media"})
    datasets: dict[tuple[str, str], DatasetFacts] = field(default_factory=dict)
    bindings: dict[tuple[str, str, str], BindingFacts] = field(default_factory=dict)
    buckets: dict[str, BucketFacts] = field(default_factory=dict)
    caller: Caller = field(default_factory=lambda: Caller(ACCOUNT, f"acs:ram::{ACCOUNT}:user/operator", is_root=False))
    calls: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)  # bucket, key
    assumed: list[tuple[Role, str]] = field(default_factory=list)
    lent: Credentials | None = None  # the operator's own
    deletes_late: bool = False  # a deleted binding or dataset is listed until `finish_deletes`
    _pending: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)

    def imm(self, place: Place, credentials: Credentials, lane: Lane) -> ImmPort:
        return self

    def oss(self, place: Place, credentials: Credentials, lane: Lane) -> OssPort:
        return self

    def files(self, place: Place, credentials: Credentials, lane: Lane) -> FilesPort:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def queue(self, place: Place, credentials: Credentials, queue_name: str) -> QueuePort:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def image_search(self, place: Place, credentials: Credentials, lane: Lane) -> ImageSearchPort:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def reports(self, place: Place, lane: Lane) -> ReportPort:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def sts(self, place: Place, credentials: Credentials, lane: Lane) -> StsPort:
        return self

    def roles(self, place: Place, lane: Lane) -> RolePort:
        return self

    def ambient(self) -> Credentials:
        if self.lent is None:
            return refused()
        return self.lent

    @property
    def writes(self) -> list[str]:
        """The calls so far that may change something."""
        return [call for call in self.calls if call in WRITES]

    def get_caller(self) -> Caller:
        return self._call("get_caller", lambda: self.caller)

    def assume(self, role: Role, token: str) -> Credentials:
        def make() -> Credentials:
            self.assumed.append((role, token))
            key = f"STS.{len(self.assumed)}"
            ends = self.clock() + timedelta(hours=1)
            return Credentials(key, f"{SECRET_KEY}-{key}", f"{TOKEN}-{key}", renewable=True, expires_at=ends)

        return self._call("assume", make)

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        return self._call("get_bucket", lambda: self.buckets.get(bucket))

    def get_object(self, bucket: str, key: str, *, largest: int = 64 * 1024) -> bytes | None:
        return self._call("get_object", lambda: self.objects.get((bucket, key)))

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def list_objects(self, bucket: str, prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def head_object(self, bucket: str, key: str) -> HeadFacts | None:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def copy_object(self, source: str, source_key: str, bucket: str, key: str, *, etag: str) -> bool:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def begin_upload(self, bucket: str, key: str, metadata: Mapping[str, str], *, replace: bool) -> str:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def upload_part(self, bucket: str, key: str, upload: str, number: int, data: bytes) -> UploadedPart:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def complete_upload(
        self, bucket: str, key: str, upload: str, parts: Sequence[UploadedPart], *, replace: bool
    ) -> UploadedObject:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        raise NotImplementedError(WITH_THE_LOCAL_CLOUD)

    def put_new(self, bucket: str, key: str, data: bytes) -> None:
        def put() -> None:
            if (bucket, key) in self.objects:
                raise Conflict("oss:PutObject", "it exists", code="FileAlreadyExists", request_id="r")
            self.objects[bucket, key] = data

        self._call("put_new", put)

    def delete_object(self, bucket: str, key: str) -> None:
        self._call("delete_object", lambda: self.objects.pop((bucket, key), None))

    def get_project(self, project: str) -> ProjectFacts | None:
        return self._call("get_project", lambda: _project(project) if project in self.projects else None)

    def create_project(self, spec: ProjectSpec) -> ProjectFacts:
        raise NotImplementedError("the operator never makes a project")

    update_project = create_project

    def delete_project(self, project: str) -> None:
        raise NotImplementedError("the operator never deletes a project")

    def list_datasets(self, project: str) -> list[DatasetFacts]:
        return self._call("list_datasets", lambda: [d for (p, _), d in self.datasets.items() if p == project])

    def get_dataset(self, project: str, dataset: str) -> DatasetFacts | None:
        def look() -> DatasetFacts | None:
            self._require(project)
            return self.datasets.get((project, dataset))

        return self._call("get_dataset", look)

    def create_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        def make() -> DatasetFacts:
            self._require(project)
            if (project, dataset) in self.datasets:
                raise Conflict("imm:CreateDataset", "it exists", code="ResourceAlreadyExists", request_id="r")
            self.effects.append(f"create {project}/{dataset}")
            made = DatasetFacts(project, dataset, template_id or "Official:Default", description or "", quotas)
            self.datasets[project, dataset] = made
            return made

        return self._call("create_dataset", make)

    def update_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        """Accepted at once, shown only when a test puts the new facts in place, as in the cloud."""
        return self._call("update_dataset", lambda: self.datasets[project, dataset])

    def delete_dataset(self, project: str, dataset: str) -> None:
        def remove() -> None:
            self.effects.append(f"delete {project}/{dataset}")
            if not self.deletes_late:
                self.datasets.pop((project, dataset), None)

        self._call("delete_dataset", remove)

    def list_bindings(self, project: str) -> list[BindingFacts]:
        def look() -> list[BindingFacts]:
            self._require(project)
            return [found for (p, _, _), found in self.bindings.items() if p == project]

        return self._call("list_bindings", look)

    def create_binding(self, project: str, dataset: str, bucket: str) -> BindingFacts:
        def make() -> BindingFacts:
            if (project, dataset, bucket) in self.bindings:
                raise Conflict("imm:CreateBinding", "it exists", code="ResourceAlreadyExists", request_id="r")
            self.effects.append(f"bind {bucket}")
            made = BindingFacts(project, dataset, bucket, "Ready", "", created_at=self.clock().isoformat())
            self.bindings[project, dataset, bucket] = made
            return made

        return self._call("create_binding", make)

    def delete_binding(self, project: str, dataset: str, bucket: str) -> None:
        def remove() -> None:
            self.effects.append(f"unbind {bucket}")
            if not self.deletes_late:
                self.bindings.pop((project, dataset, bucket), None)

        self._call("delete_binding", remove)

    def simple_query(
        self, project: str, dataset: str, query: Mapping[str, Any], limit: int = 100
    ) -> list[dict[str, Any]]:
        raise NotImplementedError("the operator never queries")

    def set_state(self, bucket: str, state: str, phase: str = "", reason: str = "") -> None:
        """Move the bindings of a bucket, as the cloud does."""
        for key, found in self.bindings.items():
            if found.bucket == bucket:
                self.bindings[key] = replace(found, state=state, phase=phase, reason=reason)

    def _require(self, project: str) -> None:
        if project not in self.projects:
            raise ParentNotFound("imm:GetProject", f"project {project} does not exist", code="ResourceNotFound")

    def _call(self, operation: str, effect: Callable[[], Result]) -> Result:
        self.calls.append(operation)
        self.arrive()
        fate = self.fate(operation)
        result: Result | None = None
        if fate.effect and fate.delay:
            self._pending.append((self.clock() + timedelta(seconds=fate.delay), effect))
        elif fate.effect:
            result = effect()
        self.clock.advance(fate.took)
        if fate.raises is not None:
            raise fate.raises
        return cast("Result", result)  # a call that answers took effect before it did

    def arrive(self) -> None:
        """Let every delayed effect happen that is due; one that comes too late to be allowed is refused quietly."""
        due = [entry for entry in self._pending if entry[0] <= self.clock()]
        self._pending = [entry for entry in self._pending if entry[0] > self.clock()]
        for _, effect in due:
            try:
                effect()
            except CloudError:
                self.effects.append("refused late")


def _project(name: str) -> ProjectFacts:
    return ProjectFacts(name, "AliyunIMMDefaultRole", "Official:Default", "")


@dataclass
class Cluster:
    """The API server and the informer's cache in one: every write is seen at once."""

    bodies: dict[Key, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    service_accounts: set[tuple[str, str]] = field(default_factory=set)
    not_allowed: set[tuple[str, str]] = field(default_factory=set)  # Secrets and service accounts
    writes: list[str] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)  # reason, message
    before_write: Callable[[str], None] = field(default=lambda _what: None)
    after_write: Callable[[str], None] = field(default=lambda _what: None)
    now: Callable[[], datetime] = field(default=lambda: START)
    ending: dict[str, datetime] = field(default_factory=dict)  # namespaces that terminate: nothing can be created there
    full: bool = False  # a quota refuses every new object
    complete: bool = True
    identity: str = "cluster-one"
    unwatched: set[str] = field(default_factory=set)
    unread: set[Key] = field(default_factory=set)  # what the cache cannot read
    shard: str = ""  # the cache has its objects only
    looks: list[str] = field(default_factory=list)  # what was read past the cache
    requests: dict[Key, tuple[Any, datetime]] = field(default_factory=dict)  # the last one, and when it was seen
    _versions: int = 0

    def put(self, kind: str, name: str, spec: dict[str, Any], namespace: str = "team", **metadata: Any) -> Key:
        """Apply a manifest: create the object, or change its spec and raise its generation."""
        key = Key(kind, namespace, name)
        self._versions += 1
        known = self.bodies.get(key, {"metadata": {"generation": 0, "uid": f"uid-{self._versions}", "finalizers": []}})
        meta = known["metadata"] | {"name": name, "namespace": namespace, "resourceVersion": str(self._versions)}
        meta["generation"] += known.get("spec") != spec
        status = known.get("status", {"observedGeneration": -1})
        self.bodies[key] = {"kind": kind, "metadata": meta | metadata, "spec": spec, "status": status}
        self._note_request(key)
        return key

    def mark(self, key: Key, **metadata: Any) -> None:
        """Change metadata only: annotations, a deletion timestamp."""
        self._versions += 1
        self.bodies[key]["metadata"] |= {"resourceVersion": str(self._versions), **metadata}
        self._note_request(key)

    def _note_request(self, key: Key) -> None:
        meta = self.bodies[key]["metadata"]
        request = meta["uid"], meta.get("annotations", {}).get(RECONCILE_REQUESTED_AT)
        if key not in self.requests or self.requests[key][0] != request:
            self.requests[key] = request, self.now()

    def requested_at(self, target: Kind) -> datetime:
        return self.requests[_key(target)][1] if _key(target) in self.requests else self.now()

    def read(self, key: Key) -> Any:
        """The object, parsed."""
        return KINDS[key.kind].read(self.bodies[key])

    def get(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        found = self._look(kind, namespace, name)
        return found if found is not None and found.metadata.shard == self.shard else None

    def contenders(self, contest: Contest) -> list[Kind]:
        known = (target for target in map(self.read, self.bodies) if target.metadata.shard == self.shard)
        return [target for target in known if contest in contests(target)]

    def find(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        self.looks.append(f"get {kind.kind()} {namespace}/{name}")
        return self._look(kind, namespace, name)

    def find_all(self, kind: type[AnyKind], namespace: str) -> list[AnyKind]:
        self.looks.append(f"list {kind.kind()} {namespace}")
        found = (self._look(kind, key.namespace, key.name) for key in self.bodies if key.kind == kind.kind())
        return [target for target in found if target is not None and target.metadata.namespace == namespace]

    def _look(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
        body = self.bodies.get(Key(kind.kind(), namespace, name))
        return kind.read(body) if body is not None else None

    def unreadable(self, kind: type[Kind], namespace: str, name: str) -> bool:
        return Key(kind.kind(), namespace, name) in self.unread

    def watches(self, namespace: str) -> bool:
        return namespace not in self.unwatched

    def uid(self) -> str:
        return self.identity

    def read_secret(self, namespace: str, name: str) -> Mapping[str, str] | None:
        if (namespace, name) in self.not_allowed:
            raise NotAllowed(name)
        return self.secrets.get((namespace, name))

    def request_token(self, namespace: str, service_account: str, audience: str, seconds: int) -> str | None:
        if (namespace, service_account) in self.not_allowed:
            raise NotAllowed(service_account)
        if (namespace, service_account) not in self.service_accounts:
            return None
        return f"{JWT}.{namespace}.{service_account}.{audience}.{seconds}"

    def namespace_ending(self, namespace: str) -> datetime | None:
        return self.ending.get(namespace)

    def stand_in(self, target: Kind, manifest: dict[str, Any]) -> bool:
        meta = manifest["metadata"]
        if self.full or meta["namespace"] in self.ending:
            return False
        self.before_write("stand in")
        key = Key(target.kind(), meta["namespace"], meta["name"])
        if key not in self.bodies:
            self._versions += 1
            own = {"uid": f"uid-{self._versions}", "generation": 2, "resourceVersion": str(self._versions)}
            own["deletionTimestamp"] = self.now().isoformat()
            status = target.status.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            self.bodies[key] = manifest | {"metadata": meta | own, "status": status}
            self.writes.append("stand in")
        self.after_write("stand in")
        return True

    def hold(self, target: AnyKind) -> AnyKind:
        def add(body: dict[str, Any]) -> None:
            body["metadata"]["finalizers"] = [*body["metadata"]["finalizers"], FINALIZER]

        return self._write("hold", target, add)

    def release(self, target: Kind) -> bool:
        def take_off(body: dict[str, Any]) -> None:
            body["metadata"]["finalizers"] = [f for f in body["metadata"]["finalizers"] if f != FINALIZER]

        key = _key(target)
        try:
            self._write("release", target, take_off)
        except ObjectGone:
            return False
        finally:  # an object without finalizers goes, whether the answer is heard or not
            body = self.bodies.get(key)
            if body is not None and target.metadata.deleting and not body["metadata"]["finalizers"]:
                del self.bodies[key]
        return True

    def write_status(self, target: AnyKind, status: Status) -> AnyKind:
        def store(body: dict[str, Any]) -> None:
            body["status"] = status.model_dump(mode="json", by_alias=True, exclude_defaults=True)

        return self._write("status", target, store)

    def emit(self, target: Kind, *, warning: bool, reason: str, message: str) -> None:
        self.events.append((reason, message))

    def _write(self, what: str, target: AnyKind, change: Callable[[dict[str, Any]], None]) -> AnyKind:
        self.before_write(what)
        key = _key(target)
        body = self.bodies.get(key)
        if body is None:
            raise ObjectGone(str(key))
        if body["metadata"]["resourceVersion"] != target.metadata.resource_version:
            raise StaleObject(str(key))
        change(body)
        self._versions += 1
        body["metadata"]["resourceVersion"] = str(self._versions)
        self.writes.append(what)
        self.after_write(what)
        return type(target).read(body)


def _key(target: Kind) -> Key:
    return Key(target.kind(), target.metadata.namespace, target.metadata.name)


@dataclass
class World:
    """A namespace with a CloudAccount, and an operator process that can be restarted."""

    clock: Clock = field(default_factory=Clock)
    cluster: Cluster = field(default_factory=Cluster)
    cloud: Cloud = field(init=False)
    context: Context = field(init=False)
    account: Key = field(init=False)

    def __post_init__(self) -> None:
        self.cluster.now = self.clock
        self.cloud = Cloud(self.clock)
        self.cloud.buckets["photos"] = BucketFacts("photos", REGION, objects=10, size=1000)
        self.cluster.secrets["team", "key"] = secret("LTAI-one", SECRET_KEY)
        spec = {"region": REGION, "accountId": ACCOUNT, "credentials": {"secretRef": {"name": "key"}}}
        self.account = self.cluster.put("CloudAccount", "account", spec)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing is remembered but what the cluster and the cloud hold."""
        self.context = Context(
            clouds=self.cloud,
            objects=self.cluster,
            cluster=self.cluster,
            reporter=Reporter(self.cluster, self.clock),
            sessions=Sessions(),
            snapshots=BindingSnapshots(self.clock, self.clock.advance),
            now=self.clock,
            lane=Lane.EDIT,
            chunk_calls=ThreadPoolExecutor(2),
        )

    def sign_in(self) -> None:
        """Let the CloudAccount become Ready, and forget what that cost."""
        self.run(self.account)
        self.cluster.writes.clear()
        self.cloud.calls.clear()

    def run(self, key: Key) -> Outcome:
        """One pass of one object."""
        return reconcile_object(self.cluster.read(key), self.context)

    def binding(self, name: str = "photos", **spec: Any) -> Key:
        """Apply a DatasetBinding of bucket `photos` to media/pictures."""
        target = {"accountRef": {"name": "account"}, "dataset": {"project": "media", "name": "pictures"}}
        return self.cluster.put("DatasetBinding", name, target | {"bucket": "photos"} | spec)

    def dataset(self, name: str = "pictures", **spec: Any) -> Key:
        """Apply a Dataset media/pictures."""
        target = {"accountRef": {"name": "account"}, "project": "media", "name": "pictures"}
        return self.cluster.put("Dataset", name, target | spec)

    def delete(self, key: Key) -> None:
        """`kubectl delete`: gone at once without finalizers, else terminating."""
        if self.cluster.bodies[key]["metadata"]["finalizers"]:
            self.cluster.mark(key, deletionTimestamp=self.clock().isoformat())
        else:
            del self.cluster.bodies[key]

    def condition(self, key: Key, kind: str = "Ready") -> tuple[str, str] | None:
        """Status and reason of a condition."""
        found = [c for c in self.cluster.read(key).status.conditions if c.type == kind]
        return (found[0].status, found[0].reason) if found else None


def secret(key_id: str, key_secret: str) -> dict[str, str]:
    """`data` of a Secret."""
    pair = {"accessKeyId": key_id, "accessKeySecret": key_secret}
    return {name: base64.b64encode(value.encode()).decode() for name, value in pair.items()}

"""What an integration test acts on: a real API server, a local cloud, the operator as a process under its own RBAC."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import oss2

from controller.cloud.credentials import Credentials
from controller.cloud.imm import Imm
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.limiter import Limiter
from controller.cloud.ports import ProjectSpec
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import Operator, start_operator
from sandbox.kubectl import Kubectl
from tests.integration.operator_user import OperatorUser

PROJECT = "media"
POLL = 0.05
PATIENCE = 60.0  # seconds; no test is about how long something takes on a machine that is shared


@dataclass
class World:
    """One namespace, one operator that watches it alone, one cloud."""

    cluster: Cluster
    kubectl: Kubectl
    cloud: LocalCloud
    namespace: str
    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    operator: Operator | None = None
    user: OperatorUser = field(init=False)

    def __post_init__(self) -> None:
        self.user = OperatorUser(self.cloud)

    @property
    def imm(self) -> Imm:
        """IMM as the account's owner sees it, through the operator's own adapter."""
        limiter = Limiter("test", rate=50, burst=50)
        keys = Credentials(self.cloud.access_key_id, self.cloud.access_key_secret)
        cloud = self.cloud
        return Imm(ImmCalls(keys, region=cloud.region, endpoint=cloud.url, limiter_of=lambda _project: limiter))

    def bucket(self, name: str) -> Any:
        """An OSS bucket, created where it does not exist, which the operator may bind."""
        self.user.grant({"bucket": name})
        auth = oss2.AuthV4(self.cloud.access_key_id, self.cloud.access_key_secret)
        bucket = oss2.Bucket(auth, self.cloud.url, name, region=self.cloud.region)
        bucket.create_bucket()
        return bucket

    def start(self) -> None:
        """Start the operator, as its service account."""
        own = {"IMM_OPERATOR_NAMESPACES": self.namespace, "IMM_OPERATOR_LEASE_NAME": self.namespace, **self.settings}
        self.operator = start_operator(self.cluster, self.directory, self.cloud.url, own)

    def stop(self) -> None:
        """End the operator in order."""
        if self.operator is not None:
            self.operator.service.stop()
            self.operator = None

    def restart(self, **settings: str) -> None:
        """End the operator in order, and begin it anew with these settings, too."""
        self.stop()
        self.settings |= settings
        self.start()

    def kill(self) -> None:
        """End the operator without a warning."""
        if self.operator is not None:
            self.operator.service.kill()
            self.operator = None

    def apply(self, kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> None:
        """Kubectl apply. The operator's RAM user is given the stack's rights on what the spec names."""
        self.user.grant(spec)
        body = {
            "apiVersion": "imm-operator.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace, **metadata},
            "spec": spec,
        }
        self.kubectl("apply", "--filename=-", text=json.dumps(body))

    def secret(self, name: str, **data: str) -> None:
        """Create or replace a Secret."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        self.kubectl("apply", f"--namespace={self.namespace}", "--filename=-", text=json.dumps(body))

    def account(self, name: str = "main", **spec: Any) -> None:
        """A CloudAccount with the key of the operator's RAM user."""
        key = self.user.key
        self.secret(f"{name}-key", accessKeyId=key.access_key_id, accessKeySecret=key.access_key_secret)
        own = {
            "region": self.cloud.region,
            "accountId": self.cloud.account_id,
            "credentials": {"secretRef": {"name": f"{name}-key"}},
            "endpoints": {"imm": self.cloud.url, "oss": self.cloud.url},
        }
        self.apply("CloudAccount", name, own | spec)

    def dataset(self, name: str, **spec: Any) -> None:
        """A Dataset object for the dataset of the same name in the test's project."""
        self.apply("Dataset", name, {"accountRef": {"name": "main"}, "project": PROJECT, "name": name} | spec)

    def binding(self, name: str, bucket: str, dataset: str, **spec: Any) -> None:
        """A DatasetBinding of a bucket to a Dataset object."""
        own = {"accountRef": {"name": "main"}, "dataset": {"ref": dataset}, "bucket": bucket}
        self.apply("DatasetBinding", name, own | spec)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object as the API server has it, or None."""
        words = ("get", kind, name, f"--namespace={self.namespace}", "--output=json", "--ignore-not-found")
        shown = self.kubectl(*words)
        return dict(json.loads(shown)) if shown else None

    def condition(self, kind: str, name: str, type_: str) -> dict[str, Any]:
        """A condition of the object's present generation, or an empty dict."""
        body = self.get(kind, name) or {}
        if body.get("status", {}).get("observedGeneration") != body.get("metadata", {}).get("generation"):
            return {}
        found = (c for c in body["status"].get("conditions", []) if c["type"] == type_)
        return next(found, {})

    def await_ready(self, kind: str, name: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the object is Ready and return it."""
        self.until(
            f"{kind} {name} to be Ready",
            lambda: self.condition(kind, name, "Ready").get("status") == "True",
            seconds,
            lambda: json.dumps((self.get(kind, name) or {}).get("status"), indent=2),
        )
        return self.get(kind, name) or {}

    def await_reason(self, kind: str, name: str, reason: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the Ready condition gives this reason and return the condition."""
        self.until(
            f"{kind} {name} to say {reason}",
            lambda: self.condition(kind, name, "Ready").get("reason") == reason,
            seconds,
            lambda: json.dumps((self.get(kind, name) or {}).get("status"), indent=2),
        )
        return self.condition(kind, name, "Ready")

    def await_gone(self, kind: str, name: str, seconds: float = PATIENCE) -> None:
        """Wait until the object is gone."""
        self.until(f"{kind} {name} to be gone", lambda: self.get(kind, name) is None, seconds)

    def request(self, kind: str, name: str, token: str) -> None:
        """Ask for a reconcile now, and wait until it is echoed."""
        annotation = f"imm-operator.dev/reconcile-requested-at={token}"
        self.annotate(kind, name, annotation)
        self.until(
            f"{kind} {name} to echo {token}",
            lambda: ((self.get(kind, name) or {}).get("status") or {}).get("lastHandledReconcileAt") == token,
        )

    def annotate(self, kind: str, name: str, annotation: str) -> None:
        """Kubectl annotate."""
        self.kubectl("annotate", "--overwrite", kind, name, annotation, f"--namespace={self.namespace}")

    def delete(self, kind: str, name: str) -> None:
        """Kubectl delete, without waiting for the end."""
        self.kubectl("delete", kind, name, f"--namespace={self.namespace}", "--wait=false")

    def events(self, kind: str, name: str) -> list[tuple[str, str]]:
        """Reason and message of each event about an object."""
        shown = self.kubectl("get", "events", f"--namespace={self.namespace}", "--output=json")
        return [
            (event["reason"], event["message"])
            for event in json.loads(shown)["items"]
            if (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
        ]

    def await_event(self, kind: str, name: str, reason: str) -> list[str]:
        """The messages of the events with a reason, once there is one: an event follows the status it is about."""
        self.until(f"an event {reason} of {kind} {name}", lambda: reason in dict(self.events(kind, name)))
        return [message for found, message in self.events(kind, name) if found == reason]

    def calls(self, operation: str) -> int:
        """How often the cloud was asked for an IMM operation so far, refused calls included."""
        return self.cloud.counts().get("imm", {}).get(operation, 0)

    def writes(self, resource: str, name: str) -> list[str]:
        """The operator's writes on one object so far, from the API server's audit log."""
        return [what for what, _ in self.timed_writes(resource, name)]

    def timed_writes(self, resource: str, name: str) -> list[tuple[str, datetime]]:
        """The same, each with the moment the API server was through with it."""
        found = []
        for line in self.audited():
            if self.namespace not in line:
                continue
            entry = json.loads(line)
            target = entry.get("objectRef", {})
            if (
                (target.get("namespace"), target.get("resource"), target.get("name"))
                == (self.namespace, resource, name)
                and entry["verb"] not in {"get", "list", "watch"}
                and entry["user"]["username"] == "system:serviceaccount:imm-operator:imm-operator"
            ):
                moment = datetime.fromisoformat(entry["stageTimestamp"])
                found.append((f"{entry['verb']} {target.get('subresource', 'object')}", moment))
        return found

    def audited(self) -> list[str]:
        """The lines of the API server's audit log: each follows its answer, as that of a request of our own does."""
        log, marker = self.cluster.audit_log, f"/version?marker={uuid.uuid4().hex}"
        if log is None:
            raise RuntimeError("the cluster was started without an audit log")
        self.kubectl("get", f"--raw={marker}")
        self.until("the audit log to tell of it", lambda: marker in log.read_text())
        return log.read_text().rpartition("\n")[0].splitlines()  # the last line may be written at this moment

    def until(
        self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE, explain: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait for a condition, with a limit."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what} in vain\n{explain()}")
            time.sleep(POLL)


def prepare(world: World) -> None:
    """A project for the datasets of the test, which the operator may work in."""
    world.user.grant({"project": PROJECT})
    world.imm.create_project(ProjectSpec(name=PROJECT, service_role="AliyunIMMDefaultRole"))


@contextmanager
def opened(
    cluster: Cluster,
    kubectl: Kubectl,
    directory: Path,
    settings: dict[str, str],
    *,
    name: str = "world",
    cloud: LocalCloud | None = None,
    neighbour: bool = False,
) -> Iterator[World]:
    """A world with a namespace of its own and, unless one is given, a cloud; its operator runs until it is closed.

    With a neighbour the operator watches a second namespace, which has the first one's name and `-other`.
    """
    namespace = f"{name}-{uuid.uuid4().hex[:8]}"
    watched = [namespace, f"{namespace}-other"] if neighbour else [namespace]
    for each in watched:
        kubectl("create", "namespace", each)
    own = {"IMM_OPERATOR_NAMESPACES": ",".join(watched)} if neighbour else {}
    with nullcontext(cloud) if cloud is not None else running(Config(virtual_clock=False)) as local:
        made = World(cluster, kubectl, local, namespace, directory, own | settings)
        prepare(made)
        made.start()
        try:
            yield made
        finally:
            made.stop()

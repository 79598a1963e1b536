"""What the tests of ownership share: accounts with a work bucket, several clusters in one cloud, who is on record."""

from __future__ import annotations

import json
from typing import Any

from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import ACCOUNT, REGION, World, secret

KEY = f"owners/{ACCOUNT}/{REGION}/media/pictures/photos.json"
RECORD = ("imm-work", KEY)
URL = f"oss://imm-work/{KEY}"
OLD, NEW = "2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z"
RECORD_CALLS = {"get_object", "put_new", "delete_object"}


def account(world: World, namespace: str = "team", work_bucket: str | None = "imm-work") -> None:
    """A signed-in CloudAccount of the namespace, with its own key."""
    world.cluster.secrets[namespace, "key"] = secret(f"LTAI-{namespace}", "secret")
    spec: dict[str, Any] = {"region": REGION, "accountId": ACCOUNT, "credentials": {"secretRef": {"name": "key"}}}
    world.run(world.cluster.put("CloudAccount", "account", spec | {"workBucket": work_bucket}, namespace))
    world.cluster.writes.clear()
    world.cloud.calls.clear()


def cluster(of: World | None = None, uid: str = "cluster-one", work_bucket: str | None = "imm-work") -> World:
    """A cluster with a signed-in account; with `of` one that works in the same cloud."""
    made = World()
    if of is not None:
        made.clock, made.cloud = of.clock, of.cloud
        made.restart()
    made.cluster.identity = uid
    account(made, work_bucket=work_bucket)
    return made


def binding(world: World, name: str, namespace: str = "team", **more: Any) -> Key:
    """A DatasetBinding of bucket photos to media/pictures; `at` is when it was created."""
    metadata = {"creationTimestamp": more.pop("at", OLD)}
    spec = {"accountRef": {"name": "account"}, "dataset": {"project": "media", "name": "pictures"}, "bucket": "photos"}
    return world.cluster.put("DatasetBinding", name, spec | more, namespace, **metadata)


def owner(world: World) -> tuple[str, str, str] | None:
    """Cluster, namespace and name on record."""
    data = world.cloud.objects.get(RECORD)
    found = json.loads(data) if data else {}
    return (found["cluster"], found["namespace"], found["name"]) if found else None


def conflicts(world: World, key: Key) -> str:
    """The message of an object that is Stalled with OwnershipConflict."""
    assert ("True", "OwnershipConflict") == world.condition(key, "Stalled")
    return str(world.cluster.read(key).status.conditions[0].message)

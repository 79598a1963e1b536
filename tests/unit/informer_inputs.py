"""Objects as the API server stores them, for the tests of the store and the informer."""

from __future__ import annotations

from typing import Any

SPECS: dict[str, dict[str, Any]] = {
    "CloudAccount": {
        "region": "cn-hangzhou",
        "accountId": "1234567890123456",
        "credentials": {"secretRef": {"name": "key"}},
    },
    "Dataset": {"accountRef": {"name": "account"}, "project": "media", "name": "pictures"},
    "DatasetBinding": {
        "accountRef": {"name": "account"},
        "dataset": {"project": "media", "name": "pictures"},
        "bucket": "photos",
    },
    "BatchImport": {
        "accountRef": {"name": "account"},
        "target": {"dataset": {"project": "media", "name": "pictures"}},
        "source": {"items": [{"uri": "oss://photos/a.jpg"}]},
    },
}
NAMES = {"CloudAccount": "account", "Dataset": "pictures", "DatasetBinding": "photos", "BatchImport": "photos"}


def body(
    kind: str,
    *,
    version: int = 1,
    uid: str = "one",
    namespace: str = "team",
    generation: int = 1,
    ready: bool = False,
    observed: int = -1,
    ref: str | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A stored object; `ready` says so of its present generation."""
    spec = dict(SPECS[kind])
    if ref is not None:
        spec["dataset"] = {"ref": ref}
    condition = {
        "type": "Ready",
        "status": "True" if ready else "False",
        "reason": "Succeeded",
        "observedGeneration": generation,
        "lastTransitionTime": "2026-08-01T12:00:00Z",
    }
    return {
        "apiVersion": "imm-operator.dev/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": NAMES[kind],
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": str(version),
            "generation": generation,
        }
        | metadata,
        "spec": spec,
        "status": {"observedGeneration": generation if ready else observed}
        | ({"conditions": [condition]} if ready else {}),
    }

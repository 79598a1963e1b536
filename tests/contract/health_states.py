"""Every state that the operator's own code can put an object in, and what each reader of it must conclude.

The states are made by the code that writes statuses, so that a new reason or condition is among them by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.api.crd import ALL, INITIAL_STATUS
from controller.api.fields import API_VERSION
from controller.api.kind import Kind
from controller.api.spec import SteeredSpec
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import summarize

NOW = datetime(2026, 8, 1, 12, 0, 0, tzinfo=UTC)
SPECS: dict[str, dict[str, Any]] = {
    "CloudAccount": {
        "region": "cn-hangzhou",
        "accountId": "1234567890123456",
        "credentials": {"secretRef": {"name": "key"}},
    },
    "Dataset": {"accountRef": {"name": "main"}, "project": "media", "name": "photos"},
    "DatasetBinding": {"accountRef": {"name": "main"}, "dataset": {"ref": "photos"}, "bucket": "my-photos"},
    "BatchImport": {
        "accountRef": {"name": "main"},
        "target": {"dataset": {"ref": "photos"}},
        "source": {"items": [{"uri": "oss://my-photos/a.jpg"}]},
    },
}
USUAL = {
    Standing.READY: Reason.SUCCEEDED,
    Standing.PROGRESSING: Reason.CREATING,
    Standing.STALLED: Reason.ACCESS_DENIED,
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What each reader makes of a state: kstatus, `kubectl wait --for=condition=Ready`, Argo CD, Flux's expressions."""

    kstatus: str
    wait: str
    argo: str
    flux: str


# The table of docs/health.md.
CONCLUSIONS = {
    "nobody has looked at it": Conclusion("InProgress", "waits", "Progressing", "InProgress"),
    "edited, not looked at yet": Conclusion("InProgress", "waits", "Progressing", "InProgress"),
    "being deleted": Conclusion("Terminating", "waits", "Progressing", "InProgress"),
    "ready": Conclusion("Current", "met", "Healthy", "Current"),
    "under way": Conclusion("InProgress", "waits", "Progressing", "InProgress"),
    "at a standstill": Conclusion("Failed", "waits", "Degraded", "Failed"),
    "suspended while ready": Conclusion("Current", "met", "Suspended", "Current"),
    "suspended, not ready": Conclusion("InProgress", "waits", "Suspended", "InProgress"),
}
OF_STANDING = {
    Standing.READY: "ready",
    Standing.PROGRESSING: "under way",
    Standing.STALLED: "at a standstill",
}


@dataclass(frozen=True, slots=True)
class State:
    """An object as the API server stores it, and the row of the table it belongs to."""

    row: str
    body: dict[str, Any]


def can_be_suspended(kind: type[Kind]) -> bool:
    """Whether its spec has a switch for that."""
    return isinstance(kind.read(_body(kind, INITIAL_STATUS)).spec, SteeredSpec)  # type: ignore[attr-defined] # each has one


def states() -> list[State]:
    """Every kind in every state, what it was before included where that matters."""
    return [state for kind in ALL for state in _of(kind)]


def _of(kind: type[Kind]) -> Iterator[State]:
    yield State("nobody has looked at it", _body(kind, INITIAL_STATUS))
    yield State("being deleted", _deleted(_body(kind, INITIAL_STATUS)))
    ways = [False, True] if can_be_suspended(kind) else [False]
    usual = [Verdict(s, r, f"{s} for a test", suspended=way) for (s, r), way in itertools.product(USUAL.items(), ways)]
    every = [Verdict(s, r, f"{s} for a test", suspended=w) for s, r, w in itertools.product(Standing, Reason, ways)]
    for history in (*([last] for last in every), *([first, last] for first in usual for last in usual)):
        yield from _variants(kind, history)


def _variants(kind: type[Kind], history: list[Verdict]) -> Iterator[State]:
    body = _body(kind, INITIAL_STATUS)
    for verdict in history:
        target = kind.read(body)
        status = summarize(target, target.status, verdict, NOW)
        body = _body(kind, status.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    yield State(_row(history), body)
    yield State("edited, not looked at yet", _edited(body))
    yield State("being deleted", _deleted(_edited(body)))
    if history[-1].standing is not Standing.READY and not history[-1].suspended:
        yield State("being deleted", _deleted(body))  # looked at since: nothing is ready, or held back, on its way out


def _row(history: list[Verdict]) -> str:
    last = history[-1]
    if not last.suspended:
        return OF_STANDING[last.standing]
    ready = False
    for verdict in history:
        ready = verdict.standing is Standing.READY or (ready and verdict.suspended)
    return "suspended while ready" if ready else "suspended, not ready"


def _body(kind: type[Kind], status: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "team", "generation": 1, "resourceVersion": "1", "uid": "u"}
    return {
        "apiVersion": API_VERSION,
        "kind": kind.kind(),
        "metadata": metadata,
        "spec": SPECS[kind.kind()],
        "status": status,
    }


def _edited(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"metadata": body["metadata"] | {"generation": body["metadata"]["generation"] + 1}}


def _deleted(body: dict[str, Any]) -> dict[str, Any]:
    """The API server raises the generation when it sets the time."""
    return body | {"metadata": body["metadata"] | {"deletionTimestamp": "2026-08-01T12:00:00Z"}}


def waits(body: dict[str, Any]) -> str:
    """What `kubectl wait --for=condition=Ready` makes of an object; proven with kubectl itself elsewhere."""
    ready = next((c for c in body["status"].get("conditions", []) if c["type"] == "Ready"), None)
    met = (
        ready is not None
        and ready["status"] == "True"
        and ready["observedGeneration"] >= body["metadata"]["generation"]
    )
    return "met" if met else "waits"


def shape(body: dict[str, Any]) -> tuple[Any, ...]:
    """What a verdict can rest on: reasons and messages apart, two objects of one shape are the same to any reader."""
    conditions = body["status"].get("conditions", [])
    return (
        body["kind"],
        body["metadata"]["generation"] - body["status"]["observedGeneration"],
        "deletionTimestamp" in body["metadata"],
        tuple((c["type"], c["status"], c["observedGeneration"]) for c in conditions),
    )


def distinct(found: list[State]) -> list[State]:
    """One state of each shape."""
    return list({shape(state.body): state for state in found}.values())

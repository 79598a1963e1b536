"""What `kubectl get` shows of an object: its story in one line."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from controller.api import crd
from controller.api.fields import API_VERSION
from controller.api.kind import Kind
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import summarize
from sandbox.kubectl import Kubectl
from tests.contract.health_states import NOW, SPECS

TOTALS = {"items": 12, "succeeded": 9, "failed": 2, "unknown": 1, "submitted": 12}
# Status fields beside the conditions, the verdict, and what a person reads between NAME and AGE.
LINES: dict[str, tuple[dict[str, Any], Verdict, list[str]]] = {
    "CloudAccount": (
        {},
        Verdict(Standing.STALLED, Reason.ACCESS_DENIED, "grant it"),
        ["cn-hangzhou", "1234567890123456", "False", "AccessDenied"],
    ),
    "Dataset": (
        {"statistics": {"files": 7, "totalSize": 1, "bindings": 2}},
        Verdict(Standing.READY, Reason.SUCCEEDED, "is there"),
        ["media", "photos", "7", "2", "True", "Succeeded"],
    ),
    "DatasetBinding": (
        {"dataset": "photos", "state": "Running", "phase": "FullScanning"},
        Verdict(Standing.PROGRESSING, Reason.INDEXING, "scans"),
        ["my-photos", "photos", "Running", "FullScanning", "False", "Indexing"],
    ),
    "BatchImport": (
        {"phase": "Failed", "dataset": "photos", "totals": TOTALS},
        Verdict(Standing.STALLED, Reason.PARTIALLY_FAILED, "two failed"),
        ["Failed", "12", "9", "2", "False", "PartiallyFailed"],
    ),
}
GAP = re.compile(r"\s{2,}")


@pytest.mark.parametrize("kind", crd.ALL, ids=lambda kind: kind.kind())
def test_the_columns_tell_the_story(installed: Kubectl, namespace: str, kind: type[Kind]) -> None:
    """A line for everybody, and with `-o wide` the message at its end."""
    fields, verdict, shown = LINES[kind.kind()]
    metadata = {"name": "example", "namespace": namespace}
    body = {"apiVersion": API_VERSION, "kind": kind.kind(), "metadata": metadata, "spec": SPECS[kind.kind()]}
    installed("create", "--filename=-", text=json.dumps(body))
    target = kind.read(body | {"status": {"observedGeneration": -1} | fields})
    written = summarize(target, target.status, verdict, NOW)
    status = written.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    installed("replace", "--subresource=status", "--filename=-", text=json.dumps(body | {"status": status}))
    header, line = installed("get", kind.plural, f"--namespace={namespace}").splitlines()
    assert ["NAME", *(name.upper() for name in narrow(kind))] == GAP.split(header.strip())
    assert ["example", *shown] == GAP.split(line.strip())[:-1]
    wide = installed("get", kind.plural, f"--namespace={namespace}", "--output=wide", "--no-headers")
    assert verdict.message == GAP.split(wide.strip())[-1]


def narrow(kind: type[Kind]) -> list[str]:
    """The columns that show without `-o wide`."""
    return [column["name"] for column in kind.columns if not column.get("priority")]

"""The API server takes the worst status that the operator can write: a refused one would leave its object stuck."""

from __future__ import annotations

import json
import uuid

import pytest

from controller.api import crd
from controller.api.fields import API_VERSION
from controller.api.kind import Kind
from sandbox.kubectl import Kubectl
from tests.contract.health_states import SPECS
from tests.unit.test_status_bounds import worst

TEXTS = {"four-bytes": "😀", "three-bytes": "中", "escaped": "<", "control": "\x01", "halves": "\ud83d", "plain": "a"}
LISTS = {"conditions": 2, "plannedChanges": 16, "drift": 16, "failures": 10, "warnings": 5, "history": 5}


@pytest.mark.parametrize("kind", crd.ALL, ids=lambda kind: kind.kind())
@pytest.mark.parametrize("character", TEXTS.values(), ids=TEXTS)
def test_the_longest_status_is_stored_as_it_was_written(
    installed: Kubectl, namespace: str, kind: type[Kind], character: str
) -> None:
    """Every text and list at its bound, and not a character lost on the way."""
    name = f"x-{uuid.uuid4().hex[:8]}"
    metadata = {"name": name, "namespace": namespace}
    body = {"apiVersion": API_VERSION, "kind": kind.kind(), "metadata": metadata, "spec": SPECS[kind.kind()]}
    installed("create", "--filename=-", text=json.dumps(body))
    status = worst(kind, character * 5000)
    installed("replace", "--subresource=status", "--filename=-", text=json.dumps(body | {"status": status}))
    stored = json.loads(installed("get", kind.kind(), name, f"--namespace={namespace}", "--output=json"))["status"]
    assert status == stored
    full = {name: len(stored[name]) for name in LISTS if name in stored}
    assert {name: LISTS[name] for name in full} == full | ({"conditions": 2} if kind.kind() != "CloudAccount" else {})
    assert len(json.dumps(stored, ensure_ascii=False).encode()) < 32 * 1024

"""`kubectl wait` on a real API server, for every shape of status that the operator's code can write."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError
from tests.contract.health_states import State, distinct, states, waits

SHAPES = distinct([state for state in states() if state.row != "being deleted"])


@pytest.fixture(scope="module")
def home(installed: Kubectl) -> Iterator[str]:
    """A namespace that no operator watches."""
    name = f"health-{uuid.uuid4().hex[:8]}"
    installed("create", "namespace", name)
    yield name
    installed("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("state", SHAPES, ids=[f"{state.body['kind']}-{state.row}" for state in SHAPES])
def test_kubectl_waits_for_what_is_not_ready_and_for_nothing_else(installed: Kubectl, home: str, state: State) -> None:
    """The status is taken by the schema as it is; then kubectl looks once."""
    name = f"x-{uuid.uuid4().hex[:8]}"
    stored = put(installed, home, name, state.body)
    assert state.body["status"] == stored["status"]
    kind = state.body["kind"]
    words = ("wait", "--for=condition=Ready", "--timeout=0s", f"--namespace={home}", f"{kind}/{name}")
    said = looked(installed, *words)
    assert waits(state.body) == said


def looked(kubectl: Kubectl, *words: str) -> str:
    """What kubectl's one look came to."""
    try:
        kubectl(*words)
    except ProgramError as error:
        return "waits" if "condition not met" in str(error) else str(error)
    return "met"


def put(kubectl: Kubectl, home: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Store an object with its status, and edit it afterwards where the state is one of after an edit."""
    metadata = {"name": name, "namespace": home}
    own = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata, "spec": body["spec"]}
    kubectl("create", "--filename=-", text=json.dumps(own))
    kubectl("replace", "--subresource=status", "--filename=-", text=json.dumps(own | {"status": body["status"]}))
    for generation in range(1, body["metadata"]["generation"]):
        edited = own["spec"] | {"resyncInterval": f"{generation + 30}s"}
        kubectl("replace", "--filename=-", text=json.dumps(own | {"spec": edited}))
    read = json.loads(kubectl("get", body["kind"], name, f"--namespace={home}", "--output=json"))
    assert body["metadata"]["generation"] == read["metadata"]["generation"]
    return dict(read)

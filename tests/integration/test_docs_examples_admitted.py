"""Every object that the docs show is admitted by a real API server, with the definitions that ship with the project."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from sandbox.kubectl import Kubectl
from tests.docs_examples import Example, examples

SHOWN = examples()


@pytest.fixture(scope="module")
def home(installed: Kubectl) -> Iterator[str]:
    """A namespace for the objects of this file."""
    name = f"docs-{uuid.uuid4().hex[:8]}"
    installed("create", "namespace", name)
    yield name
    installed("delete", "namespace", name, "--wait=false")


@pytest.mark.parametrize("example", SHOWN, ids=[one.id for one in SHOWN])
def test_an_example_of_the_docs_is_admitted(installed: Kubectl, home: str, example: Example) -> None:
    """With the rules that only the API server knows."""
    body = example.body | {"metadata": example.body["metadata"] | {"namespace": home}}
    said = installed("apply", "--dry-run=server", "--filename=-", text=json.dumps(body))
    assert said.strip().endswith("created (server dry run)")

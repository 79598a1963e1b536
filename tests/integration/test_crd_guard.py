"""The guard of our definitions on the real API server: a delete is refused until it is said to be meant."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.api import crd
from controller.api.kind import Kind
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError

GROUP = "imm-operator.dev"
CRDS = Path(__file__).parents[2] / "crds"
SECONDS = 30.0


def definition(group: str, kind: str) -> tuple[str, str]:
    """A definition of a test's own, and its name."""
    plural = f"{kind.lower()}s"
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    return json.dumps(body), f"{plural}.{group}"


def refusal(kubectl: Kubectl, name: str) -> str:
    """What the API server would say to a delete; empty when it would do it."""
    try:
        kubectl("delete", "crd", name, "--dry-run=server")
    except ProgramError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def guarded(installed: Kubectl) -> Kubectl:
    """The guard as it ships, once the API server goes by it: a new policy takes a moment."""
    deadline = time.monotonic() + SECONDS
    while not refusal(installed, f"datasets.{GROUP}"):
        assert time.monotonic() < deadline, "the guard is not in force"
        time.sleep(0.1)
    return installed


@pytest.fixture
def own(guarded: Kubectl) -> Iterator[str]:
    """One more definition of our group, which a test may really delete."""
    body, name = definition(GROUP, f"Guarded{uuid.uuid4().hex[:8]}")
    guarded("apply", "--filename=-", text=body)
    yield name
    if exists(guarded, name):
        guarded("annotate", "crd", name, f"{GROUP}/allow-deletion=true", "--overwrite")
        guarded("delete", "crd", name)


def exists(kubectl: Kubectl, name: str) -> bool:
    """Whether a definition is there."""
    return bool(kubectl("get", "crd", name, "--ignore-not-found", "--output=name"))


@pytest.mark.parametrize("kind", crd.ALL, ids=lambda kind: kind.kind())
def test_each_kind_is_guarded_with_what_would_be_lost_and_the_way_out(guarded: Kubectl, kind: type[Kind]) -> None:
    """The words name the kind, where to see its objects, and the command that lets it through."""
    plural = kind.plural
    said = refusal(guarded, f"{plural}.{GROUP}")
    assert f"deletes every {kind.kind()} of this cluster, in every namespace" in said
    assert f"kubectl get {plural} --all-namespaces" in said
    assert f"kubectl annotate crd {plural}.{GROUP} imm-operator.dev/allow-deletion=true" in said


@pytest.mark.parametrize("how", ["by-name", "from-file", "all-at-once"])
def test_every_way_to_delete_is_guarded(guarded: Kubectl, how: str) -> None:
    """Also a collection, where the request names nothing."""
    collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    only = f"dryRun=All&fieldSelector=metadata.name%3Ddatasets.{GROUP}"
    words = {
        "by-name": ("delete", "crd", f"datasets.{GROUP}", "--dry-run=server"),
        "from-file": ("delete", f"--filename={CRDS}", "--dry-run=server"),
        "all-at-once": ("delete", f"--raw={collection}?{only}"),
    }[how]
    with pytest.raises(ProgramError, match=r"imm-operator\.dev/allow-deletion=true"):
        guarded(*words)


@pytest.mark.parametrize("value", ["false", "yes", ""])
def test_another_word_is_no_consent(guarded: Kubectl, own: str, value: str) -> None:
    """Only `true` is."""
    guarded("annotate", "crd", own, f"{GROUP}/allow-deletion={value}")
    assert refusal(guarded, own)


def test_an_annotated_definition_can_be_deleted(guarded: Kubectl, own: str) -> None:
    """Refused before, gone after."""
    with pytest.raises(ProgramError, match="allow-deletion"):
        guarded("delete", "crd", own)
    guarded("annotate", "crd", own, f"{GROUP}/allow-deletion=true")
    guarded("delete", "crd", own)
    assert not exists(guarded, own)


def test_definitions_of_others_are_none_of_its_business(guarded: Kubectl) -> None:
    """Also where the group only looks like ours."""
    for group in (f"x{uuid.uuid4().hex[:8]}.example.com", f"x{uuid.uuid4().hex[:8]}.{GROUP}"):
        body, name = definition(group, "Thing")
        guarded("apply", "--filename=-", text=body)
        guarded("delete", "crd", name)
        assert not exists(guarded, name)


def test_an_update_of_ours_is_let_through(guarded: Kubectl) -> None:
    """An upgrade applies the definitions again."""
    guarded("apply", "--server-side", f"--filename={CRDS}")

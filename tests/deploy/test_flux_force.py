"""What `force` of a Flux Kustomization does, by fluxcd/pkg/ssa on a real API server: nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.gitops_room import Body, GitOpsRoom, steered
from tests.deploy.upstream_programs import flux
from tests.integration.import_room import IMPORT
from tests.integration.world import PROJECT

FLUX = Path(__file__).resolve().parents[2] / "deploy" / "flux"
EXPRESSIONS = yaml.safe_load((FLUX / "health-check-exprs.yaml").read_text())["spec"]["healthCheckExprs"]
KINDS = ("CloudAccount", "Dataset", "DatasetBinding", IMPORT)
pytestmark = pytest.mark.timeout(900)  # the first run fetches and builds


def applied(home: GitOpsRoom, objects: list[Body], seconds: int = 60, **spec: Any) -> Body:
    """One reconcile of a Kustomization: `actions` by object, how it `failed`, and what it `waited` for in vain."""
    owner = {"metadata": {"name": "media", "namespace": "flux-system"}, "spec": {"timeout": f"{seconds}s"} | spec}
    done = subprocess.run(
        [flux(), "apply"],
        input=json.dumps({"Kustomization": owner, "Objects": objects}),
        env={**os.environ, "KUBECONFIG": str(home.world.kubectl.kubeconfig)},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def in_git(home: GitOpsRoom) -> list[Body]:
    """The example, applied and Ready."""
    home.key()
    wanted = home.in_git()
    answer = applied(home, wanted, wait=True, healthCheckExprs=EXPRESSIONS)
    assert ("", "") == (answer["failed"], answer["waited"]), answer
    return wanted


def test_it_waits_until_all_is_ready_and_says_what_fails(home: GitOpsRoom, in_git: list[Body]) -> None:
    """With our expressions and without; an import at a standstill ends the wait at once, by name."""
    ways: list[list[Body]] = [[], EXPRESSIONS]
    for expressions in ways:
        answer = applied(home, in_git, wait=True, healthCheckExprs=expressions)
        assert ("", "") == (answer["failed"], answer["waited"]), answer
        assert {"unchanged"} == set(answer["actions"].values()), answer
        failing = steered(in_git, IMPORT, maxFailedItems=0)
        assert (
            "excursions status: 'Failed'" in applied(home, failing, wait=True, healthCheckExprs=expressions)["waited"]
        )
        assert "" == applied(home, in_git, wait=True, healthCheckExprs=expressions)["waited"]


def test_what_kubectl_wrote_is_undone_and_what_another_manager_wrote_stays(
    home: GitOpsRoom, in_git: list[Body]
) -> None:
    """Suspended by hand, with nothing of it in Git: Flux takes over every manager that begins with kubectl."""
    for manager, stays in (("kubectl-patch", False), ("on-call", True)):
        own = ("datasetbinding", "photos", f"--namespace={home.world.namespace}", "--type=merge")
        home.world.kubectl("patch", *own, f"--field-manager={manager}", '--patch={"spec":{"suspend":true}}')
        home.world.until("Suspended", lambda: bool(home.world.condition("DatasetBinding", "photos", "Suspended")))
        answer = applied(home, in_git, wait=True)
        assert ("", "") == (answer["failed"], answer["waited"]), answer
        assert (home.world.get("DatasetBinding", "photos") or {})["spec"]["suspend"] is stays
        home.world.kubectl("patch", *own, f"--field-manager={manager}", '--patch={"spec":{"suspend":false}}')


def bindings(home: GitOpsRoom) -> list[str]:
    """Every DatasetBinding of the namespace."""
    words = ("get", "datasetbindings", f"--namespace={home.world.namespace}", "--output=name")
    return home.world.kubectl(*words).split()


class TestForce:
    """An edit that the API server refuses, as the field never changes."""

    def test_without_it_the_edit_fails_and_names_the_way_out(self, home: GitOpsRoom, in_git: list[Body]) -> None:
        """Nothing of the object is touched."""
        before = home.world.get("DatasetBinding", "photos") or {}
        home.world.bucket("another-bucket")
        answer = applied(home, steered(in_git, "DatasetBinding", bucket="another-bucket"))
        assert "spec.bucket cannot be changed" in answer["failed"]
        assert before == home.world.get("DatasetBinding", "photos")

    def test_with_it_any_refusal_recreates_the_object_and_the_binding_lives_on(
        self, home: GitOpsRoom, in_git: list[Body]
    ) -> None:
        """Flux takes every 422 for an immutable field: here a range. The same bucket is adopted, and not scanned again.

        The delete comes before the create is tried, so the object is gone until Git is right again.
        """
        deleting = {"deletionPolicy": "Delete", "deletionGracePeriod": "5m"}
        wanted = steered(in_git, "DatasetBinding", **deleting)
        applied(home, wanted, wait=True)
        before = home.world.get("DatasetBinding", "photos") or {}
        created = home.world.calls("CreateBinding")
        refused = steered(wanted, "DatasetBinding", resyncInterval="1s")
        answer = applied(home, refused, force=True)
        assert "spec.resyncInterval is at least 10s" in answer["failed"], answer
        assert home.world.get("DatasetBinding", "photos") is None
        answer = applied(home, wanted, wait=True, force=True)
        assert ("", "") == (answer["failed"], answer["waited"]), answer
        after = home.world.get("DatasetBinding", "photos") or {}
        assert before["metadata"]["uid"] != after["metadata"]["uid"]
        assert after["status"]["adopted"] is True
        assert before["status"]["createdAt"] == after["status"]["createdAt"]
        assert (created, 0) == (home.world.calls("CreateBinding"), home.world.calls("DeleteBinding"))
        home.world.until("the stand-in to go", lambda: ["datasetbinding.imm-operator.dev/photos"] == bindings(home))

    def test_with_it_another_bucket_is_another_binding(self, home: GitOpsRoom, in_git: list[Body]) -> None:
        """The object is deleted and created; the old binding stays in the cloud, by its policy, and the new is made."""
        created = home.world.calls("CreateBinding")
        answer = applied(home, steered(in_git, "DatasetBinding", bucket="another-bucket"), wait=True, force=True)
        assert ("", "") == (answer["failed"], answer["waited"]), answer
        assert (created + 1, 0) == (home.world.calls("CreateBinding"), home.world.calls("DeleteBinding"))
        assert {"another-bucket", "example-media-photos"} == {
            one.bucket for one in home.world.imm.list_bindings(PROJECT)
        }

    def test_an_import_that_is_made_anew_is_found_done(self, home: GitOpsRoom, in_git: list[Body]) -> None:
        """Its account may not change; the same work is not sent again when Git is put right."""
        billed = home.room.billed()
        answer = applied(home, steered(in_git, IMPORT, accountRef={"name": "main"}), wait=True, force=True)
        assert ("", "") == (answer["failed"], answer["waited"]), answer
        assert "Complete" == home.room.status("excursions")["phase"]
        assert billed == home.room.billed()

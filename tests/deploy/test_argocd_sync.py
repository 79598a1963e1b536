"""Argo CD's own engine syncs the example: in waves, in sync afterwards without ignoreDifferences, and gone in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.api.fields import API_VERSION
from sandbox.kubectl import Kubectl
from tests.deploy.argocd_room import Argo, installed_argo, tracked
from tests.deploy.gitops_room import BUCKET, PHOTO, Body, GitOpsRoom, steered
from tests.docs_examples import examples
from tests.integration.import_room import IMPORT

WAVES = ["CloudAccount", "Dataset", "DatasetBinding", "BatchImport"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # the first run fetches and builds


@pytest.fixture(scope="module")
def argo(kubectl: Kubectl) -> Iterator[Argo]:
    """Argo CD with the settings that ship."""
    with installed_argo(kubectl) as made:
        yield made


@pytest.fixture(scope="module")
def synced(argo: Argo, home: GitOpsRoom) -> list[Body]:
    """The example, synced and at rest."""
    wanted = home.in_git()
    home.key()
    answer = argo.sync(home.world.namespace, wanted)
    assert "Succeeded" == answer["phase"], answer
    home.world.await_ready(IMPORT, "excursions", seconds=60)
    return wanted


def out_of_sync(argo: Argo, home: GitOpsRoom, wanted: list[Body]) -> dict[str, list[str]]:
    """By Argo CD's way of comparing: what differs, with nothing ignored, not even status."""
    pairs = list(zip(wanted, home.live(wanted), strict=True))
    return argo.modified(home.world.namespace, pairs)


IN_SYNC: dict[str, list[str]] = {"ThreeWay": [], "StructuredMerge": [], "ServerSide": []}


def act(argo: Argo, home: GitOpsRoom, kind: str, name: str, action: str) -> Body:
    """What a click on an action does: the script, and the merge patch that Argo CD sends."""
    body = home.world.get(kind, name) or {}
    (answer,) = argo.ask([body])
    assert {"name": action} | {"disabled": False} in [{"disabled": False} | one for one in answer["actions"]], answer
    patch = json.dumps(answer["patches"][action])
    home.world.kubectl("patch", kind, name, f"--namespace={home.world.namespace}", "--type=merge", f"--patch={patch}")
    return dict(answer["patches"][action])


class TestWaves:
    """One sync, from nothing."""

    def test_a_wave_waits_for_the_health_of_the_one_before(self, argo: Argo, home: GitOpsRoom) -> None:
        """With an account that cannot sign in nothing of the later waves is made; with one that can, all of it is."""
        wanted = home.in_git()
        stuck = argo.sync(home.world.namespace, wanted, seconds=20)
        assert "Failed" == stuck["phase"], stuck
        assert ["ServiceAccount/imm", "CloudAccount/media"] == [one["object"] for one in stuck["results"]]
        for kind, name in (("Dataset", "photos"), ("DatasetBinding", "photos"), (IMPORT, "excursions")):
            assert home.world.get(kind, name) is None
        home.key()
        act(argo, home, "CloudAccount", "media", "reconcile")
        home.world.await_ready("CloudAccount", "media")
        done = argo.sync(home.world.namespace, wanted)
        assert "Succeeded" == done["phase"], done
        order = [one["object"].split("/")[0] for one in done["results"] if one["object"].split("/")[0] in WAVES]
        assert WAVES == order
        assert "True" == home.world.condition("DatasetBinding", "photos", "Ready")["status"]


class TestInSync:
    """`ignoreDifferences` is not needed."""

    @pytest.mark.parametrize("server_side", [False, True], ids=["client-side", "server-side"])
    def test_the_example_has_no_difference_when_all_is_done(
        self, argo: Argo, home: GitOpsRoom, synced: list[Body], *, server_side: bool
    ) -> None:
        """After either way of applying, by each way of comparing; and a change of Git is seen by each."""
        answer = argo.sync(home.world.namespace, synced, ServerSide=server_side)
        assert "Succeeded" == answer["phase"], answer
        home.settle(synced)
        assert IN_SYNC == out_of_sync(argo, home, synced)
        changed = out_of_sync(argo, home, steered(synced, "Dataset", description="changed"))
        assert [1, 1, 1] == [len(found) for found in changed.values()], changed

    def test_nothing_that_the_docs_show_has_a_difference(self, argo: Argo, home: GitOpsRoom) -> None:
        """Nor do the manifests in examples/; kubectl diff agrees."""
        shown = [one.body for one in examples() if one.body["apiVersion"] == API_VERSION] + [
            body for file in sorted((PHOTO.parents[2] / "manifests").glob("*.yaml")) for body in _documents(home, file)
        ]
        wanted = [_renamed(body, home.world.namespace, number) for number, body in enumerate(shown)]
        answer = argo.sync(home.world.namespace, wanted, seconds=25)  # many wait for what the docs do not show
        # What other tests of this file left in the namespace is skipped by the pruning.
        synced = [one for one in answer["results"] if one["result"] != "PruneSkipped"]
        assert {"Synced"} == {one["result"] for one in synced}, answer
        assert len(wanted) == len(synced)
        home.settle(wanted)
        try:
            assert IN_SYNC == out_of_sync(argo, home, wanted)
            assert "" == home.world.kubectl("diff", "--filename=-", text=_list([tracked(body) for body in wanted]))
        finally:
            home.world.kubectl("delete", "--filename=-", "--wait=false", text=_list(wanted))


class TestActions:
    """What a click does, and what self-heal makes of it."""

    def test_what_git_does_not_name_stays_as_the_action_left_it(
        self, argo: Argo, home: GitOpsRoom, synced: list[Body]
    ) -> None:
        """Suspended, in sync, and suspended still after the next sync; then resumed."""
        assert {"spec": {"suspend": True}} == act(argo, home, "datasetbinding", "photos", "suspend")
        home.world.until("Suspended", lambda: bool(home.world.condition("datasetbinding", "photos", "Suspended")))
        assert IN_SYNC == out_of_sync(argo, home, synced)
        argo.sync(home.world.namespace, synced)
        assert (home.world.get("datasetbinding", "photos") or {})["spec"]["suspend"] is True
        (answer,) = argo.ask([home.world.get("datasetbinding", "photos") or {}])
        assert "Suspended" == answer["health"]["status"]
        assert {"spec": {"suspend": False}} == act(argo, home, "datasetbinding", "photos", "resume")
        home.world.until("resumed", lambda: not home.world.condition("datasetbinding", "photos", "Suspended"))

    def test_what_git_names_is_put_back_by_self_heal(self, argo: Argo, home: GitOpsRoom, synced: list[Body]) -> None:
        """`suspend: false` in Git makes the suspended object out of sync, and the next sync resumes it."""
        named = steered(synced, "DatasetBinding", suspend=False)
        argo.sync(home.world.namespace, named)
        act(argo, home, "datasetbinding", "photos", "suspend")
        assert [1, 1, 1] == [len(found) for found in out_of_sync(argo, home, named).values()]
        argo.sync(home.world.namespace, named)
        assert (home.world.get("datasetbinding", "photos") or {})["spec"]["suspend"] is False
        argo.sync(home.world.namespace, synced)

    def test_reconcile_is_an_annotation_and_no_difference(
        self, argo: Argo, home: GitOpsRoom, synced: list[Body]
    ) -> None:
        """It is echoed, and the object stays in sync."""
        patch = act(argo, home, "dataset", "photos", "reconcile")
        (text,) = patch["metadata"]["annotations"].values()
        home.world.until("the echo", lambda: text == _echo(home))
        assert IN_SYNC == out_of_sync(argo, home, synced)

    def test_a_retry_runs_once_whatever_becomes_of_its_field(
        self, argo: Argo, home: GitOpsRoom, synced: list[Body]
    ) -> None:
        """In sync with it; and nothing is sent again when the next sync, or a sync that replaces, takes it away."""
        bucket = home.world.bucket(BUCKET)
        bucket.put_object_from_file("excursions/lost.jpg", str(PHOTO))
        billed = home.room.billed()
        patch = act(argo, home, IMPORT, "excursions", "retry-failed")
        token = patch["spec"]["retry"]["failedItems"]
        home.world.until("the retry's end", lambda: home.room.status("excursions")["totals"].get("succeeded") == 2)
        assert token == home.room.status("excursions")["lastRetry"]
        assert billed + 1 == home.room.billed()
        assert IN_SYNC == out_of_sync(argo, home, synced)
        argo.sync(home.world.namespace, synced)
        gone = json.dumps({"spec": {"retry": None}})
        home.world.kubectl(
            "patch", IMPORT, "excursions", f"--namespace={home.world.namespace}", "--type=merge", f"--patch={gone}"
        )
        home.world.request(IMPORT, "excursions", "after it was taken away")
        assert billed + 1 == home.room.billed()
        assert token == home.room.status("excursions")["lastRetry"]


def test_pruning_waits_for_a_person_and_then_goes_backwards(argo: Argo, home: GitOpsRoom, synced: list[Body]) -> None:
    """What stands for something in the cloud is asked about; then import, binding, dataset, account, in this order."""
    rest = [body for body in synced if body["kind"] not in WAVES]
    asked = argo.sync(home.world.namespace, rest, seconds=25, Prune=True)
    assert asked["message"].startswith("Waiting for pruning confirmation of imm-operator.dev/v1alpha1/Dataset"), asked
    assert home.world.get("Dataset", "photos") is not None
    assert home.world.get("DatasetBinding", "photos") is not None
    done = argo.sync(home.world.namespace, rest, Prune=True, Confirmed=True)
    assert "Succeeded" == done["phase"], done
    home.world.await_gone("CloudAccount", "media")
    assert WAVES[::-1] == _deleted(home)


def _echo(home: GitOpsRoom) -> object:
    return (home.world.get("dataset", "photos") or {})["status"].get("lastHandledReconcileAt")


def _deleted(home: GitOpsRoom) -> list[str]:
    """The kinds in the order in which somebody asked for their end."""
    kinds = {f"{kind.lower()}s": kind for kind in WAVES}
    found = []
    for line in home.world.audited():
        entry: dict[str, Any] = json.loads(line)
        what = entry.get("objectRef", {})
        if (
            entry["verb"] == "delete"
            and what.get("namespace") == home.world.namespace
            and what.get("name") in {"media", "photos", "excursions"}
        ):
            found.append(kinds.get(what["resource"], what["resource"]))
    return list(dict.fromkeys(found))


def _documents(home: GitOpsRoom, file: Path) -> list[Body]:
    shown = home.world.kubectl("apply", "--dry-run=client", "--output=json", f"--filename={file}", "--namespace=media")
    found = json.loads(shown)
    return list(found.get("items", [found]))


def _renamed(body: Body, namespace: str, number: int) -> Body:
    metadata = {"name": f"shown-{number}", "namespace": namespace}
    kept = {key: value for key, value in body.items() if key != "status"}
    return kept | {"metadata": metadata}


def _list(bodies: list[Body]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})

"""The life of a release, by real helm on a real API server: installed, upgraded, rolled back, removed, installed again.

Nothing in the cloud is lost or scanned twice, and nothing in the cluster is stuck. There is one version of the
operator's code so far, so an upgrade is one of the chart and of the definitions, with the process restarted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.apiserver.build import NO_CONTROLLERS, Programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.programs import ProgramError
from tests.deploy.chart_room import CHART, FIRST_BUILD, NAME, NAMESPACE
from tests.deploy.release_room import KINDS, NEWER, Release, older_chart, opened

pytestmark = [pytest.mark.e2e, FIRST_BUILD]
DELETE: dict[str, Any] = {"deletionPolicy": "Delete"}


@pytest.fixture(scope="module")
def own_cluster(cluster_programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server for this file, whose definitions it may change and delete."""
    directory = tmp_path_factory.mktemp("own") / "cluster"
    with start_cluster(directory, programs=cluster_programs, audit=True, durable=False) as running:
        yield running


@pytest.fixture
def release(own_cluster: Cluster, tmp_path: Path) -> Iterator[Release]:
    """A cluster where nothing is installed, and a cloud of one test."""
    with opened(own_cluster, tmp_path) as made:
        yield made


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The chart as it might have been before."""
    return older_chart(tmp_path)


def columns(release: Release) -> int:
    """How many columns kubectl shows of a binding."""
    where = f"--namespace={release.world.namespace}"
    return len(release.kubectl("get", "datasetbindings", where).splitlines()[0].split())


def test_an_upgrade_changes_the_definitions_and_nothing_else(release: Release, older: Path) -> None:
    """No write to the cloud, no scan, no generation, no field lost; and back, and forth again."""
    world = release.world
    release.begin(older)
    before = release.bound()
    assert NEWER not in before["spec"]
    assert 2 == columns(release)
    stored, journal, record = release.stored(), release.writes(), release.owner_record()

    release.upgrade()
    assert columns(release) > 4
    release.restart()
    release.settle("photos")
    after = release.stored()
    assert journal == release.writes()
    assert record == release.owner_record()
    for key, was in stored.items():
        now = after[key]
        assert was["spec"] == {name: value for name, value in now["spec"].items() if name != NEWER}
        assert (was["generation"], was["finalizers"]) == (now["generation"], now["finalizers"])
        assert settled(was["status"]) == settled(now["status"])
    world.binding("photos", "photos-bucket", "photos", deletionGracePeriod="1h")
    assert "1h" == release.stored()["DatasetBinding/photos"]["spec"][NEWER]

    release.helm("rollback", NAME, "1")
    release.established()
    release.restart()
    release.settle("photos")
    assert NEWER not in release.stored()["DatasetBinding/photos"]["spec"]
    release.upgrade()
    release.restart()
    release.settle("photos")
    assert journal == release.writes()
    assert (True, True) == release.in_cloud()


def settled(status: dict[str, object]) -> dict[str, object]:
    """A status without what only says that it was looked at again, and without figures."""
    passing = {"lastHandledReconcileAt", "conditions", "observedGeneration", "statistics", "progress"}
    return {key: value for key, value in status.items() if key not in passing}


def test_a_release_that_is_uninstalled_leaves_all_behind_and_finds_it_again(release: Release) -> None:
    """Definitions, objects, finalizers and the cloud stay; installed anew, the operator goes on and makes nothing."""
    world = release.world
    release.begin()
    release.bound()
    stored, journal, record = release.stored(), release.writes(), release.owner_record()
    world.stop()
    release.helm("uninstall", NAME)
    assert set(KINDS) == release.definitions()
    assert stored == release.stored()
    assert ["imm-operator.dev/finalizer"] == stored["DatasetBinding/photos"]["finalizers"]
    assert (True, True) == release.in_cloud()

    release.install()
    release.start()
    release.settle("photos")
    assert journal == release.writes()
    assert record == release.owner_record()
    assert {key: settled(one["status"]) for key, one in stored.items()} == {
        key: settled(one["status"]) for key, one in release.stored().items()
    }


def test_the_operators_namespace_can_be_deleted_and_installed_again(release: Release) -> None:
    """With it go the pods, the Lease and helm's own memory of the release; what is cluster-wide is taken up again."""
    world, kubectl = release.world, release.kubectl
    if not world.cluster.controllers:
        pytest.skip(NO_CONTROLLERS)
    release.begin()
    release.bound()
    journal, record = release.writes(), release.owner_record()
    kubectl("delete", "namespace", NAMESPACE, "--timeout=300s", seconds=320)
    world.stop()
    assert set(KINDS) == release.definitions()
    release.install()
    release.start()
    release.settle("photos")
    assert (journal, record) == (release.writes(), release.owner_record())


def test_in_the_order_of_the_guide_nothing_is_left_and_nothing_is_stuck(release: Release) -> None:
    """Objects first, then definitions, then the release: the cloud goes or stays by each deletionPolicy."""
    world, kubectl = release.world, release.kubectl
    release.begin()
    release.bound("kept")
    release.bound("going", photo=False, **DELETE)  # a dataset with files is never deleted
    kubectl(
        "annotate", "datasetbindings,datasets", "--all", "--all-namespaces", "imm-operator.dev/end-grace-period=now"
    )
    kubectl("delete", "datasetbindings", "--all", "--all-namespaces", "--timeout=300s", seconds=320)
    kubectl("delete", "datasets", "--all", "--all-namespaces", "--timeout=300s", seconds=320)
    kubectl("delete", "batchimports,cloudaccounts", "--all", "--all-namespaces", "--timeout=300s", seconds=320)
    with pytest.raises(ProgramError, match="allow-deletion"):
        kubectl("delete", "crd", *(f"{kind}.imm-operator.dev" for kind in KINDS))
    assert set(KINDS) == release.definitions()
    names = [f"crd/{kind}.imm-operator.dev" for kind in KINDS]
    kubectl("annotate", *names, "imm-operator.dev/allow-deletion=true")
    kubectl("delete", *names, "--timeout=300s", seconds=320)
    release.helm("uninstall", NAME)
    world.stop()
    assert set() == release.definitions()
    assert [] == left(release)
    assert (True, True) == release.in_cloud("kept")
    assert (False, False) == release.in_cloud("going")
    assert release.owner_record("kept") is None
    assert release.owner_record("going") is None


def left(release: Release) -> list[str]:
    """What the chart made and is still in the cluster. The Lease is the operator's own."""
    kinds = (
        "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,"
        "roles,rolebindings,serviceaccounts,deployments,services,poddisruptionbudgets,networkpolicies"
    )
    shown = release.kubectl(
        "get", kinds, "--all-namespaces", "--selector=app.kubernetes.io/part-of=imm-operator", "--output=name"
    )
    return shown.split()


def test_in_the_wrong_order_release_frees_what_is_stuck(release: Release) -> None:
    """The operator goes first, then objects and namespace are deleted: they hang until `imm-operator release`."""
    world, kubectl = release.world, release.kubectl
    if not world.cluster.controllers:
        pytest.skip(NO_CONTROLLERS)
    release.begin()
    release.bound(**DELETE)
    journal = release.writes()
    working = release.cli("release", "--all", "--yes")
    assert (2, True) == (working.returncode, f"it renews the Lease {NAMESPACE}/{NAME}" in working.stderr)
    world.stop()
    release.helm("uninstall", NAME)
    kubectl("delete", "namespace", world.namespace, "--wait=false")
    with pytest.raises(ProgramError, match="timed out"):
        kubectl("wait", "--for=delete", f"namespace/{world.namespace}", "--timeout=5s")
    done = release.cli("release", "--yes")
    assert (0, "") == (done.returncode, done.stderr)
    assert f"DatasetBinding {world.namespace}/photos" in done.stdout
    assert (
        "the binding of oss://photos-bucket to media/photos is retained: it goes on running and billing" in done.stdout
    )
    kubectl("wait", "--for=delete", f"namespace/{world.namespace}", "--timeout=300s", seconds=320)
    assert journal == release.writes()
    assert (True, True) == release.in_cloud()


def test_definitions_that_are_not_kept_and_guarded_are_refused_before_anything_is_made(release: Release) -> None:
    """Else `helm uninstall` would take the operator away and fail at the definitions, half-way."""
    with pytest.raises(ProgramError, match=r"crds\.keep=false.*admissionPolicies\.crdGuard=false"):
        release.install(CHART, "--set=crds.keep=false")
    assert set() == release.definitions()


def test_definitions_that_are_not_kept_go_with_the_release(release: Release) -> None:
    """Where there is nothing to lose, and the guard is off as well."""
    release.install(CHART, "--set=crds.keep=false,admissionPolicies.crdGuard=false")
    assert set(KINDS) == release.definitions()
    release.helm("uninstall", NAME)
    release.kubectl(
        "wait", "--for=delete", *(f"crd/{kind}.imm-operator.dev" for kind in KINDS), "--timeout=300s", seconds=320
    )
    assert set() == release.definitions()
    assert [] == left(release)

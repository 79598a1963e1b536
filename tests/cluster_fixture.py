"""A pytest plugin that hands out the real API server: `cluster`, `kubectl`, and a fresh `namespace` per test.

`tests/conftest.py` names it for every test. The workers of pytest-xdist share one server;
it ends with the last process that holds it, so neither a crash nor `kill -9` leaves one behind.
"""

import os
import uuid
from collections.abc import Iterator

import pytest

from sandbox.apiserver.build import Programs, find_kubectl, find_programs
from sandbox.apiserver.cluster import Cluster, start_cluster
from sandbox.kubectl import Kubectl


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build the server before the first test, where no test's time limit runs yet, and with progress to be seen."""
    if session.config.option.collectonly or not any("cluster_programs" in _fixtures(item) for item in session.items):
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        find_programs()
        find_kubectl()


@pytest.fixture(scope="session")
def cluster_programs() -> Programs:
    """What a cluster is started from; a test that starts one of its own asks for this, so that it is built by then."""
    return find_programs()


@pytest.fixture(scope="session")
def cluster(cluster_programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One API server for the whole test session, with an audit log, without fsync."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with start_cluster(shared / "cluster", programs=cluster_programs, audit=True, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """The administrator's kubectl."""
    return Kubectl(cluster.kubeconfig)


@pytest.fixture
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of this test alone; what is in it goes with it, behind the test's back."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])

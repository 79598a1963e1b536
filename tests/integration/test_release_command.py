"""`imm-operator release` on a real API server: what it lets go of, what it says of it, and when it does nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from controller.cli import main
from sandbox.apiserver.build import Programs
from sandbox.apiserver.cluster import start_cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from sandbox.programs import ProgramError

FINALIZER = "imm-operator.dev/finalizer"
OTHERS = "example.com/waits"
IDENTITY = {"accountId": "1234567890123456", "region": "cn-hangzhou"}
RECORD = "oss://imm-work/owners/1234567890123456/cn-hangzhou/media/photos/photos-bucket.json"
TAKEN_OVER = (
    "The same object, or another one of this cluster, takes it over; for another cluster remove it: "
    "imm-operator owners --help"
)
SPECS: dict[str, dict[str, Any]] = {
    "Dataset": {"accountRef": {"name": "main"}, "project": "media", "name": "photos"},
    "DatasetBinding": {"accountRef": {"name": "main"}, "dataset": {"ref": "photos"}, "bucket": "photos-bucket"},
}
STATUS: dict[str, dict[str, Any]] = {
    "Dataset": {"observedGeneration": 1, "identity": IDENTITY, "adopted": False},
    "DatasetBinding": {
        "observedGeneration": 1, "identity": IDENTITY, "adopted": False, "project": "media", "dataset": "photos",
        "bucket": "photos-bucket", "ownerRecord": RECORD,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Abandoned:
    """A namespace whose operator is gone."""

    kubectl: Kubectl
    namespace: str

    def put(self, kind: str, name: str, *, status: dict[str, Any] | None = None, **metadata: Any) -> None:
        """An object as the operator left it."""
        spec = SPECS[kind] | metadata.pop("spec", {})
        about = {"name": name, "namespace": self.namespace, "finalizers": [FINALIZER]} | metadata
        body = {"apiVersion": "imm-operator.dev/v1alpha1", "kind": kind, "metadata": about, "spec": spec}
        self.kubectl("create", "--filename=-", text=json.dumps(body))
        patch = json.dumps({"status": STATUS[kind] if status is None else status})
        where = (kind, name, f"--namespace={self.namespace}", "--subresource=status", "--type=merge")
        self.kubectl("patch", *where, f"--patch={patch}")

    def delete(self, kind: str, name: str) -> None:
        """Ask for its end, which does not come."""
        self.kubectl("delete", kind, name, f"--namespace={self.namespace}", "--wait=false")

    def finalizers(self, kind: str, name: str) -> list[str] | None:
        """What holds it; None when it is gone."""
        words = ("get", kind, name, f"--namespace={self.namespace}", "--output=json", "--ignore-not-found")
        shown = self.kubectl(*words)
        return list(json.loads(shown)["metadata"].get("finalizers", [])) if shown else None

    def lease(self, name: str, **spec: Any) -> None:
        """The Lease of an operator, as it writes it."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"holderIdentity": "pod_1", "leaseDurationSeconds": 20} | spec,
        }
        words = ("apply", "--server-side", "--force-conflicts", "--field-manager=imm-operator", "--filename=-")
        self.kubectl(*words, text=json.dumps(body))

    def release(self, *words: str) -> Result:
        """The command, in this namespace."""
        kubeconfig = {"KUBECONFIG": str(self.kubectl.kubeconfig)}
        return CliRunner().invoke(main, ["release", "--namespace", self.namespace, *words], env=kubeconfig)


@pytest.fixture(scope="module")
def administrator(cluster_programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A cluster of this file: in the shared one other tests' operators hold Leases."""
    directory: Path = tmp_path_factory.mktemp("abandoned") / "cluster"
    with start_cluster(directory, programs=cluster_programs, durable=False) as running:
        kubectl = Kubectl(running.kubeconfig)
        install(kubectl)
        yield kubectl


@pytest.fixture
def abandoned(administrator: Kubectl) -> Iterator[Abandoned]:
    """A namespace of one test; what it left is freed afterwards."""
    namespace = f"gone-{uuid.uuid4().hex[:8]}"
    administrator("create", "namespace", namespace)
    yield Abandoned(administrator, namespace)
    where = f"--namespace={namespace}"
    administrator("delete", "leases", "--all", where)
    for name in administrator("get", "datasets,datasetbindings", where, "--output=name").split():
        administrator("patch", name, where, "--type=merge", '--patch={"metadata":{"finalizers":[]}}')
        administrator("delete", name, where, "--ignore-not-found", "--wait=false")


def test_what_is_to_go_goes_and_what_stays_in_the_cloud_is_said(abandoned: Abandoned) -> None:
    """Each object with account and region, what its policy would have done, and its owner record; others are kept."""
    abandoned.put("Dataset", "photos")
    abandoned.put("DatasetBinding", "photos", spec={"deletionPolicy": "Delete"})
    abandoned.put("DatasetBinding", "living")
    for kind in ("Dataset", "DatasetBinding"):
        abandoned.delete(kind, "photos")
    done = abandoned.release("--yes")
    where = abandoned.namespace
    place = "it goes on running and billing (account 1234567890123456, region cn-hangzhou)"
    assert (0, "") == (done.exit_code, done.stderr)
    assert [
        f"DatasetBinding {where}/photos",
        f"  the binding of oss://photos-bucket to media/photos is retained: {place}",
        "  not done: its deletionPolicy is Delete, and nobody deletes it in the cloud",
        f"  not done: its owner record {RECORD} stays. {TAKEN_OVER}",
        "  released",
        f"Dataset {where}/photos",
        f"  dataset media/photos is retained: {place}",
        "  released",
    ] == done.stdout.splitlines()
    assert (None, None) == tuple(abandoned.finalizers(kind, "photos") for kind in ("Dataset", "DatasetBinding"))
    assert [FINALIZER] == abandoned.finalizers("DatasetBinding", "living")
    again = abandoned.release("--yes")
    assert (0, "our finalizer holds nothing here that is being deleted; --all takes the others, too\n") == (
        again.exit_code, again.stdout,
    )  # fmt: skip


def test_all_takes_objects_that_are_not_being_deleted_and_leaves_them(abandoned: Abandoned) -> None:
    """They can then be deleted without an operator; a finalizer of somebody else stays."""
    abandoned.put("DatasetBinding", "living", finalizers=[OTHERS, FINALIZER])
    done = abandoned.release("--all", "--yes", "--output=json")
    (one,) = json.loads(done.stdout)
    assert ("DatasetBinding", "living", False, "released") == tuple(
        one[key] for key in ("kind", "name", "terminating", "result")
    )
    assert {
        "account": "1234567890123456", "region": "cn-hangzhou", "project": "media", "dataset": "photos",
        "bucket": "photos-bucket",
    } == one["identity"]  # fmt: skip
    assert [OTHERS] == abandoned.finalizers("DatasetBinding", "living")
    assert [] == json.loads(abandoned.release("--all", "--yes", "--output=json").stdout)


def test_of_an_object_that_made_nothing_nothing_is_said_to_stay(abandoned: Abandoned) -> None:
    """It waited for its account, or was refused."""
    abandoned.put("DatasetBinding", "waiting", status={"observedGeneration": 1}, spec={"deletionPolicy": "Delete"})
    abandoned.delete("DatasetBinding", "waiting")
    said = abandoned.release("--yes").stdout.splitlines()
    assert "  the binding of oss://photos-bucket was never made by this object: nothing was touched" == said[1]
    assert ["  released"] == said[2:]


def test_a_submit_without_an_answer_is_named(abandoned: Abandoned) -> None:
    """It may still take effect."""
    intent = {"operation": "CreateBinding", "id": "1", "recordedAt": "2026-01-01T00:00:00Z"}
    status = STATUS["DatasetBinding"] | {"intent": intent, "adopted": None}
    abandoned.put("DatasetBinding", "unsure", status=status)
    abandoned.delete("DatasetBinding", "unsure")
    assert "the answer to CreateBinding was lost; what it made may still appear" in abandoned.release("--yes").stdout


@pytest.mark.parametrize(("shard", "gone"), [("b", "second"), ("default", "first")])
def test_one_shard_alone_can_be_let_go_of(abandoned: Abandoned, shard: str, gone: str) -> None:
    """The other one's operator still works."""
    abandoned.put("DatasetBinding", "first")
    abandoned.put("DatasetBinding", "second", labels={"imm-operator.dev/shard": "b"})
    for name in ("first", "second"):
        abandoned.delete("DatasetBinding", name)
    assert 0 == abandoned.release("--yes", f"--shard={shard}").exit_code
    kept = {name for name in ("first", "second") if abandoned.finalizers("DatasetBinding", name)}
    assert {"first", "second"} - {gone} == kept


def test_nothing_happens_unasked(abandoned: Abandoned) -> None:
    """Where nobody can be asked, it says what it would do, and stops."""
    abandoned.put("DatasetBinding", "photos")
    abandoned.delete("DatasetBinding", "photos")
    done = abandoned.release()
    assert (2, "") == (done.exit_code, done.stdout)
    assert f"DatasetBinding {abandoned.namespace}/photos" in done.stderr
    assert "if that is meant, say --yes" in done.stderr
    assert [FINALIZER] == abandoned.finalizers("DatasetBinding", "photos")


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_asks(abandoned: Abandoned, answer: str, status: int) -> None:
    """And goes by the answer."""
    abandoned.put("DatasetBinding", "photos")
    abandoned.delete("DatasetBinding", "photos")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "controller.cli", "release", "--namespace", abandoned.namespace]
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"KUBECONFIG": str(abandoned.kubectl.kubeconfig)},
    ) as process:
        os.write(ours, f"{answer}\n".encode())
        _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert status == process.returncode, said
    assert b"Go on?" in said
    assert (answer == "n") == bool(abandoned.finalizers("DatasetBinding", "photos"))


class TestWhileAnOperatorWorks:
    """Whoever works can do this better; only that a Lease goes on says that somebody does."""

    @pytest.fixture(autouse=True)
    def deleted(self, abandoned: Abandoned) -> None:
        """Something to let go of."""
        abandoned.put("DatasetBinding", "photos")
        abandoned.delete("DatasetBinding", "photos")

    def test_it_is_left_to_the_operator(self, abandoned: Abandoned) -> None:
        """In words that name the Lease and both ways on."""
        with renewed(abandoned, "media-team-imm"):
            done = abandoned.release("--yes")
        assert (2, "") == (done.exit_code, done.stdout)
        place = f"{abandoned.namespace}/media-team-imm"
        assert f"it renews the Lease {place}" in done.stderr
        assert "imm-operator.dev/detach=true" in done.stderr
        assert f"--besides {place}" in done.stderr
        assert [FINALIZER] == abandoned.finalizers("DatasetBinding", "photos")

    def test_one_that_serves_other_objects_is_none_of_its_business(self, abandoned: Abandoned) -> None:
        """If a person says so of this very Lease."""
        with renewed(abandoned, "other"):
            assert 2 == abandoned.release("--yes", "--besides=elsewhere/other").exit_code
            assert 0 == abandoned.release("--yes", f"--besides={abandoned.namespace}/other").exit_code
        assert abandoned.finalizers("DatasetBinding", "photos") is None

    def test_a_holder_that_died_is_waited_for_and_no_longer(self, abandoned: Abandoned) -> None:
        """Until it would have given up by itself: 0.7 of the Lease's time."""
        abandoned.lease("imm-operator", leaseDurationSeconds=5)
        began = time.monotonic()
        done = abandoned.release("--yes")
        assert 3.5 <= time.monotonic() - began < 20
        assert (0, "a Lease has a holder: looking for up to 4 s whether it still renews it\n") == (
            done.exit_code, done.stderr,
        )  # fmt: skip
        assert abandoned.finalizers("DatasetBinding", "photos") is None

    def test_a_lease_that_was_given_back_or_is_not_ours_delays_nothing(self, abandoned: Abandoned) -> None:
        """As after `kubectl delete deployment`; others' Leases are told by who wrote them."""
        abandoned.lease("imm-operator", holderIdentity="", leaseDurationSeconds=1)
        words = ("create", f"--namespace={abandoned.namespace}", "--filename=-")
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "imm-operator-like"}}
        abandoned.kubectl(*words, text=json.dumps(body | {"spec": {"holderIdentity": "x", "leaseDurationSeconds": 20}}))
        done = abandoned.release("--yes")
        assert (0, "") == (done.exit_code, done.stderr)


@contextmanager
def renewed(abandoned: Abandoned, name: str) -> Iterator[None]:
    """While this lasts, somebody holds the Lease and renews it."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.3):
            abandoned.lease(name, renewTime=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    abandoned.lease(name)
    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_an_object_that_this_version_cannot_read_is_let_go_of_too(abandoned: Abandoned) -> None:
    """A newer operator wrote it, or an older one; the definition here has no say in what is stored."""
    kubectl = abandoned.kubectl
    crd = "crd/datasetbindings.imm-operator.dev"
    schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/deletionPolicy"
    was = json.loads(kubectl("get", crd, "--output=json"))["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    policy = was["properties"]["spec"]["properties"]["deletionPolicy"]
    wider = policy | {"enum": [*policy["enum"], "Archive"]}
    kubectl("patch", crd, "--type=json", f"--patch={json.dumps([{'op': 'replace', 'path': schema, 'value': wider}])}")
    try:
        put_when_served(abandoned)
        abandoned.delete("DatasetBinding", "newer")
        done = abandoned.release("--yes")
        assert 0 == done.exit_code
        assert "this version cannot read it" in done.stdout
        assert abandoned.finalizers("DatasetBinding", "newer") is None
    finally:
        narrow = json.dumps([{"op": "replace", "path": schema, "value": policy}])
        kubectl("patch", crd, "--type=json", f"--patch={narrow}")


def put_when_served(abandoned: Abandoned) -> None:
    """The API server takes a changed definition up in its own time."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return abandoned.put("DatasetBinding", "newer", spec={"deletionPolicy": "Archive"})
        except ProgramError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.parametrize(
    ("kubeconfig", "words"),
    [
        ("", "no cluster: set KUBECONFIG"),
        ("clusters: [", "the kubeconfig cannot be read"),
        ("DEAD", "the API server does not answer"),
    ],
)
def test_without_a_cluster_it_says_so(tmp_path: Path, kubeconfig: str, words: str) -> None:
    """No traceback."""
    file = tmp_path / "config"
    text = json.dumps({
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "x", "user": {}}],
    }) if kubeconfig == "DEAD" else kubeconfig  # fmt: skip
    if text:
        file.write_text(text)
    env = {"KUBECONFIG": str(file) if text else "", "HOME": str(tmp_path)}
    done = CliRunner().invoke(main, ["release", "--yes"], env=env)
    assert 2 == done.exit_code
    assert words in done.stderr

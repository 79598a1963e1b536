"""What a real operator writes down: one JSON object a line, each pass with its object, each submit with its request."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.apiserver.cluster import Cluster
from sandbox.kubectl import Kubectl
from tests.integration.conftest import POLLS
from tests.integration.replicas import ENDED, log_of, process_of
from tests.integration.world import World, opened

PLANTED = "planted-secret-9c41f7"
SETTINGS = {
    **dict.fromkeys(POLLS, "0.3"),
    "IMM_OPERATOR_LOG_FORMAT": "json",
    "IMM_OPERATOR_VERBOSE": "true",
    "IMM_OPERATOR_STS_CA_FILE": "",
    "IMM_OPERATOR_WORKERS": "5",
}


@pytest.fixture(scope="module")
def world(cluster: Cluster, installed: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An operator that writes JSON and all it can, after it made a binding and met a wrong key."""
    with opened(cluster, installed, tmp_path_factory.mktemp("logs"), SETTINGS) as made:
        made.account()
        made.dataset("photos")
        made.await_ready("dataset", "photos")
        made.bucket("logged-bucket")
        made.binding("logged", "logged-bucket", "photos")
        made.await_ready("datasetbinding", "logged")
        made.secret("planted", accessKeyId=made.user.key.access_key_id, accessKeySecret=PLANTED)
        made.account("wrong", credentials={"secretRef": {"name": "planted"}})
        made.await_reason("cloudaccount", "wrong", "CredentialsRejected")
        yield made


def lines(world: World) -> list[dict[str, Any]]:
    """Every line of the operator so far; one that is no JSON object fails."""
    found = log_of(world).rpartition("\n")[0].split("\n")  # the last line may be written at this moment
    return [dict(json.loads(line)) for line in (found[:-1] if re.search(ENDED, found[-1]) else found)]


def about(world: World, kind: str, name: str) -> list[dict[str, Any]]:
    """The lines about an object."""
    wanted = {"kind": kind, "namespace": world.namespace, "name": name}
    return [line for line in lines(world) if line.get("object") == wanted]


def test_every_line_is_an_object_with_time_level_logger_and_message(world: World) -> None:
    """RFC 3339 in UTC, to the millisecond."""
    for line in lines(world):
        assert {"time", "level", "logger", "message"} <= line.keys(), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert timedelta() == datetime.fromisoformat(line["time"]).utcoffset()
        assert line["level"] in {"debug", "info", "warning", "error", "critical"}


def test_the_first_line_says_what_runs_here_and_how_it_is_set(world: World) -> None:
    """Defaults are left out."""
    first = lines(world)[0]
    assert "controller.runtime.announcement" == first["logger"]
    assert ("0.1.0", "", [world.namespace]) == (first["version"], first["shard"], first["namespaces"])
    changed = first["changedSettings"]
    assert (5, True, world.namespace) == (changed["workers"], changed["verbose"], changed["lease_name"])
    assert "edit_workers" not in changed
    assert "imm-operator 0.1.0 starts" in first["message"]


def test_every_line_of_a_pass_has_its_object_and_generation(world: World) -> None:
    """Lines of other threads too: whatever speaks from under a pass says whose pass it was."""
    from_passes = [line for line in lines(world) if line["logger"].startswith("controller.reconcile")]
    assert from_passes
    for line in from_passes:
        assert world.namespace == line["object"]["namespace"], line
        assert line["generation"] >= 1, line
    calls = [line for line in lines(world) if line["logger"] == "controller.cloud.trace"]
    kinds = {line["object"]["kind"] for line in calls if "object" in line}
    assert {"CloudAccount", "Dataset", "DatasetBinding"} <= kinds


def test_a_submit_has_the_request_id_that_the_cloud_gave_it(world: World) -> None:
    """The one that support asks for."""
    (submitted,) = world.cloud.requests("imm", "CreateBinding")
    told = [line for line in about(world, "DatasetBinding", "logged") if line.get("operation") == "imm:CreateBinding"]
    assert {"info", "debug"} == {line["level"] for line in told}
    assert {submitted["request_id"]} == {line["requestId"] for line in told}


def test_a_failed_call_has_its_operation_its_error_and_its_request_id(world: World) -> None:
    """By fields, not only in words."""
    failed = [line for line in about(world, "CloudAccount", "wrong") if line["level"] == "warning"]
    assert failed
    asked = {entry["request_id"] for entry in world.cloud.requests("sts", "GetCallerIdentity")}
    assert ("BadCredentials", "sts:GetCallerIdentity") == (failed[0]["error"], failed[0]["operation"])
    assert "SignatureDoesNotMatch" == failed[0]["code"]
    assert failed[0]["requestId"] in asked


def test_no_secret_is_in_the_most_talkative_log(world: World) -> None:
    """Neither the key that works nor the one that does not, nor the token of the service account."""
    text = log_of(world)
    token = (world.directory / "operator.kubeconfig").read_text().split('"token": "')[-1].split('"')[0]
    assert len(token) > 100
    for secret in (PLANTED, world.user.key.access_key_secret, token):
        assert secret not in text


def test_the_end_is_told_in_the_same_format(world: World) -> None:
    """SIGTERM: no line of the end is plain text."""
    os.kill(process_of(world), signal.SIGTERM)
    world.until(
        "the operator to end", lambda: world.operator is not None and world.operator.service.process.poll() is not None
    )
    assert any("released the lease" in line["message"] for line in lines(world))

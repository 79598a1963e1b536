"""A real operator and a real collector: what arrives over OTLP when the standard variables ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sandbox.apiserver.cluster import Cluster
from sandbox.kubectl import Kubectl
from tests.integration.collector import Collector
from tests.integration.conftest import POLLS
from tests.integration.replicas import log_of
from tests.integration.world import World, opened

PLANTED = "planted-secret-3b7d"


def attributes(span: Span) -> dict[str, object]:
    """As plain values."""
    found = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        found[one.key] = getattr(one.value, kind) if kind else None
    return found


@pytest.fixture(scope="module")
def collected(
    cluster: Cluster, installed: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Collector]]:
    """An operator that made a binding, met a wrong key, and ended."""
    with Collector().running() as collector:
        settings = {
            **dict.fromkeys(POLLS, "0.3"),
            **collector.settings,
            "IMM_OPERATOR_LOG_FORMAT": "json",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
            "OTEL_BSP_SCHEDULE_DELAY": "60000",  # so what arrives was sent at the end
        }
        with opened(cluster, installed, tmp_path_factory.mktemp("traces"), settings) as made:
            made.account()
            made.dataset("photos")
            made.await_ready("dataset", "photos")
            made.bucket("traced-bucket")
            made.binding("traced", "traced-bucket", "photos")
            made.await_ready("datasetbinding", "traced")
            made.secret("planted", accessKeyId=made.user.key.access_key_id, accessKeySecret=PLANTED)
            made.account("wrong", credentials={"secretRef": {"name": "planted"}})
            made.await_reason("cloudaccount", "wrong", "CredentialsRejected")
            made.stop()
            yield made, collector


def test_a_pass_is_a_span_with_its_object_and_its_result(collected: tuple[World, Collector]) -> None:
    """The resource says who we are; what the user sets in the standard variables stands beside it."""
    world, collector = collected
    found = [attributes(span) for span in collector.named("pass:DatasetBinding")]
    assert found
    assert {("DatasetBinding", world.namespace, "traced", 1)} == {
        (one["k8s.object.kind"], one["k8s.namespace.name"], one["k8s.object.name"], one["imm_operator.generation"])
        for one in found
    }
    assert {one["imm_operator.result"] for one in found} <= {"success", "requeue", "requeue_after"}
    assert ("imm-operator", "0.1.0", "test") == tuple(
        collector.resource[name] for name in ("service.name", "service.version", "deployment.environment")
    )


def test_a_call_is_part_of_its_pass_with_the_clouds_request_id(collected: tuple[World, Collector]) -> None:
    """Made in a thread of the pool, it still has the pass in the event loop for its parent."""
    world, collector = collected
    (submit,) = collector.named("imm:CreateBinding")
    (asked,) = world.cloud.requests("imm", "CreateBinding")
    told = attributes(submit)
    assert ("imm", "CreateBinding", world.cloud.region, "ok") == tuple(
        told[name] for name in ("rpc.service", "rpc.method", "cloud.region", "imm_operator.outcome")
    )
    assert asked["request_id"] == told["aliyun.request_id"]
    waited = told["imm_operator.limiter.waited_seconds"]
    assert isinstance(waited, float)
    assert 0 <= waited < 5
    whole = {span.span_id: span for span in collector.named("pass:DatasetBinding")}
    assert whole[submit.parent_span_id].trace_id == submit.trace_id


def test_a_write_to_kubernetes_is_part_of_its_pass(collected: tuple[World, Collector]) -> None:
    """From the worker's thread back into the event loop; the Lease and reads have no spans."""
    world, collector = collected
    passes = {span.span_id: span for span in collector.named("pass:DatasetBinding")}
    path = f"/apis/imm-operator.dev/v1alpha1/namespaces/{world.namespace}/datasetbindings/traced"
    writes = [span for span in collector.spans if str(attributes(span).get("url.path", "")).startswith(path)]
    assert ["kubernetes:PATCH", "kubernetes:PUT", "kubernetes:PUT"] == sorted(span.name for span in writes)[:3]
    assert all(200 == attributes(span)["http.response.status_code"] for span in writes)
    assert all(passes[span.parent_span_id].trace_id == span.trace_id for span in writes)
    paths = {str(attributes(span)["url.path"]) for span in collector.spans if span.name.startswith("kubernetes:")}
    assert not [one for one in paths if "/leases" in one]


def test_a_refused_call_is_an_error_and_no_secret_is_told(collected: tuple[World, Collector]) -> None:
    """Neither key's."""
    world, collector = collected
    refused = [
        span for span in collector.named("sts:GetCallerIdentity") if span.status.code == Status.STATUS_CODE_ERROR
    ]
    assert {"BadCredentials"} == {attributes(span)["error.type"] for span in refused}
    everything = collector.text()
    assert PLANTED not in everything
    assert world.user.key.access_key_secret not in everything


def test_a_log_line_has_the_trace_it_belongs_to(collected: tuple[World, Collector]) -> None:
    """So that one leads to the other."""
    world, collector = collected
    (submit,) = collector.named("imm:CreateBinding")
    lines = [json.loads(line) for line in log_of(world).splitlines()]
    (told,) = [line for line in lines if line.get("operation") == "imm:CreateBinding"]
    assert submit.trace_id.hex() == told["trace_id"]


def test_a_collector_that_does_not_answer_holds_up_nobody(
    cluster: Cluster, installed: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Neither a pass nor the end."""
    settings = dict.fromkeys(POLLS, "0.3") | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with opened(cluster, installed, tmp_path_factory.mktemp("untaken"), settings) as made:
        made.account()
        made.dataset("photos")
        made.await_ready("dataset", "photos")
        assert made.operator is not None
        process = made.operator.service.process
        made.stop()
        assert 0 == process.returncode
        assert "released the lease" in log_of(made), "it ended in order, and nobody had to end it"

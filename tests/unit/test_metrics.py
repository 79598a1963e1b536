"""What Prometheus reads of passes, queue, API server and cloud, in the words of those whose names it uses."""

from __future__ import annotations

import json
import logging
import re
import socket
from pathlib import Path

import aiohttp
import kopf
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from controller.cloud.errors import Throttled
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import CALL_TIMEOUT
from controller.cloud.trace import CallCounts
from controller.core.lease import Terms
from controller.core.reasons import Reason
from controller.reconcile import departures
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.cloud_metrics import CloudMetrics
from controller.runtime.connection import connect
from controller.runtime.health import Figures
from controller.runtime.health_metrics import HealthMetrics
from controller.runtime.kube import Kube
from controller.runtime.leadership import Leadership
from controller.runtime.metrics import Metrics
from controller.runtime.queue import WorkQueue
from controller.runtime.queue_figures import BUCKETS, QueueFigures
from controller.runtime.rest_client import RestClientFigures, requests
from controller.runtime.store import Store
from controller.runtime.watches import WatchAges, Watches
from tests.unit.operator_doubles import Clock, World

A, B = (Key("Dataset", "team", name) for name in "ab")
OF = 'controller="dataset",name="dataset"'


def values(text: bytes) -> dict[str, float]:
    """Series and their values."""
    return {
        series: float(value)
        for series, _, value in (line.rpartition(" ") for line in text.decode().splitlines())
        if not series.startswith("#")
    }


def served(collector: Collector) -> dict[str, float]:
    """Those of one part."""
    registry = CollectorRegistry()
    registry.register(collector)
    return values(generate_latest(registry))


class Room:
    """What a process has metrics of."""

    def __init__(self) -> None:
        self.store, self.queue, self.limiters = Store(Clock()), WorkQueue(), Limiters()
        self.leadership = Leadership(Kube(), namespace="", name="test", terms=Terms(20, CALL_TIMEOUT), identity="me")
        self.metrics = Metrics(self.queue, self.limiters, self.leadership, self.store, workers=16, revision="abc")

    def read(self) -> dict[str, float]:
        """As Prometheus does."""
        return values(self.metrics.render())


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_queue_tells_how_long_keys_wait_and_run() -> None:
    """As client-go does: what waits already is not added again, and what is asked for while it runs waits from then."""
    clock = Seconds()
    figures = QueueFigures(clock)
    figures.serve()
    for key in (A, A, B):
        figures.added(key)
    clock.now += 2
    figures.taken(A)
    clock.now += 3
    figures.added(A)
    figures.taken(B)
    clock.now += 4
    found = served(figures)
    assert 3 == found[f"workqueue_adds_total{{{OF}}}"]
    assert 2 + 5 == found[f"workqueue_queue_duration_seconds_sum{{{OF}}}"]
    assert (7 + 4, 7) == (
        found[f"workqueue_unfinished_work_seconds{{{OF}}}"],
        found[f"workqueue_longest_running_processor_seconds{{{OF}}}"],
    )
    figures.done(A)
    figures.taken(A)
    found = served(figures)
    assert 2 + 5 + 4 == found[f"workqueue_queue_duration_seconds_sum{{{OF}}}"]
    assert (1, 7) == (
        found[f"workqueue_work_duration_seconds_count{{{OF}}}"],
        found[f"workqueue_work_duration_seconds_sum{{{OF}}}"],
    )
    assert 4 == found[f"workqueue_unfinished_work_seconds{{{OF}}}"]


async def test_the_queue_keeps_its_figures_at_each_turn() -> None:
    """Adds, delays, depth by priority, work under way, and nothing of what is dropped."""
    room = Room()
    room.queue.add(A, Lane.RESYNC)
    room.queue.add(A, Lane.RESYNC)
    room.queue.add(B, Lane.EDIT)
    room.queue.add(Key("CloudAccount", "team", "c"), Lane.EDIT, 60.0)
    await room.queue.get()
    found = room.read()
    assert (0, 1) == tuple(found[f'workqueue_depth{{{OF},priority="{one}"}}'] for one in ("0", "-100"))
    assert 2 == found[f"workqueue_adds_total{{{OF}}}"]
    assert 1 == found['controller_runtime_active_workers{controller="dataset"}']
    assert 16 == found['controller_runtime_max_concurrent_reconciles{controller="dataset"}']
    assert 1 == found['workqueue_retries_total{controller="cloudaccount",name="cloudaccount"}']
    room.queue.done(B)
    room.queue.forget(A)
    room.queue.add(A, Lane.EDIT)
    found = room.read()
    assert 3 == found[f"workqueue_adds_total{{{OF}}}"]
    assert 1 == found[f"workqueue_work_duration_seconds_count{{{OF}}}"]
    assert 0 == found['controller_runtime_active_workers{controller="dataset"}']


async def test_a_standby_has_no_backlog() -> None:
    """Its queue fills up and nobody serves it, which is as it should be; a new leader's objects wait from then on."""
    clock = Seconds()
    room = Room()
    room.queue.figures = QueueFigures(clock)
    metrics = Metrics(room.queue, room.limiters, room.leadership, room.store)
    for number in range(500):
        room.queue.add(Key("Dataset", "team", f"photos-{number}"), Lane.RESYNC)
    standing_by = values(metrics.render())
    depth, waited = f'workqueue_depth{{{OF},priority="-100"}}', f"workqueue_queue_duration_seconds_sum{{{OF}}}"
    assert (0, 0) == (standing_by[depth], standing_by[f"workqueue_adds_total{{{OF}}}"])
    clock.now += 86400
    await room.queue.get()
    leading = values(metrics.render())
    assert (499, 500, 0) == (leading[depth], leading[f"workqueue_adds_total{{{OF}}}"], leading[waited])


def test_passes_are_counted_as_controller_runtime_does() -> None:
    """Each result is there from the beginning, so that the first error is an increase."""
    room = Room()
    before = room.read()
    for kind in KINDS:
        for result in ("success", "requeue_after", "requeue", "error"):
            series = f'controller_runtime_reconcile_total{{controller="{kind.lower()}",result="{result}"}}'
            assert 0 == before[series]
        for name in ("reconcile_errors_total", "reconcile_panics_total", "reconcile_time_seconds_count"):
            assert 0 == before[f'controller_runtime_{name}{{controller="{kind.lower()}"}}']
    room.metrics.reconciled("Dataset", "error", 0.3)
    room.metrics.broke("Dataset")
    room.metrics.reconciled("Dataset", "success", 0.3)
    after = room.read()
    of = 'controller="dataset"'
    assert (1, 1, 2) == (
        after[f"controller_runtime_reconcile_errors_total{{{of}}}"],
        after[f"controller_runtime_reconcile_panics_total{{{of}}}"],
        after[f"controller_runtime_reconcile_time_seconds_count{{{of}}}"],
    )
    assert 2 == after['controller_runtime_reconcile_time_seconds_bucket{controller="dataset",le="0.3"}']


UPSTREAM = {  # controller-runtime v0.24: pkg/internal/controller/metrics, pkg/internal/metrics, pkg/metrics
    "controller_runtime_reconcile": ("counter", {"controller", "result"}),
    "controller_runtime_reconcile_errors": ("counter", {"controller"}),
    "controller_runtime_reconcile_panics": ("counter", {"controller"}),
    "controller_runtime_reconcile_time_seconds": ("histogram", {"controller"}),
    "controller_runtime_max_concurrent_reconciles": ("gauge", {"controller"}),
    "controller_runtime_active_workers": ("gauge", {"controller"}),
    "workqueue_depth": ("gauge", {"name", "controller", "priority"}),
    "workqueue_adds": ("counter", {"name", "controller"}),
    "workqueue_queue_duration_seconds": ("histogram", {"name", "controller"}),
    "workqueue_work_duration_seconds": ("histogram", {"name", "controller"}),
    "workqueue_unfinished_work_seconds": ("gauge", {"name", "controller"}),
    "workqueue_longest_running_processor_seconds": ("gauge", {"name", "controller"}),
    "workqueue_retries": ("counter", {"name", "controller"}),
    "rest_client_requests": ("counter", {"code", "method", "host"}),
    "leader_election_master_status": ("gauge", {"name"}),
}


async def test_names_that_others_gave_have_their_type_and_labels() -> None:
    """And no name that looks like theirs is of our own making."""
    room = Room()
    found = {}
    for family in text_string_to_metric_families(room.metrics.render().decode()):
        if re.match("controller_runtime|workqueue|rest_client|leader_election", family.name):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            found[family.name] = family.type, labels or UPSTREAM[family.name][1]
    assert UPSTREAM == found
    assert [1e-8, 1e3] == [BUCKETS[0], BUCKETS[-1]]


async def test_requests_to_the_api_server_are_counted_by_their_answer() -> None:
    """By the session itself, so whoever uses it; one that nobody answers, too."""
    figures = RestClientFigures()
    app = web.Application()
    app.add_routes([web.get("/there", _fine)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    with socket.socket() as silent:  # its port is taken, and nobody listens there
        silent.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{silent.getsockname()[1]}"
        async with aiohttp.ClientSession(trace_configs=[figures.tracing()]) as session:
            for path in ("there", "there", "nowhere"):
                async with session.get(f"http://{host}/{path}"):
                    pass
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://{nobody}/there")
    await runner.cleanup()
    counts = {("200", host): 2, ("404", host): 1, ("<error>", nobody): 1}
    wanted = {
        f'rest_client_requests_total{{code="{code}",host="{whose}",method="GET"}}': count
        for (code, whose), count in counts.items()
    }
    assert wanted == served(figures)


async def test_kopf_and_the_operator_share_a_session_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Kopf's watches are seen, too."""
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {"token": "planted"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    series = 'rest_client_requests_total{code="<error>",host="127.0.0.1:9",method="GET"}'
    before = served(requests).get(series, 0)
    watches = Watches((), 60.0, Seconds())
    session = connect(kopf.OperatorSettings(), logging.getLogger(__name__), watches).aiohttp_session
    with pytest.raises(aiohttp.ClientError):
        await session.get("http://127.0.0.1:9/version")
    await session.close()
    assert before + 1 == served(requests)[series]


async def _fine(_request: web.Request) -> web.Response:
    return web.Response()


def test_cloud_calls_tell_their_outcome_and_their_time() -> None:
    """The buckets are cumulative, and there are no more of them than bounds."""
    calls = CallCounts()
    calls.add("imm:ListBindings", "ok", 0.2)
    calls.add("imm:ListBindings", "ok", 0.3)
    calls.add("imm:ListBindings", "Throttled", 60.0)
    found = served(CloudMetrics(Limiters(), calls))
    of = 'operation="ListBindings",service="imm"'
    name = "imm_operator_cloud_api_request_duration_seconds"
    assert 2 == found['imm_operator_cloud_api_requests_total{operation="ListBindings",outcome="ok",service="imm"}']
    bounds = {"0.1": 0, "0.25": 1, "0.5": 2, "30.0": 2, "+Inf": 3}
    told = {le: found[f'{name}_bucket{{le="{le}",{of}}}'] for le in bounds}
    assert bounds == told
    assert (3, 60.5) == (found[f"{name}_count{{{of}}}"], found[f"{name}_sum{{{of}}}"])


def test_a_limiter_tells_its_rate_its_refusals_and_its_last_success() -> None:
    """By scope; the last success by account, whatever the project."""
    limiters = Limiters()
    first, second = (limiters.get("imm", "12345", "cn-hangzhou", name, rate=8, burst=8) for name in ("one", "two"))
    with first.slot(Lane.EDIT):
        pass
    with pytest.raises(Throttled), second.slot(Lane.EDIT):
        raise Throttled("imm:ListBindings", "slower")
    found = served(CloudMetrics(limiters, CallCounts()))
    of = 'scope="imm/12345/cn-hangzhou/two"'
    assert (1, 4, 0) == tuple(
        found[f"imm_operator_rate_limiter_{name}{{{of}}}"] for name in ("throttled_total", "rate", "waiting")
    )
    last = found['imm_operator_cloud_last_success_timestamp_seconds{account="12345",service="imm"}']
    assert first.succeeded_at is not None
    assert pytest.approx(first.succeeded_at) == last
    assert second.succeeded_at is None


def test_watches_tell_how_long_ago_they_were_heard() -> None:
    """Before the first LIST there is no age of it."""
    ages = [WatchAges("Dataset", "team", 3.0, 60.0)]
    found = served(HealthMetrics(lambda: Figures(0.25, None, ages)))
    of = 'kind="Dataset",watched="team"'
    wanted = {
        "event_loop_lag_seconds": 0.25,
        f"watch_silence_seconds{{{of}}}": 3,
        f"watch_event_age_seconds{{{of}}}": 60,
    }
    assert {f"imm_operator_{name}": value for name, value in wanted.items()} == found
    assert 9 == served(HealthMetrics(lambda: Figures(0, 9.0, ())))["imm_operator_relist_age_seconds"]


async def test_what_was_released_is_there_before_it_happens() -> None:
    """A counter that begins at one has no increase, and an alert would miss the first."""
    found = Room().read()
    for kind in KINDS:
        for reason in departures.LEFT_BEHIND:
            assert f'imm_operator_retained_total{{kind="{kind}",reason="{reason.value}"}}' in found


async def test_a_thousand_objects_have_no_more_series_than_ten() -> None:
    """Whatever they are called, wherever they are, and whatever an older or newer version wrote into their status."""
    room, world = Room(), World()
    bodies = []
    for number in range(1000):
        key = world.binding(name=f"photos-{number}")
        found = world.cluster.read(key)
        reason = Reason.SUCCEEDED if number % 2 else f"Word{number}"
        ready = {"type": "Ready", "status": "False", "reason": reason, "lastTransitionTime": "2026-08-01T12:00:00Z"}
        bodies.append(found.model_copy(update={"status": type(found.status).model_validate({"conditions": [ready]})}))
    counts = []
    for some in (bodies[:10], bodies[10:]):
        for target in some:
            room.store.put(target)
            key = Key("DatasetBinding", target.metadata.namespace, target.metadata.name)
            room.queue.add(key, Lane.RESYNC)
            room.metrics.reconciled(key.kind, "success", 0.1)
        counts.append({series for series in room.read() if not series.startswith("process_")})
    assert counts[0] == counts[1]
    assert not [series for series in counts[1] if "photos" in series or 'namespace="' in series]
    found_objects = {
        series: value for series, value in room.read().items() if series.startswith("imm_operator_objects")
    }
    of = 'imm_operator_objects{kind="DatasetBinding",ready="False",reason='
    assert {f'{of}"Succeeded"}}': 500, f'{of}"other"}}': 500} == found_objects

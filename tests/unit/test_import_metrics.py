"""What Prometheus reads of imports and queues, and that the page has every metric that is served."""

from __future__ import annotations

import re
from array import array
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from controller.api.batchimport import OnExisting
from controller.cloud.errors import Throttled
from controller.core.facts import QueueFacts
from controller.core.imports.documents import RunRecord
from controller.core.imports.records import Chunk, Means, Planned, Verdicts
from controller.core.imports.run import RunState
from controller.reconcile.imports.journal import Journal
from controller.reconcile.imports.parts import FILES, Parts
from controller.reconcile.imports.runs import Run, Runs
from controller.reconcile.imports.tallies import Tallies
from controller.runtime.engine import Engine
from controller.runtime.import_metrics import ImportMetrics
from controller.runtime.settings import Settings
from controller.runtime.traffic import Traffic
from tests.unit.operator_doubles import START, Clock, Cloud

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
QUEUE = "1234567890123456/cn-hangzhou/results"


class Registered(Runs):
    """Runs that a test puts in by hand."""

    def __init__(self, *runs: Run) -> None:
        super().__init__()
        self.loaded = list(runs)

    def active(self) -> list[Run]:
        """Those."""
        return self.loaded


def made_run(name: str) -> Run:
    """Four files, of which three were sent in one call; one is done, one has failed."""
    record = RunRecord(
        cluster="c", namespace="team", name=name, work="w", account_id="1", region="cn-hangzhou", project="media",
        dataset="pictures", on_existing=OnExisting.REINDEX, items=4, skipped=0, digest="d", nonce="n", started_at=START,
    )  # fmt: skip
    state = RunState(array("Q", range(4)))
    state.apply(Planned(START, (Chunk(0, Means.INDEX, ((0, 3),)),)))
    state.apply(Verdicts(0, START, "message", ((0, 1),), ((1, "[InvalidArgument]"),)))
    oss = Cloud(Clock())
    return Run("r", "work", record, state, Journal(oss, "work", "r", 1), Parts(oss, "work", "r", FILES))


def rendered(runs: Runs, traffic: Traffic, tallies: Tallies) -> list[str]:
    """The lines that have values, without what the registry adds."""
    registry = CollectorRegistry()
    registry.register(ImportMetrics(runs, traffic, tallies))
    text = generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_an_import_under_way_tells_how_far_it_is() -> None:
    """Every fate, so that the sum is the run; what it sent, and what it met."""
    tallies = Tallies()
    tallies.sent(("team", "photos"), 3)
    tallies.failed(("team", "photos"), Throttled("imm:BatchIndexFileMeta", "slower"))
    lines = rendered(Registered(made_run("photos")), Traffic(), tallies)
    of = 'name="photos",namespace="team"'
    for fate, count in {"unsent": 1, "sent": 1, "succeeded": 1, "failed": 1, "unknown": 0, "cancelled": 0}.items():
        assert f'imm_operator_import_items{{fate="{fate}",{of}}} {count}.0' in lines
    assert f"imm_operator_import_sent_items_total{{{of}}} 3.0" in lines
    assert f'imm_operator_import_errors_total{{{of},reason="Throttled"}} 1.0' in lines


def test_an_import_that_is_over_has_no_series() -> None:
    """Neither in the text nor in memory."""
    tallies = Tallies()
    tallies.sent(("team", "gone"), 3)
    tallies.failed(("team", "gone"), ValueError())
    assert [] == rendered(Registered(), Traffic(), tallies)
    assert ({}, {}) == (tallies.items(), tallies.errors())


def test_a_queue_tells_what_lies_in_it_and_what_became_of_its_messages() -> None:
    """The counts stay when nobody reads it any more; what was seen of it goes."""
    traffic = Traffic()
    traffic.saw(QUEUE, QueueFacts(waiting=7, in_work=2))
    traffic.lagged(QUEUE, 1.5)
    traffic.worked(QUEUE, "deleted", 5)
    told = {"deleted": 5.0, "left": 0.0, "over": 0.0, "set_aside": 0.0}
    counts = [f'imm_operator_messages_total{{disposition="{one}",queue="{QUEUE}"}} {n}' for one, n in told.items()]
    seen = [
        f'imm_operator_queue_backlog_messages{{queue="{QUEUE}",state="waiting"}} 7.0',
        f'imm_operator_queue_backlog_messages{{queue="{QUEUE}",state="in_work"}} 2.0',
        f'imm_operator_consumer_lag_seconds{{queue="{QUEUE}"}} 1.5',
    ]
    assert seen + counts == rendered(Registered(), traffic, Tallies())
    traffic.forget(QUEUE)
    assert counts == rendered(Registered(), traffic, Tallies())


async def test_every_metric_is_on_the_page() -> None:
    """And the page has none that is not served."""
    engine = Engine(Settings(lease_namespace="ns"))
    text = engine.metrics.render().decode()
    served = {name for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)}
    served = {name for name in served if not name.endswith("_created")}
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert served == told
    await engine.stop()

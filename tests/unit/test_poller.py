"""When a project is worth a look every few seconds: while the cloud is at work on one of its bindings, only then."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from controller.api.datasetbinding import DatasetBinding
from controller.cloud.errors import TimedOut
from controller.core.facts import BindingFacts, BucketFacts
from controller.runtime.poller import REFRESHING, Poller, is_told, spaced, under_way
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import Settings
from controller.runtime.store import Store
from tests.unit.operator_doubles import REGION, Clock, Cloud, World

READY = ("Ready", "True", "Succeeded")
CASES: list[tuple[str, list[tuple[str, str, str]], int, bool]] = [
    ("ready", [READY], 1, False),
    ("edited", [READY], 0, True),
    ("scanning", [("Reconciling", "True", "Indexing"), ("Ready", "False", "Indexing")], 1, True),
    ("confirming", [("Reconciling", "True", "Confirming"), ("Ready", "False", "Confirming")], 1, True),
    ("a-later-reason", [("Reconciling", "True", "Dreaming"), ("Ready", "False", "Dreaming")], 1, True),
    ("stopped", [("Stalled", "True", "BindingStopped"), ("Ready", "False", "BindingStopped")], 1, False),
    ("drifted", [("Stalled", "True", "DriftDetected"), ("Ready", "False", "DriftDetected")], 1, False),
    ("suspended", [("Ready", "Unknown", "Suspended"), ("Suspended", "True", "Suspended")], 1, False),
    ("waiting", [("Reconciling", "True", "DependencyNotReady"), ("Ready", "False", "DependencyNotReady")], 1, False),
    ("alone", [("Reconciling", "True", "DependencyNotFound"), ("Ready", "False", "DependencyNotFound")], 1, False),
    ("never-seen", [], -1, True),
]


@pytest.mark.parametrize(("conditions", "observed", "busy"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_what_stands_still_is_not_polled_for(
    conditions: list[tuple[str, str, str]], observed: int, *, busy: bool
) -> None:
    """One stopped binding must not have its project listed every five seconds for ever."""
    told = [
        {"type": kind, "status": truth, "reason": reason, "lastTransitionTime": "2026-08-01T12:00:00Z"}
        for kind, truth, reason in conditions
    ]
    spec: dict[str, Any] = {"accountRef": {"name": "a"}, "dataset": {"ref": "d"}, "bucket": "photos"}
    body = {
        "metadata": {"name": "b", "namespace": "team", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": observed, "conditions": told},
    }
    assert busy == under_way(DatasetBinding.read(body))


FOUND = BindingFacts("media", "d", "photos", "Running", "IncrementalScanning", "", "2026-08-01T12:00:00Z")
TOLD: dict[str, Any] = {"state": "Running", "phase": "IncrementalScanning"}


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (FOUND, TOLD, True),
        (FOUND, TOLD | {"state": "Ready"}, False),
        (FOUND, TOLD | {"observedGeneration": 0}, False),
        (FOUND, {}, False),
        (replace(FOUND, state="Failed", reason="no such bucket"), TOLD, False),
        (replace(FOUND, reason="x" * 600), TOLD | {"reason": "x" * 512}, True),
        (None, TOLD, False),
    ],
)
def test_what_a_status_says_already_is_no_news(
    found: BindingFacts | None, status: dict[str, Any], *, told: bool
) -> None:
    """At a start every binding is new in the first listing: thousands must not go ahead of a person's edit."""
    body = {
        "metadata": {"name": "b", "namespace": "team", "generation": 1},
        "spec": {"accountRef": {"name": "a"}, "dataset": {"ref": "d"}, "bucket": "photos"},
        "status": {"observedGeneration": 1} | status,
    }
    assert told == is_told(DatasetBinding.read(body), found)


@pytest.mark.parametrize(
    ("bindings", "rate", "seconds"), [(1, 80.0, 5.0), (1_000, 80.0, 5.0), (10_000, 80.0, 6.25), (10_000, 5.0, 100.0)]
)
def test_the_listings_of_a_large_project_leave_nine_tenths_of_its_rate(
    bindings: int, rate: float, seconds: float
) -> None:
    """Ten thousand bindings are fifty pages: at 80 calls a second they are listed eight times in fifty seconds."""
    assert seconds == spaced(5.0, bindings, rate)


class Slow(Cloud):
    """A cloud that does not answer for some projects until a test says so."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.hanging: set[str] = set()
        self.answer = threading.Event()
        self.listed: list[str] = []

    def list_bindings(self, project: str) -> list[BindingFacts]:
        """The pages of a project."""
        self.listed.append(project)
        if project in self.hanging:
            assert self.answer.wait(60)
            raise TimedOut("imm:ListBindings", "no answer")
        return super().list_bindings(project)


class Room:
    """A poller, and a project for each of some bindings that wait for their scan."""

    def __init__(self, pool: ThreadPoolExecutor, projects: tuple[str, ...]) -> None:
        self.world = World()
        self.cloud = self.world.cloud = Slow(self.world.clock)
        self.world.restart()
        self.world.sign_in()
        self.store, self.queue = Store(Clock()), WorkQueue()
        for number, project in enumerate(projects):
            self.cloud.projects.add(project)
            self.cloud.buckets[project] = BucketFacts(project, REGION, objects=1)
            key = self.world.binding(f"b-{number}", bucket=project, dataset={"project": project, "name": "pictures"})
            self.world.run(key)
            self.store.put(self.world.cluster.read(key))
        self.store.put(self.world.cluster.read(self.world.account))
        self.cloud.listed.clear()
        self.poller = Poller(
            store=self.store,
            queue=self.queue,
            sessions=self.world.context.sessions,
            snapshots=self.world.context.snapshots,
            clouds=self.cloud,
            now=self.world.clock,
            pool=pool,
            settings=Settings(),
        )


async def test_projects_that_do_not_answer_hold_up_no_other() -> None:
    """They are waited for side by side, and asked for more seldom afterwards."""
    projects = tuple(f"project-{number}" for number in range(8))
    with ThreadPoolExecutor(REFRESHING) as pool:
        room = Room(pool, projects)
        room.world.clock.advance(60)
        room.cloud.hanging = set(projects[: REFRESHING - 1])
        polling = asyncio.create_task(room.poller.poll())
        async with asyncio.timeout(60):
            while set(room.cloud.listed) != set(projects):  # noqa: ASYNC110 - a thread's state has no event
                await asyncio.sleep(0.01)
        assert not polling.done()
        room.cloud.answer.set()
        await polling
        assert sorted(projects) == sorted(room.cloud.listed)


@pytest.mark.parametrize(("age", "listed"), [(4, []), (5, ["docs", "media"])])
async def test_what_a_pass_listed_just_now_is_not_listed_again(age: float, listed: list[str]) -> None:
    """A start lists each project once: whoever looks first does it, and the poller tells whom that concerns."""
    with ThreadPoolExecutor(REFRESHING) as pool:
        room = Room(pool, ("media", "docs"))
        room.cloud.set_state("docs", "Running", "FullScanning")
        room.world.clock.advance(1)
        snapshots = room.world.context.snapshots
        for scope in snapshots.scopes():
            snapshots.read(scope, room.cloud, not_before=room.world.clock())
        room.cloud.listed.clear()
        room.world.clock.advance(age)
        await room.poller.poll()
        assert listed == sorted(room.cloud.listed)
        assert 1 == len(room.queue)

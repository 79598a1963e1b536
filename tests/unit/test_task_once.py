"""Exactly once: the job against a cloud that loses answers and tells late, and an operator that is killed anywhere.

The journal is folded by the real state, decisions are the real ones; only calls and lists are played here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.batchimport import BatchImportSpec, Phase
from controller.core.facts import TaskFacts
from controller.core.imports import job, records
from controller.core.imports.fates import Fate
from controller.core.imports.job import BeginRetry, CancelRest, Conclude, ObservedImport, ObservedRun, Step
from controller.core.imports.observed import ManifestState, ObservedTask
from controller.core.imports.records import (
    Answered,
    Attempt,
    Cancelled,
    Paused,
    Planned,
    Record,
    Resumed,
    Turned,
    Unknowable,
    Uploaded,
    Verdicts,
)
from controller.core.imports.run import RunState
from controller.core.imports.steps import (
    LookForTask,
    Pause,
    Resume,
    SubmitTask,
    TakeResult,
    TurnTask,
    UploadManifest,
)
from controller.core.imports.taskreport import NoReport, judge, read_report
from controller.core.imports.tasks import TaskState, candidates, state_of
from controller.core.manifest.lines import Line
from tests.unit.job_table import READY, RUN
from tests.unit.test_task_job import CONTENT, spec

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT = timedelta(seconds=15)
SIZE = 6
FOREIGN = 900  # ids of tasks that somebody made in the console


class Killed(Exception):
    """The operator's process ends."""


@dataclass
class World:
    """A run, the cloud, and the process that works on it.

    Attributes:
        journal: What is stored.
        tasks: What the cloud made, each with when its list shows it.
        made: For each effect of a submit of ours: which attempt it was.
        looked, look_at: In the process's memory only.
    """

    now: datetime = BEGAN
    journal: list[Record] = field(default_factory=list)
    tasks: list[tuple[TaskFacts, datetime]] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    phase: Phase | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    manifest: bool = False
    concluded: Any = None
    looked: int = 0
    look_at: datetime | None = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What the next process reads."""
        self.state = RunState(array("Q", range(SIZE)))
        for record in records.decode(records.encode(self.journal)):
            self.state.apply(record)
        self.looked, self.look_at = 0, None

    def note(self, *told: Record) -> None:
        """Store, then fold."""
        self.journal += told
        for record in told:
            self.state.apply(record)

    def listed(self) -> list[TaskFacts]:
        """Every task, as far as the list has it."""
        return [task for task, shown_at in self.tasks if shown_at <= self.now]

    def observe(self) -> ObservedImport:
        """What the pass would find."""
        state = self.state
        ours = next((one for one in self.listed() if one.id == state.task), None)
        run = ObservedRun(
            totals=state.totals(), unsent=state.count(Fate.UNSENT), sent=state.count(Fate.SENT), lost=(), overdue=(),
            next_due=None, started_at=BEGAN, cancelled=state.cancelled, token=state.token,
            concluded=self.concluded == (state.totals(), state.token), holder="", unknowable=state.unknowable,
            paused=state.paused_since is not None, paused_for=state.paused_for(self.now), chunk=state.task_chunk,
            task=state.task,
        )  # fmt: skip
        task = ObservedTask(
            "shop", manifest=ManifestState.OURS if state.manifest_etag and self.manifest else ManifestState.ABSENT,
            facts=ours, looked=self.looked, look_at=self.look_at,
        )  # fmt: skip
        return ObservedImport((READY,), "records", "", "", "w" * 32, CONTENT, run, task)

    def step(self, fault: str) -> Step | None:
        """One pass: decide, and take the step with what befalls it."""
        wanted: BatchImportSpec = spec(**self.fields)
        decided = job.decide(wanted, self.phase, self.observe(), self.now, same_run=True)
        self.phase = decided.phase
        match decided.step:
            case UploadManifest():
                self.manifest = True
                self.die(fault, "after the call")
                self.note(Uploaded(self.now, "e", SIZE))
            case SubmitTask():
                self.submit(fault)
            case LookForTask(chunk):
                self.look(chunk)
            case TurnTask(chunk):
                self.note(Turned(chunk))
            case TakeResult(chunk):
                self.take(chunk, fault)
            case Conclude():
                self.concluded = self.state.totals(), self.state.token
            case _:
                self.write_down(decided.step)
        return decided.step

    def write_down(self, step: Step | None) -> None:
        """Steps that are nothing but a record."""
        match step:
            case Pause():
                self.note(Paused(self.now))
            case Resume():
                self.note(Resumed(self.now))
            case CancelRest():
                self.note(Cancelled(self.now))
            case BeginRetry(token):
                self.note(Attempt(token, self.now))
            case _:
                assert step is None

    @staticmethod
    def die(fault: str, where: str) -> None:
        """Here, if it is to be here."""
        if fault == where:
            raise Killed

    def submit(self, fault: str) -> None:
        """The intent first; then the call, which may take effect and not say so, or say so late."""
        assert self.state.task_chunk is None
        chunk = self.state.whole()
        ids = tuple(one.id for one in self.listed())
        self.note(Planned(self.now, (chunk,), listed=ids, etag="e"))
        self.looked, self.look_at = 0, None
        self.die(fault, "before the call")
        if fault == "refused":
            self.note(Turned(chunk.number, "Throttled"))
            return
        if fault == "no effect, no answer":
            return
        task = TaskFacts(len(self.tasks) + 1, "pictures", "spring/", "", "PROCESSING", "0", "", "", self.now, None)
        late = timedelta(seconds=10) if fault == "late effect, no answer" else timedelta()
        self.tasks.append((task, self.now + late))
        self.made.append(self.state.attempts)
        self.die(fault, "after the call")
        if fault not in {"effect, no answer", "late effect, no answer"}:
            self.note(Answered(chunk.number, self.now, str(task.id)))

    def look(self, chunk: int) -> None:
        """A complete walk; the next one counts when a call that was made just before has ended for certain."""
        planned = self.state.planned
        assert planned is not None
        found = candidates(planned, self.listed(), RUN, "pictures", "spring/")
        if found:
            self.note(Answered(chunk, self.now, str(found[0].id)))
            return
        self.looked, self.look_at = self.looked + 1, self.now + TIMEOUT + timedelta(seconds=1)

    def take(self, chunk: int, fault: str) -> None:
        """What the task's end tells."""
        task = next(one for one in self.listed() if one.id == self.state.task)
        held = self.state.open[chunk].chunk
        state = state_of(task.status)
        report = NoReport.EXPIRED if fault == "expired" else NoReport.ABSENT
        entries = read_report(b"") if state is TaskState.STOPPED and not fault else report
        lines: list[tuple[int, Line]] = []
        found = judge(state, task.message, entries, lines, held.ranges)
        for part in found.parts:
            self.note(
                Verdicts(chunk, self.now, "task", part.succeeded, cancelled=part.cancelled, failed_ranges=part.failed)
            )
        self.die(fault, "after the call")
        if found.why is not None:
            self.note(Unknowable(chunk, self.now, found.why.value, found.words))

    def end_tasks(self, status: str) -> None:
        """The cloud, or somebody in the console, ends what runs."""
        self.tasks = [
            (replace(task, status=status) if state_of(task.status) is TaskState.PROCESSING else task, shown)
            for task, shown in self.tasks
        ]


FAULTS = (
    "", "", "", "before the call", "after the call", "refused", "no effect, no answer", "effect, no answer",
    "late effect, no answer", "expired",
)  # fmt: skip


def retry(token: str) -> dict[str, str]:
    """The field of a spec."""
    return {"failedItems": token}


EVENTS = st.one_of(
    st.tuples(st.just("pass"), st.sampled_from(FAULTS)),
    st.tuples(st.just("wait"), st.sampled_from([1, 9, 20, 4000])),
    st.tuples(st.just("end"), st.sampled_from(["SUCCESS", "FAIL", "Stop", "HALF"])),
    st.tuples(st.just("edit"), st.fixed_dictionaries({}, optional={
        "suspend": st.booleans(), "mode": st.sampled_from(["Apply", "Observe", "DryRun"]),
        "deadline": st.sampled_from(["1h", "2h"]), "retry": st.sampled_from(["a", "b"]).map(retry),
    })),
    st.just(("restart", None)),
)  # fmt: skip


def play(world: World, what: str, how: Any) -> None:
    """One event."""
    match what:
        case "pass":
            acts = world.fields.get("mode", "Apply") == "Apply" and not world.fields.get("suspend", False)
            try:
                step = world.step(how)
            except Killed:
                world.restart()
            else:
                assert acts or not isinstance(step, SubmitTask | UploadManifest | BeginRetry)
        case "wait":
            world.now += timedelta(seconds=how)
        case "end":
            world.end_tasks(how)
        case "edit":
            world.fields = how
        case _:
            world.restart()


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=60))
def test_no_two_tasks_are_made_for_an_attempt(events: list[tuple[str, Any]]) -> None:
    """Whatever is lost, late, killed, paused or retried; and each run comes to its end, with counts that add up."""
    world = World()
    for what, how in events:
        play(world, what, how)
        assert len(world.made) == len(set(world.made))
        totals = world.state.totals()
        left = world.state.count(Fate.UNSENT) + world.state.count(Fate.SENT)
        assert SIZE == totals.succeeded + totals.failed + totals.unknown + totals.cancelled + left
    world.fields = {}
    for _ in range(60):
        world.now += timedelta(seconds=20)
        world.end_tasks("SUCCESS")
        play(world, "pass", "")
    assert world.state.settled
    assert len(world.made) == len(set(world.made))
    assert world.phase in {Phase.COMPLETE, Phase.FAILED}


def test_a_submit_is_repeated_only_after_two_spaced_lists() -> None:
    """And then once."""
    world = World()
    world.step("")
    assert world.step("no effect, no answer") == SubmitTask()
    steps = []
    for _ in range(6):
        steps.append(world.step(""))
        world.now += timedelta(seconds=8)
    assert [LookForTask(0), None, LookForTask(0), TurnTask(0), SubmitTask(), None] == steps
    assert [1] == world.made


def test_a_lost_answer_is_found_by_the_first_list() -> None:
    """No second submit, no wait."""
    world = World()
    world.step("")
    world.step("effect, no answer")
    world.tasks.append((replace(world.tasks[0][0], id=FOREIGN, path="summer/"), BEGAN))
    assert world.step("") == LookForTask(0)
    assert (1, None) == (world.state.task, world.step(""))

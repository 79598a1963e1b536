"""The job of Image Search: each row of its decisions, what is held back, and that no two tasks are ever made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.batchimport import BatchImportSpec, Phase, Totals
from controller.core.conditions import MAX_MESSAGE, conditions
from controller.core.facts import TaskFacts
from controller.core.imports import job, taskwords
from controller.core.imports.job import (
    TRANSITIONS,
    BeginRetry,
    CancelRest,
    Conclude,
    Decision,
    ObservedImport,
    ObservedRun,
    Resolution,
    ResolveSource,
    Step,
    WriteRecord,
)
from controller.core.imports.observed import ManifestState, ObservedTask
from controller.core.imports.phases import BEGUN
from controller.core.imports.steps import (
    LookForTask,
    Pause,
    Resume,
    SubmitTask,
    TakeResult,
    TurnTask,
    UploadManifest,
)
from controller.core.imports.taskjob import FOLLOWS
from controller.core.imports.tasks import PATIENCE
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.job_table import HOUR, NOW, READY, RUN, Row, assert_decided, each_of, run

TARGET = {"imageSearch": {"instanceName": "shop", "bucket": "pictures", "path": "spring/"}}
OF_FILES = {"target": {"dataset": {"project": "m", "name": "d"}}, "source": {"prefix": {"bucket": "photos"}}}
MANIFEST = {"manifest": {"key": "spring/increment.meta"}}
PLACE = "oss://pictures/spring/increment.meta"
CONTENT = Resolution(RUN, 10, 8, 2, 0, (), 0, "", existing=3, checked="oss://records/runs/c-1/items/")
AS_IT_IS = replace(CONTENT, source_etag="e")
WIDE = replace(CONTENT, wide=2)
CLEANED = replace(CONTENT, skipped=1, problems=("line 3: x: bad",), problem_count=1, report="oss://records/p")
HERE = ObservedTask("shop")
OURS, SOURCE = replace(HERE, manifest=ManifestState.OURS), replace(HERE, manifest=ManifestState.SOURCE, upload=False)
FACTS = TaskFacts(17, "pictures", "spring/", "", "PROCESSING", "0", "", "", NOW - timedelta(seconds=50), None)
ABSENT = (Reason.INSTANCE_NOT_FOUND, "no such instance")
REFUSED = replace(HERE, refusal=ABSENT)
LATER = NOW + timedelta(seconds=12)


def spec(**fields: Any) -> BatchImportSpec:
    """A spec by its names on the wire."""
    given_fields = {"accountRef": {"name": "main"}, "target": TARGET, "source": {"prefix": {"bucket": "pictures",
                    "prefix": "spring/"}}}  # fmt: skip
    return BatchImportSpec.model_validate(given_fields | fields)


def seen(task: ObservedTask | None = HERE, **changed: Any) -> ObservedImport:
    """Everything there, nothing begun; no topic and no queue are needed."""
    return replace(ObservedImport((READY,), "records", "", "", "w" * 32, CONTENT, None, task), **changed)


def submitted(number: int | None = 17, **changed: Any) -> ObservedRun:
    """A run whose task was submitted; its id is known or not."""
    return run(unsent=0, sent=10, lost=() if number else (0,), chunk=0, task=number, **changed)


def listed(status: str, **changed: Any) -> ObservedTask:
    """The task as its instance's list has it."""
    return replace(OURS, facts=replace(FACTS, status=status), **changed)


def decide(observed: ObservedImport, before: Phase | None = None, *, same_run: bool = True, **fields: Any) -> Decision:
    """The decision for a spec with these fields."""
    return job.decide(spec(**fields), before, observed, NOW, same_run=same_run)


def at(state: ManifestState, **changed: Any) -> ObservedImport:
    """A run that is about to be submitted, with that in its manifest's place."""
    return seen(replace(HERE, manifest=state, **changed), run=run())


SUBMITTING, WAITING, RESOLVING, REJECTED = Phase.SUBMITTING, Phase.WAITING, Phase.RESOLVING, Phase.REJECTED
OPEN: dict[str, Any] = {"run": submitted(None)}
ROWS: list[Row] = [
    ("not read yet", seen(resolution=None), {}, RESOLVING, Reason.RESOLVING, ResolveSource()),
    ("no instance", seen(REFUSED, resolution=None), {}, RESOLVING, Reason.INSTANCE_NOT_FOUND, None),
    ("instance gone since", seen(REFUSED), {}, RESOLVING, Reason.INSTANCE_NOT_FOUND, None),
    ("resolved, no events needed", seen(), {}, RESOLVING, Reason.SUBMITTING, WriteRecord()),
    ("not looked at yet", seen(None), {}, RESOLVING, Reason.SUBMITTING, WriteRecord()),
    ("too many", seen(), {"maxItems": 9}, REJECTED, Reason.TOO_MANY_ITEMS, None),
    ("whole products", seen(resolution=WIDE), {}, REJECTED, Reason.WHOLE_PRODUCT_DELETE, None),
    (
        "whole products, allowed", seen(resolution=WIDE), {"allowWholeProductDelete": True}, RESOLVING,
        Reason.SUBMITTING, WriteRecord(),
    ),
    (
        "a manifest without its wrong lines", seen(resolution=CLEANED), {"source": MANIFEST, "onInvalid": "Skip"},
        REJECTED, Reason.MANIFEST_PROTECTED, None,
    ),
    (
        "the same, allowed", seen(resolution=CLEANED),
        {"source": MANIFEST, "onInvalid": "Skip", "allowManifestReplace": True}, RESOLVING, Reason.SUBMITTING,
        WriteRecord(),
    ),
    ("a manifest as it is", seen(resolution=AS_IT_IS), {"source": MANIFEST}, RESOLVING, Reason.SUBMITTING,
     WriteRecord()),
    ("wrong lines", seen(resolution=CLEANED), {}, REJECTED, Reason.SOURCE_INVALID, None),
    ("begun, not looked at", seen(None, run=run()), {}, SUBMITTING, Reason.SUBMITTING, None),
    ("refused", seen(replace(OURS, refusal=ABSENT), run=run()), {}, SUBMITTING, Reason.INSTANCE_NOT_FOUND, None),
    ("no longer allowed", seen(OURS, run=run(), resolution=WIDE), {}, SUBMITTING, Reason.WHOLE_PRODUCT_DELETE, None),
    ("behind others", seen(replace(OURS, ahead=2, first="b/a"), run=run()), {}, SUBMITTING, Reason.QUEUED, None),
    ("behind a foreign task", seen(replace(OURS, busy="task 9"), run=run()), {}, SUBMITTING, Reason.QUEUED, None),
    ("no manifest yet", at(ManifestState.ABSENT), {}, SUBMITTING, Reason.SUBMITTING, UploadManifest()),
    ("an older one of ours", at(ManifestState.STALE), {}, SUBMITTING, Reason.SUBMITTING, UploadManifest()),
    ("another run's", at(ManifestState.HELD, holder="run b"), {}, SUBMITTING, Reason.QUEUED, None),
    ("one of nobody knows whom", at(ManifestState.UNRECORDED, holder="run b"), {}, SUBMITTING,
     Reason.MANIFEST_FOREIGN, None),
    ("somebody else's", at(ManifestState.FOREIGN), {}, SUBMITTING, Reason.MANIFEST_FOREIGN, None),
    ("changed", at(ManifestState.CHANGED), {}, SUBMITTING, Reason.MANIFEST_CHANGED, None),
    ("changed, and it may be replaced", at(ManifestState.CHANGED, may_replace=True), {"source": MANIFEST}, SUBMITTING,
     Reason.MANIFEST_CHANGED, None),
    ("ours", at(ManifestState.OURS), {}, SUBMITTING, Reason.SUBMITTING, SubmitTask()),
    ("the user's own", seen(SOURCE, run=run()), {"source": MANIFEST}, SUBMITTING, Reason.SUBMITTING, SubmitTask()),
    ("the user's own, gone", at(ManifestState.ABSENT, upload=False), {"source": MANIFEST}, SUBMITTING,
     Reason.MANIFEST_CHANGED, None),
    ("the user's own, to be replaced", at(ManifestState.SOURCE), {"source": MANIFEST}, SUBMITTING,
     Reason.MANIFEST_PROTECTED, None),
    ("the user's own, replaced", at(ManifestState.SOURCE, may_replace=True), {"source": MANIFEST}, SUBMITTING,
     Reason.SUBMITTING, UploadManifest()),
    ("lost", seen(OURS, **OPEN), {}, SUBMITTING, Reason.CONFIRMING, LookForTask(0)),
    ("lost, looked once", seen(replace(OURS, looked=1, look_at=LATER), **OPEN), {}, SUBMITTING, Reason.CONFIRMING,
     None),
    ("lost, time to look again", seen(replace(OURS, looked=1, look_at=NOW), **OPEN), {}, SUBMITTING, Reason.CONFIRMING,
     LookForTask(0)),
    ("lost, looked twice", seen(replace(OURS, looked=2, look_at=LATER), **OPEN), {}, SUBMITTING, Reason.CONFIRMING,
     TurnTask(0)),
    ("lost, others first", seen(replace(OURS, ahead=3, busy="x"), **OPEN), {}, SUBMITTING, Reason.CONFIRMING,
     LookForTask(0)),
    ("runs", seen(listed("PROCESSING"), run=submitted()), {}, WAITING, Reason.TASK_RUNNING, None),
    ("a state nobody knows", seen(listed("HALF"), run=submitted()), {}, WAITING, Reason.TASK_RUNNING, None),
    ("not listed", seen(OURS, run=submitted()), {}, WAITING, Reason.AWAITING_RESULTS, None),
    ("not listed, as the instance is gone", seen(replace(OURS, refusal=ABSENT), run=submitted()), {}, WAITING,
     Reason.INSTANCE_NOT_FOUND, None),
    ("not looked at", seen(None, run=submitted()), {}, WAITING, Reason.SUBMITTING, None),
    *[
        (f"ended as {status}", seen(listed(status, ahead=1, manifest=ManifestState.FOREIGN), run=submitted()), {},
         WAITING, Reason.AWAITING_RESULTS, TakeResult(0))
        for status in ("SUCCESS", "FAIL", "Stop", "Imported", "NORMAL")
    ],
    ("deadline", seen(OURS, run=run()), {"deadline": "1h"}, SUBMITTING, Reason.SUBMITTING, CancelRest()),
    ("deadline, submitted", seen(listed("SUCCESS"), run=submitted(cancelled=True)), {"deadline": "1h"}, WAITING,
     Reason.AWAITING_RESULTS, TakeResult(0)),
    ("all told", seen(OURS, run=run(9, 1)), {}, WAITING, Reason.AWAITING_RESULTS, Conclude()),
    ("complete", seen(OURS, run=run(10, concluded=True)), {}, Phase.COMPLETE, Reason.SUCCEEDED, None),
    ("isolated", seen(OURS, run=run(9, 1, concluded=True)), {}, Phase.FAILED, Reason.PARTIALLY_FAILED, None),
    ("isolated, allowed", seen(OURS, run=run(9, 1, concluded=True)), {"maxFailedItems": 1}, Phase.COMPLETE,
     Reason.SUCCEEDED, None),
    ("expired", seen(OURS, run=run(0, 0, 10, concluded=True, unknowable="ReportExpired")), {}, Phase.FAILED,
     Reason.REPORT_EXPIRED, None),
    ("unreadable", seen(OURS, run=run(5, 0, 5, concluded=True, unknowable="ReportUnreadable")), {}, Phase.FAILED,
     Reason.REPORT_UNREADABLE, None),
    ("retry", seen(OURS, run=run(9, 1, concluded=True)), {"retry": {"failedItems": "a"}}, SUBMITTING, Reason.SUBMITTING,
     BeginRetry("a")),
    ("retry of what nobody knows", seen(OURS, run=run(5, 0, 5, concluded=True, unknowable="ReportUnreadable")),
     {"retry": {"failedItems": "a"}}, Phase.FAILED, Reason.REPORT_UNREADABLE, None),
    ("the same, before the verdict", seen(OURS, run=run(5, 0, 5, unknowable="ReportUnreadable")),
     {"retry": {"failedItems": "a"}}, WAITING, Reason.AWAITING_RESULTS, Conclude()),
    ("retry into the user's manifest", seen(OURS, run=run(9, 1, concluded=True)),
     {"retry": {"failedItems": "a"}, "source": MANIFEST}, Phase.FAILED, Reason.PARTIALLY_FAILED, None),
    ("the same, allowed", seen(OURS, run=run(9, 1, concluded=True)),
     {"retry": {"failedItems": "a"}, "source": MANIFEST, "allowManifestReplace": True}, SUBMITTING, Reason.SUBMITTING,
     BeginRetry("a")),
]  # fmt: skip


@each_of(ROWS)
def test_each_row_of_the_table(
    observed: ObservedImport, fields: dict[str, Any], phase: Phase | None, reason: Reason, step: Step | None
) -> None:
    """What is observed decides phase, reason and step."""
    assert_decided(decide(observed, **fields), phase, reason, step)


class TestSuspended:
    """Before the submit it holds; after it nothing but the console stops a task."""

    @pytest.mark.parametrize("observed", [at(ManifestState.OURS), at(ManifestState.ABSENT), seen()], ids=str)
    def test_before_the_submit_it_holds(self, observed: ObservedImport) -> None:
        """Nothing is uploaded either, and what is held back is said."""
        held = decide(observed, suspend=True)
        assert held.step in {None, Pause()}
        assert held.verdict.suspended
        assert held.verdict.planned_changes

    def test_after_the_submit_it_says_what_to_click(self) -> None:
        """As the vendor's guide has it."""
        verdict = decide(seen(listed("PROCESSING"), run=submitted(paused=True)), WAITING, suspend=True).verdict
        assert (True, 5.0) == (verdict.suspended, verdict.look_again)
        assert [] == [words for words in ("No API cancels it", "Image Search console", "Batch Operation tab", "task 17",
                      "click Cancel, then OK", "stays done") if words not in verdict.message]  # fmt: skip
        shown = {(one.type, one.status) for one in conditions((), verdict, 1, NOW)}
        assert ("Suspended", "True") in shown

    @pytest.mark.parametrize("how", [{"suspend": True}, {"mode": "Observe"}, {"mode": "DryRun"}], ids=str)
    def test_the_end_is_noticed_and_the_result_read(self, how: dict[str, Any]) -> None:
        """Nothing is sent by that; a lost submit is found out, too."""
        for observed, step in (
            (seen(listed("Stop"), run=submitted(paused=True)), TakeResult(0)),
            (seen(OURS, run=submitted(None, paused=True)), LookForTask(0)),
            (seen(replace(OURS, looked=2), run=submitted(None, paused=True)), TurnTask(0)),
        ):
            decided = decide(observed, **how)
            assert (step, "suspend" in how) == (decided.step, decided.verdict.suspended)
        over = seen(OURS, run=run(5, 0, 0, 5, paused=True))
        assert (Phase.FAILED, None) == (decide(over, WAITING, **how).phase, decide(over, WAITING, **how).step)

    def test_it_is_on_record_while_it_lasts(self) -> None:
        """For both targets, in mode Apply, before anything else; what is over or another's is left alone."""
        cases: tuple[tuple[dict[str, Any], str], ...] = (({}, ""), (OF_FILES, "results"))
        for fields, events in cases:
            here = seen(OURS if not events else None, topic=events, queue=events)
            begun, paused = replace(here, run=run()), replace(here, run=run(paused=True))
            assert Pause() == decide(begun, **fields, suspend=True).step
            assert decide(paused, **fields, suspend=True).step is None
            assert Resume() == decide(paused, **fields).step
            assert Resume() != decide(begun, **fields).step
            for mode in ("Observe", "DryRun"):
                assert decide(paused, **fields, mode=mode).step is None
                assert decide(begun, **fields, mode=mode, suspend=True).step is None
            over = replace(here, run=run(10, concluded=True, paused=True))
            assert decide(over, **fields).step is None
            assert Resume() == decide(replace(here, run=run(10, paused=True)), **fields).step
            held = replace(here, run=run(paused=True, holder="c"))
            assert decide(held, **fields).step is None
            assert decide(replace(paused, work_bucket=""), **fields).step is None

    def test_the_deadline_stands_still_meanwhile(self) -> None:
        """For both targets; a retry is late only when it is."""
        of_files = seen(None, topic="results", queue="results")
        cases: tuple[tuple[dict[str, Any], ObservedImport], ...] = (({}, seen(OURS)), (OF_FILES, of_files))
        for fields, here in cases:
            for paused, is_over in ((timedelta(), True), (timedelta(seconds=1), False), (-timedelta(1), True)):
                sending = replace(here, run=run(paused_for=paused))
                assert (decide(sending, **fields, deadline="1h").step == CancelRest()) == is_over
                over = replace(here, run=run(9, 1, concluded=True, paused_for=paused))
                retried = decide(over, **fields, deadline="1h", retry={"failedItems": "a"}).step
                assert (retried is None) == is_over
        assert HOUR == NOW - run().started_at


class TestHeldBack:
    """Observe and DryRun submit nothing."""

    @pytest.mark.parametrize("mode", ["Observe", "DryRun"])
    @pytest.mark.parametrize(("observed", "fields"), [row[1:3] for row in ROWS], ids=[row[0] for row in ROWS])
    def test_nothing_is_submitted(self, mode: str, observed: ObservedImport, fields: dict[str, Any]) -> None:
        """Both follow what was; DryRun reads the source."""
        held = decide(observed, **fields, mode=mode)
        allowed = (*FOLLOWS, ResolveSource) if mode == "DryRun" else FOLLOWS
        assert held.step is None or isinstance(held.step, allowed)
        assert all(len(line) <= 512 for line in held.verdict.planned_changes)

    def test_a_dry_run_shows_what_would_cost(self) -> None:
        """Adds, deletes, whole products, pairs that are there, what was not checked, and doubts."""
        warned = replace(WIDE, warnings=("a.jpg: may be small",), warning_count=6)
        full = replace(warned, items=12, adds=8, deletes=4, skipped=1, unchecked=2)
        fields: dict[str, Any] = {"mode": "DryRun", "onInvalid": "Skip", "allowWholeProductDelete": True}
        assert (
            "import 8 pictures in one batch task",
            "delete 2 pictures",
            "delete every picture of 2 products",
            "overwrite 3 pictures that the instance holds already",
            "leave out 1 wrong line of the source",
            "import 2 pictures unchecked, as too little of each could be read",
            "go on in spite of 6 warnings, the first: a.jpg: may be small",
        ) == decide(seen(resolution=full), **fields).verdict.planned_changes
        unknown = decide(seen(resolution=replace(CONTENT, existing=None)), mode="DryRun").verdict
        assert any("was not looked up" in line for line in unknown.planned_changes)
        assert (Standing.STALLED, Reason.PLANNED) == (unknown.standing, unknown.reason)
        replaced: dict[str, Any] = {
            "source": MANIFEST,
            "onInvalid": "Skip",
            "allowManifestReplace": True,
            "mode": "DryRun",
        }
        assert f"put a checked manifest in place of {PLACE}" in decide(
            seen(resolution=CLEANED), **replaced
        ).verdict.planned_changes  # fmt: skip
        none = replace(CONTENT, items=0, adds=0, deletes=0)
        assert ("record a run of no lines",) == decide(seen(resolution=none), mode="DryRun").verdict.planned_changes

    def test_a_dry_run_refuses_what_apply_would(self) -> None:
        """Whole products, too many lines."""
        assert Reason.WHOLE_PRODUCT_DELETE is decide(seen(resolution=WIDE), mode="DryRun").verdict.reason
        assert Reason.TOO_MANY_ITEMS is decide(seen(), mode="DryRun", maxItems=1).verdict.reason


WAYS_OUT: dict[Reason, tuple[str, ...]] = {
    Reason.INSTANCE_NOT_FOUND: (),  # the words are those of the refusal
    Reason.TOO_MANY_ITEMS: ("holds 10 lines", "allows 9", "Raise maxItems"),
    Reason.SOURCE_INVALID: ("Correct the source", "spec.onInvalid to Skip", "oss://records/p"),
    Reason.WHOLE_PRODUCT_DELETE: ("2 lines", "every picture of a product", "set spec.allowWholeProductDelete"),
    Reason.MANIFEST_PROTECTED: (PLACE, "Set it", "spec.allowManifestReplace", "oss://records/runs/", "/items/"),
    Reason.MANIFEST_FOREIGN: (PLACE, "nothing was submitted", "request a reconcile"),
    Reason.MANIFEST_CHANGED: (PLACE, "nothing was submitted"),
    Reason.PARTIALLY_FAILED: ("10 lines: 9 succeeded, 1 failed", "status.report"),
    Reason.REPORT_EXPIRED: ("two hours", "another BatchImport", "spec.runToken"),
    Reason.REPORT_UNREADABLE: ("cannot be understood", "another BatchImport", "status.report"),
}


class TestWords:
    """What people read."""

    def test_each_standstill_names_the_way_out(self) -> None:
        """Whatever has to be done by a person; one that is added gets its words here."""
        verdicts = [decide(row[1], **row[2]).verdict for row in ROWS]
        stalled = [one for one in verdicts if one.standing is Standing.STALLED]
        assert {one.reason for one in stalled} == WAYS_OUT.keys()
        for verdict in stalled:
            assert [] == [words for words in WAYS_OUT[verdict.reason] if words not in verdict.message]

    def test_the_queue_tells_the_position(self) -> None:
        """And who is first, or what runs there."""
        message = decide(seen(replace(OURS, ahead=1, first="shop/a"), run=run())).verdict.message
        assert message.startswith("1 import comes before this one into instance shop, shop/a first")
        message = decide(seen(replace(OURS, ahead=12), run=run())).verdict.message
        assert message.startswith("12 imports come before this one into instance shop;")
        message = decide(seen(replace(OURS, busy="task 9 of oss://b/c/"), run=run())).verdict.message
        assert "task 9 of oss://b/c/" in message
        assert "click Cancel, then OK" in message

    def test_a_manifest_that_changed_is_read_anew_by_a_token(self) -> None:
        """The user's own; one of ours is written again once it is removed."""
        assert "Set spec.runToken" in decide(at(ManifestState.CHANGED), source=MANIFEST).verdict.message
        assert "remove it, and request a reconcile" in decide(at(ManifestState.CHANGED)).verdict.message

    def test_a_manifest_of_somebody_else_is_moved_away(self) -> None:
        """One that an unknown import wrote is removed, or replaced after days."""
        message = decide(at(ManifestState.FOREIGN)).verdict.message
        assert [] == [words for words in ("never overwritten", "Move it away") if words not in message]
        message = decide(at(ManifestState.UNRECORDED, holder="run b")).verdict.message
        assert [] == [words for words in ("run b", "no record", "remove it", "7 days") if words not in message]

    @pytest.mark.parametrize("how", [{}, {"suspend": True}, {"mode": "Observe"}], ids=str)
    @pytest.mark.parametrize("task", [OURS, listed("HALF")], ids=["not listed", "a state nobody knows"])
    def test_a_task_that_nobody_tells_of_has_a_way_out_after_a_while(
        self, task: ObservedTask, how: dict[str, Any]
    ) -> None:
        """Not at once: a list may lag behind."""
        paused = submitted(paused="suspend" in how)
        early, late = (
            decide(seen(replace(task, unclear_since=NOW - age), run=paused), **how).verdict
            for age in (PATIENCE - timedelta(seconds=1), PATIENCE)
        )
        assert "delete this object" not in early.message
        assert "delete this object" in late.message
        assert late.standing is Standing.PROGRESSING

    def test_a_refused_retry_says_why(self) -> None:
        """In the verdict, which stays."""
        fields: dict[str, Any] = {"retry": {"failedItems": "a"}}
        lost = seen(OURS, run=run(5, 0, 5, concluded=True, unknowable="ReportUnreadable"))
        message = decide(lost, **fields).verdict.message
        assert "spec.retry is not begun because the task's report cannot be understood" in message
        assert "might import again what succeeded" in message
        message = decide(seen(OURS, run=run(9, 1, concluded=True)), source=MANIFEST, **fields).verdict.message
        assert "spec.retry is not begun because it would put a manifest of the failed lines" in message

    def test_refusals_name_place_and_way_out(self) -> None:
        """An instance that is not there, a bucket elsewhere."""
        target = spec().target.image_search
        assert target is not None
        reason, message = taskwords.instance_absent(target, "cn-hangzhou")
        assert (Reason.INSTANCE_NOT_FOUND, True) == (reason, "spec.target.imageSearch.instanceName" in message)
        reason, message = taskwords.wrong_region(target, "cn-beijing", "cn-hangzhou")
        assert (Reason.REGION_MISMATCH, True) == (reason, "pictures is in cn-beijing" in message)

    def test_whatever_others_say_is_cut(self) -> None:
        """The status is bounded."""
        long = "日" * 5000
        for observed in (
            seen(replace(OURS, busy=long), run=run()), at(ManifestState.HELD, holder=long),
            seen(listed(long), run=submitted()), seen(resolution=replace(CONTENT, warnings=(long,), warning_count=1)),
        ):  # fmt: skip
            hows: tuple[dict[str, Any], ...] = ({}, {"suspend": True}, {"mode": "DryRun"})
            for fields in hows:
                verdict = decide(observed, **fields).verdict
                assert len(verdict.message.encode()) <= MAX_MESSAGE
                assert all(len(line) <= 512 for line in verdict.planned_changes)

    def test_progress_changes_no_message(self) -> None:
        """Each new one would be a write of the status."""
        older = replace(listed("PROCESSING"), facts=replace(FACTS, modified_at=NOW, message="42 %"))
        one, other = (decide(seen(task, run=submitted())).verdict for task in (listed("PROCESSING"), older))
        assert one == other


STATES = st.sampled_from(["PROCESSING", "SUCCESS", "FAIL", "Stop", "?"])
TASKS = st.none() | st.builds(
    ObservedTask,
    instance=st.just("shop"), refusal=st.sampled_from([None, None, None, ABSENT]), ahead=st.integers(0, 2),
    busy=st.sampled_from(["", "", "task 9"]), manifest=st.sampled_from(ManifestState), upload=st.booleans(),
    may_replace=st.booleans(), facts=st.none() | STATES.map(lambda status: replace(FACTS, status=status)),
    unclear_since=st.sampled_from([None, NOW, NOW - HOUR]), looked=st.integers(0, 3),
    look_at=st.sampled_from([None, NOW, LATER]),
)  # fmt: skip
RUNS = st.none() | st.builds(
    lambda made, more: replace(made, **more),
    st.sampled_from([run(), submitted(), submitted(None), run(9, 1), run(10), run(4, unsent=6, sent=0)]),
    st.fixed_dictionaries(
        {},
        optional={
            "paused": st.booleans(), "paused_for": st.just(HOUR), "cancelled": st.booleans(), "holder": st.just("c"),
            "unknowable": st.just("ReportExpired"), "token": st.just("one"),
        },
    ),
)  # fmt: skip
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(), "mode": st.sampled_from(["Apply", "Observe", "DryRun"]),
        "onInvalid": st.sampled_from(["Reject", "Skip"]), "deadline": st.sampled_from(["10s", "90m"]),
        "maxItems": st.sampled_from([1, 100]), "maxFailedItems": st.sampled_from([1, 100]),
        "retry": st.sampled_from([{"failedItems": "one"}, {"failedItems": "two"}]),
        "allowWholeProductDelete": st.booleans(), "allowManifestReplace": st.booleans(), "source": st.just(MANIFEST),
    },
)  # fmt: skip
OBSERVED = st.builds(
    lambda task, found, resolution, concluded: seen(
        task, resolution=resolution, run=replace(found, concluded=concluded and found.settled) if found else None
    ),
    TASKS, RUNS, st.sampled_from([CONTENT, AS_IT_IS, WIDE, CLEANED, None]), st.booleans(),
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.tuples(OBSERVED, SPECS, st.booleans()), min_size=1, max_size=10))
def test_every_step_of_a_random_walk_is_one_of_the_table(
    walk: list[tuple[ObservedImport, dict[str, Any], bool]],
) -> None:
    """Whatever is observed: the phase may follow, nothing raises, and nothing is submitted that may not be."""
    before: Phase | None = None
    for observed, fields, same_run in walk:
        decided = decide(observed, before, same_run=same_run, **fields)
        known, found, task = before if same_run else None, observed.run, observed.task
        assert decided.phase == known or (known, decided.phase) in TRANSITIONS
        assert len(decided.verdict.message) <= MAX_MESSAGE
        acting = fields.get("mode", "Apply") == "Apply" and not fields.get("suspend", False)
        if isinstance(decided.step, SubmitTask | UploadManifest):
            assert acting
            assert found is not None
            assert (found.chunk, found.holder, found.settled) == (None, "", False)
            assert task is not None
            assert (task.refusal, task.ahead, task.busy) == (None, 0, "")
            safe = {ManifestState.OURS, ManifestState.SOURCE}
            writes = {ManifestState.ABSENT, ManifestState.STALE, *([ManifestState.SOURCE] if task.may_replace else [])}
            assert task.manifest in (safe if decided.step == SubmitTask() else writes)
        if isinstance(decided.step, TurnTask):
            assert task is not None
            assert (found is not None and found.task is None, task.looked >= 2) == (True, True)
        if isinstance(decided.step, WriteRecord | BeginRetry | CancelRest):
            assert acting
            assert not isinstance(decided.step, WriteRecord) or known not in BEGUN
        before = decided.phase


def test_counts_of_an_end_add_up() -> None:
    """In lines, whatever became of them."""
    totals = Totals(items=10, submitted=8, succeeded=4, failed=3, unknown=1, cancelled=2)
    message = decide(seen(OURS, run=run(10, concluded=True, totals=totals))).verdict.message
    assert message.startswith("10 lines: 4 succeeded, 3 failed, 1 unknown, 2 cancelled")

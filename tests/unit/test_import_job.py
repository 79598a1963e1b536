"""The job: each row of its decisions, what a settled run does not do, and that every step is one of the table."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.batchimport import BatchImportSpec, Phase, Totals
from controller.core.conditions import MAX_MESSAGE, conditions
from controller.core.dependency import Availability, Dependency
from controller.core.imports import job
from controller.core.imports.job import (
    TRANSITIONS,
    AskDataset,
    BeginRetry,
    CancelRest,
    Conclude,
    Decision,
    IllegalStep,
    ObservedImport,
    ObservedRun,
    Resolution,
    ResolveSource,
    SendAgain,
    SendChunks,
    Step,
    WriteRecord,
    advance,
)
from controller.core.imports.phases import BEGUN
from controller.core.imports.steps import Pause
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.job_table import NOW, READY, RUN, Row, assert_decided, each_of, run

ABSENT = Dependency("CloudAccount", "main", Availability.NOT_FOUND)
BEHIND = Dependency("Dataset", "photos", Availability.NOT_READY, "Creating: it is about to be made")
CONTENT = Resolution(RUN, 10, 8, 2, 0, (), 0, "oss://records/runs/w.problems.jsonl")
NOTHING = replace(CONTENT, items=0, adds=0, deletes=0)
WRONG = replace(CONTENT, skipped=2, problems=("line 2: uri 'x': bad", "line 3: uri 'y': bad"), problem_count=2)


def spec(**fields: Any) -> BatchImportSpec:
    """A spec by its names on the wire."""
    given_fields = {
        "accountRef": {"name": "main"},
        "target": {"dataset": {"project": "media", "name": "photos"}},
        "source": {"prefix": {"bucket": "photos"}},
    }
    return BatchImportSpec.model_validate(given_fields | fields)


def sent(**changed: Any) -> ObservedRun:
    """A run of ten files that are all on their way."""
    return run(unsent=0, sent=10, **changed)


def seen(**changed: Any) -> ObservedImport:
    """Everything there, nothing begun."""
    return replace(ObservedImport((READY,), "records", "results", "results", "w" * 32, CONTENT, None), **changed)


def decide(observed: ObservedImport, before: Phase | None = None, *, same_run: bool = True, **fields: Any) -> Decision:
    """The decision for a spec with these fields."""
    return job.decide(spec(**fields), before, observed, NOW, same_run=same_run)


ROWS: list[Row] = [
    ("no account", seen(needs=(ABSENT,)), {}, None, Reason.DEPENDENCY_NOT_FOUND, None),
    ("no dataset yet", seen(needs=(READY, BEHIND)), {}, None, Reason.DEPENDENCY_NOT_READY, None),
    ("no work bucket", seen(work_bucket=""), {}, None, Reason.WORK_BUCKET_MISSING, None),
    ("not read yet", seen(resolution=None), {}, Phase.RESOLVING, Reason.RESOLVING, ResolveSource()),
    ("wrong lines", seen(resolution=WRONG), {}, Phase.REJECTED, Reason.SOURCE_INVALID, None),
    (
        "wrong lines left out", seen(resolution=WRONG), {"onInvalid": "Skip"}, Phase.RESOLVING, Reason.SUBMITTING,
        WriteRecord(),
    ),
    ("too many files", seen(), {"maxItems": 9}, Phase.REJECTED, Reason.TOO_MANY_ITEMS, None),
    ("just as many files", seen(), {"maxItems": 10}, Phase.RESOLVING, Reason.SUBMITTING, WriteRecord()),
    ("no topic", seen(topic=""), {}, Phase.RESOLVING, Reason.EVENTS_MISSING, None),
    ("no queue", seen(queue=""), {}, Phase.RESOLVING, Reason.EVENTS_MISSING, None),
    (
        "deletions need no events", seen(topic="", queue="", resolution=replace(CONTENT, adds=0, deletes=10)), {},
        Phase.RESOLVING, Reason.SUBMITTING, WriteRecord(),
    ),
    ("resolved", seen(), {}, Phase.RESOLVING, Reason.SUBMITTING, WriteRecord()),
    (
        "another cluster's", seen(run=run(holder="media/a of cluster c")), {}, Phase.REJECTED,
        Reason.OWNERSHIP_CONFLICT, None,
    ),
    ("begun", seen(run=run()), {}, Phase.SUBMITTING, Reason.SUBMITTING, SendChunks()),
    ("maxItems comes too late", seen(run=run()), {"maxItems": 1}, Phase.SUBMITTING, Reason.SUBMITTING, SendChunks()),
    ("half sent", seen(run=run(unsent=4, sent=6)), {}, Phase.SUBMITTING, Reason.SUBMITTING, SendChunks()),
    ("events taken away", seen(run=run(), topic=""), {}, Phase.SUBMITTING, Reason.EVENTS_MISSING, None),
    ("all sent", seen(run=sent()), {}, Phase.WAITING, Reason.AWAITING_RESULTS, None),
    ("all sent, events taken away", seen(run=sent(), queue=""), {}, Phase.WAITING, Reason.AWAITING_RESULTS, None),
    ("lost", seen(run=sent(lost=(3, 5))), {}, Phase.SUBMITTING, Reason.CONFIRMING, AskDataset((3, 5))),
    (
        "lost, one asked for", seen(run=sent(lost=(3, 5), asked=(3,))), {}, Phase.SUBMITTING, Reason.CONFIRMING,
        AskDataset((5,)),
    ),
    (
        "lost and asked for", seen(run=sent(lost=(3,), asked=(3,))), {}, Phase.SUBMITTING, Reason.SUBMITTING,
        SendAgain((3,)),
    ),
    (
        "lost, asked for, no events", seen(run=sent(lost=(3,), asked=(3,)), topic=""), {}, Phase.SUBMITTING,
        Reason.EVENTS_MISSING, None,
    ),
    (
        "lost before more is sent", seen(run=run(unsent=9, sent=1, lost=(3,))), {}, Phase.SUBMITTING, Reason.CONFIRMING,
        AskDataset((3,)),
    ),
    (
        "overdue", seen(run=sent(overdue=(1, 2))), {}, Phase.WAITING, Reason.AWAITING_RESULTS,
        AskDataset((1, 2), final=True),
    ),
    (
        "overdue before more is sent", seen(run=run(unsent=9, sent=1, overdue=(1,))), {}, Phase.SUBMITTING,
        Reason.AWAITING_RESULTS, AskDataset((1,), final=True),
    ),
    ("deadline", seen(run=run()), {"deadline": "1h"}, Phase.SUBMITTING, Reason.SUBMITTING, CancelRest()),
    ("deadline not yet", seen(run=run()), {"deadline": "61m"}, Phase.SUBMITTING, Reason.SUBMITTING, SendChunks()),
    ("deadline, all sent", seen(run=sent()), {"deadline": "1h"}, Phase.WAITING, Reason.SUBMITTING, CancelRest()),
    (
        "cancelled, the rest on its way", seen(run=run(cancelled=4, unsent=0, sent=6)), {"deadline": "1h"},
        Phase.WAITING, Reason.AWAITING_RESULTS, None,
    ),
    (
        "cancelled, one lost", seen(run=run(cancelled=4, unsent=0, sent=6, lost=(3,), asked=(3,), overdue=(1,))),
        {"deadline": "1h"}, Phase.SUBMITTING, Reason.AWAITING_RESULTS, AskDataset((1, 3), final=True),
    ),
    ("all told", seen(run=run(10)), {}, Phase.WAITING, Reason.AWAITING_RESULTS, Conclude()),
    ("complete", seen(run=run(10, concluded=True)), {}, Phase.COMPLETE, Reason.SUCCEEDED, None),
    (
        "complete, account gone", seen(run=run(10, concluded=True), needs=(ABSENT,)), {}, Phase.COMPLETE,
        Reason.SUCCEEDED, None,
    ),
    ("failed", seen(run=run(9, 1, concluded=True)), {}, Phase.FAILED, Reason.PARTIALLY_FAILED, None),
    ("unknown", seen(run=run(9, 0, 1, concluded=True)), {}, Phase.FAILED, Reason.PARTIALLY_FAILED, None),
    ("cancelled", seen(run=run(9, 0, 0, 1, concluded=True)), {}, Phase.FAILED, Reason.PARTIALLY_FAILED, None),
    (
        "as many as allowed", seen(run=run(7, 1, 1, 1, concluded=True)), {"maxFailedItems": 3}, Phase.COMPLETE,
        Reason.SUCCEEDED, None,
    ),
    (
        "one more than allowed", seen(run=run(6, 2, 1, 1, concluded=True)), {"maxFailedItems": 3}, Phase.FAILED,
        Reason.PARTIALLY_FAILED, None,
    ),
    (
        "a new retry", seen(run=run(9, 1, concluded=True)), {"retry": {"failedItems": "one"}}, Phase.SUBMITTING,
        Reason.SUBMITTING, BeginRetry("one"),
    ),
    (
        "a retry before the verdict is on record", seen(run=run(9, 1)), {"retry": {"failedItems": "one"}},
        Phase.SUBMITTING, Reason.SUBMITTING, BeginRetry("one"),
    ),
    (
        "a retry waits for the run to settle", seen(run=run(8, 1, unsent=0, sent=1)), {"retry": {"failedItems": "one"}},
        Phase.WAITING, Reason.AWAITING_RESULTS, None,
    ),
    (
        "a retry that was done", seen(run=run(9, 1, concluded=True, token="one")), {"retry": {"failedItems": "one"}},
        Phase.FAILED, Reason.PARTIALLY_FAILED, None,
    ),
    (
        "a retry after the deadline", seen(run=run(9, 1, concluded=True)),
        {"retry": {"failedItems": "one"}, "deadline": "1h"}, Phase.FAILED, Reason.PARTIALLY_FAILED, None,
    ),
    ("no files", seen(resolution=NOTHING), {}, Phase.RESOLVING, Reason.SUBMITTING, WriteRecord()),
]  # fmt: skip


@each_of(ROWS)
def test_each_row_of_the_table(
    observed: ObservedImport, fields: dict[str, Any], phase: Phase | None, reason: Reason, step: Step | None
) -> None:
    """What is observed decides phase, reason and step."""
    assert_decided(decide(observed, **fields), phase, reason, step)


class TestVanished:
    """Records that are gone are not taken for a run that never was."""

    @pytest.mark.parametrize("before", sorted(BEGUN))
    @pytest.mark.parametrize("left", [{"resolution": None}, {"run": None}], ids=["all", "the run"])
    def test_a_run_that_had_begun_is_not_begun_again(self, before: Phase, left: dict[str, Any]) -> None:
        """That would bill every file a second time, unasked."""
        decided = decide(seen(**left), before)
        assert (before, Reason.RUN_VANISHED, None) == (decided.phase, decided.verdict.reason, decided.step)

    def test_an_object_made_again_or_changed_begins(self) -> None:
        """Its status is empty, or is of other work."""
        assert isinstance(decide(seen()).step, WriteRecord)
        assert isinstance(decide(seen(), Phase.COMPLETE, same_run=False).step, WriteRecord)
        assert isinstance(decide(seen(resolution=None), Phase.COMPLETE, same_run=False).step, ResolveSource)
        assert isinstance(decide(seen(), Phase.RESOLVING).step, WriteRecord)


NOT_WORK: list[dict[str, Any]] = [
    {"suspend": True}, {"mode": "Observe"}, {"mode": "DryRun"}, {"deadline": "10s"}, {"deadline": "700h"},
    {"resultTimeout": "10s"}, {"resyncInterval": "10s"}, {"maxItems": 1}, {"maxFailedItems": 0}, {"maxFailedItems": 9},
    {"accountRef": {"name": "other"}},
]  # fmt: skip


class TestSettled:
    """A finished import."""

    @pytest.mark.parametrize("totals", [(10,), (9, 1), (0, 0, 10), (5, 1, 2, 2)], ids=str)
    @pytest.mark.parametrize("fields", NOT_WORK, ids=str)
    @pytest.mark.parametrize("token", ["", "one"])
    def test_toggling_what_is_no_work_does_nothing(
        self, totals: tuple[int, ...], fields: dict[str, Any], token: str
    ) -> None:
        """No step for any of it; maxFailedItems alone changes the verdict."""
        observed = seen(run=run(*totals, concluded=True, token=token))
        asked = {"retry": {"failedItems": token}} if token else {}
        for given_fields in (asked | fields, fields, {}):
            for before in (None, Phase.COMPLETE, Phase.FAILED):
                decided = decide(observed, before, **given_fields)
                assert decided.step is None
                assert (decided.phase is Phase.COMPLETE) == (10 - totals[0] <= given_fields.get("maxFailedItems", 0))
                assert () == decided.verdict.planned_changes
                assert given_fields.get("suspend", False) == decided.verdict.suspended

    def test_a_suspended_one_stays_ready(self) -> None:
        """Whoever waits for it does not fail by a pause."""
        verdict = decide(seen(run=run(10, concluded=True)), Phase.COMPLETE, suspend=True).verdict
        assert ("Ready", "True") in {(one.type, one.status) for one in conditions((), verdict, 1, NOW)}

    @given(st.tuples(*[st.integers(0, 10**6)] * 4), st.integers(0, 10**6), st.integers(0, 3_000_000), st.booleans())
    def test_counts_add_up_in_the_message(
        self,
        counts: tuple[int, ...],
        skipped: int,
        most: int,
        late: bool,  # noqa: FBT001 - drawn
    ) -> None:
        """Files = succeeded + failed + unknown + cancelled, and the verdict follows from them."""
        succeeded, failed, unknown, cancelled = counts
        totals = Totals(
            items=sum(counts),
            skipped=skipped,
            submitted=succeeded + failed + unknown,
            succeeded=succeeded,
            failed=failed,
            unknown=unknown,
            cancelled=cancelled,
        )
        fields: dict[str, Any] = {"maxFailedItems": most} | (
            {"deadline": "1m", "retry": {"failedItems": "a"}} if late else {}
        )
        decided = decide(seen(run=run(10, concluded=True, totals=totals)), **fields)
        found = re.match(
            r"(\d+) files?: (\d+) succeeded, (\d+) failed, (\d+) unknown, (\d+) cancelled", decided.verdict.message
        )
        assert found
        said = [int(number) for number in found.groups()]
        assert [totals.items, *counts] == said
        assert said[0] == sum(said[1:])
        assert (failed + unknown + cancelled <= most) == (decided.verdict.standing is Standing.READY)
        assert (f"{skipped} wrong line" in decided.verdict.message) == (skipped > 0)
        assert ("spec.deadline is over" in decided.verdict.message) == late

    def test_a_late_word_is_concluded_anew(self) -> None:
        """The verdict on record has other counts then; the phase stays an end."""
        before, after = seen(run=run(9, 0, 1, concluded=True)), seen(run=run(10))
        assert Phase.FAILED is decide(before).phase
        decided = decide(after, Phase.FAILED)
        assert (Phase.COMPLETE, Conclude()) == (decided.phase, decided.step)


ONLY_LABELS = "; of those that the dataset holds, only labels and CustomId are written"
STEPS = [row for row in ROWS if row[5] is not None]


class TestHeldBack:
    """Mode and suspension let nothing be written, and say what is held back."""

    @pytest.mark.parametrize("how", [{"suspend": True}, {"mode": "Observe"}, {"mode": "DryRun"}], ids=str)
    @pytest.mark.parametrize(("observed", "fields"), [row[1:3] for row in STEPS], ids=[row[0] for row in STEPS])
    def test_only_a_dry_run_reads_the_source(
        self, observed: ObservedImport, fields: dict[str, Any], how: dict[str, Any]
    ) -> None:
        """Every other step is one of words, short enough for the status."""
        free, held = decide(observed, **fields), decide(observed, **fields, **how)
        if free.step == ResolveSource() and how == {"mode": "DryRun"}:
            assert free == held
            return
        notes = "suspend" in how and observed.run is not None and not observed.run.settled
        assert held.step == (Pause() if notes else None)
        assert held.verdict.suspended == ("suspend" in how)
        assert held.verdict.look_again is None
        concludes = free.step == Conclude()
        assert bool(held.verdict.planned_changes) != (concludes and "mode" in how)
        assert all(len(line) <= 512 for line in held.verdict.planned_changes)
        if "mode" in how and not concludes:
            assert (Standing.STALLED, Reason.PLANNED) == (held.verdict.standing, held.verdict.reason)
            assert how["mode"] in held.verdict.message

    @pytest.mark.parametrize(("observed", "fields"), [row[1:3] for row in ROWS if row[5] is None], ids=str)
    def test_what_needs_no_step_is_said_all_the_same(self, observed: ObservedImport, fields: dict[str, Any]) -> None:
        """A refusal, a wait, an end."""
        free = decide(observed, **fields)
        assert free == decide(observed, **fields, mode="Observe") == decide(observed, **fields, mode="DryRun")
        held = decide(observed, **fields, suspend=True)
        assert held.step in {None, Pause()}
        assert replace(free.verdict, suspended=True, look_again=None) == held.verdict

    @pytest.mark.parametrize(
        ("resolution", "fields", "lines"),
        [
            (CONTENT, {}, ("index 8 files in at least 1 call", "delete the metadata of 2 files in at least 1 call")),
            (replace(CONTENT, items=201, adds=201, deletes=0), {}, ("index 201 files in at least 3 calls",)),
            (replace(CONTENT, items=1, adds=1, deletes=0), {}, ("index 1 file in at least 1 call",)),
            (
                replace(WRONG, items=1, adds=0, deletes=1),
                {"onInvalid": "Skip"},
                ("delete the metadata of 1 file in at least 1 call", "leave out 2 wrong lines of the source"),
            ),
            (
                CONTENT,
                {"target": {"dataset": {"ref": "photos", "onExisting": "UpdateLabels"}}},
                (
                    f"index 8 files in at least 1 call{ONLY_LABELS}",
                    "delete the metadata of 2 files in at least 1 call",
                ),
            ),
            (NOTHING, {}, ("record a run of no files",)),
        ],
    )
    def test_a_dry_run_says_files_and_calls(
        self, resolution: Resolution, fields: dict[str, Any], lines: tuple[str, ...]
    ) -> None:
        """Before anything is paid for."""
        verdict = decide(seen(resolution=resolution), mode="DryRun", **fields).verdict
        assert lines == verdict.planned_changes
        assert f"mode DryRun sends nothing; Apply would {'; '.join(lines)}" == verdict.message

    def test_a_suspended_dry_run_does_not_even_read(self) -> None:
        """A table of a hundred thousand lines is read when somebody wants to know."""
        held = decide(seen(resolution=None), mode="DryRun", suspend=True)
        assert (None, ("read and check spec.source, then send its files",)) == (held.step, held.verdict.planned_changes)

    def test_a_retry_that_is_held_back_keeps_the_verdict(self) -> None:
        """Its failures are still what they were."""
        observed = seen(run=run(8, 1, 0, 1, concluded=True))
        decided = decide(observed, Phase.FAILED, suspend=True, retry={"failedItems": "one"})
        assert (Phase.FAILED, ("send 2 files again",)) == (decided.phase, decided.verdict.planned_changes)
        assert Reason.PARTIALLY_FAILED is decided.verdict.reason


WAYS_OUT: dict[Reason, tuple[str, ...]] = {
    Reason.WORK_BUCKET_MISSING: ("set it to a bucket",),
    Reason.EVENTS_MISSING: ("set topic and queue",),
    Reason.SOURCE_INVALID: (
        "Correct the source and set spec.runToken",
        "spec.onInvalid to Skip",
        CONTENT.report,
        "line 2",
    ),
    Reason.TOO_MANY_ITEMS: ("holds 10 files", "allows 9", "Raise maxItems"),
    Reason.OWNERSHIP_CONFLICT: ("media/a of cluster c", "Delete one", f"oss://records/runs/{RUN}/record.json"),
    Reason.RUN_VANISHED: ("Restore them", "create it under another name"),
    Reason.PARTIALLY_FAILED: ("status.report", "set spec.retry.failedItems to a new text", "raise maxFailedItems"),
}


class TestWords:
    """What people read."""

    @pytest.mark.parametrize("reason", WAYS_OUT)
    def test_each_standstill_names_the_way_out(self, reason: Reason) -> None:
        """Whatever has to be done by a person."""
        rows: list[tuple[ObservedImport, dict[str, Any], Phase | None]] = [(row[1], row[2], None) for row in ROWS] + [
            (seen(), {}, Phase.WAITING)
        ]
        verdicts = [decide(observed, before, **fields).verdict for observed, fields, before in rows]
        found = [one for one in verdicts if one.reason is reason]
        assert found
        for verdict in found:
            assert Standing.STALLED is verdict.standing
            assert [] == [words for words in WAYS_OUT[reason] if words not in verdict.message]

    def test_there_is_no_other_standstill(self) -> None:
        """One that is added gets its words here."""
        stalled = {decide(row[1], **row[2]).verdict for row in ROWS}
        assert {one.reason for one in stalled if one.standing is Standing.STALLED} <= WAYS_OUT.keys()

    def test_inline_files_need_no_token(self) -> None:
        """Correcting them is a new source already."""
        inline = {"items": [{"uri": "oss://photos/a"}]}
        message = decide(seen(resolution=WRONG), source=inline).verdict.message
        assert "runToken" not in message
        assert "Correct the source;" in message

    def test_skipping_is_no_way_out_where_it_leaves_nothing(self) -> None:
        """As of a table without its column: wrong as a whole."""
        message = decide(seen(resolution=replace(WRONG, items=0, adds=0, deletes=0))).verdict.message
        assert "nothing is left to send" in message
        assert "onInvalid" not in message

    def test_a_source_without_a_file_says_how_to_have_it_read_again(self) -> None:
        """A misspelt prefix would be no error anywhere."""
        none = replace(run(concluded=True), totals=Totals(), unsent=0)
        verdict = decide(seen(resolution=NOTHING, run=none)).verdict
        assert Standing.READY is verdict.standing
        assert "set spec.runToken to a new text" in verdict.message

    def test_failures_that_are_allowed_are_pointed_to(self) -> None:
        """Ready is no word for all of them."""
        message = decide(seen(run=run(9, failed=1, concluded=True)), maxFailedItems=1).verdict.message
        assert "status.report names those that did not succeed" in message
        assert "report" not in decide(seen(run=run(10, concluded=True))).verdict.message

    def test_what_was_cancelled_is_sent_only_after_the_deadline_is_raised(self) -> None:
        """A retry behind it is not begun."""
        message = decide(seen(run=run(9, cancelled=1, concluded=True)), deadline="1m").verdict.message
        assert "raise spec.deadline and set spec.retry.failedItems" in message

    def test_many_long_problems_fit(self) -> None:
        """The first few, cut; all are in the object that the message names."""
        long = replace(WRONG, problems=tuple("日" * 2000 for _ in range(10)), problem_count=12345)
        message = decide(seen(resolution=long)).verdict.message
        assert len(message.encode()) <= MAX_MESSAGE
        assert message.startswith("12345 problems in the source")
        assert long.report in message

    def test_progress_changes_no_message(self) -> None:
        """Each new one would be a write of the status; the counts are in status.totals."""
        for one, other in (
            (run(1, unsent=4, sent=5), run(3, unsent=2, sent=5)),
            (run(1, unsent=0, sent=9), run(3, unsent=0, sent=7)),
            (run(1, unsent=0, sent=9, lost=(1,)), run(3, unsent=0, sent=7, lost=(2, 3))),
        ):
            assert decide(seen(run=one)).verdict == decide(seen(run=other)).verdict

    def test_a_wait_ends_when_the_next_result_is_overdue(self) -> None:
        """And within half a minute, so that progress shows."""
        waits = {
            seconds: decide(seen(run=sent(next_due=NOW + timedelta(seconds=seconds)))).verdict.look_again
            for seconds in (-5, 12, 900)
        }
        assert {-5: 1.0, 12: 12.0, 900: 30.0} == waits
        assert 30.0 == decide(seen(run=sent())).verdict.look_again


def observations() -> st.SearchStrategy[ObservedImport]:
    """Anything that may be observed, in any combination."""
    numbers = st.lists(st.integers(0, 9), max_size=3, unique=True).map(tuple)
    counts = st.sampled_from([(10,), (9, 1), (9, 0, 1), (5, 2, 1, 2), (), (3,), (3, 1), (0, 0, 0, 4)])

    def finish(drawn: tuple[Any, ...]) -> ObservedRun:
        totals, waits, lost, overdue, due, cancelled, token, concluded, holder, asked = drawn
        made = run(*totals)
        waiting = made.unsent * waits // 2
        return replace(
            made,
            unsent=made.unsent - waiting,
            sent=waiting,
            lost=lost if waiting else (),
            asked=tuple(number for number in lost if number in asked) if waiting else (),
            overdue=overdue if waiting else (),
            next_due=due,
            cancelled=cancelled,
            token=token,
            concluded=concluded and not made.unsent,
            holder=holder,
        )

    runs = st.tuples(
        counts, st.integers(0, 2), numbers, numbers, st.none() | st.just(NOW), st.booleans(),
        st.sampled_from(["", "one"]), st.booleans(), st.sampled_from(["", "", "", "media/a of c"]), numbers,
    ).map(finish)  # fmt: skip
    return st.builds(
        ObservedImport,
        st.sampled_from([(READY,), (READY,), (READY,), (ABSENT,), (READY, BEHIND)]),
        st.sampled_from(["records", "records", ""]),
        st.sampled_from(["results", ""]),
        st.just("results"),
        st.just("w" * 32),
        st.sampled_from([CONTENT, CONTENT, WRONG, None]),
        st.none() | runs,
    )


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(),
        "mode": st.sampled_from(["Apply", "Observe", "DryRun"]),
        "onInvalid": st.sampled_from(["Reject", "Skip"]),
        "deadline": st.sampled_from(["10s", "2h"]),
        "maxItems": st.sampled_from([1, 100]),
        "maxFailedItems": st.sampled_from([1, 100]),
        "retry": st.sampled_from([{"failedItems": "one"}, {"failedItems": "two"}]),
    },
)


@settings(max_examples=300)
@given(st.lists(st.tuples(observations(), SPECS, st.booleans()), min_size=1, max_size=12))
def test_every_step_of_a_random_walk_is_one_of_the_table(
    walk: list[tuple[ObservedImport, dict[str, Any], bool]],
) -> None:
    """Whatever is observed after whatever, of the same run or of another: what is decided fits, and nothing raises."""
    before: Phase | None = None
    for observed, fields, same_run in walk:
        decided = decide(observed, before, same_run=same_run, **fields)
        known = before if same_run else None
        assert decided.phase == known or (known, decided.phase) in TRANSITIONS
        acting = fields.get("mode", "Apply") == "Apply" and not fields.get("suspend", False)
        reads = fields.get("mode") == "DryRun" and not fields.get("suspend", False)
        notes = decided.step == Pause() and fields.get("suspend", False)
        assert decided.step is None or acting or notes or (reads and decided.step == ResolveSource())
        sends = isinstance(decided.step, SendChunks | SendAgain)
        assert not sends or (observed.run and not observed.run.holder and not observed.run.settled and observed.topic)
        assert not isinstance(decided.step, WriteRecord) or (observed.run is None and known not in BEGUN)
        before = decided.phase


@pytest.mark.parametrize("before", [None, *Phase])
@pytest.mark.parametrize("after", [None, *Phase])
def test_a_step_that_is_not_in_the_table_raises(before: Phase | None, after: Phase | None) -> None:
    """What has begun does not go back; another run's phase does not count."""
    legal = before == after or (after is not None and (before, after) in TRANSITIONS)
    if legal:
        assert after == advance(before, after, same_run=True)
    else:
        with pytest.raises(IllegalStep):
            advance(before, after, same_run=True)
    assert after == advance(before, after, same_run=False)
    if before in BEGUN:
        assert not legal or after in BEGUN


def test_the_diagram_has_every_edge_of_the_table() -> None:
    """Once each, with why."""
    drawn = re.findall(r"^    (\S+) --> (\S+): (.+)$", job.diagram(), re.MULTILINE)
    assert [(before or "[*]", after, why) for (before, after), why in TRANSITIONS.items()] == [
        (before if before == "[*]" else Phase(before), Phase(after), why) for before, after, why in drawn
    ]
    assert {after for _, after in TRANSITIONS} == set(Phase)

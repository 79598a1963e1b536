"""A run of Image Search: what each record of a batch task does to its state, and how long it was suspended."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.imports import records
from controller.core.imports.fates import Fate, Fates
from controller.core.imports.records import (
    Answered,
    Attempt,
    Cancelled,
    Chunk,
    Means,
    Paused,
    Planned,
    Record,
    Resumed,
    Turned,
    Unknowable,
    Uploaded,
    Verdicts,
    ranges_of,
    within,
)
from controller.core.imports.run import RunState
from controller.core.imports.taskreport import NoReport, judge
from controller.core.imports.tasks import TaskState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
S, F, U, C, N, W = Fate.SUCCEEDED, Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED, Fate.UNSENT, Fate.SENT


def state(size: int, *told: Record) -> RunState:
    """A run of so many lines, with these records."""
    made = RunState(array("Q", range(size)))
    for record in told:
        made.apply(record)
    return made


def planned(number: int, *ranges: tuple[int, int], listed: tuple[int, ...] = ()) -> Planned:
    """A batch task that is about to be submitted."""
    return Planned(NOW, (Chunk(number, Means.TASK, ranges),), listed=listed, etag="e")


def fates(run: RunState) -> list[Fate]:
    """What is known of each line."""
    return [Fate(fate) for fate in run.fates]


class TestTask:
    """From plan to verdict."""

    def test_an_attempt_is_one_chunk_of_everything_unsent(self) -> None:
        """By the fewest ranges."""
        run = state(5)
        assert Chunk(0, Means.TASK, ((0, 5),)) == run.whole()
        run.apply(planned(0, (0, 5), listed=(4,)))
        assert ([W] * 5, 0, None, (4,)) == (fates(run), run.task_chunk, run.task, run.planned and run.planned.listed)
        run.apply(Answered(0, NOW, "17"))
        assert 17 == run.task
        run.apply(Verdicts(0, NOW, "task", ((0, 2), (4, 5)), ((2, "bad"), (3, "bad"))))
        assert ([S, S, F, F, S], {}) == (fates(run), run.open)
        assert {None} == {run.task_chunk, run.task, run.planned}
        run.apply(Attempt("again", NOW))
        assert (Chunk(1, Means.TASK, ((2, 4),)), 2) == (run.whole(), run.attempts)

    def test_an_answer_without_an_id_leaves_the_task_unknown(self) -> None:
        """It is looked for then, and not submitted again."""
        run = state(1, planned(0, (0, 1)), Answered(0, NOW, "seventeen"))
        assert (0, None) == (run.task_chunk, run.task)

    def test_a_submit_without_effect_leaves_everything_unsent(self) -> None:
        """After the deadline it is cancelled."""
        assert [N, N] == fates(state(2, planned(0, (0, 2)), Turned(0)))
        assert [C, C] == fates(state(2, planned(0, (0, 2)), Cancelled(NOW), Turned(0)))

    def test_the_completed_part_of_a_stopped_task_stays_done(self) -> None:
        """What it did not come to is cancelled; told in several records."""
        run = state(4, planned(0, (0, 4)), Answered(0, NOW, "1"), Verdicts(0, NOW, "task", ((0, 1),), ((1, "bad"),)))
        assert (0, [S, F, W, W]) == (run.task_chunk, fates(run))
        run.apply(Verdicts(0, NOW, "task", cancelled=((2, 4),)))
        assert (None, [S, F, C, C], True) == (run.task_chunk, fates(run), run.settled)

    def test_what_cannot_be_known_is_unknown_for_good(self) -> None:
        """No later word counts, and the reason stays until an attempt."""
        run = state(3, planned(0, (0, 3)), Verdicts(0, NOW, "task", (), ((1, "bad"),)))
        run.apply(Unknowable(0, NOW, "ReportExpired"))
        run.apply(Verdicts(0, NOW, "task", ((0, 3),)))
        assert ([U, F, U], "ReportExpired", {}, None) == (fates(run), run.unknowable, run.open, run.task_chunk)
        run.apply(Attempt("again", NOW))
        assert ("", [N, N, N]) == (run.unknowable, fates(run))

    def test_a_call_to_a_dataset_is_never_unknowable(self) -> None:
        """Its messages may come yet."""
        run = state(1, Planned(NOW, (Chunk(0, Means.INDEX, ((0, 1),)),)), Unknowable(0, NOW, "ReportExpired"))
        assert ([W], "", None) == (fates(run), run.unknowable, run.task_chunk)

    def test_the_manifest_is_an_attempts(self) -> None:
        """The next one needs its own."""
        run = state(1, Uploaded(NOW, "e1", 1))
        assert "e1" == run.manifest_etag
        run.apply(Attempt("again", NOW))
        assert not run.manifest_etag

    def test_what_is_told_of_others_is_passed_over(self) -> None:
        """Of a chunk that is over, of lines that it does not hold."""
        run = state(4, planned(0, (0, 1), (2, 3)), Verdicts(9, NOW, "task", ((0, 4),)))
        run.apply(Verdicts(0, NOW, "task", ((0, 2),), ((1, "x"), (3, "x"), (99, "x"), (-1, "x")), (3, 99), ((3, 4),)))
        assert [S, N, W, N] == fates(run)

    def test_records_come_back_as_they_were(self) -> None:
        """Each new kind, and each new member."""
        told: list[Record] = [
            planned(3, (0, 4), listed=(1, 2)), Answered(3, NOW, "17"), Uploaded(NOW, "e", 4),
            Verdicts(3, NOW, "task", ((0, 1),), ((1, "日本"),), (2,), ((3, 4),), (("bad", ((4, 6), (7, 8))),)),
            Unknowable(3, NOW, "ReportExpired", "why"), Paused(NOW), Resumed(NOW),
        ]  # fmt: skip
        assert told == records.decode(records.encode(told))

    def test_what_failed_for_one_reason_is_told_by_ranges(self) -> None:
        """Of the chunk's own lines that wait still, and the first of them are shown."""
        failed = (("bad", ((0, 2), (3, 99))), ("worse", ((3, 4),)))
        run = state(20, planned(0, (1, 3), (4, 20)), Verdicts(0, NOW, "task", ((5, 6),)))
        run.apply(Verdicts(0, NOW, "task", failed_ranges=failed))
        assert [N, F, W, N, F, S, *[F] * 14] == fates(run)
        assert dict.fromkeys([1, 4, *range(6, 14)], "bad") == run.failures

    def test_a_journal_of_before_there_were_such_ranges_is_read(self) -> None:
        """Each line stands in it with its own words."""
        segment = b'{"type":"verdicts","chunk":0,"at":"2026-01-01T00:00:00Z","by":"task","failed":[[1,"bad"]]}\n'
        assert [Verdicts(0, NOW, "task", (), ((1, "bad"),))] == records.decode(segment)

    def test_a_million_lines_that_fail_alike_are_one_message_a_record(self) -> None:
        """In the journal, and in what is folded from it."""
        size, began = 1_000_000, time.thread_time()
        found = judge(TaskState.FAILED, "words " * 80, NoReport.ABSENT, iter(()), ((0, size),))
        told: list[Record] = [Verdicts(0, NOW, "task", failed_ranges=part.failed) for part in found.parts]
        assert 200_000 > len(records.encode(told))
        run = state(size, planned(0, (0, size)), *told)
        assert (size, True, 10) == (run.count(F), run.settled, len(run.failures))
        assert time.thread_time() - began < 5

    def test_a_million_lines_are_folded_by_ranges(self) -> None:
        """One task, its verdicts in 200 records: not an object for each line."""
        size, began = 1_000_000, time.thread_time()
        run = state(size, planned(0, (0, size)))
        for first in range(0, size, 5000):
            run.apply(Verdicts(0, NOW, "task", ((first, first + 4999),), ((first + 4999, "bad"),)))
        assert (size - 200, 200, True) == (run.count(S), run.count(F), run.settled)
        run.apply(Attempt("again", NOW))
        assert 200 == run.whole().size
        assert time.thread_time() - began < 5


class TestPauses:
    """Suspended time."""

    def test_it_adds_up(self) -> None:
        """What lasts counts as far as it is."""
        run = state(1)
        assert timedelta() == run.paused_for(NOW)
        run.apply(Paused(NOW))
        assert MINUTE == run.paused_for(NOW + MINUTE)
        run.apply(Resumed(NOW + 2 * MINUTE))
        run.apply(Paused(NOW + 5 * MINUTE))
        assert (2 * MINUTE, 3 * MINUTE) == (run.paused, run.paused_for(NOW + 6 * MINUTE))

    def test_what_is_said_twice_counts_once(self) -> None:
        """And a clock that went back takes nothing away."""
        run = state(1, Resumed(NOW), Paused(NOW), Paused(NOW + MINUTE), Resumed(NOW - MINUTE), Resumed(NOW + MINUTE))
        assert (timedelta(), None) == (run.paused, run.paused_since)


RANGES = st.lists(st.integers(0, 40), max_size=25, unique=True).map(lambda drawn: ranges_of(sorted(drawn)))


@given(RANGES, RANGES)
def test_what_two_lists_of_ranges_share(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> None:
    """By bisection the same as by sets."""

    def members(ranges: tuple[tuple[int, int], ...]) -> set[int]:
        return {index for first, end in ranges for index in range(first, end)}

    assert members(one) & members(other) == members(tuple(within(one, other)))


@given(st.integers(0, 300), st.lists(st.tuples(st.sampled_from(Fate), st.sampled_from(Fate), RANGES), max_size=8))
def test_fates_are_counted_and_found_by_ranges(
    size: int, turns: list[tuple[Fate, Fate, tuple[tuple[int, int], ...]]]
) -> None:
    """As one by one."""
    known, plain = Fates(size), [Fate.UNSENT] * size
    for before, after, ranges in turns:
        known.turn(before, after, ranges)
        for first, end in ranges:
            plain[first:end] = [after if fate == before else fate for fate in plain[first:end]]
    assert plain == [Fate(mark) for mark in known.marks]
    counted = Counter(plain)
    for fate in Fate:
        assert counted[fate] == known.count(fate)
        assert ranges_of(index for index, one in enumerate(plain) if one == fate) == known.ranges(fate)
    assert [index for index, one in enumerate(plain) if one == Fate.UNSENT][:7] == known.first_unsent(7)


@st.composite
def journals(draw: st.DrawFn) -> tuple[int, list[Record]]:
    """Whatever may stand in a journal of tasks, and a good deal that may not."""
    size = draw(st.integers(0, 12))
    told: list[Record] = []
    ranges = st.lists(st.integers(0, max(size - 1, 0)), max_size=size, unique=True).map(
        lambda one: ranges_of(sorted(one))
    )
    indices = st.lists(st.integers(0, 14), max_size=4, unique=True).map(tuple)
    for number in range(draw(st.integers(0, 12))):
        chunk = st.integers(0, number)
        kept = draw(ranges) if size else ()
        told.append(
            draw(
                st.one_of(
                    st.just(Planned(NOW, (Chunk(number, Means.TASK, kept),))),
                    st.builds(Answered, chunk, st.just(NOW), st.sampled_from(["1", "2", ""])),
                    st.builds(Turned, chunk),
                    st.builds(Unknowable, chunk, st.just(NOW), st.just("ReportExpired")),
                    st.builds(Attempt, st.sampled_from("ab"), st.just(NOW)),
                    st.just(Cancelled(NOW)),
                    st.builds(
                        Verdicts, chunk, st.just(NOW), st.just("task"), ranges,
                        indices.map(lambda one: tuple((index, "bad") for index in one)), indices, ranges,
                        ranges.map(lambda one: (("bad", one), ("worse", one))),
                    ),
                )
            )
        )  # fmt: skip
    return size, told


@settings(max_examples=300)
@given(journals())
def test_whatever_is_recorded_the_counts_add_up(drawn: tuple[int, list[Record]]) -> None:
    """And what succeeded stays so; whatever is sent is in an open chunk; a restart reads the same."""
    size, told = drawn
    run, done = state(size), set[int]()
    for record in told:
        run.apply(record)
        counted, totals = Counter(fates(run)), run.totals(1, 2)
        assert {fate: run.count(fate) for fate in Fate} == {fate: counted[fate] for fate in Fate}
        assert totals.items == size == totals.submitted + totals.cancelled + counted[N] + counted[W]
        assert (totals.submitted, totals.unchecked) == (totals.succeeded + totals.failed + totals.unknown, 2)
        now_done = {index for index, fate in enumerate(fates(run)) if fate == S}
        assert done <= now_done
        done = now_done
        held = {index for one in run.open.values() for first, end in one.chunk.ranges for index in range(first, end)}
        assert {index for index, fate in enumerate(fates(run)) if fate == W} <= held
        assert (run.task_chunk is None) == (not run.count(W))
        assert all(run.fates[index] == F for index in run.failures)
    again = state(size, *records.decode(records.encode(told)))
    assert (fates(run), run.open, run.task, run.unknowable) == (fates(again), again.open, again.task, again.unknowable)

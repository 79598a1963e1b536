"""A run's state: what every record does to it, and what holds whatever comes in whatever order."""

from __future__ import annotations

import time
import tracemalloc
from array import array
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from controller.api.importsource import Operation
from controller.core.imports import items, records
from controller.core.imports.items import Item, fingerprint
from controller.core.imports.records import (
    Answered,
    Attempt,
    Cancelled,
    Chunk,
    Means,
    Planned,
    Record,
    Turned,
    Verdicts,
    ranges_of,
)
from controller.core.imports.run import Fate, RunState, awaits_messages, items_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
TOLD = {Fate.SUCCEEDED, Fate.FAILED, Fate.UNKNOWN}


def uri(index: int) -> str:
    """A file."""
    return f"oss://photos/{index}"


def state(size: int, *told: Record) -> RunState:
    """A run of so many files, with these records."""
    made = RunState(array("Q", [fingerprint(uri(index)) for index in range(size)]))
    for record in told:
        made.apply(record)
    return made


def chunk(number: int, *indices: int, means: Means = Means.INDEX) -> Chunk:
    """A chunk of these items."""
    return Chunk(number, means, ranges_of(indices))


def planned(*chunks: Chunk, again: tuple[int, ...] = (), at: datetime = NOW) -> Planned:
    """Chunks about to be sent."""
    return Planned(at, chunks, again)


def message(number: int, done: tuple[int, ...] = (), failed: tuple[int, ...] = ()) -> Verdicts:
    """What a message tells."""
    return Verdicts(
        number, LATER, "message", ranges_of(sorted(done)), tuple((index, f"bad {index}") for index in failed)
    )


def unknown(number: int, *indices: int) -> Verdicts:
    """The dataset does not tell either."""
    return Verdicts(number, LATER, "dataset", unknown=indices)


def fates(run: RunState) -> list[Fate]:
    """What is known of each item."""
    return [Fate(fate) for fate in run.fates]


def shown(run: RunState) -> dict[str, Any]:
    """Everything of a state that its journal decides: all but which calls this process lost sight of."""
    return {
        "fates": fates(run),
        "open": {number: (one.chunk, one.planned_at, one.answered_at) for number, one in run.open.items()},
        "failures": run.failures,
        "next": run.next_chunk,
        "token": run.token,
        "attempts": run.attempts,
        "cancelled": run.cancelled,
        "totals": run.totals(),
    }


class Journals(RuleBasedStateMachine):
    """Whatever an operator, its crashes and the cloud may bring about, and a good deal that they may not."""

    @initialize(size=st.integers(0, 12))
    def begin(self, size: int) -> None:
        self.size = size
        self.run = state(size)
        self.journal: list[Record] = []
        self.done: set[int] = set()
        self.numbers = 0

    def record(self, record: Record) -> None:
        self.journal.append(record)
        self.run.apply(record)

    @rule(data=st.data(), many=st.integers(1, 3))
    def plan_what_is_unsent(self, data: st.DataObject, many: int) -> None:
        unsent = self.run.unsent(self.size)
        assert unsent == [index for index, fate in enumerate(fates(self.run)) if fate == Fate.UNSENT]
        cuts = sorted(data.draw(st.lists(st.integers(0, len(unsent)), min_size=many, max_size=many)))
        parts = [unsent[first:end] for first, end in zip([0, *cuts], cuts, strict=False)]
        self.plan([part for part in parts if part], ())

    @precondition(lambda self: self.size)
    @rule(data=st.data())
    def plan_anything(self, data: st.DataObject) -> None:
        """Also what is sent or told of already, as a race of a message and a plan may have it."""
        picked = data.draw(st.sets(st.integers(0, self.size - 1), min_size=1))
        self.plan([sorted(picked)], ())

    @precondition(lambda self: self.run.open)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A lost chunk, whole, in part, or in two."""
        number = data.draw(st.sampled_from(sorted(self.run.open)))
        left = [index for index in items_of(self.run.open[number].chunk) if self.run.fates[index] == Fate.SENT]
        cut = data.draw(st.integers(0, len(left)))
        before = self.run.resent
        self.plan([part for part in (left[:cut], left[cut:][: data.draw(st.integers(0, 9))]) if part], (number,))
        assert self.run.resent == before + len(left)
        assert number not in self.run.open

    def plan(self, parts: list[list[int]], again: tuple[int, ...]) -> None:
        chunks = [chunk(self.numbers + number, *part) for number, part in enumerate(parts)]
        self.numbers += len(chunks)
        self.record(planned(*chunks, again=again))

    @rule(number=st.integers(0, 20), at=st.sampled_from([NOW, LATER]))
    def answer(self, number: int, at: datetime) -> None:
        self.record(Answered(number, at))

    @rule(number=st.integers(0, 20))
    def turn(self, number: int) -> None:
        self.record(Turned(number))

    @rule(number=st.integers(0, 20))
    def lose(self, number: int) -> None:
        self.run.lose(number)

    @rule(data=st.data(), by=st.sampled_from(["message", "answer", "dataset"]))
    def tell(self, data: st.DataObject, by: Any) -> None:
        """Right, wrong, twice, late, of items the chunk does not hold."""
        number = data.draw(st.sampled_from(sorted(self.run.open)) if self.run.open else st.integers(0, 20))
        indices = st.integers(0, max(self.size - 1, 0))
        done, failed, gone = (sorted(data.draw(st.sets(indices))) for _ in range(3))
        self.record(Verdicts(number, LATER, by, ranges_of(done), tuple((i, "bad") for i in failed), tuple(gone)))

    @rule(data=st.data())
    def repeat_a_word(self, data: st.DataObject) -> None:
        told = [record for record in self.journal if isinstance(record, Verdicts | Answered | Turned)]
        if told:
            self.record(data.draw(st.sampled_from(told)))

    @rule(token=st.sampled_from("abc"))
    def retry(self, token: str) -> None:
        """The one way from a verdict back; what succeeded stays."""
        again = token != self.run.token
        self.record(Attempt(token, LATER))
        assert not again or not {Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED} & set(fates(self.run))

    @rule()
    def cancel(self) -> None:
        self.record(Cancelled(LATER))
        assert not self.run.count(Fate.UNSENT)

    @rule()
    def restart(self) -> None:
        """The operator is killed: what it knew is what the journal says, read from its bytes."""
        before = self.run
        self.run = state(self.size, *records.decode(records.encode(self.journal)))
        assert shown(before) == shown(self.run)
        assert before.resent == self.run.resent
        self.run.forget_calls()
        assert {number for number, one in self.run.open.items() if one.answered_at is None} == self.run.lost

    @invariant()
    def the_counts_add_up(self) -> None:
        if not hasattr(self, "run"):
            return
        counted = Counter(fates(self.run))
        assert {fate: self.run.count(fate) for fate in Fate} == {fate: counted[fate] for fate in Fate}
        totals = self.run.totals(3)
        assert totals.items == self.size == sum(counted.values())
        assert totals.submitted == totals.succeeded + totals.failed + totals.unknown
        assert totals.items == totals.submitted + totals.cancelled + counted[Fate.UNSENT] + counted[Fate.SENT]
        assert self.run.settled == (not counted[Fate.UNSENT] and not counted[Fate.SENT])
        for fate in Fate:
            assert list(self.run.indices(fate)) == [index for index, one in enumerate(fates(self.run)) if one == fate]

    @invariant()
    def what_succeeded_stays_so(self) -> None:
        if not hasattr(self, "run"):
            return
        done = {index for index, fate in enumerate(fates(self.run)) if fate == Fate.SUCCEEDED}
        assert self.done <= done
        self.done = done

    @invariant()
    def what_is_sent_is_in_one_open_chunk(self) -> None:
        """So each such item is asked for some day, and a run can come to its end."""
        if not hasattr(self, "run"):
            return
        held = Counter(index for one in self.run.open.values() for index in items_of(one.chunk))
        assert all(count == 1 for count in held.values())
        assert {index for index, fate in enumerate(fates(self.run)) if fate == Fate.SENT} <= held.keys()
        assert all(self.run.awaited(one.chunk) for one in self.run.open.values())
        assert self.run.lost <= self.run.open.keys()

    @invariant()
    def the_failures_shown_are_failures(self) -> None:
        if not hasattr(self, "run"):
            return
        assert all(self.run.fates[index] == Fate.FAILED for index in self.run.failures)
        assert len(self.run.failures) == min(10, self.run.count(Fate.FAILED))


def test_whatever_is_recorded_the_invariants_hold() -> None:
    """Chunks, verdicts, duplicates, out of order, late, resends, retries, cancels and restarts, at random."""
    run_state_machine_as_test(Journals, settings=settings(max_examples=150, stateful_step_count=40))


class TestRecords:
    """What each record does."""

    def test_a_plan_sends_and_an_answer_waits_for_messages(self) -> None:
        """Planned before it leaves, answered when it is taken, done when it is told of."""
        run = state(3, planned(chunk(0, 0, 1)))
        assert [Fate.SENT, Fate.SENT, Fate.UNSENT] == fates(run)
        assert run.open[0].answered_at is None
        run.apply(Answered(0, LATER, "event"))
        assert LATER == run.open[0].answered_at
        run.apply(message(0, (0,), (1,)))
        assert [Fate.SUCCEEDED, Fate.FAILED, Fate.UNSENT] == fates(run)
        assert {1: "bad 1"} == run.failures
        assert {} == run.open

    def test_a_message_may_come_before_the_answer(self) -> None:
        """It shows that the call was taken, so the rest of it is not sent again."""
        run = state(2, planned(chunk(0, 0, 1)))
        run.lose(0)
        run.apply(message(0, (0,)))
        assert set() == run.lost
        assert LATER == run.open[0].answered_at
        run.apply(message(0, (1,)))
        run.apply(Answered(0, LATER))
        assert [Fate.SUCCEEDED] * 2 == fates(run)
        assert {} == run.open

    def test_what_the_dataset_says_of_some_does_not_show_that_a_lost_call_was_taken(self) -> None:
        """Another import or a binding may have written them."""
        run = state(2, planned(chunk(0, 0, 1)))
        run.lose(0)
        run.apply(Verdicts(0, LATER, "dataset", ((0, 1),)))
        assert ({0}, None) == (run.lost, run.open[0].answered_at)

    def test_what_took_no_effect_is_unsent_again(self) -> None:
        """Except what was told of meanwhile."""
        run = state(2, planned(chunk(0, 0, 1)), message(0, (1,)), Turned(0, "Throttled"))
        assert [Fate.UNSENT, Fate.SUCCEEDED] == fates(run)
        assert [0] == run.unsent(5)

    def test_the_first_word_counts_and_only_unknown_gives_way(self) -> None:
        """In both directions, however often."""
        for first, second, fate in (
            (message(0, (0,)), message(0, (), (0,)), Fate.SUCCEEDED),
            (message(0, (), (0,)), message(0, (0,)), Fate.FAILED),
            (message(0, (0,)), unknown(0, 0), Fate.SUCCEEDED),
            (unknown(0, 0), message(0, (0,)), Fate.SUCCEEDED),
            (unknown(0, 0), message(0, (), (0,)), Fate.FAILED),
            (unknown(0, 0), unknown(0, 0), Fate.UNKNOWN),
        ):
            assert [fate] == fates(state(1, planned(chunk(0, 0)), first, second, second))

    def test_a_word_of_an_earlier_call_is_no_verdict_on_a_retry(self) -> None:
        """The duplicate of the message that told of the failure comes while the file is sent again."""
        run = state(2, planned(chunk(0, 0, 1)), message(0, (), (0,)), Attempt("again", LATER))
        run.apply(planned(chunk(1, 0)))
        run.apply(message(0, (), (0,)))
        assert [Fate.SENT, Fate.SENT] == fates(run)
        run.apply(message(1, (0,)))
        run.apply(message(0, (1,)))
        assert [Fate.SUCCEEDED] * 2 == fates(run)

    def test_what_is_left_of_a_lost_chunk_is_sent_again_once(self) -> None:
        """Counted, under other numbers; what the plan does not hold of it is unsent, not forgotten."""
        run = state(4, planned(chunk(0, 0, 1, 2, 3)))
        run.forget_calls()
        assert {0} == run.lost
        run.apply(Verdicts(0, LATER, "dataset", ((0, 1),)))
        run.apply(planned(chunk(1, 1), chunk(2, 2), again=(0,)))
        assert [Fate.SUCCEEDED, Fate.SENT, Fate.SENT, Fate.UNSENT] == fates(run)
        assert (3, set(), [1, 2]) == (run.resent, run.lost, list(run.open))
        assert 3 == run.totals().resent

    def test_a_deadline_cancels_what_is_not_sent_now_or_later(self) -> None:
        """A call that took no effect after it is cancelled, too; a retry begins anew."""
        run = state(3, planned(chunk(0, 0), chunk(1, 1)), Cancelled(LATER))
        assert [Fate.SENT, Fate.SENT, Fate.CANCELLED] == fates(run)
        run.apply(Turned(0))
        run.apply(message(1, (1,)))
        assert [Fate.CANCELLED, Fate.SUCCEEDED, Fate.CANCELLED] == fates(run)
        assert run.settled
        run.apply(Attempt("again", LATER))
        assert ([0, 2], False, 2) == (run.unsent(9), run.cancelled, run.attempts)

    def test_a_retry_sends_whatever_did_not_succeed(self) -> None:
        """Failed, unknown and cancelled; not what is on its way or done."""
        run = state(5, planned(chunk(0, 0, 1, 2), chunk(1, 3)), Cancelled(LATER))
        run.apply(Verdicts(0, LATER, "dataset", ((0, 1),), ((1, "bad"),), (2,)))
        assert [Fate.SUCCEEDED, Fate.FAILED, Fate.UNKNOWN, Fate.SENT, Fate.CANCELLED] == fates(run)
        run.apply(Attempt("again", LATER))
        assert [Fate.SUCCEEDED, Fate.UNSENT, Fate.UNSENT, Fate.SENT, Fate.UNSENT] == fates(run)
        assert [1] == list(run.open)

    def test_a_retry_is_begun_once_a_token(self) -> None:
        """And not for what stood in the spec when the run began."""
        run = state(1, planned(chunk(0, 0)), message(0, (), (0,)), Attempt("one", LATER))
        assert [Fate.UNSENT] == fates(run)
        assert {} == run.failures
        run.apply(planned(chunk(1, 0)))
        run.apply(message(1, (), (0,)))
        run.apply(Attempt("one", LATER))
        assert [Fate.FAILED] == fates(run)
        begun = RunState(array("Q", [1]), token="one")
        begun.apply(Attempt("one", LATER))
        assert 1 == begun.attempts

    def test_files_are_found_by_their_uri_in_their_chunk(self) -> None:
        """Another chunk's file is none of it."""
        run = state(4, planned(chunk(0, 0, 2), chunk(1, 1, 3)))
        assert [2, None, 0, None] == run.find(run.open[0].chunk, [uri(2), uri(1), uri(0), "oss://x/y"])

    @pytest.mark.parametrize(
        "record",
        [planned(chunk(0, 0)), planned(chunk(1, 2)), planned(Chunk(1, Means.INDEX, ((-1, 1),)))],
        ids=["a number used before", "an item beyond the last", "an item before the first"],
    )
    def test_another_runs_journal_is_refused(self, record: Record) -> None:
        """Counting on would give verdicts to the wrong files."""
        run = state(2, planned(chunk(0, 0)))
        with pytest.raises(ValueError, match="journal is not that of this run"):
            run.apply(record)

    def test_only_index_calls_are_answered_by_messages(self) -> None:
        """The others answer themselves."""
        assert {means: means is Means.INDEX for means in Means} == {
            means: awaits_messages(chunk(0, 0, means=means)) for means in Means
        }


class TestSize:
    """A hundred thousand files."""

    MANY = 100_000

    def whole(self, size: int) -> float:
        """Process seconds for a whole life: sent, told, one in ten failed, retried, told again."""
        began = time.thread_time()
        run = RunState(array("Q", range(size)))
        number = 0
        for _ in range(2):
            while unsent := run.unsent(1600):
                chunks = tuple(
                    chunk(number + n, *unsent[100 * n : 100 * n + 100]) for n in range(-(-len(unsent) // 100))
                )
                number += len(chunks)
                run.apply(planned(*chunks))
            for one in list(run.open):
                run.apply(Answered(one, LATER))
                held = list(items_of(run.open[one].chunk))
                failed = tuple(index for index in held if run.attempts == 1 and index % 10 == 0)
                run.apply(message(one, tuple(set(held) - set(failed)), failed))
            assert run.settled
            run.apply(Attempt("again", LATER))
        assert run.totals().succeeded == size
        return time.thread_time() - began

    def test_a_run_takes_time_in_proportion_to_its_files(self) -> None:
        """Ten times the files, about ten times the time."""
        self.whole(2_000)
        few, many = (min(self.whole(some) for _ in range(3)) for some in (self.MANY // 10, self.MANY))
        assert many < 25 * max(few, 0.02)  # the least of three: a machine may be slow now and then

    def test_an_item_takes_nine_bytes(self) -> None:
        """One of fate, eight of fingerprint; the rest does not grow with the files."""
        tracemalloc.start()
        try:
            run = RunState(array("Q", range(self.MANY)))
            for number in range(self.MANY // 100):
                run.apply(planned(Chunk(number, Means.INDEX, ((100 * number, 100 * number + 100),))))
                run.apply(Verdicts(number, LATER, "message", ((100 * number, 100 * number + 100),)))
            used, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert run.settled
        assert used < 1.5 * 9 * self.MANY
        assert peak < 2.5 * 9 * self.MANY


class TestForms:
    """What is stored is read again, and the same item is always the same bytes."""

    def test_records_come_back_as_they_were(self) -> None:
        """Each kind, with and without what may be left out."""
        told: list[Record] = [
            planned(chunk(3, 1, 2, 5), chunk(4, 7, means=Means.DELETE), again=(1, 2)),
            Answered(3, LATER, "event"),
            Answered(4, LATER),
            Turned(3, "Throttled"),
            Attempt("one", NOW),
            Cancelled(NOW),
            Verdicts(3, LATER, "dataset", ((1, 3),), ((5, "日本"),), (7,)),
            message(4),
        ]
        assert told == records.decode(records.encode(told))

    def test_items_come_back_as_they_were(self) -> None:
        """And one that has the same labels in another order is the same bytes."""
        kept = [
            Item("oss://b/日 本"),
            Item("pds://domains/d/drives/1/files/f/revisions/r", Operation.DELETE),
            Item("oss://b/c", custom_id="", labels={"a": ""}),
            Item("pds://domains/d/drives/1/files/f/revisions/s", file_hash="EA49", oss_uri="oss://b/日 本"),
        ]
        assert kept == items.decode(items.encode(kept))
        assert items.encode([Item("oss://b/c", labels={"a": "1", "b": "2"})]) == items.encode(
            [Item("oss://b/c", labels={"b": "2", "a": "1"})]
        )
        assert b'{"uri":"oss://b/c"}\n' == items.encode([Item("oss://b/c")])
        first = b'{"uri":"oss://b/c","operation":"DELETE","custom_id":"1","labels":{"a":"b"}}\n'
        assert first == items.encode([Item("oss://b/c", Operation.DELETE, "1", {"a": "b"})])

    def test_ranges_are_the_fewest(self) -> None:
        """Of ascending indices."""
        assert ((1, 4), (7, 8), (9, 11)) == ranges_of([1, 2, 3, 7, 9, 10])
        assert () == ranges_of([])

    def test_fingerprints_are_those_of_the_first_version(self) -> None:
        """A journal is read by a later operator, too; any text has one."""
        assert 64 >= fingerprint("oss://photos/日本.jpg").bit_length()
        assert fingerprint("oss://b/\ud800") != fingerprint("oss://b/\ud801")
        assert 1324018366518365542 == fingerprint("oss://photos/a.jpg")

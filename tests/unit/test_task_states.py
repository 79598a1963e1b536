"""Tasks of Image Search: the one table of their states, and which listed one an import made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.facts import TaskFacts
from controller.core.imports import identity
from controller.core.imports.records import Planned
from controller.core.imports.tasks import (
    VOCABULARY,
    TaskState,
    candidates,
    doubt,
    is_known,
    state_of,
    table,
    wait,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUN, OTHER = "a" * 32, "b" * 32
TASK = TaskFacts(7, "shop", "spring/", "", "PROCESSING", "0", "", "", NOW, NOW)
PLANNED = Planned(NOW, (), listed=(3, 5))


def ours(*listed: TaskFacts) -> int | None:
    """The id of the task that is taken for the import's own."""
    found = candidates(PLANNED, listed, RUN, "shop", "spring/")
    return found[0].id if found else None


def callback(run: str) -> str:
    """A callback address of a run."""
    return f"https://hooks.example.com/imm{identity.callback_path(run, 'nonce')}"


class TestStates:
    """Three vocabularies, one table."""

    @pytest.mark.parametrize(
        ("word", "state"),
        [
            ("PROCESSING", "Processing"), ("SUCCESS", "Succeeded"), ("FAIL", "Failed"), ("NORMAL", "Succeeded"),
            ("Processing", "Processing"), ("Imported", "Succeeded"), ("Stop", "Stopped"), ("STOP", "Stopped"),
            (" success ", "Succeeded"),
        ],
    )  # fmt: skip
    def test_each_word_has_its_state(self, word: str, state: str) -> None:
        """Of the API, of callbacks, of the console; in whatever case."""
        assert state == state_of(word).value
        assert is_known(word)

    @given(st.text())
    def test_whatever_else_is_said_is_in_progress(self, word: str) -> None:
        """Never an end, and it is to be logged."""
        if not is_known(word):
            assert TaskState.PROCESSING is state_of(word)

    def test_no_word_means_two_states(self) -> None:
        """FAIL is said by two of them."""
        by_word = {word.casefold(): {state for _, other, state in VOCABULARY if other.casefold() == word.casefold()}
                   for _, word, _ in VOCABULARY}  # fmt: skip
        assert all(len(states) == 1 for states in by_word.values())
        assert all(f"| {who} | `{word}` | {state} |" in table() for who, word, state in VOCABULARY)

    def test_a_task_is_looked_at_after_a_tenth_of_its_age(self) -> None:
        """Within a second and a quarter of a minute."""
        ages = (-5, 0, 50, 3600)
        assert [1.0, 1.0, 5.0, 15.0] == [wait(NOW - timedelta(seconds=age), NOW) for age in ages]
        assert 1.0 == wait(None, NOW)


class TestOurs:
    """After a lost answer."""

    def test_a_task_that_was_listed_before_is_not_ours(self) -> None:
        """Nor is one of another place."""
        assert ours() is None
        assert ours(replace(TASK, id=3), replace(TASK, id=5)) is None
        assert ours(replace(TASK, bucket="other"), replace(TASK, path=""), replace(TASK, path="spring/a/")) is None
        assert 7 == ours(TASK)

    def test_the_callback_address_decides(self) -> None:
        """With the run's id it is ours, whatever else is new; with that of another run it is not."""
        own, before = replace(TASK, id=9, callback=callback(RUN)), replace(TASK, created_at=NOW - timedelta(minutes=1))
        assert 9 == ours(before, own)
        assert ours(replace(TASK, callback=callback(OTHER))) is None

    @pytest.mark.parametrize("shown", ["https://example.com/mine", callback(RUN).upper(), callback(RUN)[:50], "%2Fv1"])
    def test_an_address_that_names_no_run_excludes_nothing(self, shown: str) -> None:
        """The list may show it cut or in another spelling; one that names the run goes before it."""
        assert 7 == ours(replace(TASK, callback=shown))
        assert 9 == ours(replace(TASK, callback=shown), replace(TASK, id=9, callback=callback(RUN)))

    def test_an_earlier_attempt_has_the_same_callback_and_is_not_this_one(self) -> None:
        """It was listed when this one was planned."""
        assert ours(replace(TASK, id=5, callback=callback(RUN))) is None

    def test_of_several_the_oldest_new_one_is_taken_and_said(self) -> None:
        """Somebody submitted the same manifest in the console meanwhile."""
        later = replace(TASK, id=6, created_at=NOW + timedelta(seconds=3))
        found = candidates(PLANNED, (later, TASK), RUN, "shop", "spring/")
        assert [7, 6] == [one.id for one in found]
        assert "7 is taken" in doubt(found, RUN)
        assert "not 6" in doubt(found, RUN)
        assert not doubt(found[:1], RUN)
        own = replace(later, callback=callback(RUN))
        assert "names this run" in doubt(candidates(PLANNED, (TASK, own), RUN, "shop", "spring/"), RUN)

    @pytest.mark.parametrize("created_at", [NOW - timedelta(hours=8), NOW, NOW + timedelta(hours=8), None])
    def test_what_time_the_list_gives_a_task_decides_nothing(self, created_at: datetime | None) -> None:
        """The list before the submit was read to its end: whatever it did not have was made since."""
        assert 7 == ours(replace(TASK, created_at=created_at))


class TestMarks:
    """What names a run outside of the work bucket."""

    def test_a_manifest_says_whose_it_is(self) -> None:
        """Run and attempt; anything else is somebody else's."""
        assert identity.Mark(RUN, 12) == identity.parse_manifest_mark(identity.manifest_mark(RUN, 12))
        for text in ("", RUN, f"{RUN}/0", f"{RUN}/01", f"{RUN}/1 ", f"{RUN}/1/2", f"{RUN.upper()}/1", f"x{RUN}/1"):
            assert identity.parse_manifest_mark(text) is None

    @pytest.mark.parametrize(
        "before", ["", "https://hooks.example.com", "http://10.0.0.1:8443", "https://example.com/imm/operator"]
    )
    def test_a_callback_is_known_by_its_path(self, before: str) -> None:
        """Whatever the ingress puts before it."""
        address = before + identity.callback_path(RUN, "n-1_X")
        assert identity.Callback(RUN, "n-1_X") == identity.parse_callback(address)

    @given(st.text())
    def test_no_other_address_is_one(self, text: str) -> None:
        """And none raises."""
        assert identity.parse_callback(text) is None
        for address in (f"https://x/v1/callbacks/{RUN}", f"https://x/v1/callbacks/{RUN}/a/b", f"//[x{text}"):
            assert identity.parse_callback(address) is None

"""The arithmetic of the Lease: who may write it, who may submit and when, over any clocks and any pauses."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from controller.core.lease import (
    NEVER,
    Candidacy,
    Record,
    Terms,
    bid,
    lost,
    observe,
    opens_in,
    release,
    remaining,
    won,
)
from tests.unit.election import Election

TERMS = Terms(duration=20, call=15)
OTHER = Record("other", 20, "then", "then", 4)
ME = Candidacy("me", TERMS)


def leading(at: float = 100.0) -> Candidacy:
    """A process that took a free Lease."""
    record = bid(ME, at, "now")
    assert record is not None
    return won(ME, record, at)


class TestGetting:
    """Who may write the Lease."""

    @pytest.mark.parametrize(
        ("spec", "transitions"),
        [
            (None, 0),
            ({}, 1),
            ({"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 4}, 5),
            ({"holderIdentity": None, "leaseDurationSeconds": 20, "leaseTransitions": 4}, 5),
        ],
        ids=["none", "empty", "released", "emptied by hand"],
    )
    def test_a_lease_without_a_holder_is_taken_at_once(self, spec: dict[str, object] | None, transitions: int) -> None:
        """As client-go does; a change of holder counts as a transition."""
        seen = observe(ME, Record.read(spec) if spec is not None else None, 100)
        assert Record("me", 20, "now", "now", transitions) == bid(seen, 100, "now")

    def test_a_held_lease_is_taken_when_it_stood_unchanged_for_its_duration(self) -> None:
        """By our own clock, from when we first saw it so; its own times do not count."""
        seen = observe(ME, OTHER, 100)
        seen = observe(seen, OTHER, 119)
        assert bid(seen, 119.9, "now") is None
        assert Record("me", 20, "now", "now", 5) == bid(seen, 120, "now")

    def test_each_renewal_begins_the_wait_anew(self) -> None:
        """The record counts, and the duration that its holder wrote into it."""
        seen = observe(observe(ME, OTHER, 100), replace(OTHER, renewed="later", duration=40), 115)
        assert bid(seen, 154, "now") is None
        assert bid(seen, 155, "now") is not None

    def test_a_renewal_keeps_what_is_not_about_it(self) -> None:
        """When it was got, and how often it changed hands."""
        assert Record("me", 20, "now", "later", 0) == bid(leading(), 102, "later")

    def test_a_stored_lease_reads_back(self) -> None:
        """Name by name as the API has them."""
        assert OTHER == Record.read(OTHER.spec())


class TestSubmitting:
    """When a submit may go."""

    def test_who_does_not_lead_submits_nothing(self) -> None:
        """Before the election, and after it was lost to another."""
        assert opens_in(ME, 100) is None
        assert opens_in(observe(leading(), OTHER, 101), 101) is None

    @pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": "", "leaseDurationSeconds": 1}])
    def test_a_free_lease_costs_no_wait(self, spec: dict[str, object] | None) -> None:
        """A first start, and a start after a clean stop."""
        seen = observe(ME, Record.read(spec) if spec is not None else None, 100)
        record = bid(seen, 100, "now")
        assert record is not None
        assert 0 == opens_in(won(seen, record, 100), 100)

    @pytest.mark.parametrize(
        "last", [OTHER, replace(OTHER, holder="")], ids=["not given back", "holder emptied by hand"]
    )
    def test_after_an_unclean_end_a_new_leader_waits_lease_and_call(self, last: Record) -> None:
        """Counted from the predecessor's last sign of life."""
        seen = observe(ME, last, 100)
        record = bid(seen, 120, "now")
        assert record is not None
        new = won(seen, record, 120)
        assert 15 == opens_in(new, 120)
        assert 0 == opens_in(won(new, record, 134), 135)

    def test_a_deleted_lease_is_made_anew_and_submits_wait(self) -> None:
        """Its holder may have renewed it a moment before and not know yet."""
        seen = observe(observe(ME, OTHER, 100), None, 110)
        record = bid(seen, 110, "now")
        assert record is not None
        assert 35 == opens_in(won(seen, record, 110), 110)

    def test_a_holder_whose_lease_was_deleted_makes_it_again_and_goes_on(self) -> None:
        """Nobody else can lead before it runs out by the holder's own count."""
        mine = observe(leading(100), None, 102)
        record = bid(mine, 102, "now")
        assert record is not None
        assert 0 == opens_in(won(mine, record, 102), 102)

    def test_a_submit_needs_more_time_than_its_call_may_take(self) -> None:
        """20 s from when the last acknowledged renewal set out, less 15."""
        assert 0 == opens_in(leading(100), 104.9)
        assert TERMS.retry == opens_in(leading(100), 105)
        assert 0 == opens_in(won(leading(100), OTHER, 104), 105)


class TestEnding:
    """Standing down."""

    def test_a_holder_gives_up_before_anybody_can_follow(self) -> None:
        """And a paused one does not renew what others may think over."""
        assert not lost(leading(100), 113.9)
        assert lost(leading(100), 114)
        assert bid(leading(100), 114, "now") is None
        assert remaining(leading(100), 114) > 0

    def test_a_process_leads_only_once(self) -> None:
        """Even where the one that followed has given the Lease back already."""
        over = observe(leading(100), replace(OTHER, holder="", duration=1), 101)
        assert not over.leads
        assert bid(over, 101, "now") is None

    def test_a_clean_end_leaves_a_lease_that_is_free(self) -> None:
        """Nobody holds it, for one second, as client-go leaves it."""
        assert Record("", 1, "now", "now", 0) == release(leading(100), 101, "now")

    def test_who_still_waits_for_its_predecessor_gives_nothing_back(self) -> None:
        """Its own successor would not wait."""
        seen = observe(ME, OTHER, 100)
        new = won(seen, OTHER, 120)
        assert release(new, 134, "now") is None
        assert release(new, 135, "now") is not None
        assert release(ME, 100, "now") is None


def test_nobody_has_led_before_the_first_word() -> None:
    """The start of everything."""
    assert not ME.leads
    assert NEVER == remaining(ME, 100)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=500, deadline=None)
def test_the_calls_of_two_leaders_never_overlap(seed: int) -> None:
    """Over any clocks, delays, lost answers, pauses, crashes, orderly ends, and a Lease deleted under their eyes."""
    election = Election(Random(seed))  # noqa: S311 - a simulation
    election.run(until=300.0)
    assert [] == election.overlaps()


def test_the_simulation_sees_what_it_is_about() -> None:
    """Leaders change, in each of the ways."""
    elections = [Election(Random(seed)) for seed in range(30)]  # noqa: S311 - a simulation
    for election in elections:
        election.run(until=300.0)
    assert sum(len({name for _, name in election.submits}) > 1 for election in elections) > 20
    assert {"kill", "stop", "delete", "stand down"} == set().union(*(election.met for election in elections))

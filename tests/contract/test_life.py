"""Random lives: edits, faults, restarts, deletes and other people's doings in any order, judged at every step.

`life_rules` says what may happen and where it has to end; lives that failed once are kept here, step by step.

IMM_OPERATOR_LIVES says how many lives are drawn; each takes about half a second. With `--hypothesis-profile=explore`
they are new ones in each run, and those of a seed with `--hypothesis-seed`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from controller.reconcile.kinds import Key
from tests.contract.life_room import NORTH, SOUTH
from tests.contract.life_rules import Lives, cloud_of_lives

LIVES = int(os.environ.get("IMM_OPERATOR_LIVES", "80"))
PHOTOS = NORTH, Key("DatasetBinding", "team", "photos")
TWIN = NORTH, Key("DatasetBinding", "team", "twin")
SOUTHERN = SOUTH, Key("DatasetBinding", "team", "photos")
MOVIES = NORTH, Key("Dataset", "team", "movies")
CLAIMED = "pictures", "photos"


@pytest.fixture(scope="module", autouse=True)
def cloud() -> Iterator[None]:
    """One local cloud for the file."""
    with cloud_of_lives():
        yield


@pytest.mark.timeout(900)  # of which a minute is used, unless a failure is to be made small
def test_whatever_happens_the_invariants_hold_and_everything_comes_to_rest() -> None:
    """At most one create per binding and permission; no write that mode, suspension or policy forbids; an end."""
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=30,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@contextmanager
def life() -> Iterator[Lives]:
    """A life that begins with everything Ready; afterwards it has to come to rest, as every life has."""
    state = Lives()
    state.begin(settled=True, policy="Retain", grace="0s")
    yield state
    state.holds()
    state.teardown()


def test_an_update_that_was_never_sent_is_made_when_it_had_time_to_show() -> None:
    """The intent of an equal update has the same id, and is on record anew: that is no second submit of one intent."""
    with life() as state:
        state.mishaps(cluster=NORTH, submits=["crash before", "crash before"], writes=[])
        state.apply_dataset(named=MOVIES, choice={"description": "b"}, passes=2)


def test_a_binding_that_is_made_again_elsewhere_is_seen_though_an_old_listing_has_it_as_deleted() -> None:
    """The other cluster, which the record no longer tells, looks now: what it saw deleted a minute ago is there."""
    with life() as state:
        state.unbound_by_hand(place=CLAIMED)
        state.delete_at_work(named=PHOTOS, seconds=61)  # its twin takes its place, and makes the binding
        state.record_removed_by_hand(place=CLAIMED)


@pytest.mark.parametrize("mode", ["Observe", "DryRun"])
def test_an_owner_that_writes_nothing_any_more_gives_its_record_up_at_its_end(mode: str) -> None:
    """As with Retain: the binding stays as it is, and an object of another cluster may have it."""
    with life() as state:
        state.apply_binding(named=PHOTOS, choice={"mode": mode}, passes=1)
        state.delete(named=TWIN)
        state.delete_at_work(named=PHOTOS, seconds=61)
    assert ("True", "Succeeded") == state.life.condition(*SOUTHERN)


def test_a_binding_that_runs_in_no_phase_is_scanned_to_its_end_like_any_other() -> None:
    """The vendor's doing, and the vendor's to end: an object waits for that and cannot come to rest before."""
    with life() as state:
        state.cloud_moves(bucket="photos", state="Dreaming", phase="")
        state.cloud_moves(bucket="photos", state="Running", phase="")

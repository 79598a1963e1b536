"""Snapshots of a project's bindings: listed once for all, complete or not at all, and our own writes stay."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.cloud.errors import BadCredentials, ClockSkewed, CloudError, Denied, TimedOut, Unavailable
from controller.core.facts import BindingFacts
from controller.reconcile import snapshots
from controller.reconcile.snapshots import BindingSnapshots, Scope
from tests.unit.operator_doubles import Clock, Cloud, Fate
from tests.unit.test_limiter import wait_until

SCOPE: Scope = ("1", "cn-hangzhou", "LTAI", "media")
PLACE = ("pictures", "photos")
FACTS = BindingFacts("media", *PLACE, "Running", "FullScanning")


class Room:
    """Snapshots over a cloud in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cloud = Cloud(self.clock)
        self.snapshots = BindingSnapshots(self.clock)

    def during_the_listing(self, act: Callable[[], object]) -> None:
        """Have something happen after the pages were taken and before they arrive."""

        def fate(_operation: str) -> Fate:
            self.cloud.fate = lambda _op: Fate()
            act()
            return Fate()

        self.cloud.fate = fate


@pytest.fixture
def room() -> Room:
    """A project with one binding."""
    made = Room()
    made.cloud.bindings["media", "pictures", "photos"] = FACTS
    return made


def test_one_listing_serves_everybody(room: Room) -> None:
    """Until somebody needs a younger one."""
    first = room.snapshots.read(SCOPE, room.cloud)
    room.clock.advance(60)
    assert first is room.snapshots.read(SCOPE, room.cloud)
    assert first is room.snapshots.read(SCOPE, room.cloud, not_before=room.clock() - timedelta(seconds=61))
    younger = room.snapshots.read(SCOPE, room.cloud, not_before=room.clock() - timedelta(seconds=60))
    assert ({PLACE: FACTS}, room.clock()) == (younger.bindings, younger.looked_at)
    assert 2 == room.cloud.calls.count("list_bindings")


def test_other_credentials_have_their_own(room: Room) -> None:
    """They may see different things."""
    room.snapshots.read(SCOPE, room.cloud)
    room.snapshots.read(("1", "cn-hangzhou", "OTHER", "media"), room.cloud)
    assert 2 == len(room.cloud.calls)


def test_a_failed_listing_leaves_the_old_snapshot(room: Room) -> None:
    """A missing page is not a deletion."""
    before = room.snapshots.read(SCOPE, room.cloud)
    room.cloud.fate = lambda _operation: Fate(effect=False, raises=Unavailable("imm:ListBindings", "refused"))
    with pytest.raises(Unavailable):
        room.snapshots.refresh(SCOPE)
    assert before is room.snapshots.read(SCOPE, room.cloud)


def test_refresh_names_what_changed_since_it_was_last_asked(room: Room) -> None:
    """New, gone and different, also where a reader's listing saw it first; then nothing."""
    room.cloud.bindings["media", "pictures", "docs"] = replace(FACTS, bucket="docs")
    room.snapshots.read(SCOPE, room.cloud)
    room.snapshots.refresh(SCOPE)
    assert set() == room.snapshots.refresh(SCOPE)
    del room.cloud.bindings["media", "pictures", "docs"]
    room.snapshots.read(SCOPE, room.cloud, not_before=room.clock())
    room.cloud.set_state("photos", "Running", "IncrementalScanning")
    room.cloud.bindings["media", "pictures", "music"] = replace(FACTS, bucket="music")
    assert {("pictures", "docs"), PLACE, ("pictures", "music")} == room.snapshots.refresh(SCOPE)
    assert set() == room.snapshots.refresh(SCOPE)


def test_what_concerns_nobody_yet_is_named_once_it_does(room: Room) -> None:
    """A pass says which binding it found at its end, and the cloud may have gone on before that; then silence."""
    room.snapshots.read(SCOPE, room.cloud)
    room.cloud.set_state("photos", "Running", "IncrementalScanning")
    assert set() == room.snapshots.refresh(SCOPE, among=[])
    assert {PLACE} == room.snapshots.refresh(SCOPE, among=[PLACE])
    assert set() == room.snapshots.refresh(SCOPE, among=[PLACE])


def test_what_is_gone_before_it_concerned_anybody_is_forgotten(room: Room) -> None:
    """Or other people's bindings would be remembered for ever."""
    room.snapshots.read(SCOPE, room.cloud)
    room.cloud.bindings.clear()
    assert set() == room.snapshots.refresh(SCOPE, among=[])
    assert set() == room.snapshots.refresh(SCOPE, among=[PLACE])


def test_our_own_write_is_read_at_once(room: Room) -> None:
    """Made and removed alike."""
    room.snapshots.read(SCOPE, room.cloud)
    room.snapshots.record(SCOPE, ("pictures", "new"), replace(FACTS, bucket="new"))
    room.snapshots.record(SCOPE, PLACE, None)
    assert {("pictures", "new")} == set(room.snapshots.read(SCOPE, room.cloud).bindings)


def test_a_write_during_a_listing_survives_that_listing(room: Room) -> None:
    """The pages may be older than the write; the next listing decides."""
    room.snapshots.read(SCOPE, room.cloud)
    room.clock.advance(1)
    new = replace(FACTS, bucket="new")
    room.during_the_listing(lambda: room.snapshots.record(SCOPE, ("pictures", "new"), new))
    room.snapshots.refresh(SCOPE)
    assert ("pictures", "new") in room.snapshots.read(SCOPE, room.cloud).bindings
    room.clock.advance(1)
    room.snapshots.refresh(SCOPE)
    assert ("pictures", "new") not in room.snapshots.read(SCOPE, room.cloud).bindings


def test_a_forgotten_project_takes_records_without_a_word(room: Room) -> None:
    """A create that took effect must not end in a crash because nobody listens."""
    room.snapshots.read(SCOPE, room.cloud)
    assert [SCOPE] == room.snapshots.scopes()
    room.snapshots.forget(SCOPE)
    room.snapshots.record(SCOPE, PLACE, FACTS)
    assert [] == room.snapshots.scopes()


def test_readers_at_the_same_time_share_one_listing(room: Room) -> None:
    """The second waits for the first one's result."""
    inside, go = threading.Event(), threading.Event()

    def slow(_operation: str) -> Fate:
        inside.set()
        assert go.wait(60)
        return Fate()

    room.cloud.fate = slow
    readers = [threading.Thread(target=room.snapshots.read, args=(SCOPE, room.cloud)) for _ in range(5)]
    for reader in readers:
        reader.start()
    assert inside.wait(60)
    go.set()
    for reader in readers:
        reader.join(60)
    assert ["list_bindings"] == room.cloud.calls


def in_line(reader: threading.Thread) -> bool:
    """Whether a thread waits for the listing of another."""
    frame = sys._current_frames().get(reader.ident or 0)  # noqa: SLF001 - nothing else tells what a thread waits for
    return frame is not None and frame.f_code.co_filename == snapshots.__file__ and "failures" in frame.f_locals


@pytest.mark.parametrize("refreshes", [False, True], ids=["readers", "poller"])
def test_who_waited_for_a_listing_that_failed_is_told_so_with_no_further_call(room: Room, *, refreshes: bool) -> None:
    """Sixteen readers of an endpoint that hangs wait for one answer, not for sixteen one after another."""
    gate, told = threading.Event(), list[CloudError]()

    def slow(_operation: str) -> Fate:
        assert gate.wait(60)
        return Fate(effect=False, raises=Unavailable("imm:ListBindings", "no answer"))

    def read() -> None:
        try:
            room.snapshots.read(SCOPE, room.cloud, not_before=room.clock() - timedelta(minutes=5))
        except CloudError as error:
            told.append(error)

    def refresh() -> None:
        try:
            room.snapshots.refresh(SCOPE)
        except CloudError as error:
            told.append(error)

    room.cloud.fate = slow
    waiting = [threading.Thread(target=read)]
    waiting[0].start()
    wait_until(lambda: len(room.cloud.calls) == 1)
    waiting += [threading.Thread(target=refresh if refreshes else read) for _ in range(15)]
    for thread in waiting[1:]:
        thread.start()
    wait_until(lambda: all(map(in_line, waiting[1:])))
    gate.set()
    for thread in waiting:
        thread.join(60)
    assert (["list_bindings"], 16, 1) == (room.cloud.calls, len(told), len({*map(id, told)}))
    room.cloud.fate = lambda _operation: Fate()
    assert {PLACE} == set(room.snapshots.read(SCOPE, room.cloud).bindings), "whoever comes later asks anew"


def refusals(room: Room, error: CloudError, *seconds: float) -> int:
    """How many listings are tried by readers so many seconds apart, each of which fails."""
    room.cloud.fate = lambda _operation: Fate(effect=False, raises=error)
    before = len(room.cloud.calls)
    for wait in seconds:
        room.clock.advance(wait)
        with pytest.raises(type(error)):
            room.snapshots.read(SCOPE, room.cloud, not_before=room.clock() - timedelta(minutes=5))
    return len(room.cloud.calls) - before


def test_a_refusal_is_shared_like_a_listing(room: Room) -> None:
    """For ten seconds, even if nobody was known to need the project in between; an open intent asks anew."""
    denied = Denied("imm:ListBindings", "no", code="NoPermission")
    assert 1 == refusals(room, denied, 0, 4, 5)
    room.snapshots.forget(SCOPE)
    assert 1 == refusals(room, denied, 0.5, 0.6, 9)
    with pytest.raises(Denied):
        room.snapshots.read(SCOPE, room.cloud, not_before=room.clock())
    assert 3 == len(room.cloud.calls)


@pytest.mark.parametrize("error", [BadCredentials("x", "no"), ClockSkewed("x", "no"), Unavailable("x", "no")])
def test_what_may_be_over_the_next_moment_is_not_remembered(room: Room, error: CloudError) -> None:
    """Another key, or a cloud that is back, must not meet the old word."""
    assert 3 == refusals(room, error, 0, 1, 1)


def test_what_failed_slowly_is_shared_for_as_long_as_it_took(room: Room) -> None:
    """Of a cloud that does not answer the pool's threads would else wait all the time; ten seconds at the most."""
    for took, shared in ((0.0, 0.0), (4.0, 4.0), (15.0, 10.0)):
        error = TimedOut("imm:ListBindings", "no answer")
        room.cloud.fate = lambda _operation, took=took, error=error: Fate(effect=False, raises=error, took=took)  # type: ignore[misc] # defaults bind the loop's values
        before = len(room.cloud.calls)
        for later in (0.0, shared * 0.9, shared * 0.2):
            room.clock.advance(later)
            with pytest.raises(TimedOut):
                room.snapshots.read(SCOPE, room.cloud, not_before=room.clock() - timedelta(minutes=5))
        room.clock.advance(60)
        assert (2 if shared else 3) == len(room.cloud.calls) - before


def test_a_refresh_takes_a_readers_listing_where_that_is_young_enough(room: Room) -> None:
    """It names what that one found changed all the same."""
    room.snapshots.read(SCOPE, room.cloud)
    room.clock.advance(3)
    assert timedelta(seconds=3) == room.snapshots.age(SCOPE)
    assert {PLACE} == room.snapshots.refresh(SCOPE, age=timedelta(seconds=4))
    assert set() == room.snapshots.refresh(SCOPE, age=timedelta(seconds=4))
    assert 1 == len(room.cloud.calls)
    room.snapshots.refresh(SCOPE, age=timedelta(seconds=3))
    assert 2 == len(room.cloud.calls)


def test_the_poller_lists_with_the_keys_of_the_moment(room: Room) -> None:
    """The last reader's may have ended since."""
    room.snapshots.read(SCOPE, room.cloud)
    fresh = Cloud(room.clock)
    room.snapshots.refresh(SCOPE, fresh)
    assert (1, 1) == (len(room.cloud.calls), len(fresh.calls))

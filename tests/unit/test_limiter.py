"""The limiter: never faster than the scope allows, people first, slower when told so and back again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.cloud.errors import Denied, Throttled
from controller.cloud.limiter import IDLE, Lane, Limiter, Limiters, Pace

DEADLINE = 60.0


def taken(pace: Pace, gaps: list[float]) -> list[float]:
    """Callers that come `gaps` apart and each wait as long as they are told; the times at which they went."""
    now, went = 0.0, []
    for gap in gaps:
        now += gap
        while (delay := pace.delay(now)) > 0:
            now += max(delay, 1e-9)  # less would be lost in rounding
        pace.take()
        went.append(now)
    return went


def most_within(times: list[float], window: float) -> int:
    """The largest number of calls in any window of that length."""
    return max(sum(start <= at <= start + window for at in times) for start in times)


@given(
    rate=st.floats(0.2, 200),
    burst=st.floats(0.1, 50),
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    window=st.floats(0.01, 20),
)
def test_the_rate_is_never_exceeded_in_any_window(rate: float, burst: float, gaps: list[float], window: float) -> None:
    """At most a burst and what the rate gives in that time, whoever comes when."""
    went = taken(Pace(ceiling=rate, burst=burst), gaps)
    assert most_within(went, window) <= max(1.0, burst) + rate * window + 1e-6


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 3.0, 80.0])
def test_every_rate_lets_calls_through(rate: float) -> None:
    """Also one so low that a quarter of it, the usual burst, is less than one call."""
    pace = Pace(ceiling=rate, burst=rate / 4)
    for _ in range(3):
        delay = pace.delay(pace.at)
        assert 0 == pace.delay(pace.at + delay + 1e-9)
        pace.take()


@pytest.mark.parametrize("ends", [None, Denied("x:Y", "no"), Throttled("x:Y", "slower")], ids=["ok", "no", "slower"])
def test_a_scope_of_one_call_at_a_time_counts_from_the_end_of_a_call(ends: Exception | None) -> None:
    """However long it took and however it ended: the next is not earlier than a whole interval of its rate after."""
    now = [100.0]
    limiter = Limiter("s", rate=1.0, burst=1, spaced=True, clock=lambda: now[0])

    def call() -> None:
        with limiter.slot(Lane.EDIT):
            now[0] += 3.0
            if ends is not None:
                raise ends

    with suppress(Denied, Throttled):
        call()
    interval = 1 / limiter.rate
    assert (interval, limiter.rate) == (limiter._pace.delay(now[0]), 0.5 if type(ends) is Throttled else 1.0)  # noqa: SLF001 - the wait itself is what is tested
    now[0] += interval
    with limiter.slot(Lane.RESYNC):
        now[0] += 0.5
    assert 1 / limiter.rate == limiter._pace.delay(now[0])  # noqa: SLF001 - as above


def test_a_burst_goes_at_once_and_then_the_rate_holds() -> None:
    """Four at once, then one every half second."""
    assert [0, 0, 0, 0, 0.5, 1.0] == pytest.approx(taken(Pace(ceiling=2, burst=4), [0] * 6))


def test_throttling_halves_the_rate_and_success_restores_it() -> None:
    """Down by half each time, and a fast scope never below one call a second; up by a fiftieth of the ceiling."""
    pace = Pace(ceiling=80, burst=20)
    rates = []
    for second in range(8):
        pace.throttled(float(second), None)
        rates.append(pace.rate)
    assert [40, 20, 10, 5, 2.5, 1.25, 1, 1] == rates
    pace.succeeded()
    assert 2.6 == pytest.approx(pace.rate)
    for _ in range(100):
        pace.succeeded()
    assert 80 == pace.rate


@pytest.mark.parametrize(
    ("allowed", "asked", "least"), [(100, 90.0, 0.89), (20, 40.0, 0.9), (20, 25.0, 0.9), (50, 90.0, 0.9)]
)
@pytest.mark.parametrize("latency", [0.02, 0.4])
def test_nine_tenths_of_what_is_allowed_are_used(allowed: int, asked: float, least: float, latency: float) -> None:
    """By default, and where others leave less than that, in a cloud that counts with a bucket of a second."""
    pace, seconds = Pace(ceiling=asked, burst=asked / 9), 120
    now, filled, left, accepted = 0.0, 0.0, float(allowed), 0
    answers: deque[tuple[float, bool]] = deque()
    while now < seconds:
        while answers and answers[0][0] <= now:
            at, good = answers.popleft()
            if good:
                pace.succeeded()
            else:
                pace.throttled(at, None)
        wait = pace.delay(now)
        if wait > 0:
            now = min(now + wait, answers[0][0]) if answers else now + wait
            continue
        pace.take()
        left, filled = min(allowed, left + (now - filled) * allowed), now
        good = left >= 1
        left -= good
        accepted += good
        answers.append((now + latency, good))
    assert accepted >= least * allowed * seconds


def test_throttling_never_raises_the_rate() -> None:
    """A scope slower than a fast one's floor has a lower one."""
    pace = Pace(ceiling=0.5, burst=1)
    pace.throttled(0.0, None)
    assert 0.25 == pace.rate


@pytest.mark.parametrize("ceiling", [0.1, 0.5, 1.0])
def test_a_scope_of_a_call_a_second_or_less_is_slowed_down_too(ceiling: float) -> None:
    """To a sixteenth at the least, and a few calls that are taken bring all of it back."""
    pace = Pace(ceiling=ceiling, burst=1)
    rates = []
    for second in range(6):
        pace.throttled(second * 100 / ceiling, None)
        rates.append(pace.rate / ceiling)
    assert [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 16, 1 / 16] == pytest.approx(rates)
    waited = calls = 0.0
    while pace.rate < ceiling:
        waited += 1 / pace.rate
        calls += 1
        pace.succeeded()
    assert calls <= 16
    assert waited <= 60 / ceiling


def test_who_is_refused_waits_longer_each_time() -> None:
    """One call a second at first; DeniedRequest, which says nothing of when, makes it ever fewer."""
    now = [0.0]
    limiter = Limiter("s", rate=1.0, burst=1, spaced=True, clock=lambda: now[0])
    waits = []
    for _ in range(6):
        with suppress(Throttled), limiter.slot(Lane.EDIT):
            raise Throttled("imagesearch:IncreaseList", "no", code="DeniedRequest")
        waits.append(limiter._pace.delay(now[0]))  # noqa: SLF001 - the wait itself is what is tested
        now[0] += waits[-1]
    assert [2, 4, 8, 16, 16, 16] == pytest.approx(waits)


@pytest.mark.parametrize(("retry_after", "expected"), [(30.0, 30.0), (0.0, 1 / 40), (None, 1 / 40)])
def test_retry_after_is_obeyed(retry_after: float | None, expected: float) -> None:
    """Not a moment earlier; without one, at least one interval of the new rate and an empty bucket."""
    pace = Pace(ceiling=80, burst=20)
    pace.throttled(100.0, retry_after)
    assert expected == pytest.approx(pace.delay(100.0))
    assert 0 < pace.delay(100.0 + expected * 0.9)
    assert 0 == pytest.approx(pace.delay(100.0 + expected), abs=1e-9)


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    """The latest moment of all counts."""
    pace = Pace(ceiling=80, burst=20)
    pace.throttled(0.0, 30.0)
    pace.throttled(1.0, 2.0)
    assert 25 == pytest.approx(pace.delay(5.0))


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    """Tokens come from time that passed."""
    pace = Pace(ceiling=1, burst=1)
    pace.delay(10.0)
    pace.take()
    assert 1 == pytest.approx(pace.delay(10.0))
    assert pace.delay(5.0) >= 1


class TestThreads:
    """The waiting itself, with real threads; each test waits on conditions."""

    def test_the_edit_lane_goes_first_and_each_lane_in_order(self) -> None:
        """Whoever came earlier in the resync lane still waits for a person."""
        now = [0.0]
        limiter = Limiter("scope", rate=20, burst=1, clock=lambda: now[0])  # no time goes by while they line up
        went: list[str] = []
        with limiter.slot(Lane.EDIT):
            threads = []
            for number, (name, lane) in enumerate(
                [("r1", Lane.RESYNC), ("r2", Lane.RESYNC), ("e1", Lane.EDIT), ("e2", Lane.EDIT)]
            ):
                threads.append(_start(limiter, lane, partial(went.append, name)))
                wait_until(partial(lambda least: limiter.waiting > least or bool(went), number))
                assert went == []
        for number in range(len(threads)):
            now[0] += 1 / 20 + 1e-9
            wait_until(partial(lambda least: len(went) > least, number))
        for thread in threads:
            thread.join(DEADLINE)
        assert ["e1", "e2", "r1", "r2"] == went
        assert 0 == limiter.waiting
        assert 0 < limiter.waited

    def test_a_throttled_call_slows_the_scope_and_goes_up(self) -> None:
        """The error is not swallowed, and counted."""
        limiter = Limiter("scope", rate=80, burst=20)
        with pytest.raises(Throttled), limiter.slot(Lane.EDIT):
            raise Throttled("imm:X", "slow down", retry_after=0.01)
        assert (40, 1) == (limiter.rate, limiter.throttles)

    def test_another_error_neither_slows_nor_restores(self) -> None:
        """A denied call says nothing about the rate."""
        limiter = Limiter("scope", rate=80, burst=20)
        with pytest.raises(Throttled), limiter.slot(Lane.EDIT):
            raise Throttled("imm:X", "slow down", retry_after=0.01)
        with pytest.raises(Denied), limiter.slot(Lane.EDIT):
            raise Denied("imm:X", "no")
        assert 40 == limiter.rate

    def test_many_threads_all_get_through(self) -> None:
        """Nobody is forgotten, whatever the mix of lanes."""
        limiter = Limiter("scope", rate=2000, burst=1)
        done: list[int] = []
        threads = [_start(limiter, Lane(n % 2), partial(done.append, n)) for n in range(60)]
        for thread in threads:
            thread.join(DEADLINE)
        assert sorted(done) == list(range(60))


def _start(limiter: Limiter, lane: Lane, then: Callable[[], object]) -> threading.Thread:
    def call() -> None:
        with limiter.slot(lane):
            then()

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def wait_until(condition: Callable[[], bool]) -> None:
    """Until a condition holds, or the deadline is over."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.0005)


def test_a_scope_has_one_limiter_for_the_whole_process() -> None:
    """Shared by every object, apart from other scopes."""
    limiters = Limiters()
    one = limiters.get("imm", "1", "cn-hangzhou", "media", rate=80, burst=20)
    assert one is limiters.get("imm", "1", "cn-hangzhou", "media", rate=80, burst=20)
    other = limiters.get("imm", "1", "cn-hangzhou", "docs", rate=80, burst=20)
    assert [one, other] == limiters.all()
    assert "imm/1/cn-hangzhou/media" == one.scope


def test_names_that_nobody_uses_any_more_leave_nothing_behind() -> None:
    """A tenant can invent them: the metrics have series of those of the last hour alone."""
    now = [0.0]
    limiters = Limiters(clock=lambda: now[0])
    for number in range(100):
        with limiters.get("imm", "1", "cn-hangzhou", f"invented-{number}", rate=80, burst=20).slot(Lane.EDIT):
            now[0] += IDLE / 10
        with limiters.get("imm", "1", "cn-hangzhou", "media", rate=80, burst=20).slot(Lane.RESYNC):
            assert len(limiters.all()) <= 12
    now[0] += IDLE
    assert [] == limiters.all()


def test_one_that_somebody_still_holds_is_the_same_again() -> None:
    """Two for one scope would let through twice as much; one that has to wait, as it was told, is not idle."""
    now = [0.0]
    limiters = Limiters(clock=lambda: now[0])
    held = limiters.get("mns", "1", rate=80, burst=20)
    with suppress(Throttled), held.slot(Lane.EDIT):
        raise Throttled("mns:X", "slower", retry_after=IDLE * 2)
    now[0] += IDLE
    assert [held] == limiters.all()
    now[0] += IDLE
    assert [] == limiters.all()
    assert held is limiters.get("mns", "1", rate=80, burst=20)
    assert [held] == limiters.all()

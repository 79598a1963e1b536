"""The journal: durable when `append` returns, in one order, by one writer, whatever becomes of the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest

from controller.cloud.errors import CloudError, Conflict, Invalid, Overloaded, TimedOut, Unavailable
from controller.core.imports.identity import segment_key
from controller.core.imports.records import Answered, Attempt, Record
from controller.reconcile.imports.journal import Journal, JournalTaken, read_segments
from emulator.testing import LocalCloud, cloud
from tests.unit.import_world import WORK, ImportWorld

__all__ = ["cloud"]
RUN = "0123456789abcdef" * 2
AT = datetime(2026, 8, 1, tzinfo=UTC)


class Lossy:
    """The work bucket, with puts that fail as told: before or after they took effect."""

    def __init__(self, oss: Any) -> None:
        self.oss = oss
        self.fates: list[tuple[bool, CloudError] | None] = []
        self.puts = 0
        self.gate: threading.Event | None = None

    def put_new(self, bucket: str, key: str, data: bytes) -> None:
        """As it is, unless a fate waits."""
        self.puts += 1
        if self.gate is not None:
            assert self.gate.wait(60)
        fate = self.fates.pop(0) if self.fates else None
        if fate is None or fate[0]:
            self.oss.put_new(bucket, key, data)
        if fate is not None:
            raise fate[1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.oss, name)


def lost(kind: type[CloudError] = TimedOut, *, effect: bool) -> tuple[bool, CloudError]:
    """An answer that does not come."""
    return effect, kind("oss:PutObject", "no answer")


def retry(number: int) -> Record:
    """A record that tells itself apart."""
    return Attempt(f"t{number}", AT)


@pytest.fixture
def bucket(cloud: LocalCloud) -> Iterator[Lossy]:
    """The work bucket."""
    world = ImportWorld(cloud)
    yield Lossy(world.oss())
    world.close()


def stored(bucket: Lossy) -> list[Record]:
    """What a new process reads."""
    return list(chain.from_iterable(read_segments(bucket.oss, WORK, RUN)))


def test_what_is_appended_is_read_in_order_and_the_number_goes_on(bucket: Lossy) -> None:
    """One object each time; another process goes on behind them."""
    journal = Journal(bucket, WORK, RUN, 0)
    for number in range(3):
        journal.append([retry(number), Answered(number, AT)])
    journal.append([])
    segments = list(read_segments(bucket.oss, WORK, RUN))
    assert 3 == len(segments)
    Journal(bucket, WORK, RUN, len(segments)).append([retry(9)])
    assert [retry(0), Answered(0, AT), retry(1), Answered(1, AT), retry(2), Answered(2, AT), retry(9)] == stored(bucket)


def test_threads_that_append_together_share_segments_and_are_folded_in_the_stored_order(bucket: Lossy) -> None:
    """Each returns only when its own record is durable."""
    folded: list[Record] = []
    journal = Journal(bucket, WORK, RUN, 0, folded.extend)

    def append(number: int) -> bool:
        journal.append([retry(number)])
        return retry(number) in folded

    bucket.gate = threading.Event()
    with ThreadPoolExecutor(20) as pool:
        deadline = time.monotonic() + 60
        calls = [pool.submit(append, 0)]
        while not bucket.puts:  # the first is on its way, so it takes none of the rest along
            assert time.monotonic() < deadline
        calls += [pool.submit(append, number) for number in range(1, 20)]
        while len(journal._waiting) < 19:  # noqa: SLF001 - that the rest waits is what is tested
            assert time.monotonic() < deadline
        bucket.gate.set()
        assert all(call.result() for call in calls)
    assert 2 == bucket.puts
    assert folded == stored(bucket)
    assert {retry(number) for number in range(20)} == set(folded)


@pytest.mark.parametrize("kind", [TimedOut, Overloaded])
@pytest.mark.parametrize("effect", [False, True])
def test_a_put_whose_answer_is_lost_is_settled_by_a_second_one(
    bucket: Lossy, kind: type[CloudError], *, effect: bool
) -> None:
    """It is stored once, whether the first one took effect or not."""
    journal = Journal(bucket, WORK, RUN, 0)
    bucket.fates = [lost(kind, effect=effect)]
    journal.append([retry(0)])
    journal.append([retry(1)])
    assert [retry(0), retry(1)] == stored(bucket)


@pytest.mark.parametrize("effect", [False, True])
def test_a_put_that_nobody_can_tell_of_ends_the_journal(bucket: Lossy, *, effect: bool) -> None:
    """What is stored has to be read again; nothing more goes in here."""
    journal = Journal(bucket, WORK, RUN, 0)
    bucket.fates = [lost(effect=effect), lost(effect=False)]
    with pytest.raises(TimedOut):
        journal.append([retry(0)])
    assert journal.broken
    with pytest.raises(JournalTaken):
        journal.append([retry(1)])
    assert [retry(0)] * effect == stored(bucket)


def test_a_refused_put_leaves_the_number_free_and_tells_every_writer(bucket: Lossy) -> None:
    """Nothing is folded; the next one takes the place."""
    folded: list[Sequence[Record]] = []
    journal = Journal(bucket, WORK, RUN, 0, folded.append)
    bucket.fates = [(False, Unavailable("oss:PutObject", "503"))]
    with pytest.raises(Unavailable):
        journal.append([retry(0)])
    assert [] == folded
    journal.append([retry(1)])
    assert [retry(1)] == stored(bucket)


def test_a_second_writer_meets_what_the_first_one_wrote(bucket: Lossy) -> None:
    """Neither overwrites the other, and who came second reads again."""
    first, second = Journal(bucket, WORK, RUN, 0), Journal(bucket, WORK, RUN, 0)
    first.append([retry(0)])
    with pytest.raises(JournalTaken):
        second.append([retry(1)])
    assert second.broken
    assert [retry(0)] == stored(bucket)


def test_a_conflict_with_the_very_same_bytes_is_our_own_put(bucket: Lossy) -> None:
    """The adapter, or a proxy, may have made it twice."""
    journal = Journal(bucket, WORK, RUN, 0)
    bucket.fates = [(True, Conflict("oss:PutObject", "exists", code="FileAlreadyExists"))]
    journal.append([retry(0)])
    assert (False, [retry(0)]) == (journal.broken, stored(bucket))


@pytest.mark.parametrize("missing", range(11))
def test_a_missing_segment_is_said_and_never_passed_over(bucket: Lossy, missing: int) -> None:
    """Its records might have said that files were sent."""
    journal = Journal(bucket, WORK, RUN, 0)
    for number in range(12):
        journal.append([retry(number)])
    bucket.delete_object(WORK, segment_key(RUN, missing))
    with pytest.raises(Invalid, match=rf"{missing:08}\.jsonl is missing"):
        list(read_segments(bucket.oss, WORK, RUN))


def test_a_segment_that_somebody_changed_is_said(bucket: Lossy) -> None:
    """It is not guessed at."""
    bucket.put_object(WORK, segment_key(RUN, 0), b"{}\n")
    with pytest.raises(Invalid, match="no segment that this version can read"):
        list(read_segments(bucket.oss, WORK, RUN))


@pytest.mark.parametrize("segments", [0, 1, 4, 5, 12, 130])
def test_a_journal_is_read_to_its_end(bucket: Lossy, segments: int) -> None:
    """Of any length, and without a listing."""
    for number in range(segments):
        bucket.put_object(
            WORK, segment_key(RUN, number), b'{"type":"attempt","token":"t","at":"2026-08-01T00:00:00Z"}\n'
        )
    assert segments == len(list(read_segments(bucket.oss, WORK, RUN)))

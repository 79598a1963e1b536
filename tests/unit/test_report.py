"""The reporter: a status is written when it differs, progress at most every 30 s, results at once."""

from __future__ import annotations

import pytest

from controller.api.datasetbinding import Progress
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.report import Reporter, summarize
from tests.unit.operator_doubles import World


class Room:
    """One stored binding and the reporter that writes to it."""

    def __init__(self) -> None:
        self.world = World()
        self.key = self.world.binding()
        self.reporter = Reporter(self.world.cluster, self.world.clock)

    def say(self, standing: Standing, reason: Reason, message: str = "", files: int | None = None) -> bool:
        """Report a verdict, and so many files of ten as progress, after a second; whether it was written."""
        self.world.clock.advance(1)
        target = self.world.cluster.read(self.key)
        verdict = Verdict(standing, reason, message)
        status = summarize(target, target.status, verdict, self.world.clock())
        progress = Progress(indexed=files, total=10) if files is not None else None
        status = status.model_copy(update={"progress": progress})
        return self.reporter.write(target, target.status, status, verdict) is not target


@pytest.fixture
def room() -> Room:
    """A fresh object."""
    return Room()


def test_the_same_verdict_is_written_once(room: Room) -> None:
    """Time alone is no news."""
    assert [True, False, False] == [room.say(Standing.READY, Reason.SUCCEEDED) for _ in range(3)]


def test_progress_is_held_back_for_thirty_seconds(room: Room) -> None:
    """From the last write, whatever that said."""
    written = [room.say(Standing.PROGRESSING, Reason.INDEXING, str(second)) for second in range(62)]
    assert [0, 30, 60] == [second for second, was in enumerate(written) if was]


def test_the_first_figure_and_its_end_are_news(room: Room) -> None:
    """Whoever looks while a scan goes on sees that it does; only a figure that grows waits."""
    scan = Standing.PROGRESSING, Reason.INDEXING
    assert room.say(*scan)
    assert [True, False, False] == [room.say(*scan, f"{files} of 10", files) for files in (1, 2, 3)]
    assert [True, False] == [room.say(*scan, message) for message in ("retrying", "still retrying")]
    assert [True, False] == [room.say(*scan, f"{files} of 10", files) for files in (4, 5)]


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing.READY, Reason.SUCCEEDED),
        (Standing.STALLED, Reason.BINDING_FAILED),
        (Standing.PROGRESSING, Reason.THROTTLED),
        (Standing.PROGRESSING, Reason.DELETION_GRACE_PERIOD),
    ],
)
def test_a_result_is_never_held_back(room: Room, standing: Standing, reason: Reason) -> None:
    """Only mere progress waits."""
    room.say(Standing.PROGRESSING, Reason.INDEXING)
    assert room.say(standing, reason)
    assert room.say(Standing.PROGRESSING, Reason.INDEXING)


def test_coming_to_a_standstill_is_one_warning(room: Room) -> None:
    """Again only for another reason."""
    for message in ("a", "b"):
        room.say(Standing.STALLED, Reason.QUOTA_EXCEEDED, message)
    room.say(Standing.STALLED, Reason.ACCESS_DENIED)
    assert ["QuotaExceeded", "AccessDenied"] == [reason for reason, _ in room.world.cluster.events]


def test_of_objects_that_are_gone_nothing_is_remembered(room: Room) -> None:
    """Those that are there keep their pace."""
    room.say(Standing.PROGRESSING, Reason.INDEXING, "a")
    target = room.world.cluster.read(room.key)
    room.reporter.keep({target.metadata.uid, "another"})
    assert not room.reporter.progress_due(target)
    room.reporter.keep({"another"})
    assert room.reporter.progress_due(target)

"""What a decision about an import rests on, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controller.api.batchimport import Totals
from controller.core.dependency import Dependency


@dataclass(frozen=True, slots=True)
class Resolution:
    """What one reading of the source led to.

    Attributes:
        run: The run id; empty where problems kept it from being one.
        items: Files of the run, as `adds` and `deletes`.
        skipped: Wrong lines that were left out.
        problems: The first wrong lines, in words.
        problem_count: How many lines are wrong.
        report: The address of the object that has them all.
    """

    run: str
    items: int
    adds: int
    deletes: int
    skipped: int
    problems: tuple[str, ...]
    problem_count: int
    report: str


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """How far a run is.

    Attributes:
        totals: Its counts.
        unsent: Files that are to be sent.
        sent: Files that are in a call and have no verdict, not even unknown.
        lost: Chunks with such files whose call may or may not have taken effect, and had its time to be told of.
        overdue: Chunks with such files whose answer came `spec.resultTimeout` ago or longer.
        next_due: When the next chunk will be overdue, or lost for good.
        cancelled: The deadline passed, and that is on record.
        token: The last retry's.
        concluded: The verdict on record has these very counts and this token.
        holder: Who of another cluster works it off; empty where it is ours.
        asked: Those of `lost` that the dataset was asked for since they were lost.
        full: So many calls have no answer that none is made before it is known what they did.
    """

    totals: Totals
    unsent: int
    sent: int
    lost: tuple[int, ...]
    overdue: tuple[int, ...]
    next_due: datetime | None
    started_at: datetime
    cancelled: bool
    token: str
    concluded: bool
    holder: str
    asked: tuple[int, ...] = ()
    full: bool = False

    @property
    def settled(self) -> bool:
        """Every file has its verdict."""
        return not (self.unsent or self.sent)


@dataclass(frozen=True, slots=True)
class ObservedImport:
    """Everything a decision about an import rests on.

    Attributes:
        needs: The account and the dataset object, and how far they are.
        work_bucket: The account's; empty without one.
        topic: Where results are published; `queue` is where they are read. Empty without spec.events.
        work: The hash of the work fields.
        resolution: What this reading of the source led to; None while that is not known.
        run: That run; None when there is no record of it.
    """

    needs: tuple[Dependency, ...]
    work_bucket: str
    topic: str
    queue: str
    work: str
    resolution: Resolution | None
    run: ObservedRun | None

"""What a decision about an import rests on, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from controller.api.batchimport import Totals
from controller.core.dependency import Dependency
from controller.core.facts import TaskFacts
from controller.core.reasons import Reason


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
        wide: Lines that delete every picture of a product.
        unchecked: Pictures of which not enough could be read.
        warnings: The first doubts, in words.
        warning_count: How many there are.
        existing: Pairs that the instance has already, and so overwrites; None where nobody asked.
        source_etag: The user's own manifest goes in as it is, and this is its ETag; empty where one is made.
        checked: The address of the folder with the checked lines; empty of files.
    """

    run: str
    items: int
    adds: int
    deletes: int
    skipped: int
    problems: tuple[str, ...]
    problem_count: int
    report: str
    wide: int = 0
    unchecked: int = 0
    warnings: tuple[str, ...] = ()
    warning_count: int = 0
    existing: int | None = None
    source_etag: str = ""
    checked: str = ""


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
        tokens: Those before it, and what stood there at first: a text that was used is no new retry, whoever puts it
            back.
        concluded: The verdict on record has these very counts and this token.
        holder: Who of another cluster works it off; empty where it is ours.
        asked: Those of `lost` that the dataset was asked for since they were lost.
        full: So many calls have no answer that none is made before it is known what they did.
        unknowable: Why it can never be known what became of a task's rest: a `Reason`'s value; empty where it can. Of a
            run that is not loaded: `RunEnd.unknowable`, or the Ready condition's reason where it is one of
            `controller.core.imports.taskwords.NEVER_KNOWN`.
        paused: The record says that the object is suspended.
        paused_for: How long it was, up to now: the deadline stands still meanwhile (`RunState.paused_for`).
        chunk: The open chunk that is a batch task (`RunState.task_chunk`).
        task: That task's id; None while no answer is on record (`RunState.task`).
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
    tokens: frozenset[str] = frozenset()
    asked: tuple[int, ...] = ()
    full: bool = False
    unknowable: str = ""
    paused: bool = False
    paused_for: timedelta = timedelta()
    chunk: int | None = None
    task: int | None = None

    @property
    def settled(self) -> bool:
        """Every file has its verdict."""
        return not (self.unsent or self.sent)


class ManifestState(Enum):
    """What lies where the increment.meta of an import belongs."""

    ABSENT = "absent"
    OURS = "ours"  # this attempt's, as it is on record
    STALE = "stale"  # an earlier attempt's, or one of a run that ended: it may be replaced
    SOURCE = "source"  # the user's own, exactly as it was checked
    CHANGED = "changed"  # ours or the user's own, and not as it was
    HELD = "held"  # of another run that goes on
    UNRECORDED = "unrecorded"  # of a run that the work bucket does not know, and not for long enough
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class ObservedTask:
    """The Image Search side of an import.

    Attributes:
        instance: Its name.
        refusal: Why nothing can be submitted as things are, and in words: the instance is absent, not authorised, the
            bucket is in another region. `controller.core.imports.taskwords` has the words.
        ahead: Imports of the same instance that come first.
        first: Who is first of them; empty when it is this one.
        busy: A task of the instance that no import made and that runs, in words; empty without one.
        manifest: What lies where the manifest belongs.
        holder: Whose a manifest that is HELD or UNRECORDED is.
        upload: This attempt needs a manifest of ours: the user's own does not go in as it is.
        may_replace: That may be put where the user's own lies (spec.allowManifestReplace).
        facts: The open attempt's task as it was listed last; None where no list since then had it.
        unclear_since: Since when the list does not have the task, or in a state that nobody knows; None where it does.
        looked: Complete look-ups without it since it was planned, each spaced wider than a call's time-out.
        look_at: From when on the next look-up counts; None for at once.
        callback: A callback will tell of the end, besides looking.
    """

    instance: str
    refusal: tuple[Reason, str] | None = None
    ahead: int = 0
    first: str = ""
    busy: str = ""
    manifest: ManifestState = ManifestState.ABSENT
    holder: str = ""
    upload: bool = True
    may_replace: bool = False
    facts: TaskFacts | None = None
    unclear_since: datetime | None = None
    looked: int = 0
    look_at: datetime | None = None
    callback: bool = False


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
        task: The Image Search side; None for a dataset, or while nothing is known of it.
    """

    needs: tuple[Dependency, ...]
    work_bucket: str
    topic: str
    queue: str
    work: str
    resolution: Resolution | None
    run: ObservedRun | None
    task: ObservedTask | None = None

"""What became of each line of a batch task: from its state, the service's words, and its report.

Success of the task is not success of its lines. Wherever that cannot be told for certain it is said to be unknowable,
and nothing is taken for done: a report that nobody can read, one that lists what is none of ours, a task that was
stopped and does not tell how far it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice

from controller.api.bounds import cut
from controller.core.imports.items import PART
from controller.core.imports.records import Range, ranges_of
from controller.core.imports.reportmatch import Named, Stray, match
from controller.core.imports.reportreader import MAX_ERROR, MAX_REPORT, Entry, Report, read_report
from controller.core.imports.tasks import TaskState
from controller.core.manifest.lines import Line
from controller.core.reasons import Reason

__all__ = ["MAX_REPORT", "Entry", "Judgement", "NoReport", "Part", "Report", "judge", "read_report"]

# "Some of the images cannot be processed and are isolated.", in the service's two languages
ISOLATED = ("isolated", "隔离")
UNTOLD = "it was stopped, and its report does not list what was done until then"
NO_REASON = "Image Search says that the whole task failed, and gives no reason"


class NoReport(Enum):
    """Why there is none to read."""

    ABSENT = "absent"  # the task names no address
    EXPIRED = "expired"  # the address does not answer any more, and listing the task gave no other
    LATE = "late"  # the task names no address, and is over for so long that it would name none any more


@dataclass(frozen=True, slots=True)
class Part:
    """What became of some lines, by their indices in the run: enough for one record of the journal.

    Attributes:
        failed: Each reason once, with the lines that failed for it.
    """

    succeeded: tuple[Range, ...] = ()
    failed: tuple[tuple[str, tuple[Range, ...]], ...] = ()
    cancelled: tuple[Range, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The parts, in order and made as they are taken; and why the rest is unknowable, if it is.

    Attributes:
        why: ReportExpired or ReportUnreadable; None where every line is told of.
        words: The particulars, for people.
    """

    parts: Iterator[Part]
    why: Reason | None = None
    words: str = ""


class _Rest(Enum):
    """What becomes of the lines that a report does not name."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


def judge(
    state: TaskState,
    message: str,
    report: Report | NoReport | None,
    items: Iterable[tuple[int, Line]],
    ranges: Sequence[Range],
    *,
    code: str = "0",
    path: str = "",
) -> Judgement:
    """What became of the lines of an ended task.

    Args:
        state: Not PROCESSING.
        message: The service's words on the task.
        report: What `read_report` gave, None included, which is one that cannot be understood. It is read while the
            parts are taken.
        items: The task's lines with their indices in the run; read, and once, only where the report names any.
        ranges: The same indices, ascending: those of the open chunk.
        code: The service's code of the task; 0 where nothing went wrong.
        path: spec.target.imageSearch.path: a report may name pictures with it.

    Raises:
        ValueError: the task is not at its end.
    """
    if state is TaskState.PROCESSING:
        raise ValueError("a task that is in progress has no result")
    doubtful = code not in {"", "0"} or any(word in message.casefold() for word in ISOLATED)
    said = _said(message, code)
    if not isinstance(report, Report):
        return _without_report(state, said, report, ranges, doubtful=doubtful)
    named = match(report, items, ranges, path)
    if isinstance(named, Stray):
        return _unknowable(Reason.REPORT_UNREADABLE, f"its report names {named.words}")
    return _by_report(state, said, named, ranges, doubtful=doubtful)


def _by_report(state: TaskState, said: str, named: Named, ranges: Sequence[Range], *, doubtful: bool) -> Judgement:
    match state:
        case TaskState.STOPPED if not named.well:
            return Judgement(_parts(ranges, _Rest.UNKNOWN, "", named), Reason.REPORT_UNREADABLE, UNTOLD)
        case TaskState.STOPPED:
            return Judgement(_parts(ranges, _Rest.CANCELLED, "", named))
        case TaskState.FAILED:
            return Judgement(_parts(ranges, _Rest.FAILED, said or NO_REASON, named))
    if doubtful and not named.badly:
        return _unknowable(Reason.REPORT_UNREADABLE, f"it says {said!r}, and its report names none that failed")
    return Judgement(_parts(ranges, _Rest.SUCCEEDED, "", named))


def _without_report(
    state: TaskState, said: str, report: NoReport | None, ranges: Sequence[Range], *, doubtful: bool
) -> Judgement:
    if report is None:
        return _unknowable(Reason.REPORT_UNREADABLE, "its report is in no form that this version can read")
    if report is NoReport.EXPIRED:
        return _unknowable(Reason.REPORT_EXPIRED, "its report was not fetched before its address ceased to work")
    if state is TaskState.SUCCEEDED and not doubtful:
        return Judgement(_parts(ranges, _Rest.SUCCEEDED, ""))
    if report is NoReport.LATE:
        return _unknowable(Reason.REPORT_EXPIRED, "it is over for so long that an address of its report is gone")
    if state is TaskState.FAILED:
        return Judgement(_parts(ranges, _Rest.FAILED, said or NO_REASON))
    how = "it was stopped" if state is TaskState.STOPPED else f"it says {said!r}"
    return _unknowable(Reason.REPORT_UNREADABLE, f"{how}, and there is no report")


def _unknowable(why: Reason, words: str) -> Judgement:
    return Judgement(iter(()), why, words)


def _said(message: str, code: str) -> str:
    """The service's words on the task, with its code where that says anything; empty where it says nothing."""
    known = code if code != "0" else ""
    return cut(f"[{known}] {message}" if known and message else message or known, MAX_ERROR)


def _parts(ranges: Sequence[Range], rest: _Rest, message: str, named: Named | None = None) -> Iterator[Part]:
    """So many lines at a time that no part holds more than `PART` failures, nor the journal a record for each range."""
    for indices in _batches(ranges):
        done: list[int] = []
        left: list[int] = []
        failed: dict[str, list[int]] = {}
        for index in indices:
            number = named.number(index) if named else None
            if named is None or number is None:
                left.append(index)
            elif named.report.well[number]:
                done.append(index)
            else:
                failed.setdefault(named.report.entry(number).message, []).append(index)
        match rest:
            case _Rest.SUCCEEDED:
                done += left
            case _Rest.FAILED if left:
                failed.setdefault(message, []).extend(left)
        cancelled = left if rest is _Rest.CANCELLED else []
        told = tuple((words, ranges_of(sorted(of))) for words, of in failed.items())
        yield Part(ranges_of(sorted(done)), told, ranges_of(cancelled))


def _batches(ranges: Sequence[Range]) -> Iterator[list[int]]:
    indices = chain.from_iterable(range(first, end) for first, end in ranges)
    while batch := list(islice(indices, PART)):
        yield batch

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
from controller.core.imports.reportmatch import Stray, match
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


@dataclass(frozen=True, slots=True)
class Part:
    """What became of some lines, by their indices in the run: enough for one record of the journal."""

    succeeded: tuple[Range, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()
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
        report: What `read_report` gave, None included, which is one that cannot be understood.
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
    if not isinstance(report, Report):
        return _without_report(state, _said(message, code), report, ranges, doubtful=doubtful)
    named = match(report.entries, items, path) if report.entries else {}
    if isinstance(named, Stray):
        return _unknowable(Reason.REPORT_UNREADABLE, f"its report names {named.words}")
    done = any(one.ok for one in named.values())
    if state is TaskState.STOPPED and not done:
        parts = _parts(ranges, named, _Rest.UNKNOWN, "")
        return Judgement(parts, Reason.REPORT_UNREADABLE, UNTOLD)
    if state is TaskState.SUCCEEDED and doubtful and all(one.ok for one in named.values()):
        return _unknowable(Reason.REPORT_UNREADABLE, f"it says {message!r} (code {code}), and its report names none")
    rest = {TaskState.STOPPED: _Rest.CANCELLED, TaskState.FAILED: _Rest.FAILED}.get(state, _Rest.SUCCEEDED)
    return Judgement(_parts(ranges, named, rest, _said(message, code)))


def _without_report(
    state: TaskState, message: str, report: NoReport | None, ranges: Sequence[Range], *, doubtful: bool
) -> Judgement:
    if report is NoReport.EXPIRED:
        return _unknowable(Reason.REPORT_EXPIRED, "its report was not fetched before its address ceased to work")
    if report is None:
        return _unknowable(Reason.REPORT_UNREADABLE, "its report is in no form that this version can read")
    if state is TaskState.FAILED:
        return Judgement(_parts(ranges, {}, _Rest.FAILED, message))
    if state is TaskState.SUCCEEDED and not doubtful:
        return Judgement(_parts(ranges, {}, _Rest.SUCCEEDED, ""))
    said = "it was stopped" if state is TaskState.STOPPED else f"it says {message!r}"
    return _unknowable(Reason.REPORT_UNREADABLE, f"{said}, and there is no report")


def _unknowable(why: Reason, words: str) -> Judgement:
    return Judgement(iter(()), why, words)


def _said(message: str, code: str) -> str:
    known = code not in {"", "0"}
    return cut(f"[{code}] {message}" if known else message, MAX_ERROR) or NO_REASON


def _parts(ranges: Sequence[Range], named: dict[int, Entry], rest: _Rest, message: str) -> Iterator[Part]:
    """So many lines at a time that no part holds more than `PART` failures, nor the journal a record for each range."""
    for indices in _batches(ranges):
        told = {index: named[index] for index in indices if index in named}
        left = [index for index in indices if index not in told]
        done = [index for index, one in told.items() if one.ok] + (left if rest is _Rest.SUCCEEDED else [])
        failed = [(index, one.message) for index, one in told.items() if not one.ok]
        failed += [(index, message) for index in left] if rest is _Rest.FAILED else []
        cancelled = left if rest is _Rest.CANCELLED else []
        yield Part(ranges_of(sorted(done)), tuple(sorted(failed)), ranges_of(cancelled))


def _batches(ranges: Sequence[Range]) -> Iterator[list[int]]:
    indices = chain.from_iterable(range(first, end) for first, end in ranges)
    while batch := list(islice(indices, PART)):
        yield batch

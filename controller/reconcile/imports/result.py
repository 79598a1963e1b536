"""The end of a batch task: its report is fetched at once, kept as it came, and then read.

A report's address works for two hours, so the bytes go into the work bucket before anybody makes sense of them. That
the task succeeded says nothing of its lines (`controller.core.imports.taskreport`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

from controller.cloud.errors import CloudError, ReportExpired, Retryable
from controller.cloud.ports import ReportPort
from controller.core.facts import TaskFacts
from controller.core.imports.identity import task_report_key
from controller.core.imports.records import Record, TaskOver, Unknowable, Verdicts
from controller.core.imports.taskreport import MAX_REPORT, NoReport, Part, Report, judge, read_report
from controller.core.imports.tasks import state_of, told
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.submit import Counter, confirm

AT_ONCE = 100  # parts of a verdict in one segment of the journal, as long as few of their lines failed
MANY = 5000
ADDRESS_WORKS = timedelta(hours=2)  # IncreaseList's page: so long from the end of the task
log = logging.getLogger(__name__)


def take_result(run: Run, chunk: int, facts: TaskFacts, counter: Counter) -> None:
    """Record what became of each line of a task that is over.

    Raises:
        controller.cloud.errors.CloudError: the report, the lines or the journal did not answer; it is done again.
    """
    confirm(run, counter, facts)
    with run.lock:
        one, known = run.state.open.get(chunk), run.state.last_task
    over: list[Record] = [TaskOver(chunk, counter.now(), told(facts, known))]
    if one is None:
        run.note(over)
        return  # what it worked on is not what was checked
    report = _report(run, chunk, facts, counter)
    ranges = one.chunk.ranges
    lines = (line for first, end in ranges for line in run.parts.lines(range(first, end)))
    found = judge(state_of(facts.status), facts.message, report, lines, ranges, code=facts.code, path=run.record.path)
    for parts in _together(found.parts):
        run.note([*over, *(_verdicts(chunk, part, counter) for part in parts)])
        over = []
    if found.why is not None:
        log.warning("run %s: what became of task %d is not known: %s", run.id, facts.id, found.words)
        run.note([*over, Unknowable(chunk, counter.now(), found.why, found.words)])


def _report(run: Run, chunk: int, facts: TaskFacts, counter: Counter) -> Report | NoReport | None:
    """As it was kept, or fetched now; None where it cannot be understood."""
    key = task_report_key(run.id, chunk)
    data = counter.oss.get_object(run.bucket, key, largest=MAX_REPORT)
    if data is None:
        if not facts.error_url:
            return NoReport.LATE if _long_over(facts, counter) else NoReport.ABSENT
        fetched = _fetch(run, facts, counter)
        if not isinstance(fetched, bytes):
            return fetched
        data = fetched
        counter.oss.put_object(run.bucket, key, data)
    return read_report(data)


def _long_over(facts: TaskFacts, counter: Counter) -> bool:
    """Whether it may have had an address, which is gone."""
    return facts.modified_at is not None and counter.now() - facts.modified_at > ADDRESS_WORKS


def _fetch(run: Run, facts: TaskFacts, counter: Counter) -> bytes | NoReport | None:
    """What lies behind the address; where that is over, behind the one that listing the task again tells."""
    try:
        found = _at(facts.error_url, counter.reports)
        if found is NoReport.EXPIRED:
            log.info("run %s: the address of task %d's report is over; it is listed again", run.id, facts.id)
            listed = counter.search.tasks(run.record.instance, task=facts.id).tasks
            found = _at(next((one.error_url for one in listed if one.id == facts.id), ""), counter.reports)
    except Retryable:
        raise
    except CloudError as error:
        log.warning("run %s: the report of task %d: %s", run.id, facts.id, error)
        return None
    return found


def _at(address: str, reports: ReportPort) -> bytes | NoReport:
    try:
        return reports.fetch(address, MAX_REPORT) if address else NoReport.EXPIRED
    except ReportExpired:
        return NoReport.EXPIRED


def _together(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """So many that a segment is neither tiny nor huge."""
    batch: list[Part] = []
    for part in parts:
        batch.append(part)
        if len(batch) == AT_ONCE or sum(len(ranges) for one in batch for _, ranges in one.failed) >= MANY:
            yield batch
            batch = []
    if batch:
        yield batch


def _verdicts(chunk: int, part: Part, counter: Counter) -> Record:
    now = counter.now()
    return Verdicts(chunk, now, "task", part.succeeded, cancelled=part.cancelled, failed_ranges=part.failed)

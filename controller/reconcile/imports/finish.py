"""The end of a run: a report with every item that did not succeed, then the verdict. A late word replaces both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from controller.api.batchimport import SHOWN_FAILURES, FailedItem, Phase, Totals
from controller.cloud.errors import CloudError, Conflict
from controller.cloud.ports import OssPort
from controller.core.imports.documents import RunEnd, encode
from controller.core.imports.identity import end_key, report_key
from controller.core.imports.items import Item
from controller.core.manifest.lines import Line as ManifestLine
from controller.core.manifest.lines import name_of
from controller.reconcile.imports.journal import Each
from controller.reconcile.imports.report import Line, Report
from controller.reconcile.imports.run import Run

HEAD = 64 * 1024  # bytes of a report that hold its first lines


def conclude(
    run: Run, phase_of: Callable[[Totals], Phase], now: datetime, until: Callable[[], bool], each: Each = map
) -> RunEnd | None:
    """Write the report of what was known when it was begun, or as much of it as there is time for, then the verdict.

    Returns the verdict, None while the report is not whole.

    Raises:
        controller.cloud.errors.CloudError: one of them, or what they are made from, could not be written or read.
    """
    oss = run.parts.oss
    report = run.report
    if report is not None and report.token != run.token:  # a retry came in between
        report.drop(oss)
        report = None
    report = run.report = report or Report(run)
    try:
        if not report.step(oss, until, each):
            return None
    except CloudError as error:
        if isinstance(error, Conflict) or (report.whole and error.may_have_taken_effect):
            report.drop(oss)  # an upload that is gone, or over, cannot be gone on with
            run.report = None
        raise
    end = RunEnd(
        phase=phase_of(report.totals),
        totals=report.totals,
        token=report.token,
        tokens=report.tokens,
        ended_at=now,
        unknowable=report.unknowable,
        task=report.task,
    )
    oss.put_object(run.bucket, end_key(run.id), encode(end))
    run.report, run.shown, run.end = None, report.shown, end
    return end


def read_shown(run: str, totals: Totals, oss: OssPort, bucket: str) -> list[FailedItem]:
    """The first lines of the report of an ended run, as the status shows them; none where everything succeeded.

    A report may lie there all the same, of a process that ended before it wrote its verdict.
    """
    if totals.succeeded == totals.items:
        return []
    found = oss.get_range(bucket, report_key(run), 0, HEAD)
    if found is None:
        return []
    whole = found.data if found.size <= HEAD else found.data[: found.data.rfind(b"\n") + 1]
    lines = [line for line in whole.splitlines() if line][:SHOWN_FAILURES]
    return [msgspec.json.decode(line, type=Line).shown for line in lines]


def so_far(run: Run) -> list[FailedItem]:
    """The first failures that were told of while a run lasts, by name."""
    with run.lock:
        known = dict(run.state.failures)
    for index in known.keys() - run.names.keys():
        run.names[index] = _name(run.parts.item(index))
    return [FailedItem(item=run.names[index], error=known[index]) for index in sorted(known)]


def _name(item: Item | ManifestLine) -> str:
    return item.uri if isinstance(item, Item) else name_of(item)

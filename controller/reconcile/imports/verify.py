"""Asks the dataset for what no message told: after a lost answer, and where a result is overdue.

A file counts as done when its metadata was written since its chunk was planned. Both moments are of different clocks:
the plan's is this machine's, the other one the cloud's. The cloud itself refuses requests that are fifteen minutes off,
and no port tells its time, so a small difference is allowed for (`SKEW`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta

from controller.core.facts import FileFacts
from controller.core.imports.chunks import MAX_FILES, Allowance
from controller.core.imports.records import Means, Record, Verdicts, ranges_of
from controller.core.imports.run import Fate, OpenChunk, items_of
from controller.reconcile.imports.asking import get_all, updated_at
from controller.reconcile.imports.calls import WORDS, Target
from controller.reconcile.imports.run import Run

SKEW = timedelta(seconds=2)  # NTP keeps nodes far closer; more would take an older write for ours
FAILED = ("fail", "abnormal", "error")  # ObjectStatus of a file that could not be read begins with one of these
AT_ONCE = 16 * MAX_FILES  # files that are asked for before the time is looked at


def ask(
    run: Run,
    numbers: Sequence[int],
    target: Target,
    allowance: Allowance,
    executor: Executor,
    until: Callable[[], bool],
    *,
    final: bool,
) -> None:
    """Record what the dataset says of chunks. What it does not have is unknown where this is `final`, else stays open.

    Raises:
        controller.cloud.errors.CloudError: a call failed; what was learned before is on record.
    """
    with run.lock:
        chunks = run.open_chunks(numbers)
        waiting = [(one, [i for i in items_of(one.chunk) if run.state.fates[i] == Fate.SENT]) for one in chunks]
    for batch in _batches(waiting):
        uris = {index: item.uri for index, item in run.parts.items(sorted(i for _, of in batch for i in of))}
        held = get_all(list(uris.values()), target, allowance, executor)
        told = [_verdicts(one, of, uris, held, target.now(), final=final) for one, of in batch]
        run.note([one for one in told if one is not None])
        with run.lock:
            run.asked |= {one.chunk.number for one, _ in batch} & run.state.lost
        if until():
            return


def _batches(waiting: list[tuple[OpenChunk, list[int]]]) -> list[list[tuple[OpenChunk, list[int]]]]:
    batches: list[list[tuple[OpenChunk, list[int]]]] = []
    size = AT_ONCE
    for one in waiting:
        if size + len(one[1]) > AT_ONCE:
            batches.append([])
            size = 0
        batches[-1].append(one)
        size += len(one[1])
    return batches


def _verdicts(
    known: OpenChunk,
    indices: Sequence[int],
    uris: dict[int, str],
    held: dict[str, FileFacts],
    now: datetime,
    *,
    final: bool,
) -> Record | None:
    done: list[int] = []
    failed: list[tuple[int, str]] = []
    unknown: list[int] = []
    for index in indices:
        facts = held.get(uris[index])
        error = _judge(known, facts)
        if error is None:
            unknown.append(index)
        elif error:
            failed.append((index, error[:WORDS]))
        else:
            done.append(index)
    if not final:
        unknown = []
    if not (done or failed or unknown):
        return None
    return Verdicts(known.chunk.number, now, "dataset", ranges_of(done), tuple(failed), tuple(unknown))


def _judge(known: OpenChunk, facts: FileFacts | None) -> str | None:
    """The error of a file, empty where it succeeded; None where the dataset does not tell."""
    if known.chunk.means is Means.DELETE:
        return "" if facts is None else None
    written = updated_at(facts) if facts is not None else None
    if facts is None or written is None or written < known.planned_at - SKEW:
        return None
    if known.chunk.means is Means.INDEX and (facts.reason or facts.object_status.lower().startswith(FAILED)):
        return facts.reason or f"the dataset shows the file as {facts.object_status}"
    return ""

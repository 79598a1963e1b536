"""The call that a chunk is, made in a thread of its own, and what its end means for the journal.

A refusal that speaks of the request makes the chunk two: one bad file does not fail the ninety-nine it travels with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from controller.cloud.errors import (
    CloudError,
    Invalid,
    ParentNotFound,
    Quota,
    Throttled,
    TooLong,
    WrongRegion,
)
from controller.cloud.ports import FilesPort, IndexedFile
from controller.cloud.trace import told
from controller.core.imports.identity import user_data
from controller.core.imports.items import Item
from controller.core.imports.records import Answered, Chunk, Means, Record, Turned, Verdicts, ranges_of
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.tallies import tallies

TRIES = 6  # of a call that is throttled: the limiter waits longer before each
WORDS = 512  # characters of an error that are kept of each file
OF_THE_PLACE = (ParentNotFound, WrongRegion)  # wrong for every file: a person mends it once
Items = Sequence[tuple[int, Item]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files of a run go, and how."""

    files: FilesPort
    project: str
    dataset: str
    topic: str
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Answer:
    """How the call of a chunk ended.

    Attributes:
        chunk: The chunk.
        records: What is to be recorded of it.
        error: Why the call, or the rest of it, did not get through.
        lost: Nobody can tell whether it took effect.
        too_long: The gateway did not take the request for its length.
    """

    chunk: Chunk
    records: tuple[Record, ...] = ()
    error: CloudError | None = None
    lost: bool = False
    too_long: bool = False


def submit(run: Run, chunk: Chunk, items: Items, target: Target) -> Answer:
    """Make the call of a chunk that is on record as planned; raises nothing that the cloud can bring about."""
    done: list[Record] = []
    try:
        _call(run, chunk, items, target, done)
    except TooLong as error:
        return _too_long(chunk, items, error, target)
    except CloudError as error:
        log.warning("run %s chunk %d (%s of %d files): %s", run.id, chunk.number, chunk.means, len(items), error)
        tallies.failed(run.target, error)
        if done or error.may_have_taken_effect:
            told = tuple(record for record in done if isinstance(record, Verdicts))
            return Answer(chunk, told, error=error, lost=True)
        return Answer(chunk, (Turned(chunk.number, type(error).__name__),), error=error)
    return Answer(chunk, tuple(done))


def _too_long(chunk: Chunk, items: Items, error: TooLong, target: Target) -> Answer:
    if len(items) > 1:
        return Answer(chunk, (Turned(chunk.number, "TooLong"),), too_long=True)
    words = f"{error.code} the request with this file alone is longer than the gateway takes: {error.message}"
    return Answer(chunk, (_failed(chunk, items, words.strip(), target),))


def _call(run: Run, chunk: Chunk, items: Items, target: Target, done: list[Record]) -> None:
    for left in range(TRIES - 1, -1, -1):
        try:
            done += _once(run, chunk, items, target)
        except Throttled as error:
            tallies.failed(run.target, error)
            if not left or error.may_have_taken_effect:
                raise
        except TooLong:
            raise
        except (Invalid, Quota) as error:
            if not _of_the_files(error, chunk, len(items), target):
                raise
            if len(items) == 1:
                done.append(_failed(chunk, items, f"{error.code} {error.message}".strip(), target))
                return
            middle = len(items) // 2
            _call(run, chunk, items[:middle], target, done)
            _call(run, chunk, items[middle:], target, done)
            return
        else:
            tallies.sent(run.target, len(items))
            return


def _once(run: Run, chunk: Chunk, items: Items, target: Target) -> tuple[Record, ...]:
    match chunk.means:
        case Means.INDEX:
            word = user_data(run.id, run.record.nonce, chunk.number)
            given = [_file(item) for _, item in items]
            event = target.files.index(target.project, target.dataset, given, topic=target.topic, user_data=word)
            sent = told("imm:BatchIndexFileMeta")
            words = "run %s chunk %d: %d files are sent [request id %s]"
            log.info(words, run.id, chunk.number, len(items), sent["requestId"], extra=sent)
            return (Answered(chunk.number, target.now(), event),)
        case Means.UPDATE:
            return _updated(chunk, items, target)
        case Means.DELETE:
            target.files.delete(target.project, target.dataset, [item.uri for _, item in items])
            done = ranges_of(index for index, _ in items)
            return (Verdicts(chunk.number, target.now(), "answer", succeeded=done),)
        case Means.TASK:
            raise ValueError("a batch task of Image Search is no call of IMM")
        case _:
            assert_never(chunk.means)


def _updated(chunk: Chunk, items: Items, target: Target) -> tuple[Record, ...]:
    """A file that the answer leaves out is asked for like one whose message never came."""
    outcomes = target.files.update(target.project, target.dataset, [_file(item) for _, item in items])
    errors = {outcome.uri: outcome.error for outcome in outcomes}
    done = [index for index, item in items if errors.get(item.uri) == ""]
    failed = tuple((index, errors[item.uri][:WORDS]) for index, item in items if errors.get(item.uri))
    now = target.now()
    told = Verdicts(chunk.number, now, "answer", succeeded=ranges_of(done), failed=failed)
    return (told,) if len(done) + len(failed) == len(items) else (told, Answered(chunk.number, now))


def _failed(chunk: Chunk, items: Items, words: str, target: Target) -> Verdicts:
    return Verdicts(chunk.number, target.now(), "answer", failed=tuple((index, words[:WORDS]) for index, _ in items))


def _of_the_files(error: CloudError, chunk: Chunk, count: int, target: Target) -> bool:
    """Whether other files might pass. How many files an update takes is documented nowhere; it adds none."""
    if isinstance(error, Quota):
        return chunk.means is Means.UPDATE and count > 1
    names_topic = "Notification" in error.message or f"topic {target.topic}" in error.message
    return not (isinstance(error, OF_THE_PLACE) or names_topic)


def _file(item: Item) -> IndexedFile:
    return IndexedFile(item.uri, item.custom_id, item.labels, item.file_hash, item.oss_uri)

"""Brings what the queue told to the runs: journalled there first, and only then may a message be deleted.

A message that is not ours is left or set aside, as the account says, and never deleted. What it tells of a run that
nobody follows now is recorded just the same, until that run ended: its import may be made again, or its spec come back.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum

from controller.api.batchimport import BatchImport
from controller.api.events import ForeignMessages
from controller.cloud.errors import CloudError
from controller.cloud.limiter import Lane
from controller.cloud.ports import OssPort
from controller.core.facts import Received
from controller.core.imports.documents import RunRecord
from controller.core.imports.messages import Notice, verdicts
from controller.reconcile.context import Context
from controller.reconcile.denials import Account
from controller.reconcile.imports.over import is_final
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.stored import read_end, read_record
from controller.reconcile.rivals import run_contest
from controller.reconcile.sessions import Session

log = logging.getLogger(__name__)
Told = Sequence[tuple[Received, Notice]]


class Disposition(StrEnum):
    """What becomes of a message. All but the first take it out of the queue."""

    LEAVE = "left"
    DELETE = "deleted"  # what it says is durable, or was known
    OVER = "over"  # its run ended, and no word can change that
    DEAD_LETTER = "set aside"


class _Undecided(Exception):
    """Who the message belongs to cannot be told yet."""


def deliver(
    context: Context,
    notices: Iterable[tuple[Received, Notice | None]],
    foreign: ForeignMessages,
    accounts: Collection[Account],
) -> dict[str, Disposition]:
    """Record what a batch of messages says, with one append for each run, and say what becomes of each, by its id.

    Args:
        context: Of the process; runs that are not loaded are, with the session of the import that follows them.
        notices: The messages, and what each says; None is no result of ours.
        foreign: What becomes of those that are not ours.
        accounts: The CloudAccounts that name this queue: a run that no import follows is looked for in their buckets.
    """
    aside = Disposition.DEAD_LETTER if foreign is ForeignMessages.DEAD_LETTER else Disposition.LEAVE
    fates: dict[str, Disposition] = {}
    by_run: defaultdict[str, list[tuple[Received, Notice]]] = defaultdict(list)
    for message, notice in notices:
        if notice is None:
            fates[message.id] = aside
        else:
            by_run[notice.address.run].append((message, notice))
    for run, told in by_run.items():
        try:
            fates |= _to_run(run, told, aside, context, accounts)
        except _Undecided:
            fates |= dict.fromkeys((message.id for message, _ in told), Disposition.LEAVE)
        except CloudError as error:
            log.warning("run %s: %d messages are left, as they could not be recorded: %s", run, len(told), error)
            fates |= dict.fromkeys((message.id for message, _ in told), Disposition.LEAVE)
    return fates


def _to_run(
    run: str, told: Told, aside: Disposition, context: Context, accounts: Collection[Account]
) -> dict[str, Disposition]:
    found: Run | RunRecord | None = context.runs.find(run) or _followed(run, context)
    unfollowed = _recorded(run, context, accounts) if found is None else None
    if unfollowed is not None:
        found = unfollowed[0]
    fates = dict.fromkeys((message.id for message, _ in told), aside)
    if found is None:
        return fates
    record = found.record if isinstance(found, Run) else found
    ours = [(message, notice) for message, notice in told if notice.fits(run, record)]
    if ours and unfollowed is not None:
        found = _unended(run, *unfollowed[1], context) or record
    if isinstance(found, Run):
        _record(found, [notice for _, notice in ours], context)
    elif ours:
        log.info("run %s: %d messages are deleted: it ended, and they change nothing", run, len(ours))
    fate = Disposition.DELETE if isinstance(found, Run) else Disposition.OVER
    return fates | dict.fromkeys((message.id for message, _ in ours), fate)


def _record(run: Run, notices: Sequence[Notice], context: Context) -> None:
    """Have everything new in the journal when this returns."""
    with run.lock:
        told = [verdicts(notice, run.state, context.now()) for notice in notices]
    records = [one for one in told if one is not None]
    if not records:
        return
    run.note(records)
    known = context.runs.find(run.id)
    if known is not run:  # its pass let go of it meanwhile, and whoever loaded it since does not know of this
        context.runs.drop(run.id)
    context.runs.doubt(run.id)


def _followed(run: str, context: Context) -> Run | RunRecord | None:
    """The run, loaded for the import whose status names it; only its record where no word can change its verdict."""
    if not context.objects.complete:
        raise _Undecided
    for target in context.objects.contenders(run_contest(run)):
        if isinstance(target, BatchImport):
            session, bucket = _signed_in(target, context)
            if is_final(target):
                return _look_up(run, session, bucket, context)
            return context.runs.open(run, _oss(session, context), bucket)
    return None


def _recorded(
    run: str, context: Context, accounts: Collection[Account]
) -> tuple[RunRecord, tuple[Session, str]] | None:
    """The record of a run that no status names, and where it lies. None: it is not ours."""
    sessions = [context.sessions.get(*account) for account in accounts]
    for session in sessions:
        bucket = session.place.work_bucket if session is not None else None
        if session is None or bucket is None:
            continue
        record = _look_up(run, session, bucket, context)
        if record is not None:
            ours = record.cluster == context.cluster.uid() and context.objects.watches(record.namespace)
            return (record, (session, bucket)) if ours else None
    if None in sessions:
        raise _Undecided
    return None


def _unended(run: str, session: Session, bucket: str, context: Context) -> Run | None:
    """The run, loaded, unless it ended."""
    oss = _oss(session, context)
    return context.runs.open(run, oss, bucket) if read_end(run, oss, bucket) is None else None


def _signed_in(target: BatchImport, context: Context) -> tuple[Session, str]:
    session = context.sessions.of(target)
    if session is None or session.place.work_bucket is None:
        raise _Undecided
    return session, session.place.work_bucket


def _look_up(run: str, session: Session, bucket: str, context: Context) -> RunRecord | None:
    """The record of a run, read once: it never changes."""
    return context.runs.remember(run, bucket, lambda: read_record(run, _oss(session, context), bucket))


def _oss(session: Session, context: Context) -> OssPort:
    return context.clouds.oss(session.place, session.credentials, Lane.RESYNC)

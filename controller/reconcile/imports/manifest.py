"""The increment.meta of an import's directory: whose it is, and so what may be done with it.

It is the lock of (instance, bucket, path): an import puts its own there only where none is, or one of a run that nobody
works off any more. Between a look and the write another may come, so whoever writes looks again afterwards.
"""

from __future__ import annotations

from datetime import UTC, datetime

from controller.api.batchimport import BatchImport
from controller.api.importsource import MANIFEST
from controller.cloud.ports import HeadFacts, OssPort
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import MARK_HEADER, Mark, manifest_mark, parse_manifest_mark
from controller.core.imports.observed import ManifestState
from controller.core.imports.run import Fate
from controller.core.imports.tasks import ABANDONED
from controller.reconcile.context import Context
from controller.reconcile.imports.run import Run
from controller.reconcile.imports.stored import read_end, read_record
from controller.reconcile.rivals import run_contest

MARK = MARK_HEADER.removeprefix("x-oss-meta-")


def manifest_key(record: RunRecord) -> str:
    """Where it belongs, in the run's own bucket."""
    return f"{record.path}{MANIFEST}"


def mark_of(run: Run) -> str:
    """What this attempt's manifest says of itself. The caller holds the run's lock, or is its only pass."""
    return manifest_mark(run.id, run.state.attempts)


def needs_upload(run: Run) -> bool:
    """Whether this attempt's manifest is of our making: the user's own goes in only whole, as it was checked."""
    with run.lock:
        whole = run.state.count(Fate.UNSENT) == run.record.items
        return not (run.record.source_etag and whole)


def expected_etag(run: Run) -> str:
    """What has to lie there when this attempt is submitted; empty while it is not uploaded."""
    return run.state.manifest_etag if needs_upload(run) else run.record.source_etag


def look_at_manifest(run: Run, target: BatchImport, oss: OssPort, context: Context) -> tuple[ManifestState, str]:
    """What lies there, and whose it is where it is held.

    Raises:
        controller.cloud.errors.CloudError: it could not be looked at.
    """
    head = oss.head_object(run.record.bucket, manifest_key(run.record))
    upload = needs_upload(run)
    if head is None:
        return (ManifestState.ABSENT if upload else ManifestState.CHANGED), ""
    mark = parse_manifest_mark(head.metadata.get(MARK, ""))
    if mark is not None:
        return _marked(mark, head, run, oss, context)
    written, source = run.state.manifest_etag, run.record.source_etag
    if source and head.etag == source:
        return ManifestState.SOURCE, ""
    if written or source:
        return ManifestState.CHANGED, ""
    return (ManifestState.SOURCE if target.spec.source.manifest is not None else ManifestState.FOREIGN), ""


def _marked(mark: Mark, head: HeadFacts, run: Run, oss: OssPort, context: Context) -> tuple[ManifestState, str]:
    if mark.run == run.id:
        mine = mark.attempt == run.state.attempts and head.etag == run.state.manifest_etag
        return (ManifestState.OURS if mine else ManifestState.STALE), ""
    if read_end(mark.run, oss, run.bucket) is not None:
        return ManifestState.STALE, ""
    record = read_record(mark.run, oss, run.bucket)
    if record is None:
        age = context.now() - datetime.fromtimestamp(head.modified, UTC)
        gone = context.objects.complete and not context.objects.contenders(run_contest(mark.run))
        return (ManifestState.STALE, "") if gone and age >= ABANDONED else (ManifestState.UNRECORDED, f"run {mark.run}")
    holder = _holder(mark.run, record, run, context)
    return (ManifestState.HELD, holder) if holder else (ManifestState.STALE, "")


def _holder(other: str, record: RunRecord, run: Run, context: Context) -> str:
    """Who works off another run, in words; empty where its object is gone from this cluster, or it has to wait."""
    if record.cluster != context.cluster.uid():
        return f"run {other} of BatchImport {record.namespace}/{record.name} of another cluster"
    known = context.objects.complete and context.objects.watches(record.namespace)
    if (known and not context.objects.contenders(run_contest(other))) or _waits(other, record, run.record, context):
        return ""
    return f"run {other} of BatchImport {record.namespace}/{record.name}"


def _waits(other: str, theirs: RunRecord, mine: RunRecord, context: Context) -> bool:
    """Whether another run certainly has submitted nothing, and cannot before this one is over or stands back.

    Whoever looks here is first at its instance. So a run of the same one that has no task open is not about to make
    one, and puts its manifest here again when its turn comes. What is not loaded may have a task.
    """
    if (theirs.account_id, theirs.region, theirs.instance) != (mine.account_id, mine.region, mine.instance):
        return False
    found = context.runs.find(other)
    if found is None:
        return False
    with found.lock:
        return found.state.task_chunk is None

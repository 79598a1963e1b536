"""The increment.meta of an import's directory: whose it is, and so what may be done with it.

It is the lock of (instance, bucket, path): an import puts its own there only where none is, or one of a run that nobody
works off any more. Between a look and the write another may come, so whoever writes looks again afterwards.
"""

from __future__ import annotations

from controller.api.batchimport import BatchImport
from controller.api.importsource import MANIFEST
from controller.cloud.ports import HeadFacts, OssPort
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import MARK_HEADER, Mark, manifest_mark, parse_manifest_mark
from controller.core.imports.observed import ManifestState
from controller.core.imports.run import Fate
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
    holder = _holder(mark.run, oss, run.bucket, context)
    return (ManifestState.HELD, holder) if holder else (ManifestState.STALE, "")


def _holder(run: str, oss: OssPort, bucket: str, context: Context) -> str:
    """Who works off another run, in words; empty where it ended, or its object is gone from this cluster."""
    if read_end(run, oss, bucket) is not None:
        return ""
    record = read_record(run, oss, bucket)
    if record is None:
        return f"run {run}, which is not on record in this work bucket"
    if record.cluster != context.cluster.uid():
        return f"run {run} of BatchImport {record.namespace}/{record.name} of another cluster"
    known = context.objects.complete and context.objects.watches(record.namespace)
    if known and not context.objects.contenders(run_contest(run)):
        return ""
    return f"run {run} of BatchImport {record.namespace}/{record.name}"

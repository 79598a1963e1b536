"""What a status says that needs no look at the records: the run is over, and no word can change its verdict."""

from __future__ import annotations

from controller.api.batchimport import BatchImport, BatchImportSpec, BatchImportStatus
from controller.core.imports.phases import ENDED


def is_final(target: BatchImport) -> bool:
    """Whether nothing is awaited: every file has its verdict, none is unknown, and no retry is asked for."""
    spec, status = target.spec, target.status
    return has_ended(status) and status.totals is not None and not status.totals.unknown and not asks(spec, status)


def has_ended(status: BatchImportStatus) -> bool:
    """Whether the status has all there is to say of a run that ended."""
    return status.phase in ENDED and None not in {status.run, status.started_at, status.ended_at}


def asks(spec: BatchImportSpec, status: BatchImportStatus) -> bool:
    """Whether a retry is asked for that the status does not echo."""
    return spec.retry is not None and spec.retry.failed_items != status.last_retry

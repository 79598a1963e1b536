"""The documents of an import, read from the work bucket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from controller.cloud.errors import Invalid
from controller.cloud.ports import OssPort
from controller.core.imports.documents import RunEnd, RunRecord, Unreadable, decode_end, decode_record
from controller.core.imports.identity import end_key, record_key

LARGEST_DOCUMENT = 1024 * 1024
D = TypeVar("D")


class RecordUnreadable(Invalid):
    """A record of a run is not what this version of the operator writes, or some are missing among others."""


def read_record(run: str, oss: OssPort, bucket: str) -> RunRecord | None:
    """The run record, if it was written."""
    return read_document(decode_record, record_key(run), oss, bucket)


def read_end(run: str, oss: OssPort, bucket: str) -> RunEnd | None:
    """The verdict, if there is one."""
    return read_document(decode_end, end_key(run), oss, bucket)


def read_document(decode: Callable[[bytes], D], key: str, oss: OssPort, bucket: str) -> D | None:
    """One of the documents of an import.

    Raises:
        controller.cloud.errors.CloudError: the work bucket did not answer, or this version cannot read it.
    """
    data = oss.get_object(bucket, key, largest=LARGEST_DOCUMENT)
    if data is None:
        return None
    try:
        return decode(data)
    except Unreadable as error:
        raise RecordUnreadable("oss:GetObject", f"oss://{bucket}/{key}: {error}") from error

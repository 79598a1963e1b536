"""The upload in parts that a run began last is on record: a process that begins anew drops what was left of it.

A run has one at a time, of a manifest or of a report.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from controller.cloud.ports import OssPort
from controller.core.imports.identity import upload_key
from controller.reconcile.imports.run import Run


class _Begun(msgspec.Struct, frozen=True):
    """The upload that has to be dropped where its process is no more."""

    bucket: str
    key: str
    upload: str


def begin_upload(run: Run, oss: OssPort, bucket: str, key: str, metadata: Mapping[str, str], *, replace: bool) -> str:
    """Begin an upload, and put on record which one; its id.

    Raises:
        controller.cloud.errors.CloudError: as `OssPort.begin_upload` and `put_object`.
    """
    upload = oss.begin_upload(bucket, key, metadata, replace=replace)
    oss.put_object(run.bucket, upload_key(run.id), msgspec.json.encode(_Begun(bucket, key, upload)))
    return upload


def drop_upload(run: Run, oss: OssPort) -> None:
    """Have OSS forget the parts of the one on record, if it is not over.

    Raises:
        controller.cloud.errors.CloudError: as `OssPort.get_object` and `abort_upload`.
    """
    data = oss.get_object(run.bucket, upload_key(run.id))
    if data is not None:
        left = msgspec.json.decode(data, type=_Begun)
        oss.abort_upload(left.bucket, left.key, left.upload)

"""An attempt's manifest on its way into its place, in parts and over passes: nothing of it is seen before it is whole.

A process that begins anew knows nothing of the parts: it drops that upload, whose id is on record, and begins another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from controller.cloud.errors import CloudError, Conflict, Retryable
from controller.cloud.ports import OssPort, UploadedPart
from controller.core.imports.identity import original_key
from controller.core.imports.observed import ManifestState
from controller.core.imports.records import Range, Uploaded
from controller.core.manifest.lines import encode
from controller.reconcile.imports.begun import begin_upload, drop_upload
from controller.reconcile.imports.manifest import MARK, manifest_key, mark_of
from controller.reconcile.imports.run import Run

PART_SIZE = 4 * 1024 * 1024  # bytes; OSS takes 10,000 parts
AT_ONCE = 1000  # lines that are encoded together
log = logging.getLogger(__name__)


class Upload:
    """One upload: `mark` says of which run and attempt, `found` what lay in its place when it began."""

    def __init__(self, run: Run, oss: OssPort, found: ManifestState) -> None:
        self.mark = mark_of(run)
        self.found = found
        self.lines = self.size = 0
        self._run = run
        self._bucket = run.record.bucket
        self._key = manifest_key(run.record)
        self._replace = found in {ManifestState.SOURCE, ManifestState.STALE}
        with run.lock:
            self._left: list[Range] = list(reversed(run.state.whole().ranges))
        self._parts: list[UploadedPart] = []
        self._next = bytearray()
        self._completed = False
        metadata = {MARK: self.mark}
        self._id = begin_upload(run, oss, self._bucket, self._key, metadata, replace=self._replace)

    def step(self, oss: OssPort, until: Callable[[], bool]) -> bool:
        """Send parts until the time is over, or all are there (True). What fails is done again by the next step."""
        while self._left or self._next:
            if self._left and len(self._next) < PART_SIZE:
                self._fill()
                continue
            self._send(oss)
            if until():
                break
        return self.whole

    def finish(self, oss: OssPort) -> str | None:
        """Put the whole into its place; its ETag, or None where another one lies there after all."""
        if not self._completed:  # OSS knows nothing more of an upload that is whole, and would refuse a second end
            oss.complete_upload(self._bucket, self._key, self._id, self._parts, replace=self._replace)
            self._completed = True
        head = oss.head_object(self._bucket, self._key)
        ours = head is not None and head.metadata.get(MARK) == self.mark and head.size == self.size
        return head.etag if head is not None and ours else None

    @property
    def whole(self) -> bool:
        """Whether all parts are there: what is lost then may be in its place."""
        return not (self._left or self._next)

    def drop(self, oss: OssPort) -> None:
        """Have OSS forget the parts; where it does not answer, they lie there until a rule of the bucket's ends."""
        with suppress(CloudError):
            oss.abort_upload(self._bucket, self._key, self._id)

    def _fill(self) -> None:
        first, end = self._left[-1]
        until = min(end, first + AT_ONCE)
        lines = [line for _, line in self._run.parts.lines(range(first, until))]
        self._next += encode(lines)
        self.lines += len(lines)
        self._left[-1:] = [(until, end)] if until < end else []

    def _send(self, oss: OssPort) -> None:
        """The same number again is the same part to OSS."""
        data = bytes(self._next)
        self._parts.append(oss.upload_part(self._bucket, self._key, self._id, len(self._parts) + 1, data))
        self.size += len(data)
        self._next.clear()


def upload_manifest(
    run: Run, found: ManifestState, oss: OssPort, now: Callable[[], datetime], until: Callable[[], bool]
) -> None:
    """Go on with this attempt's manifest, or begin it; at its end it is on record as `Uploaded`.

    Raises:
        controller.cloud.errors.CloudError: a call failed; what is begun goes on in the next pass, or begins anew.
    """
    etag: str | None = None
    try:
        upload = run.pursuit.upload
        if upload is None or upload.mark != mark_of(run):
            upload = run.pursuit.upload = _begin(run, found, oss)
        if not upload.step(oss, until):
            return
        etag = upload.finish(oss)
    except Conflict as error:
        log.info("run %s: another manifest came in between: %s", run.id, error)
    except CloudError as error:
        upload = run.pursuit.upload
        if not isinstance(error, Retryable) or (error.may_have_taken_effect and upload is not None and upload.whole):
            _give_up(run, oss)
        raise
    if upload is None or etag is None:
        _give_up(run, oss)
        return
    run.pursuit.upload = None
    run.note([Uploaded(now(), etag, upload.lines)])


def _begin(run: Run, found: ManifestState, oss: OssPort) -> Upload:
    """Keep the user's own, drop what a process before this one began, and begin."""
    drop_upload(run, oss)
    if found is ManifestState.SOURCE:
        _keep(run, oss)
    return Upload(run, oss, found)


def _keep(run: Run, oss: OssPort) -> None:
    """Copy the user's own manifest into the work bucket, before another takes its place.

    Raises:
        controller.cloud.errors.Conflict: it changed just now.
    """
    bucket, key = run.record.bucket, manifest_key(run.record)
    head = oss.head_object(bucket, key)
    if head is not None and MARK not in head.metadata:
        oss.copy_object(bucket, key, run.bucket, original_key(run.id), etag=head.etag)


def _give_up(run: Run, oss: OssPort) -> None:
    if run.pursuit.upload is not None:
        run.pursuit.upload.drop(oss)
    run.pursuit.upload = None

"""Large objects in parts, and what an object is: the part of `controller.cloud.ports.OssPort` that manifests need.

An upload in parts is there as a whole or not at all, and its content is never in memory at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oss2.models import PartInfo
from oss2.utils import calc_obj_crc_from_parts, check_crc

from controller.cloud import errors
from controller.cloud.answers import understood
from controller.cloud.oss_calls import OssCalls
from controller.cloud.ports import HeadFacts, UploadedObject, UploadedPart

META = "x-oss-meta-"
FORBID_OVERWRITE = {"x-oss-forbid-overwrite": "true"}
GONE = frozenset({"NoSuchUpload", "NoSuchKey"})
_NOT_FOUND = 404


@understood
class OssUploads(OssCalls):
    """Uploads, copies and heads. Safe to share between threads."""

    def head_object(self, bucket: str, key: str) -> HeadFacts | None:
        about = f"oss://{bucket}/{key}"
        try:
            result = self._call("oss:HeadObject", lambda: self._bucket(bucket).head_object(key), about=about)
        except errors.Invalid as error:
            if error.code == "NoSuchKey" or (_says_nothing(error) and not self._there(bucket, key)):
                return None
            raise
        return HeadFacts(
            etag=result.etag,
            size=result.content_length or 0,
            crc64=result.server_crc,
            metadata=_metadata(result.headers),
            modified=result.last_modified or 0,
        )

    def copy_object(self, source: str, source_key: str, bucket: str, key: str, *, etag: str) -> bool:
        def copy() -> Any:
            same = {"x-oss-copy-source-if-match": f'"{etag}"'}
            return _read(self._bucket(bucket).copy_object(source, source_key, key, headers=same))

        about = f"oss://{source}/{source_key} to oss://{bucket}/{key}"
        try:
            self._call("oss:CopyObject", copy, about=about, fence=self._fence)
        except errors.Invalid as error:
            if error.code == "NoSuchKey":
                return False
            raise
        return True

    def begin_upload(self, bucket: str, key: str, metadata: Mapping[str, str], *, replace: bool) -> str:
        headers = {META + name: value for name, value in metadata.items()} | ({} if replace else FORBID_OVERWRITE)

        def begin() -> Any:
            return self._bucket(bucket).init_multipart_upload(key, headers=headers)

        about = f"oss://{bucket}/{key}"
        result = self._call("oss:InitiateMultipartUpload", begin, about=about, fence=self._fence)
        return str(result.upload_id)

    def upload_part(self, bucket: str, key: str, upload: str, number: int, data: bytes) -> UploadedPart:
        def send() -> Any:
            return self._bucket(bucket).upload_part(key, upload, number, data)

        about = f"part {number} of oss://{bucket}/{key}"
        result = self._of_upload("oss:UploadPart", send, about)
        return UploadedPart(number, *_sums("oss:UploadPart", result, about), len(data))

    def complete_upload(
        self, bucket: str, key: str, upload: str, parts: Sequence[UploadedPart], *, replace: bool
    ) -> UploadedObject:
        about = f"oss://{bucket}/{key}"
        if not replace and self.head_object(bucket, key) is not None:
            raise errors.Conflict("oss:CompleteMultipartUpload", f"{about} exists already", code="FileAlreadyExists")
        ordered = sorted(parts, key=lambda part: part.number)
        listed = [PartInfo(part.number, part.etag) for part in ordered]
        sent = [PartInfo(part.number, part.etag, size=part.size, part_crc=part.crc) for part in ordered]

        def complete() -> Any:
            headers = {} if replace else FORBID_OVERWRITE
            client = self._bucket(bucket)
            result = _read(client.complete_multipart_upload(key, upload, listed, headers=headers))
            # oss2 would compare before the body is read, and lose the connection where the two differ.
            check_crc("complete", calc_obj_crc_from_parts(sent), result.crc, result.request_id)
            return result

        result = self._of_upload("oss:CompleteMultipartUpload", complete, about)
        return UploadedObject(*_sums("oss:CompleteMultipartUpload", result, about))

    def abort_upload(self, bucket: str, key: str, upload: str) -> None:
        def abort() -> Any:
            return self._bucket(bucket).abort_multipart_upload(key, upload)

        try:
            self._call("oss:AbortMultipartUpload", abort, about=f"oss://{bucket}/{key}", fence=self._fence)
        except errors.Invalid as error:
            if error.code not in GONE:
                raise

    def _of_upload(self, operation: str, call: Callable[[], Any], about: str) -> Any:
        """A call on an upload; that it is gone, by a rule of the bucket's or by another's hand, is a `Conflict`."""
        try:
            return self._call(operation, call, about=about, fence=self._fence)
        except errors.Invalid as error:
            if error.code not in GONE:
                raise
            raise errors.Conflict(operation, error.message, code=error.code, request_id=error.request_id) from error

    def _there(self, bucket: str, key: str) -> bool:
        """Whether an object is there, by a GET: unlike the answer to a HEAD, its refusal always says what is absent."""

        def get() -> Any:
            result = self._bucket(bucket).get_object(key, headers={"Range": "bytes=0-0"})
            result.close()
            return result

        try:
            self._call("oss:GetObject", get, about=f"oss://{bucket}/{key}")
        except errors.Invalid as error:
            if error.code == "NoSuchKey":
                return False
            raise
        return True


def _read(result: Any) -> Any:
    """The answer with its body read, which oss2 leaves in the connection; nobody else could use that any more."""
    result.resp.read()
    return result


def _says_nothing(error: errors.Invalid) -> bool:
    """A 404 without a code may mean the object or the bucket."""
    return not error.code and getattr(error.__cause__, "status", None) == _NOT_FOUND


def _sums(operation: str, result: Any, about: str) -> tuple[str, int]:
    """ETag and checksum, which oss2 has compared with that of what was sent, if there is one to compare."""
    if not result.etag or result.crc is None:
        said = f"the answer says no checksum of {about}; whether it is what was sent is unclear"
        raise errors.TimedOut(operation, said, request_id=result.request_id)
    return result.etag, result.crc


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    named = {name.lower(): value for name, value in headers.items()}
    return {name.removeprefix(META): value for name, value in named.items() if name.startswith(META)}

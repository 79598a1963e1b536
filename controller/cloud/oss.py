"""OSS through oss2: `controller.cloud.ports.OssPort`."""

from __future__ import annotations

from typing import Any

from controller.cloud import errors
from controller.cloud.answers import understood
from controller.cloud.oss_calls import refuse_versions
from controller.cloud.oss_upload import FORBID_OVERWRITE, OssUploads
from controller.cloud.ports import ObjectPage, ObjectRange
from controller.core.facts import BucketFacts, ObjectFacts

LARGEST_RECORD = 64 * 1024  # bytes
GET = "oss:GetObject"
TOO_LARGE = "ObjectTooLarge"  # our own code, for what OSS does not refuse
BEYOND = "InvalidRange"


@understood
class Oss(OssUploads):
    """OSS as one account in one region. Safe to share between threads."""

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        client = self._bucket(bucket)
        try:
            info = self._call("oss:GetBucketInfo", client.get_bucket_info)
        except errors.BucketNotFound:
            return None
        stat = self._call("oss:GetBucketStat", client.get_bucket_stat)
        return BucketFacts(
            name=bucket,
            region=info.location.removeprefix("oss-"),
            objects=stat.object_count,
            size=stat.storage_size_in_bytes,
        )

    def get_object(self, bucket: str, key: str, *, largest: int = LARGEST_RECORD) -> bytes | None:
        got = self._get(bucket, key, {}, largest)
        if got is None:
            return None
        result, data = got
        refuse_versions(GET, bucket, result)
        if (result.content_length or 0) > largest:
            raise errors.Invalid(
                GET,
                f"oss://{bucket}/{key} has {result.content_length} bytes, and what belongs there has {largest} at most",
                code=TOO_LARGE,
                request_id=result.request_id,
            )
        return data

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        same = {"If-Match": f'"{etag}"'} if etag else {}
        # Without the second header OSS sends the whole object when a part of the range lies beyond its end.
        part = {"Range": f"bytes={first}-{first + count - 1}", "x-oss-range-behavior": "standard"}
        try:
            got = self._get(bucket, key, same | part, count)
        except errors.Invalid as error:
            if error.code != BEYOND:
                raise
            return self._beyond_end(bucket, key, first, same)
        if got is None:
            return None
        result, data = got
        if first > 0 and not (result.content_range or "").startswith(f"bytes {first}-"):
            raise errors.TimedOut(GET, f"the answer is another part of oss://{bucket}/{key} than was asked for")
        return ObjectRange(data, _whole(result), result.etag)

    def _beyond_end(self, bucket: str, key: str, first: int, same: dict[str, str]) -> ObjectRange | None:
        """The size, from a range that can be served; of an empty object none can, and then OSS sends all of it."""
        got = self._get(bucket, key, same | {"Range": "bytes=0-0"}, 1)
        if got is None:
            return None
        if _whole(got[0]) > first:
            raise errors.Conflict(GET, f"oss://{bucket}/{key} changes while it is read")
        return ObjectRange(b"", _whole(got[0]), got[0].etag)

    def list_objects(self, bucket: str, prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        def page() -> Any:
            return self._bucket(bucket).list_objects_v2(prefix, start_after=after or "", max_keys=most)

        result = self._call("oss:ListObjects", page, about=f"oss://{bucket}/{prefix}")
        objects = tuple(ObjectFacts(item.key, item.size, item.etag) for item in result.object_list)
        return ObjectPage(objects, objects[-1].key if result.is_truncated and objects else None)

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        def put() -> Any:
            return self._bucket(bucket).put_object(key, data)

        self._call("oss:PutObject", put, about=f"oss://{bucket}/{key}", fence=self._fence)

    def put_new(self, bucket: str, key: str, data: bytes) -> None:
        def put() -> Any:
            return self._bucket(bucket).put_object(key, data, headers=FORBID_OVERWRITE)

        about = f"oss://{bucket}/{key}"
        refuse_versions("oss:PutObject", bucket, self._call("oss:PutObject", put, about=about, fence=self._fence))

    def delete_object(self, bucket: str, key: str) -> None:
        def delete() -> Any:
            return self._bucket(bucket).delete_object(key)

        self._call("oss:DeleteObject", delete, about=f"oss://{bucket}/{key}", fence=self._fence)

    def _get(self, bucket: str, key: str, headers: dict[str, str], most: int) -> tuple[Any, bytes] | None:
        """GetObject, and up to `most` bytes of its body; None without the object."""
        data = b""

        def get() -> Any:
            nonlocal data
            result = self._bucket(bucket).get_object(key, headers=headers)
            data = _body(result, most)
            return result

        try:
            return self._call(GET, get, about=f"oss://{bucket}/{key}"), data
        except errors.Invalid as error:
            if error.code == "NoSuchKey":
                return None
            raise


def _body(result: Any, most: int) -> bytes:
    """Up to `most` bytes as they are stored, whatever their Content-Encoding says, and the connection given back."""
    try:
        data: bytes = result.resp.response.raw.read(most, decode_content=False)
    finally:
        result.close()
    if len(data) < min(most, result.content_length or 0):
        raise ConnectionError(f"the body ended after {len(data)} bytes")
    return data


def _whole(result: Any) -> int:
    """The size of the object of which an answer may be a part."""
    return int(result.content_range.rpartition("/")[2] if result.content_range else result.content_length)

"""OSS through oss2: `controller.cloud.ports.OssPort`.

oss2 builds a connection pool per Bucket object unless it is given a session, and reports network trouble as an HTTP
status below zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import ParseError

import oss2
from oss2.exceptions import OssError
from urllib3.exceptions import HTTPError

from controller.cloud import errors, openapi, regions, trace
from controller.cloud.credentials import Credentials
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import CALL_TIMEOUT, ObjectPage, ObjectRange
from controller.core.facts import BucketFacts, ObjectFacts

TIMEOUT = CALL_TIMEOUT / 2  # seconds; oss2 takes one number for connecting and for reading
CONNECTIONS = 64  # kept per host, and hosts; each bucket is a host, and oss2's own 10 are less than the workers are
LARGEST_RECORD = 64 * 1024  # bytes
FORBID_OVERWRITE = {"x-oss-forbid-overwrite": "true"}
GET = "oss:GetObject"
VERSIONED, TOO_LARGE = "VersionedBucket", "ObjectTooLarge"  # our own codes, for what OSS does not refuse
BEYOND = "InvalidRange"
LOST_ON_THE_WAY = -2  # oss2's status for a request that got no answer


def oss_connections() -> oss2.Session:
    """Connections that may be shared by any number of `Oss`: what they sign with stands in each request."""
    return oss2.Session(pool_size=CONNECTIONS)


class Oss:
    """OSS as one account in one region. Safe to share between threads.

    `connections` are kept open between calls; by default it has its own.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        endpoint: str | None,
        limiter: Limiter,
        lane: Lane = Lane.EDIT,
        fence: Fence = unfenced,
        connections: oss2.Session | None = None,
    ) -> None:
        key = credentials.access_key_id, credentials.access_key_secret
        provider: Any = (
            oss2.StsAuth(*key, credentials.security_token, auth_version=oss2.AUTH_VERSION_4)
            if credentials.security_token
            else oss2.AuthV4(*key)
        )
        self._auth = provider
        self._region = region
        self._endpoint = endpoint or f"https://oss-{region}.aliyuncs.com"
        self._session = connections or oss_connections()
        self._limiter = limiter
        self._lane = lane
        self._fence = fence
        self._credentials = credentials

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
        _refuse_versions(GET, bucket, result)
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
        _refuse_versions("oss:PutObject", bucket, self._call("oss:PutObject", put, about=about, fence=self._fence))

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

    def _bucket(self, bucket: str) -> Any:
        return oss2.Bucket(
            self._auth,
            self._endpoint,
            bucket,
            session=self._session,
            connect_timeout=TIMEOUT,
            region=self._region,
        )

    def _call(self, operation: str, method: Callable[[], Any], *, about: str = "", fence: Fence = unfenced) -> Any:
        with self._limiter.slot(self._lane), self._credentials.passing(operation), fence(operation):
            try:
                result = method()
            except (OssError, ParseError, OSError, HTTPError) as error:
                failure = _translate(operation, error) if isinstance(error, OssError) else _unreadable(operation, error)
                failure.message += f" ({about})" if about else ""
                trace.calls.add(operation, type(failure).__name__)
                raise failure from error
        if not result.request_id:  # every answer of OSS has one: this was somebody's on the way
            result.resp.response.close()
            trace.calls.add(operation, errors.TimedOut.__name__)
            raise errors.TimedOut(operation, f"the answer does not come from OSS ({about})")
        trace.succeeded(operation, result.request_id)
        return result


_BY_CODE: dict[str, type[errors.CloudError]] = {
    "InvalidAccessKeyId": errors.BadCredentials,
    "SignatureDoesNotMatch": errors.BadCredentials,
    "SecurityTokenExpired": errors.BadCredentials,
    "InvalidSecurityToken": errors.BadCredentials,
    "RequestTimeTooSkewed": errors.ClockSkewed,
    "AccessDenied": errors.Denied,
    "NoSuchBucket": errors.BucketNotFound,
    "FileAlreadyExists": errors.Conflict,
    "BucketNotEmpty": errors.Conflict,
    "PreconditionFailed": errors.Conflict,
}
_ELSEWHERE = "must be addressed using the specified endpoint"  # said with the code AccessDenied
_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503


def _refuse_versions(operation: str, bucket: str, result: Any) -> None:
    """Only a bucket that keeps versions, or once did, answers with a version id; it overwrites what it should not.

    Source: www.alibabacloud.com/help/en/oss/developer-reference/putobject, x-oss-forbid-overwrite.
    """
    if result.versionid is not None:
        raise errors.Invalid(
            operation,
            f"bucket {bucket} keeps versions of its objects, or once did, and OSS then overwrites records that must be "
            "written once: use a bucket that never had versioning",
            code=VERSIONED,
            request_id=result.request_id,
        )


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


def _unreadable(operation: str, error: Exception) -> errors.CloudError:
    """The answer broke off or is no XML: oss2 lets these through as they are."""
    return errors.TimedOut(operation, f"the answer cannot be read: {error}"[:512])


def _translate(operation: str, error: Any) -> errors.CloudError:
    code, message = error.code or "", openapi.without_query(str(error.message or error.body or error))[:512]
    if _ELSEWHERE in message:
        return errors.WrongRegion(operation, message, code=code, request_id=error.request_id)
    if error.status == LOST_ON_THE_WAY:
        if regions.missing_host(message) is not None:
            return errors.WrongRegion(operation, f"there is no {regions.missing_host(message)}: no such region")
        return (errors.Unavailable if openapi.never_sent(message) else errors.TimedOut)(operation, message)
    if error.status == _SERVICE_UNAVAILABLE:
        return errors.Throttled(operation, message, code=code, request_id=error.request_id)
    kind = _BY_CODE.get(code, errors.TimedOut if error.status >= _SERVER_ERROR else errors.Invalid)
    return kind(operation, message, code=code, request_id=error.request_id)

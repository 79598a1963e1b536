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

from controller.cloud import errors, openapi, trace
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Lane, Limiter
from controller.core.facts import BucketFacts

TIMEOUT = 10  # seconds, connect and read alike
LOST_ON_THE_WAY = -2  # oss2's status for a request that got no answer


class Oss:
    """OSS as one account in one region. Safe to share between threads."""

    def __init__(
        self, credentials: Credentials, *, region: str, endpoint: str | None, limiter: Limiter, lane: Lane = Lane.EDIT
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
        self._session = oss2.Session()
        self._limiter = limiter
        self._lane = lane

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        client = self._bucket(bucket)
        try:
            info = self._call("oss:GetBucketInfo", client.get_bucket_info)
        except errors.Invalid as error:
            if error.code == "NoSuchBucket":
                return None
            raise
        stat = self._call("oss:GetBucketStat", client.get_bucket_stat)
        return BucketFacts(
            name=bucket,
            region=info.location.removeprefix("oss-"),
            objects=stat.object_count,
            size=stat.storage_size_in_bytes,
        )

    def _bucket(self, bucket: str) -> Any:
        return oss2.Bucket(
            self._auth,
            self._endpoint,
            bucket,
            session=self._session,
            connect_timeout=TIMEOUT,
            region=self._region,
        )

    def _call(self, operation: str, method: Callable[[], Any]) -> Any:
        with self._limiter.slot(self._lane):
            try:
                result = method()
            except (OssError, ParseError, OSError) as error:
                failure = _translate(operation, error) if isinstance(error, OssError) else _unreadable(operation, error)
                trace.calls.add(operation, type(failure).__name__)
                raise failure from error
        trace.calls.add(operation, "ok")
        trace.last_request_id.set(result.request_id or "")
        return result


_BY_CODE: dict[str, type[errors.CloudError]] = {
    "InvalidAccessKeyId": errors.BadCredentials,
    "SignatureDoesNotMatch": errors.BadCredentials,
    "SecurityTokenExpired": errors.BadCredentials,
    "InvalidSecurityToken": errors.BadCredentials,
    "RequestTimeTooSkewed": errors.ClockSkewed,
    "AccessDenied": errors.Denied,
    "FileAlreadyExists": errors.Conflict,
    "BucketNotEmpty": errors.Conflict,
}
_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503


def _unreadable(operation: str, error: Exception) -> errors.CloudError:
    """The answer broke off or is no XML: oss2 lets these through as they are."""
    return errors.TimedOut(operation, f"the answer cannot be read: {error}"[:512])


def _translate(operation: str, error: Any) -> errors.CloudError:
    code, message = error.code or "", str(error.message or error.body or error)[:512]
    if error.status == LOST_ON_THE_WAY:
        return (errors.Unavailable if openapi.never_sent(message) else errors.TimedOut)(operation, message)
    if error.status == _SERVICE_UNAVAILABLE:
        return errors.Throttled(operation, message, code=code, request_id=error.request_id)
    kind = _BY_CODE.get(code, errors.TimedOut if error.status >= _SERVER_ERROR else errors.Invalid)
    return kind(operation, message, code=code, request_id=error.request_id)

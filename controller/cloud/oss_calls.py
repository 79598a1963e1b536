"""The calls of one account to OSS through oss2: what every part of the adapter goes through.

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
from controller.cloud.answers import ODD
from controller.cloud.credentials import Credentials
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import CALL_TIMEOUT

TIMEOUT = CALL_TIMEOUT / 2  # seconds; oss2 takes one number for connecting and for reading
CONNECTIONS = 64  # kept per host, and hosts; each bucket is a host, and oss2's own 10 are less than the workers are
VERSIONED = "VersionedBucket"  # our own code, for what OSS does not refuse
LOST_ON_THE_WAY = -2  # oss2's status for a request that got no answer
OTHER_CHECKSUM = -3  # and for an answer whose checksum is not that of what was sent


def oss_connections() -> oss2.Session:
    """Connections that may be shared by any number of `Oss`: what they sign with stands in each request."""
    return oss2.Session(pool_size=CONNECTIONS)


class OssCalls:
    """Safe to share between threads. `connections` are kept open between calls; by default it has its own."""

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
        with trace.calling(operation, self._region) as traced:
            with self._limiter.slot(self._lane), self._credentials.passing(operation), fence(operation):
                traced.sent()
                try:
                    result = method()
                except (OssError, ParseError, OSError, HTTPError, RuntimeError, *ODD) as error:
                    known = isinstance(error, OssError)
                    failure = _translate(operation, error) if known else _unreadable(operation, error)
                    failure.message += f" ({about})" if about else ""
                    raise failure from error
            if not result.request_id:  # every answer of OSS has one: this was somebody's on the way
                result.resp.response.close()
                raise errors.TimedOut(operation, f"the answer does not come from OSS ({about})")
            traced.answered(result.request_id)
            return result


BY_CODE: dict[str, type[errors.CloudError]] = {
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
_FORBIDDEN = 403
_TOO_MUCH = (429, 503)


def refuse_versions(operation: str, bucket: str, result: Any) -> None:
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


def _unreadable(operation: str, error: Exception) -> errors.CloudError:
    """The answer broke off, is no XML, or lacks something (a RuntimeError): oss2 lets these through as they are."""
    return errors.TimedOut(operation, f"the answer cannot be read: {error}"[:512])


def _translate(operation: str, error: Any) -> errors.CloudError:
    code, message = error.code or "", openapi.without_query(str(error.message or error.body or error))[:512]
    missing = regions.missing_host(message) if error.status == LOST_ON_THE_WAY else None
    if missing is not None:
        return errors.WrongRegion(operation, f"there is no {missing}: no such region")
    kind = _kind(code, error.status, message)
    return kind(operation, message or f"HTTP {error.status}", code=code, request_id=error.request_id)


def _kind(code: str, status: int, message: str) -> type[errors.CloudError]:
    if _ELSEWHERE in message:
        return errors.WrongRegion
    if status == LOST_ON_THE_WAY:
        return errors.Unavailable if openapi.never_sent(message) else errors.TimedOut
    if not code:  # a gateway's page, or the answer to a HEAD, which has no body to say more in
        known = {OTHER_CHECKSUM: errors.Corrupted, _FORBIDDEN: errors.Denied}.get(status)
        if said := known or openapi.throttled_by_status(status):
            return said
    if status in _TOO_MUCH:
        return errors.Throttled
    return BY_CODE.get(code, errors.TimedOut if status >= _SERVER_ERROR else errors.Invalid)

"""Calls through the vendor's OpenAPI SDKs (IMM, STS): one place for timeouts, limiter and errors.

The SDK's synchronous methods are used, in the operator's own threads: its `_async` methods build a TLS context per call
and stall the event loop. The SDK does not retry by itself, and must not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlencode, urlsplit

from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import ResponseException
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException, UnretryableException

from controller.cloud import answers, errors, trace
from controller.cloud.credentials import Credentials
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import CONNECT_TIMEOUT, READ_TIMEOUT
from controller.cloud.regions import missing_host

CONNECT_TIMEOUT_MS = int(CONNECT_TIMEOUT * 1000)
READ_TIMEOUT_MS = int(READ_TIMEOUT * 1000)

_THROTTLING = ("Throttling", "Rejected.Throttling", "RequestLimitExceeded", "DeniedRequest")
_BAD_CREDENTIALS = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidSecurityToken",
    "SecurityTokenExpired",
    "InvalidCredentials",
    "InactiveAccessKey",
    "MissingSecurityToken",
)
_WRONG_REGION = ("InvalidRegion", "UnsupportedRegion", "RegionId.NotSupported")
_DENIED = ("NoPermission", "Forbidden", "AccessDenied", "UnauthorizedOperation")
_QUOTA = ("LimitExceeded", "QuotaExceeded")
# No page names the gateway's code, or says that it answers in JSON at all.
_TOO_LONG = ("InvalidURI.TooLong", "RequestURITooLong", "URITooLong", "EntityTooLarge", "RequestEntityTooLarge")
_TOO_LONG_STATUS = (413, 414, 431)  # RFC 9110 and 6585: content, address, header fields
_BAD_REQUEST = 400
_TOO_MANY = 429
_SERVICE_UNAVAILABLE = 503
_SHORT = 1024  # bytes of query that every gateway takes: a bad request so short is bad for something else
_NEVER_SENT = ("Connection refused", "Name or service not known", "NewConnectionError", "NameResolutionError")
_QUERY = re.compile(r"\?[^\s'\")]+")
NOT_FOUND = "ResourceNotFound"
ALREADY_EXISTS = "ResourceAlreadyExists"


def client_config(
    credentials: Credentials | None, *, region: str, endpoint: str | None, ca_file: str | None = None
) -> Config:
    """The SDK's configuration for one account and region.

    Args:
        credentials: Whose; None for calls that nobody signs.
        region: As the account has it.
        endpoint: `http(s)://host[:port]`; None is the vendor's public address.
        ca_file: The authority behind `endpoint`; None for the public ones.
    """
    config = Config(
        access_key_id=credentials.access_key_id if credentials else None,
        access_key_secret=credentials.access_key_secret if credentials else None,
        security_token=credentials.security_token if credentials else None,
        ca=ca_file,
        region_id=region,
        connect_timeout=CONNECT_TIMEOUT_MS,
        read_timeout=READ_TIMEOUT_MS,
        user_agent="imm-operator",
    )
    if endpoint:
        address = urlsplit(endpoint)
        config.endpoint = address.netloc
        config.protocol = address.scheme
    return config


def call(
    operation: str,
    method: Callable[[Any, RuntimeOptions], Any],
    request: Any,
    *,
    limiter: Limiter,
    lane: Lane,
    credentials: Credentials | None = None,
    fence: Fence = unfenced,
    region: str = "",
) -> dict[str, Any]:
    """Make one call and return the response body as the vendor's names map it. The fence is asked last.

    `credentials` are those it is signed with; None for a call that nobody signs. `region` is for traces.

    Raises:
        controller.cloud.errors.CloudError: every failure, and nothing else.
    """
    signed = credentials.passing(operation) if credentials else nullcontext()
    with trace.calling(operation, region) as traced:
        with limiter.slot(lane), signed, fence(operation):
            traced.sent()
            try:
                body = _made(operation, method, request)
            except answers.ODD as error:
                raise answers.unclear(operation, error) from error
        traced.answered(body.get("RequestId", ""))
        return body


def _made(operation: str, method: Callable[[Any, RuntimeOptions], Any], request: Any) -> dict[str, Any]:
    """The body of the answer; what `answers.ODD` holds is raised where it has a shape the SDK does not know."""
    runtime = RuntimeOptions(connect_timeout=CONNECT_TIMEOUT_MS, read_timeout=READ_TIMEOUT_MS)
    try:
        response = method(request, runtime)
    except (TeaException, UnretryableException, *answers.ODD) as error:
        raise translate(operation, error) from error
    body: dict[str, Any] = response.body.to_map()
    return body


def translate(operation: str, error: Exception) -> errors.CloudError:
    """Put an SDK exception into our tree, keeping the code and the request id."""
    if not isinstance(error, ResponseException):
        odd = answers.unclear(operation, error) if isinstance(error, answers.ODD) else None
        return _too_long(operation, error) or _busy(operation, error) or odd or _lost(operation, error)
    code = "" if error.code in {None, "None"} else str(error.code)  # the SDK writes None as text
    request_id = getattr(error, "request_id", None) or (error.data or {}).get("RequestId", "") or ""
    message = str((error.data or {}).get("Message") or error.message or code)[:512]
    missing = str(((error.data or {}).get("AccessDeniedDetail") or {}).get("AuthAction") or "")
    if missing and missing not in message:
        message = f"{message} (RAM action {missing})"
    if code.startswith(_THROTTLING) or error.status_code == _TOO_MANY:
        after = error.retry_after
        return errors.Throttled(
            operation, message, code=code, request_id=request_id, retry_after=after / 1000 if after else None
        )
    if not code and error.status_code == _SERVICE_UNAVAILABLE:
        return errors.Overloaded(operation, message, request_id=request_id)
    if error.status_code in _TOO_LONG_STATUS or code.startswith(_TOO_LONG):
        return errors.TooLong(operation, message, code=code, request_id=request_id)
    return _by_code(code, error.status_code)(operation, message, code=code, request_id=request_id)


# By how a code begins, the first that fits.
BY_CODE: tuple[tuple[tuple[str, ...], type[errors.CloudError]], ...] = (
    (_THROTTLING, errors.Throttled),
    (_TOO_LONG, errors.TooLong),
    (("InvalidTimeStamp",), errors.ClockSkewed),
    (_BAD_CREDENTIALS, errors.BadCredentials),
    (_DENIED, errors.Denied),
    (_QUOTA, errors.Quota),
    (_WRONG_REGION, errors.WrongRegion),
    ((ALREADY_EXISTS,), errors.Conflict),
    (("ServiceUnavailable",), errors.Unavailable),
)


def _by_code(code: str, status: int | None) -> type[errors.CloudError]:
    for prefixes, kind in BY_CODE:
        if code.startswith(prefixes):
            return kind
    # A 5xx says nothing about the effect: it may have come from a gateway behind which the work went on.
    return errors.TimedOut if status is None or status >= 500 else errors.Invalid  # noqa: PLR2004 - HTTP's own line


def _too_long(operation: str, error: Exception) -> errors.TooLong | None:
    """A gateway's page that refuses a request for its length: none of it took effect."""
    status = getattr(_answer(error), "status_code", None)
    query = urlencode(getattr(getattr(error, "last_request", None), "query", None) or {})
    if status not in _TOO_LONG_STATUS and (status != _BAD_REQUEST or len(query) <= _SHORT):
        return None
    return errors.TooLong(operation, f"HTTP {status}, with an address of {len(query)} bytes")


def _busy(operation: str, error: Exception) -> errors.Throttled | None:
    """A gateway's refusal for lack of capacity, in a body that nobody can read or in none."""
    answer = _answer(error)
    status = getattr(answer, "status_code", None)
    kind = throttled_by_status(status)
    if kind is None:
        return None
    after = Utils.get_throttling_time_left(answer.headers)
    return kind(operation, f"HTTP {status}, and no more that can be read", retry_after=after / 1000 if after else None)


def throttled_by_status(status: int | None) -> type[errors.Throttled] | None:
    """What an HTTP status alone says of too many requests. 429 is answered before anything is done (RFC 6585)."""
    return {_TOO_MANY: errors.Throttled, _SERVICE_UNAVAILABLE: errors.Overloaded}.get(status or 0)


def _answer(error: Exception) -> Any:
    """The HTTP answer that is no JSON object: the SDK keeps it nowhere but in a local variable."""
    at = error.__traceback__
    while at is not None:
        answer = at.tb_frame.f_locals.get("_last_response")
        if isinstance(getattr(answer, "status_code", None), int):
            return answer
        at = at.tb_next
    return None


def _lost(operation: str, error: Exception) -> errors.CloudError:
    """No JSON answer came: refused (certainly no effect) or lost on the way (unclear)."""
    text = without_query(str(error) or type(error).__name__)
    host = missing_host(text)
    if host is not None:
        message = f"there is no {host}: no such region, or the service is not offered there"
        return errors.WrongRegion(operation, message)
    kind = errors.Unavailable if never_sent(text) else errors.TimedOut
    return kind(operation, text[:512])


def without_query(text: str) -> str:
    """An HTTP library's words without the parameters of the address it called: some protocols sign in there."""
    return _QUERY.sub("?…", text)


def never_sent(text: str) -> bool:
    """Whether an HTTP library's words mean that no connection came about, so that nothing can have taken effect."""
    return any(words in text for words in _NEVER_SENT)

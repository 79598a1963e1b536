"""One MNS queue through the official SDK: `controller.cloud.ports.QueuePort`.

The SDK's `Queue` decodes bodies from base64 and raises something of its own where they are none, after the message was
hidden. Its client below that leaves them as they lie, and tells the request id. It is not thread-safe.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from mns.mns_client import MNSClient
from mns.mns_exception import MNSExceptionBase, MNSServerException
from mns.mns_request import (
    BatchDeleteMessageRequest,
    BatchDeleteMessageResponse,
    BatchReceiveMessageRequest,
    BatchReceiveMessageResponse,
    GetQueueAttributesRequest,
    GetQueueAttributesResponse,
    SendMessageRequest,
    SendMessageResponse,
)

from controller.cloud import errors, openapi, regions, trace
from controller.cloud.answers import ODD, understood
from controller.cloud.credentials import Credentials
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.mns_connection import connect_to
from controller.cloud.ports import CALL_TIMEOUT
from controller.core.facts import QueueFacts, Received

TIMEOUT = CALL_TIMEOUT / 2  # seconds, for connecting and for the answer each; a long poll's wait is added
NO_MESSAGE = "MessageNotExist"
NO_QUEUE = "QueueNotExist"
BAD_HANDLE = "ReceiptHandleError"
_SERVER_ERROR = 500
_UNAVAILABLE = 503
_TOO_MANY = 429


@understood
class MnsQueue:
    """A queue as one account sees it, for one thread. Its connection is closed when nobody holds it any more."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        endpoint: str,
        queue: str,
        limiter: Limiter,
        lane: Lane = Lane.RESYNC,
        fence: Fence = unfenced,
    ) -> None:
        key = credentials.access_key_id, credentials.access_key_secret
        self._client = MNSClient(endpoint, *key, security_token=credentials.security_token or "")
        self._connection = self._client.http.conn = connect_to(endpoint)
        self._queue = queue
        self._limiter = limiter
        self._lane = lane
        self._fence = fence
        self._credentials = credentials
        weakref.finalize(self, self._connection.close)

    def receive(self, wait: int, most: int = 16) -> list[Received]:
        request = BatchReceiveMessageRequest(self._queue, most, base64decode=False, wait_seconds=wait)
        answer = BatchReceiveMessageResponse()
        method = self._client.batch_receive_message
        self._call("mns:BatchReceiveMessage", method, request, answer, wait=wait, expected={NO_MESSAGE})
        return [_received(message) for message in answer.message_list]

    def delete(self, handles: Sequence[str]) -> None:
        if not handles:
            return
        request, answer = BatchDeleteMessageRequest(self._queue, list(handles)), BatchDeleteMessageResponse()
        method, gone = self._client.batch_delete_message, {NO_MESSAGE, BAD_HANDLE}
        self._call("mns:BatchDeleteMessage", method, request, answer, expected=gone, fence=self._fence)

    def send(self, body: str) -> None:
        request, answer = SendMessageRequest(self._queue, body, base64encode=False), SendMessageResponse()
        self._call("mns:SendMessage", self._client.send_message, request, answer, fence=self._fence)

    def look(self) -> QueueFacts | None:
        request, answer = GetQueueAttributesRequest(self._queue), GetQueueAttributesResponse()
        try:
            self._call("mns:GetQueueAttributes", self._client.get_queue_attributes, request, answer)
        except errors.QueueNotFound:
            return None
        return QueueFacts(waiting=answer.active_messages, in_work=answer.inactive_messages)

    def _call(
        self,
        operation: str,
        method: Callable[[Any, Any], None],
        request: Any,
        answer: Any,
        *,
        wait: int = 0,
        expected: frozenset[str] | set[str] = frozenset(),
        fence: Fence = unfenced,
    ) -> None:
        """Fill `answer`. `expected` are codes that are no failure; one of them alone leaves `answer` empty."""
        with trace.calling(operation) as traced:
            with self._limiter.slot(self._lane), self._credentials.passing(operation), fence(operation):
                traced.sent()
                self._connection.prepare(wait + TIMEOUT)
                try:
                    method(request, answer)
                except (MNSExceptionBase, *ODD) as error:
                    unexpected = _codes(error) - expected
                    if unexpected or not isinstance(error, MNSServerException):
                        raise self._translate(operation, error, unexpected, answer) from error
            request_id = _request_id(answer)
            if not request_id:  # every answer of MNS has one: this was somebody's on the way
                raise errors.TimedOut(operation, f"the answer for queue {self._queue} does not come from MNS")
            traced.answered(request_id)

    def _translate(self, operation: str, error: Exception, codes: set[str], answer: Any) -> errors.CloudError:
        request_id, status = _request_id(answer), answer.status
        if isinstance(error, MNSServerException):
            code = min(codes)
            message = f"{openapi.without_query(str(error.message))[:512]} (queue {self._queue})"
            return _kind(code, status)(operation, message, code=code, request_id=error.request_id or request_id)
        if status > 0:  # an answer came; the SDK's words hold all of it, messages included
            message = f"the answer (HTTP {status}) of queue {self._queue} cannot be read"
            kind = openapi.throttled_by_status(status) or errors.TimedOut
            return kind(operation, message, request_id=request_id)
        text = openapi.without_query(str(getattr(error, "message", error)))[:512]
        if host := regions.missing_host(f"{text} (host='{self._client.host}')"):
            return errors.WrongRegion(operation, f"there is no {host}: no such region, or no such service there")
        lost = errors.Unavailable if openapi.never_sent(text) else errors.TimedOut
        return lost(operation, f"{text} ({self._client.host})")


# www.alibabacloud.com/help/doc-detail/27501.html, and what a temporary key may meet.
BY_CODE: dict[str, type[errors.CloudError]] = {
    "InvalidAccessKeyId": errors.BadCredentials,
    "SignatureDoesNotMatch": errors.BadCredentials,
    "SecurityTokenExpired": errors.BadCredentials,
    "InvalidSecurityToken": errors.BadCredentials,
    "TimeExpired": errors.ClockSkewed,
    "AccessDenied": errors.Denied,
    "NoPermission": errors.Denied,
    "QpsLimitExceeded": errors.Throttled,
    "Throttling": errors.Throttled,
    NO_QUEUE: errors.QueueNotFound,
}


def _kind(code: str, status: int) -> type[errors.CloudError]:
    for start, kind in BY_CODE.items():
        if code.startswith(start):
            return kind
    if status == _TOO_MANY:
        return errors.Throttled
    if status == _UNAVAILABLE:
        return errors.Unavailable
    return errors.TimedOut if status >= _SERVER_ERROR else errors.Invalid


def _request_id(answer: Any) -> str:
    return next((str(value) for name, value in answer.header.items() if name.lower() == "x-mns-request-id"), "")


def _codes(error: Exception) -> set[str]:
    """What the service said: of a batch, each code of those that failed."""
    if not isinstance(error, MNSServerException):
        return set()
    return {part["ErrorCode"] for part in error.sub_errors} if error.sub_errors else {error.type}


def _received(message: Any) -> Received:
    return Received(
        id=message.message_id,
        handle=message.receipt_handle,
        body=message.message_body,
        enqueued_at=message.enqueue_time / 1000,
        times=message.dequeue_count,
    )

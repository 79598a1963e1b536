"""Every failure of a cloud call, as this small tree.

    CloudError
    ├── Retryable            try again later; nothing is wrong with the request
    │   ├── Throttled        the scope's rate is used up; `retry_after` seconds if the cloud said so
    │   │   └── Overloaded       503 without a word of the service's: it may have taken effect all the same
    │   ├── Unavailable      the service did not take the request: refused connection, 503
    │   ├── TimedOut         the answer was lost: the request may or may not have taken effect
    │   ├── Corrupted        it took effect, and what arrived is not what was sent
    │   ├── NotLeading       this process may not write to the cloud now; nothing was sent
    │   ├── Ended            a temporary key's time is over; the account's own pass fetches the next
    │   └── Conflict         something else changes it now, or it exists already
    │       └── InstanceBusy     the Image Search instance takes no batch now: another one runs, or it is shut off
    └── Terminal             trying again changes nothing until a person does
        ├── Denied           the credentials may not do this
        │   ├── BadCredentials   they are no valid credentials at all
        │   ├── NotAuthorized    Image Search may not read OSS: a person grants that in the console, once
        │   └── ClockSkewed      this machine's clock is too far off
        ├── Invalid          the cloud does not accept the request
        │   ├── WrongRegion      it is not in the region that was asked, or there is no such region
        │   ├── ParentNotFound   the project or dataset it belongs to does not exist
        │   ├── BucketNotFound   the bucket it belongs to does not exist
        │   ├── QueueNotFound    the queue it belongs to does not exist
        │   ├── InstanceNotFound there is no such Image Search instance in the account and region
        │   ├── ReportExpired    the address of a report is over; the task list tells another
        │   ├── NotEmpty         it is to be deleted and something is still in it
        │   └── TooLong          the request is longer than the gateway takes
        └── Quota            a limit of the account, project or dataset is reached

Absence is not an error: a port returns None, and only when the parent is confirmed to exist. Adapters raise nothing
else; no code above them sees an SDK exception. A message never holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class CloudError(Exception):
    """A failed call.

    Attributes:
        operation: What was called, e.g. `imm:CreateBinding`.
        code: The cloud's error code, empty where the failure was on the way.
        request_id: The cloud's request id, empty likewise; support asks for it.
        message: The cloud's own words.
        gate: Where a refusal of the key as a whole was met (`controller.cloud.gate`): it tells which key that was.
    """

    may_have_taken_effect: ClassVar[bool] = False
    gate: object | None = None

    def __init__(self, operation: str, message: str, *, code: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.operation = operation
        self.message = message
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        """Say what was called, what came back, and the request id to quote."""
        code = f" {self.code}" if self.code else ""
        request = f" (request id {self.request_id})" if self.request_id else ""
        return f"{self.operation}:{code} {self.message}{request}"


class Retryable(CloudError):
    """Try again later."""


class Throttled(Retryable):
    """The rate of the scope is used up. `retry_after` is in seconds, None when the cloud did not say."""

    def __init__(
        self, operation: str, message: str, *, code: str = "", request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(operation, message, code=code, request_id=request_id)
        self.retry_after = retry_after


class Overloaded(Throttled):
    """A gateway says 503 and nothing else: the scope slows down, and only a look-up can tell of the effect."""

    may_have_taken_effect = True


class Unavailable(Retryable):
    """The service did not take the request."""


class TimedOut(Retryable):
    """The answer was lost; only a look-up can tell whether the request took effect."""

    may_have_taken_effect = True


class Corrupted(Retryable):
    """What the cloud has now is not what was sent, by its checksum."""

    may_have_taken_effect = True


class NotLeading(Retryable):
    """This process may not write to the cloud now. `opens_in` is in seconds, None when it never will again."""

    def __init__(
        self, operation: str, message: str, *, code: str = "", request_id: str = "", opens_in: float | None = None
    ) -> None:
        super().__init__(operation, message, code=code, request_id=request_id)
        self.opens_in = opens_in


class Ended(Retryable):
    """The temporary key's time is over. The operator fetches another by itself; nothing took effect."""


class Conflict(Retryable):
    """It exists already, or something else changes it now."""


class InstanceBusy(Conflict):
    """The Image Search instance takes no batch now."""


class Terminal(CloudError):
    """Trying again changes nothing until a person does."""


class Denied(Terminal):
    """The credentials may not do this."""


class BadCredentials(Denied):
    """The key id, the secret or the token is wrong or expired."""


class NotAuthorized(Denied):
    """Image Search has not been authorized to read OSS, which no API does; the message has the steps."""


class ClockSkewed(Denied):
    """The request's time stamp is out of the accepted window."""


class Invalid(Terminal):
    """The cloud does not accept the request."""


class WrongRegion(Invalid):
    """It is in another region than the one that was asked, or that region does not exist."""


class ParentNotFound(Invalid):
    """The project or dataset does not exist, so nothing can be said of what would be in it."""


class BucketNotFound(Invalid):
    """The bucket does not exist, so nothing can be said of what would be in it."""


class QueueNotFound(Invalid):
    """The queue does not exist, so nothing can be said of what would be in it."""


class InstanceNotFound(Invalid):
    """The Image Search instance does not exist; it is called by its name, not by its id."""


class ReportExpired(Invalid):
    """A report's address lives for two hours, and this one is over."""


class NotEmpty(Invalid):
    """It is to be deleted and something is still in it."""


class TooLong(Invalid):
    """The request is longer than the gateway takes; one with less in it may pass."""


class Quota(Terminal):
    """A limit of the account, project or dataset is reached."""

"""What a failed call means for the status: one table from the error tree to a verdict."""

from __future__ import annotations

from dataclasses import replace

from controller.cloud.assume import OPERATION
from controller.cloud.errors import (
    BadCredentials,
    BucketNotFound,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    Ended,
    InstanceBusy,
    InstanceNotFound,
    NotAuthorized,
    NotEmpty,
    NotLeading,
    ParentNotFound,
    QueueNotFound,
    Quota,
    ReportExpired,
    Retryable,
    Throttled,
    WrongRegion,
)
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from controller.reconcile.imports.contents import SourceChanged, SourceNotFound
from controller.reconcile.imports.parts import FrozenContentLost
from controller.reconcile.imports.stored import RecordUnreadable

MAKE_PARENT = "make what is missing (`pulumi up` a project, a Dataset object a dataset), or correct the name"

# The most specific class first; the way out is for people, and empty where the error's own words have it.
TERMINAL: tuple[tuple[type[CloudError], Reason, str], ...] = (
    (BadCredentials, Reason.CREDENTIALS_REJECTED, "put a valid AccessKey into the Secret of the CloudAccount"),
    (ClockSkewed, Reason.CLOCK_SKEWED, "set the clock of the node the operator runs on"),
    (NotAuthorized, Reason.NOT_AUTHORIZED, ""),
    (Denied, Reason.ACCESS_DENIED, "grant the action to the RAM identity of the CloudAccount"),
    (WrongRegion, Reason.REGION_MISMATCH, "use a CloudAccount of the region it is in; spec.region names that"),
    (ParentNotFound, Reason.PROJECT_NOT_FOUND, MAKE_PARENT),
    (InstanceNotFound, Reason.INSTANCE_NOT_FOUND, "create it, or correct its name, which is not its id"),
    (ReportExpired, Reason.REPORT_EXPIRED, ""),
    (BucketNotFound, Reason.BUCKET_NOT_FOUND, "create the bucket, or correct the name"),
    (QueueNotFound, Reason.SPEC_INVALID, "correct spec.events of the CloudAccount, or create it with `pulumi up`"),
    (SourceNotFound, Reason.SOURCE_NOT_FOUND, ""),
    (FrozenContentLost, Reason.RUN_VANISHED, ""),
    (RecordUnreadable, Reason.RUN_VANISHED, ""),
    (NotEmpty, Reason.NOT_EMPTY, "delete what is in it, or annotate the object with imm-operator.dev/detach=true"),
    (Quota, Reason.QUOTA_EXCEEDED, "free some, or have the quota raised"),
)

# A refused key in our own words, the longer code first: some of the cloud's quote the string that was signed, which is
# another one each time and may hold a token.
KEYS: tuple[tuple[str, str], ...] = (
    ("InvalidAccessKeyId.Inactive", "the AccessKey is switched off"),
    ("InactiveAccessKey", "the AccessKey is switched off"),
    ("InvalidAccessKeyId", "there is no such AccessKey"),
    ("SignatureDoesNotMatch", "the secret does not belong to the AccessKey"),
    ("IncompleteSignature", "the secret does not belong to the AccessKey"),
    ("SecurityTokenExpired", "the security token has ended"),
    ("InvalidSecurityToken.Expired", "the security token has ended"),
    ("InvalidSecurityToken", "the security token does not belong to the AccessKey"),
    ("MissingSecurityToken", "the AccessKey is a temporary one, and its security token is missing"),
)


def said(error: CloudError) -> str:
    """The operation, the code and what it means; the same for each failure of the same kind."""
    words = error.message
    if isinstance(error, BadCredentials):
        ours = next((text for code, text in KEYS if error.code.startswith(code)), "")
        # Only what answers a request without a signature is free of it.
        words = ours or (error.message if error.operation == OPERATION else "")
    return f"{error.operation}: {error.code} {words.removesuffix('.')}".replace("  ", " ").strip()


def verdict_of(error: CloudError) -> Verdict:
    """How a failed call is reported. The request id goes to log and event, as it would change the status each time."""
    return replace(_verdict_of(error, said(error)), request_id=error.request_id)


def _verdict_of(error: CloudError, said: str) -> Verdict:
    if isinstance(error, Ended):
        return Verdict(Standing.PROGRESSING, Reason.DEPENDENCY_NOT_READY, f"{said}; the CloudAccount gets another key")
    if isinstance(error, NotLeading):
        return Verdict(Standing.PROGRESSING, Reason.FAILOVER, said)
    if isinstance(error, SourceChanged):
        return Verdict(Standing.PROGRESSING, Reason.SOURCE_CHANGED, f"{said}; it is read again")
    if isinstance(error, Retryable):
        busy = isinstance(error, InstanceBusy)
        reason = Reason.INSTANCE_UNAVAILABLE if busy else Reason.CLOUD_UNAVAILABLE
        reason = Reason.THROTTLED if isinstance(error, Throttled) else reason
        other = isinstance(error, Conflict) and not busy
        what = "something else changes it now" if other else "will be tried again"
        return Verdict(Standing.PROGRESSING, reason, f"{said}; {what}")
    for kind, reason, way_out in TERMINAL:
        if isinstance(error, kind):
            return Verdict(Standing.STALLED, reason, f"{said}; {way_out}" if way_out else said)
    return Verdict(Standing.STALLED, Reason.SPEC_INVALID, f"{said}; correct the spec")

"""What a failed call means for the status: one table from the error tree to a verdict."""

from __future__ import annotations

from controller.cloud.errors import (
    BadCredentials,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    Ownership,
    ParentNotFound,
    Quota,
    Retryable,
    Throttled,
)
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason

# The most specific class first; the way out is for people.
TERMINAL: tuple[tuple[type[CloudError], Reason, str], ...] = (
    (BadCredentials, Reason.CREDENTIALS_REJECTED, "put a valid AccessKey into the Secret of the CloudAccount"),
    (ClockSkewed, Reason.CLOCK_SKEWED, "set the clock of the node the operator runs on"),
    (Denied, Reason.ACCESS_DENIED, "grant the action to the RAM identity of the CloudAccount"),
    (ParentNotFound, Reason.PROJECT_NOT_FOUND, "create the project with `pulumi up`, or correct the name"),
    (Quota, Reason.QUOTA_EXCEEDED, "free some, or have the quota raised"),
    (Ownership, Reason.OWNERSHIP_CONFLICT, "decide which object owns it and delete the other"),
)


def verdict_of(error: CloudError) -> Verdict:
    """How a failed call is reported. The request id goes to log and event, as it would change the status each time."""
    # A refused signature is answered with the string that was signed, which is another one each time.
    words = "" if isinstance(error, BadCredentials) else error.message
    said = f"{error.operation}: {error.code} {words}".replace("  ", " ").strip()
    if isinstance(error, Retryable):
        reason = Reason.THROTTLED if isinstance(error, Throttled) else Reason.CLOUD_UNAVAILABLE
        what = "something else changes it now" if isinstance(error, Conflict) else "will be tried again"
        return Verdict(Standing.PROGRESSING, reason, f"{said}; {what}")
    for kind, reason, way_out in TERMINAL:
        if isinstance(error, kind):
            return Verdict(Standing.STALLED, reason, f"{said}; {way_out}")
    return Verdict(Standing.STALLED, Reason.SPEC_INVALID, f"{said}; correct the spec")

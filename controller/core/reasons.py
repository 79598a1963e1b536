"""Why a condition is as it is: one enum, stable words that dashboards and scripts may match on."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Reasons of conditions and events, with who acts next."""

    # Nothing to do.
    SUCCEEDED = "Succeeded"
    SUSPENDED = "Suspended"

    # The operator or the cloud is at work.
    CREATING = "Creating"
    INDEXING = "Indexing"
    UPDATING = "Updating"
    SETTLING = "Settling"  # an update was accepted and takes minutes to show
    DELETING = "Deleting"
    DELETION_GRACE_PERIOD = "DeletionGracePeriod"
    RESOLVING = "Resolving"
    SOURCE_CHANGED = "SourceChanged"  # while it was read; it is read again
    SUBMITTING = "Submitting"
    AWAITING_RESULTS = "AwaitingResults"
    QUEUED = "Queued"  # behind other imports into the same Image Search instance, or a task made elsewhere
    TASK_RUNNING = "TaskRunning"  # a batch task of Image Search is under way
    CONFIRMING = "Confirming"  # an answer was lost; look-ups decide whether the submit took effect
    FAILOVER = "Failover"  # a new leader waits until its predecessor's last calls must have ended
    THROTTLED = "Throttled"
    CLOUD_UNAVAILABLE = "CloudUnavailable"
    DEPENDENCY_NOT_READY = "DependencyNotReady"
    DEPENDENCY_NOT_FOUND = "DependencyNotFound"

    # A person has to act.
    CREDENTIALS_UNAVAILABLE = "CredentialsUnavailable"
    CREDENTIALS_REJECTED = "CredentialsRejected"
    ACCOUNT_MISMATCH = "AccountMismatch"
    ACCESS_DENIED = "AccessDenied"
    CLOCK_SKEWED = "ClockSkewed"
    QUOTA_EXCEEDED = "QuotaExceeded"
    SPEC_INVALID = "SpecInvalid"
    PROJECT_NOT_FOUND = "ProjectNotFound"
    BUCKET_NOT_FOUND = "BucketNotFound"
    REGION_MISMATCH = "RegionMismatch"
    TOO_MANY_OBJECTS = "TooManyObjects"
    BINDING_FAILED = "BindingFailed"
    BINDING_STOPPED = "BindingStopped"
    BINDING_VANISHED = "BindingVanished"
    NOT_EMPTY = "NotEmpty"
    WORK_BUCKET_MISSING = "WorkBucketMissing"
    EVENTS_MISSING = "EventsMissing"
    SOURCE_NOT_FOUND = "SourceNotFound"
    SOURCE_INVALID = "SourceInvalid"
    TOO_MANY_ITEMS = "TooManyItems"
    RUN_VANISHED = "RunVanished"
    INSTANCE_NOT_FOUND = "InstanceNotFound"
    INSTANCE_UNAVAILABLE = "InstanceUnavailable"
    NOT_AUTHORIZED = "NotAuthorized"  # Image Search may not read OSS yet: a first-time step in the console
    WHOLE_PRODUCT_DELETE = "WholeProductDelete"
    MANIFEST_FOREIGN = "ManifestForeign"
    MANIFEST_PROTECTED = "ManifestProtected"  # the user's own, which nothing may be put in place of
    MANIFEST_CHANGED = "ManifestChanged"
    REPORT_EXPIRED = "ReportExpired"
    REPORT_UNREADABLE = "ReportUnreadable"
    PARTIALLY_FAILED = "PartiallyFailed"
    OWNERSHIP_CONFLICT = "OwnershipConflict"
    PLANNED = "Planned"  # mode DryRun: there is something to do, and nothing is done
    DRIFT_DETECTED = "DriftDetected"  # mode Observe: the cloud differs, and nothing is written

    # Events only.
    ROOT_ACCOUNT_KEY = "RootAccountKey"  # who holds it may do everything, and nothing limits it
    BEGUN = "Begun"  # an import's run record is written, and sending begins
    RETRIED = "Retried"
    CANCELLED = "Cancelled"
    ENDED = "Ended"
    CREATED = "Created"
    ADOPTED = "Adopted"
    UPDATED = "Updated"
    DELETED = "Deleted"
    RETAINED = "Retained"
    DETACHED = "Detached"
    KEPT = "Kept"
    ORPHANED = "Orphaned"

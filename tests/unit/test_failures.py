"""The error tree: what each failure means for the status, and how it reads."""

from __future__ import annotations

import pytest

from controller.cloud import errors
from controller.core.plan import Standing
from controller.core.reasons import Reason
from controller.reconcile.failures import verdict_of
from controller.reconcile.imports.contents import SourceChanged, SourceNotFound
from controller.reconcile.imports.journal import JournalTaken
from controller.reconcile.imports.parts import FrozenContentLost
from controller.reconcile.imports.stored import RecordUnreadable

LEAVES: list[tuple[type[errors.CloudError], Standing, Reason, str]] = [
    (errors.Throttled, Standing.PROGRESSING, Reason.THROTTLED, ""),
    (errors.Overloaded, Standing.PROGRESSING, Reason.THROTTLED, ""),
    (errors.Unavailable, Standing.PROGRESSING, Reason.CLOUD_UNAVAILABLE, "tried again"),
    (errors.TimedOut, Standing.PROGRESSING, Reason.CLOUD_UNAVAILABLE, "tried again"),
    (errors.Corrupted, Standing.PROGRESSING, Reason.CLOUD_UNAVAILABLE, "tried again"),
    (errors.InstanceBusy, Standing.PROGRESSING, Reason.INSTANCE_UNAVAILABLE, "tried again"),
    (errors.NotLeading, Standing.PROGRESSING, Reason.FAILOVER, ""),
    (errors.Ended, Standing.PROGRESSING, Reason.DEPENDENCY_NOT_READY, "gets another"),
    (errors.Conflict, Standing.PROGRESSING, Reason.CLOUD_UNAVAILABLE, "something else changes it"),
    (errors.Denied, Standing.STALLED, Reason.ACCESS_DENIED, "RAM"),
    (errors.NotAuthorized, Standing.STALLED, Reason.NOT_AUTHORIZED, "words"),
    (errors.BadCredentials, Standing.STALLED, Reason.CREDENTIALS_REJECTED, "Secret"),
    (errors.ClockSkewed, Standing.STALLED, Reason.CLOCK_SKEWED, "clock"),
    (errors.Invalid, Standing.STALLED, Reason.SPEC_INVALID, "spec"),
    (errors.WrongRegion, Standing.STALLED, Reason.REGION_MISMATCH, "spec.region"),
    (errors.ParentNotFound, Standing.STALLED, Reason.PROJECT_NOT_FOUND, "a Dataset object"),
    (errors.BucketNotFound, Standing.STALLED, Reason.BUCKET_NOT_FOUND, "create"),
    (errors.InstanceNotFound, Standing.STALLED, Reason.INSTANCE_NOT_FOUND, "not its id"),
    (errors.ReportExpired, Standing.STALLED, Reason.REPORT_EXPIRED, "words"),
    (errors.QueueNotFound, Standing.STALLED, Reason.SPEC_INVALID, "spec.events of the CloudAccount"),
    (errors.NotEmpty, Standing.STALLED, Reason.NOT_EMPTY, "imm-operator.dev/detach=true"),
    (errors.TooLong, Standing.STALLED, Reason.SPEC_INVALID, "spec"),
    (errors.Quota, Standing.STALLED, Reason.QUOTA_EXCEEDED, "quota"),
    (SourceChanged, Standing.PROGRESSING, Reason.SOURCE_CHANGED, "read again"),
    (JournalTaken, Standing.PROGRESSING, Reason.CLOUD_UNAVAILABLE, "something else changes it"),
    # These say in their own words what to do.
    (SourceNotFound, Standing.STALLED, Reason.SOURCE_NOT_FOUND, "words"),
    (FrozenContentLost, Standing.STALLED, Reason.RUN_VANISHED, "words"),
    (RecordUnreadable, Standing.STALLED, Reason.RUN_VANISHED, "words"),
]


@pytest.mark.parametrize(("kind", "standing", "reason", "way_out"), LEAVES, ids=[row[0].__name__ for row in LEAVES])
def test_every_leaf_of_the_tree_has_its_verdict(
    kind: type[errors.CloudError], standing: Standing, reason: Reason, way_out: str
) -> None:
    """With the operation, the code and the way out; never the request id, which differs each time."""
    verdict = verdict_of(kind("imm:CreateBinding", "words", code="Some.Code", request_id="REQ-1"))
    assert (standing, reason) == (verdict.standing, verdict.reason)
    for part in ("imm:CreateBinding", "Some.Code", way_out):
        assert part in verdict.message
    assert "REQ-1" not in verdict.message
    assert verdict == verdict_of(kind("imm:CreateBinding", "words", code="Some.Code", request_id="REQ-2"))


def test_the_table_above_is_the_whole_tree() -> None:
    """A new leaf needs a row."""
    inner = {errors.CloudError, errors.Retryable, errors.Terminal}

    def below(kind: type[errors.CloudError]) -> set[type[errors.CloudError]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    assert below(errors.CloudError) - inner == {row[0] for row in LEAVES}


def test_only_a_lost_answer_may_have_taken_effect() -> None:
    """What law 4 rests on."""
    lost = {row[0] for row in LEAVES if row[0].may_have_taken_effect}
    assert {errors.TimedOut, errors.Overloaded, errors.Corrupted} == lost


def test_an_error_reads_with_everything_support_asks_for() -> None:
    """Operation, code, words, request id; and without gaps where the cloud said nothing."""
    full = errors.Denied("imm:CreateBinding", "no right", code="NoPermission", request_id="REQ-1")
    assert "imm:CreateBinding: NoPermission no right (request id REQ-1)" == str(full)
    assert "imm:CreateBinding: lost" == str(errors.TimedOut("imm:CreateBinding", "lost"))
    assert (
        "imm:CreateBinding: lost; will be tried again"
        == verdict_of(errors.TimedOut("imm:CreateBinding", "lost")).message
    )

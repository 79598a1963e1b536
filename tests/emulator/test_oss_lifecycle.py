"""Lifecycle rules: refused where they are wrong, and carried out by the clock where they are right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import oss2
import pytest
from oss2.models import (
    AbortMultipartUpload,
    BucketLifecycle,
    BucketVersioningConfig,
    LifecycleExpiration,
    LifecycleRule,
    NoncurrentVersionExpiration,
    StorageTransition,
    Tagging,
    TaggingRule,
)

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

DAY = 86400


def put_rules(bucket: oss2.Bucket, *rules: LifecycleRule) -> None:
    """Replace the bucket's rules."""
    bucket.put_bucket_lifecycle(BucketLifecycle(list(rules)))


def keys(bucket: oss2.Bucket) -> list[str]:
    """The keys a plain listing shows."""
    return [item.key for item in bucket.list_objects_v2().object_list]


def versions(bucket: oss2.Bucket) -> int:
    """How many versions and markers there are."""
    page = bucket.list_object_versions()
    return len(page.versions) + len(page.delete_marker)


def test_objects_expire_by_days_prefix_and_tag(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """At the first midnight after so many days; what the rule does not name, and a disabled rule, leave things be."""
    told: list[str] = []
    cloud.run(
        lambda instance: instance.cloud.object_listeners.append(
            lambda _, change: told.append(f"{change.kind} {change.key}")
        )
    )
    tag = TaggingRule()
    tag.add("keep", "no")
    put_rules(
        bucket,
        LifecycleRule("r1", "tmp/", expiration=LifecycleExpiration(days=3)),
        LifecycleRule("r2", "", expiration=LifecycleExpiration(days=5), tagging=Tagging(tag)),
        LifecycleRule("r3", "", status=LifecycleRule.DISABLED, expiration=LifecycleExpiration(days=1)),
    )
    for key in ("tmp/a", "stay"):
        bucket.put_object(key, b"x")
    bucket.put_object("tagged", b"x", headers={"x-oss-tagging": "keep=no"})
    cloud.advance(2.5 * DAY)
    assert ["stay", "tagged", "tmp/a"] == keys(bucket)
    cloud.advance(1.5 * DAY)
    assert ["stay", "tagged"] == keys(bucket)
    cloud.advance(2 * DAY)
    assert ["stay"] == keys(bucket)
    assert ["delete tmp/a", "delete tagged"] == told[3:]


def test_objects_expire_by_date(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """What was last changed before the date goes with the next run."""
    bucket.put_object("old", b"x")
    tomorrow = (datetime.fromtimestamp(cloud.now(), tz=UTC) + timedelta(days=1)).date()
    put_rules(bucket, LifecycleRule("r", "", expiration=LifecycleExpiration(created_before_date=tomorrow)))
    cloud.advance(1.5 * DAY)
    bucket.put_object("new", b"x")
    cloud.advance(2 * DAY)
    assert ["new"] == keys(bucket)


def test_uploads_are_given_up(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """After so many days from their start."""
    put_rules(bucket, LifecycleRule("r", "up/", abort_multipart_upload=AbortMultipartUpload(days=2)))
    bucket.init_multipart_upload("up/a")
    bucket.init_multipart_upload("other")
    cloud.advance(1 * DAY)
    assert 2 == len(bucket.list_multipart_uploads().upload_list)
    cloud.advance(2 * DAY)
    assert ["other"] == [item.key for item in bucket.list_multipart_uploads().upload_list]


def test_versions_age_from_when_they_were_replaced(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """One jump of the clock and many small ones end the same: a marker, then old versions gone, then the marker."""
    bucket.put_bucket_versioning(BucketVersioningConfig("Enabled"))
    put_rules(
        bucket,
        LifecycleRule(
            "r",
            "",
            expiration=LifecycleExpiration(days=10),
            noncurrent_version_expiration=NoncurrentVersionExpiration(3),
        ),
        LifecycleRule("m", "", expiration=LifecycleExpiration(expired_detete_marker=True)),
    )
    bucket.put_object("a", b"one")
    cloud.advance(5 * DAY)
    assert 1 == versions(bucket)
    bucket.put_object("a", b"two")
    cloud.advance(2 * DAY)
    assert 2 == versions(bucket)
    cloud.advance(2 * DAY)
    assert (1, ["a"]) == (versions(bucket), keys(bucket))
    cloud.advance(8 * DAY)
    assert (2, []) == (versions(bucket), keys(bucket))
    cloud.advance(30 * DAY)
    assert 0 == versions(bucket)


def test_objects_move_to_a_colder_class(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """The coldest due class wins, and the time of last change stays."""
    put_rules(
        bucket,
        LifecycleRule(
            "r",
            "",
            storage_transitions=[
                StorageTransition(days=1, storage_class="IA"),
                StorageTransition(days=4, storage_class="Archive"),
            ],
        ),
    )
    bucket.put_object("a", b"x")
    before = bucket.head_object("a").last_modified
    cloud.advance(2 * DAY)
    assert "IA" == bucket.head_object("a").headers["x-oss-storage-class"]
    cloud.advance(4 * DAY)
    head = bucket.head_object("a")
    assert ("Archive", before) == (head.headers["x-oss-storage-class"], head.last_modified)


def test_rules_read_back_as_they_were_put(bucket: oss2.Bucket) -> None:
    """With an id for a rule that had none."""
    put_rules(bucket, LifecycleRule("", "p/", expiration=LifecycleExpiration(date=date(2031, 1, 2))))
    (rule,) = bucket.get_bucket_lifecycle().rules
    assert ("p/", date(2031, 1, 2), "Enabled") == (rule.prefix, rule.expiration.date, rule.status)
    assert 36 == len(rule.id)


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("MalformedXML", [LifecycleRule("no action", "")]),
        ("InvalidArgument", [LifecycleRule("r", "", expiration=LifecycleExpiration(days=-1))]),
        ("InvalidArgument", [LifecycleRule("r", "", expiration=LifecycleExpiration(days=1)) for _ in "ab"]),
        (
            "InvalidArgument",
            [LifecycleRule("r", "", storage_transitions=[StorageTransition(days=1, storage_class="Warm")])],
        ),
        ("MalformedXML", []),
    ],
)
def test_wrong_rules_are_refused(bucket: oss2.Bucket, code: str, rules: list[LifecycleRule]) -> None:
    """And the rules before them stay."""
    put_rules(bucket, LifecycleRule("good", "", expiration=LifecycleExpiration(days=1)))
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        put_rules(bucket, *rules)
    assert (400, code) == (caught.value.status, caught.value.code)
    assert ["good"] == [rule.id for rule in bucket.get_bucket_lifecycle().rules]

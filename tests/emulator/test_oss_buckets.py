"""Buckets and their settings through oss2, with what an unset setting answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest
from oss2.models import (
    BucketCors,
    BucketLifecycle,
    BucketLogging,
    BucketReferer,
    BucketVersioningConfig,
    BucketWebsite,
    CorsRule,
    LifecycleExpiration,
    LifecycleRule,
    ServerSideEncryptionRule,
    Tagging,
    TaggingRule,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud


def names(cloud: LocalCloud, session: oss2.Session, **options: object) -> list[str]:
    """Names of the account's buckets, as the service lists them."""
    auth = oss2.AuthV4(cloud.access_key_id, cloud.access_key_secret)
    service = oss2.Service(auth, cloud.url, session=session, region=cloud.region)
    return [item.name for item in service.list_buckets(**options).buckets]


def test_a_bucket_is_described_as_it_was_made(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket]) -> None:
    """Region, class, ACL, owner and times; the statistics follow the objects."""
    bucket = bucket_of(cloud, "made")
    bucket.create_bucket(oss2.BUCKET_ACL_PUBLIC_READ, oss2.models.BucketCreateConfig("IA", "ZRS"))
    info = bucket.get_bucket_info()
    assert ("made", "IA", "oss-cn-hangzhou", cloud.account_id) == (
        info.name,
        info.storage_class,
        info.location,
        info.owner.id,
    )
    assert ("public-read", "ZRS") == (info.acl.grant, info.data_redundancy_type)
    assert "oss-cn-hangzhou" == bucket.get_bucket_location().location
    bucket.put_object("a", b"12345")
    stat = bucket.get_bucket_stat()
    assert (5, 1, 0) == (stat.storage_size_in_bytes, stat.object_count, stat.multi_part_upload_count)


def test_buckets_are_listed_by_prefix_in_order_and_in_pages(
    cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], oss_session: oss2.Session
) -> None:
    """As a provisioning program looks for one: prefix and max-keys, then comparing names."""
    for name in ("zebra", "app-2", "app-1", "app"):
        bucket_of(cloud, name).create_bucket()
    assert ["app", "app-1", "app-2", "zebra"] == names(cloud, oss_session)
    assert ["app"] == names(cloud, oss_session, prefix="app", max_keys=1)
    assert ["app-2", "zebra"] == names(cloud, oss_session, marker="app-1")
    assert [] == names(cloud, oss_session, prefix="none")


def test_creating_twice_is_fine_for_the_owner_and_a_conflict_for_others(
    cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], oss_session: oss2.Session
) -> None:
    """One name space for everybody; another account sees neither the bucket nor its objects."""
    other = cloud.add_account("2000000000000002", "LTAI5tOther", "other-secret")
    mine, theirs = bucket_of(cloud), bucket_of(other)
    mine.create_bucket()
    mine.create_bucket()
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        theirs.create_bucket()
    assert (409, "BucketAlreadyExists") == (caught.value.status, caught.value.code)
    for call in (lambda: theirs.get_object("a"), lambda: theirs.put_object("a", b""), theirs.get_bucket_info):
        with pytest.raises(oss2.exceptions.AccessDenied):
            call()
    assert [] == names(other, oss_session)


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "under_score", "-a-", "end-"])
def test_bad_bucket_names_are_refused(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], name: str) -> None:
    """InvalidBucketName; oss2 looks at a name only once, so it is put in afterwards."""
    bucket = bucket_of(cloud, "good-name")
    bucket.bucket_name = name
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.create_bucket()
    assert (400, "InvalidBucketName") == (caught.value.status, caught.value.code)


def test_only_an_empty_bucket_can_be_deleted(bucket: oss2.Bucket) -> None:
    """BucketNotEmpty until the last object is gone; then NoSuchBucket."""
    bucket.put_object("a", b"")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.delete_object("a")
    bucket.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.delete_bucket()


class TestSettings:
    """Sub-resources: unset, put, read, deleted."""

    def test_unset_settings_answer_as_documented(self, bucket: oss2.Bucket) -> None:
        """404 with its own code for most; 200 and empty for logging, referer and tagging."""
        missing = {
            "NoSuchCORSConfiguration": bucket.get_bucket_cors,
            "NoSuchLifecycle": bucket.get_bucket_lifecycle,
            "NoSuchWebsiteConfiguration": bucket.get_bucket_website,
            "NoSuchBucketPolicy": bucket.get_bucket_policy,
            "NoSuchServerSideEncryptionRule": bucket.get_bucket_encryption,
            "NoSuchTransferAccelerationConfiguration": bucket.get_bucket_transfer_acceleration,
        }
        for code, read in missing.items():
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                read()
            assert (404, code) == (caught.value.status, caught.value.code)
        assert not bucket.get_bucket_logging().target_bucket
        assert bucket.get_bucket_referer().allow_empty_referer
        assert {} == bucket.get_bucket_tagging().tag_set.tagging_rule
        assert bucket.get_bucket_versioning().status is None
        assert "rg-default" == bucket.get_bucket_resource_group().resource_group_id

    def test_settings_are_read_back_and_deleted(self, bucket: oss2.Bucket) -> None:
        """Each of them, through the SDK's own documents."""
        bucket.put_bucket_cors(BucketCors([CorsRule(["*"], ["GET"], ["*"], [], 60)]))
        assert ["GET"] == bucket.get_bucket_cors().rules[0].allowed_methods
        rule = LifecycleRule("r", "tmp/", status=LifecycleRule.ENABLED, expiration=LifecycleExpiration(days=3))
        bucket.put_bucket_lifecycle(BucketLifecycle([rule]))
        assert 3 == bucket.get_bucket_lifecycle().rules[0].expiration.days
        bucket.put_bucket_logging(BucketLogging("logs", "p/"))
        assert ("logs", "p/") == (
            bucket.get_bucket_logging().target_bucket,
            bucket.get_bucket_logging().target_prefix,
        )
        bucket.put_bucket_referer(BucketReferer(allow_empty_referer=False, referers=["http://a.b"]))
        assert ["http://a.b"] == bucket.get_bucket_referer().referers
        bucket.put_bucket_website(BucketWebsite("index.html", "error.html"))
        assert "index.html" == bucket.get_bucket_website().index_file
        bucket.put_bucket_encryption(ServerSideEncryptionRule("AES256"))
        assert "AES256" == bucket.get_bucket_encryption().sse_algorithm
        bucket.put_bucket_policy('{"Version":"1","Statement":[]}')
        assert '{"Version":"1","Statement":[]}' == bucket.get_bucket_policy().policy
        bucket.put_bucket_transfer_acceleration("true")
        assert "true" == bucket.get_bucket_transfer_acceleration().enabled
        deletions = [bucket.delete_bucket_cors, bucket.delete_bucket_lifecycle, bucket.delete_bucket_website]
        deletions += [bucket.delete_bucket_encryption, bucket.delete_bucket_policy, bucket.delete_bucket_logging]
        for delete in deletions:
            assert 204 == delete().status
        with pytest.raises(oss2.exceptions.NoSuchCors):
            bucket.get_bucket_cors()

    def test_tags_versioning_acl_and_public_access(self, bucket: oss2.Bucket) -> None:
        """Facts that GetBucketInfo shows as well."""
        rule = TaggingRule()
        rule.add("team", "search")
        bucket.put_bucket_tagging(Tagging(rule))
        assert {"team": "search"} == bucket.get_bucket_tagging().tag_set.tagging_rule
        bucket.put_bucket_versioning(BucketVersioningConfig("Enabled"))
        assert "Enabled" == bucket.get_bucket_versioning().status
        bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
        assert "public-read" == bucket.get_bucket_acl().acl
        bucket.put_bucket_public_access_block(block_public_access=True)
        assert bucket.get_bucket_public_access_block().block_public_access
        info = bucket.get_bucket_info()
        assert ("Enabled", "public-read") == (info.versioning_status, info.acl.grant)

    def test_documents_of_the_wrong_shape_are_refused(self, bucket: oss2.Bucket) -> None:
        """MalformedXML for a wrong root, a missing element, a value out of its list, and what is no XML."""
        bodies = [
            b"<Other/>",
            b"<CORSConfiguration/>",
            b"no xml",
            b"<!DOCTYPE x [<!ENTITY e 'x'>]><CORSConfiguration/>",
        ]
        bodies.append(b"<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>")
        for body in bodies:
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                bucket._do("PUT", "pictures", "", params={"cors": ""}, data=body)  # noqa: SLF001 - sends what the SDK's models cannot hold
            assert (400, "MalformedXML") == (caught.value.status, caught.value.code)
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_bucket_policy("no policy")
        assert "InvalidPolicyDocument" == caught.value.code

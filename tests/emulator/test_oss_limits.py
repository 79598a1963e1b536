"""OSS's documented errors, limits and pages through oss2: status, code and request id, at the bound and one beyond.

Limits: www.alibabacloud.com/help/en/object-storage-service/latest/usage-notes and the operations' own pages.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from oss2.models import PartInfo, Tagging, TaggingRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud


def refused(cloud: LocalCloud, call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the refusal that a call meets; its request id is the journal's."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    [entry] = cloud.requests("oss")[-1:]
    assert (entry["request_id"], entry["status"]) == (caught.value.request_id, caught.value.status)
    assert entry["code"] == caught.value.code or caught.value.status == 304
    return caught.value.status, caught.value.code


def bad_secret(cloud: LocalCloud, bucket: oss2.Bucket) -> oss2.Bucket:
    """The same bucket under a wrong secret."""
    auth = oss2.AuthV4(cloud.access_key_id, "wrong")
    return oss2.Bucket(auth, cloud.url, bucket.bucket_name, session=bucket.session, region=cloud.region)


ERRORS: dict[str, tuple[Callable[[LocalCloud, oss2.Bucket], Any], int, str]] = {
    "get": (lambda _, b: b.get_object("none"), 404, "NoSuchKey"),
    "head": (lambda _, b: b.head_object("none"), 404, "NoSuchKey"),
    "meta": (lambda _, b: b.get_object_meta("none"), 404, "NoSuchKey"),
    "copy": (lambda _, b: b.copy_object("pictures", "none", "c"), 404, "NoSuchKey"),
    "tags": (lambda _, b: b.get_object_tagging("none"), 404, "NoSuchKey"),
    "stale": (lambda _, b: b.get_object("a", headers={"If-Match": '"0"'}), 412, "PreconditionFailed"),
    "fresh": (lambda _, b: b.get_object("a", headers={"If-None-Match": "*"}), 304, ""),
    "full": (lambda _, b: b.delete_bucket(), 409, "BucketNotEmpty"),
    "upload": (lambda _, b: b.upload_part("a", "none", 1, b""), 404, "NoSuchUpload"),
    "abort": (lambda _, b: b.abort_multipart_upload("a", "none"), 404, "NoSuchUpload"),
    "acl": (lambda _, b: b.put_bucket_acl("open"), 400, "InvalidArgument"),
    "class": (
        lambda _, b: b.put_object("x", b"", headers={"x-oss-storage-class": "Warm"}),
        400,
        "InvalidArgument",
    ),
    "secret": (lambda c, b: bad_secret(c, b).get_object("a"), 403, "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_a_documented_error_arrives_as_documented(cloud: LocalCloud, bucket: oss2.Bucket, name: str) -> None:
    """The code of a HEAD too, which has no body to say it in."""
    bucket.put_object("a", b"x")
    call, status, code = ERRORS[name]
    assert (status, code) == refused(cloud, lambda: call(cloud, bucket))


@pytest.mark.parametrize("call", ["get_object", "head_object", "get_object_meta"])
def test_a_missing_bucket_is_named_whatever_is_asked(
    cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], call: str
) -> None:
    """404 NoSuchBucket."""
    missing = bucket_of(cloud, "missing")
    assert (404, "NoSuchBucket") == refused(cloud, lambda: getattr(missing, call)("a"))


def test_an_account_has_a_hundred_buckets_in_a_region(cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket]) -> None:
    """The hundred and first is refused; making one again that is there is not; another account has its own."""
    for number in range(100):
        bucket_of(cloud, f"bucket-{number}").create_bucket()
    assert (400, "TooManyBuckets") == refused(cloud, bucket_of(cloud, "one-more").create_bucket)
    bucket_of(cloud, "bucket-0").create_bucket()
    other = cloud.add_account("2000000000000002", "LTAI5tOther", "other-secret")
    bucket_of(other, "theirs").create_bucket()
    bucket_of(cloud, "bucket-0").delete_bucket()
    bucket_of(cloud, "one-more").create_bucket()


@pytest.mark.parametrize("key", ["a", "é/ü+%2F?&#", "名" * 341, "x" * 1023, "a//b/../c", " ", "a\nb", "😀"])
def test_names_within_the_rule_are_taken(bucket: oss2.Bucket, key: str) -> None:
    """1 to 1023 bytes of UTF-8, whatever they are; they come back as they went, in a listing too."""
    bucket.put_object(key, key.encode())
    assert key.encode() == bucket.get_object(key).read()
    assert [key] == [item.key for item in bucket.list_objects_v2().object_list]
    bucket.delete_object(key)


@pytest.mark.parametrize("number", [1, 10_000])
def test_part_numbers_within_bounds(bucket: oss2.Bucket, number: int) -> None:
    """1 to 10,000."""
    upload = bucket.init_multipart_upload("big").upload_id
    part = bucket.upload_part("big", upload, number, b"x")
    bucket.complete_multipart_upload("big", upload, [PartInfo(number, part.etag)])
    assert b"x" == bucket.get_object("big").read()


def test_part_numbers_beyond_bounds(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """InvalidArgument, also for a copied part."""
    bucket.put_object("a", b"x")
    upload = bucket.init_multipart_upload("big").upload_id
    for number in (0, 10_001):
        assert (400, "InvalidArgument") == refused(cloud, partial(bucket.upload_part, "big", upload, number, b"x"))
        assert (400, "InvalidArgument") == refused(
            cloud, partial(bucket.upload_part_copy, "pictures", "a", None, "big", upload, number)
        )


def test_parts_are_listed_in_pages(bucket: oss2.Bucket) -> None:
    """By number, after the marker."""
    upload = bucket.init_multipart_upload("big").upload_id
    for number in (7, 1, 3):
        bucket.upload_part("big", upload, number, b"x" * number)
    assert [(1, 1), (3, 3), (7, 7)] == [
        (part.part_number, part.size) for part in oss2.PartIterator(bucket, "big", upload, max_parts=2)
    ]


PAGES: dict[str, Callable[[oss2.Bucket, int], Any]] = {
    "ListObjects": lambda bucket, size: bucket.list_objects(max_keys=size),
    "ListObjectsV2": lambda bucket, size: bucket.list_objects_v2(max_keys=size),
    "ListObjectVersions": lambda bucket, size: bucket.list_object_versions(max_keys=size),
    "ListMultipartUploads": lambda bucket, size: bucket.list_multipart_uploads(max_uploads=size),
    "ListParts": lambda bucket, size: bucket.list_parts("big", bucket.init_multipart_upload("big").upload_id, "", size),
    "ListBuckets": lambda bucket, size: oss2.Service(
        bucket.auth, bucket.endpoint, session=bucket.session, region="cn-hangzhou"
    ).list_buckets(max_keys=size),
}


@pytest.mark.parametrize("operation", PAGES)
def test_pages_have_one_to_a_thousand_entries(cloud: LocalCloud, bucket: oss2.Bucket, operation: str) -> None:
    """Both ends are taken, what lies beyond is refused."""
    ask = PAGES[operation]
    for size in (1, 1000):
        ask(bucket, size)
    assert (400, "InvalidArgument") == refused(cloud, lambda: ask(bucket, 1001))
    assert (400, "InvalidArgument") == refused(cloud, lambda: ask(bucket, 0))


def tags(count: int, key: str = "k", value: str = "v") -> Tagging:
    """So many tags."""
    rule = TaggingRule()
    for number in range(count):
        rule.tagging_rule[f"{key}{number}"] = value
    return Tagging(rule)


def test_tags_have_their_limits(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Ten of an object, twenty of a bucket; keys to 128 characters, values to 256."""
    bucket.put_object("a", b"")
    bucket.put_object_tagging("a", tags(10, "é" * 127, "ü" * 256))
    assert 10 == len(bucket.get_object_tagging("a").tag_set.tagging_rule)
    for wrong in (tags(11), tags(1, "k" * 128), tags(1, value="v" * 257)):
        assert (400, "InvalidTag") == refused(cloud, partial(bucket.put_object_tagging, "a", wrong))
    assert 10 == len(bucket.get_object_tagging("a").tag_set.tagging_rule)
    bucket.put_bucket_tagging(tags(20))
    assert (400, "InvalidTag") == refused(cloud, lambda: bucket.put_bucket_tagging(tags(21)))
    header = "&".join(f"k{number}=v" for number in range(11))
    assert (400, "InvalidTag") == refused(cloud, lambda: bucket.put_object("b", b"", headers={"x-oss-tagging": header}))


def test_user_metadata_has_eight_kilobytes(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Names and values together."""
    bucket.put_object("a", b"", headers={"x-oss-meta-n": "v" * (8 * 1024 - 1)})
    assert "v" * (8 * 1024 - 1) == bucket.head_object("a").headers["x-oss-meta-n"]
    much = {"x-oss-meta-n": "v" * (8 * 1024)}
    assert (400, "InvalidArgument") == refused(cloud, lambda: bucket.put_object("a", b"", headers=much))


def test_a_request_deletes_a_thousand_objects(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """One more is refused, and nothing is deleted then."""
    bucket.put_object("k0", b"")
    names = [f"k{number}" for number in range(1001)]
    assert (400, "MalformedXML") == refused(cloud, lambda: bucket.batch_delete_objects(names))
    assert bucket.object_exists("k0")
    assert 1000 == len(bucket.batch_delete_objects(names[:1000]).deleted_keys)
    assert not bucket.object_exists("k0")

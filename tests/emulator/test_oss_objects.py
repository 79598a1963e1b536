"""Objects through oss2: writing, reading, listing, copying, appending, multipart, tags."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import oss2
import pytest
from oss2.models import PartInfo, Tagging, TaggingRule

if TYPE_CHECKING:
    from emulator.oss.state import ObjectChange
    from emulator.state import Cloud
    from emulator.testing import LocalCloud

KIB = 1024


def keys(bucket: oss2.Bucket, **options: object) -> list[str]:
    """Everything a listing yields, common prefixes included."""
    return [item.key for item in oss2.ObjectIteratorV2(bucket, **options)]


class TestWriting:
    """PutObject and what it promises."""

    def test_what_was_put_is_what_is_read(self, bucket: oss2.Bucket) -> None:
        """Content, digest, type, metadata and stored headers come back; oss2 checks the CRC on both ways."""
        headers = {"x-oss-meta-Author": "Ansel", "Cache-Control": "no-store", "x-oss-storage-class": "IA"}
        put = bucket.put_object("a.jpg", b"pixels", headers=headers)
        got = bucket.get_object("a.jpg")
        assert b"pixels" == got.read()
        assert hashlib.md5(b"pixels").hexdigest().upper() == put.etag == got.etag  # noqa: S324 - OSS's own digest
        assert "image/jpeg" == got.content_type
        assert ("Ansel", "no-store") == (got.headers["x-oss-meta-author"], got.headers["cache-control"])
        head = bucket.head_object("a.jpg")
        assert (6, "IA", "Normal") == (
            head.content_length,
            head.headers["x-oss-storage-class"],
            head.object_type,
        )
        assert head.etag == bucket.get_object_meta("a.jpg").etag

    def test_forbid_overwrite_refuses_the_second_put(self, bucket: oss2.Bucket) -> None:
        """409 FileAlreadyExists, and the first content stays."""
        once = {"x-oss-forbid-overwrite": "true"}
        bucket.put_object("a", b"1", headers=once)
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object("a", b"2", headers=once)
        assert (409, "FileAlreadyExists") == (caught.value.status, caught.value.code)
        assert b"1" == bucket.get_object("a").read()

    def test_a_wrong_digest_is_refused(self, bucket: oss2.Bucket) -> None:
        """Content-MD5 is compared with the body."""
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object("a", b"1", headers={"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="})
        assert (400, "InvalidDigest") == (caught.value.status, caught.value.code)

    @pytest.mark.parametrize("key", ["/a", "\\a", "x" * 1024])
    def test_bad_keys_are_refused(self, bucket: oss2.Bucket, key: str) -> None:
        """A key neither starts with a slash nor exceeds 1023 bytes."""
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object(key, b"")
        assert (400, "InvalidObjectName") == (caught.value.status, caught.value.code)

    def test_append_grows_an_object_at_its_end_only(self, bucket: oss2.Bucket) -> None:
        """The next position is answered; a wrong one and a normal object are refused."""
        first = bucket.append_object("log", 0, b"one ")
        assert 4 == first.next_position
        bucket.append_object("log", 4, b"two")
        assert (b"one two", "Appendable") == (
            bucket.get_object("log").read(),
            bucket.head_object("log").object_type,
        )
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.append_object("log", 4, b"x")
        assert (409, "PositionNotEqualToLength") == (caught.value.status, caught.value.code)
        bucket.put_object("plain", b"")
        with pytest.raises(oss2.exceptions.ObjectNotAppendable):
            bucket.append_object("plain", 0, b"x")

    def test_every_change_is_announced_once(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """Put, append, copy, multipart and delete tell the listeners; reads, tags and failures do not."""
        seen: list[tuple[str, str]] = []

        def listen(_: Cloud, change: ObjectChange) -> None:
            seen.append((change.kind, change.key))

        cloud.run(lambda instance: instance.cloud.object_listeners.append(listen))
        bucket.put_object("a", b"1")
        bucket.append_object("b", 0, b"2")
        bucket.copy_object("pictures", "a", "c")
        bucket.put_object_tagging("a", Tagging(TaggingRule()))
        bucket.get_object("a").read()
        bucket.delete_object("a")
        bucket.delete_object("a")
        bucket.batch_delete_objects(["b", "nothing"])
        expected = [("put", "a"), ("put", "b"), ("put", "c"), ("delete", "a"), ("delete", "b")]
        assert expected == seen


class TestReading:
    """Ranges and conditions."""

    @pytest.mark.parametrize(
        ("span", "default", "standard"),
        [
            ((0, 3), b"0123", b"0123"),
            ((7, None), b"789", b"789"),
            ((None, 2), b"89", b"89"),
            ((8, 99), b"0123456789", b"89"),
            ((None, 99), b"0123456789", b"0123456789"),
            ((99, 100), b"0123456789", None),
        ],
    )
    def test_ranges(
        self, bucket: oss2.Bucket, span: tuple[int | None, int | None], default: bytes, standard: bytes | None
    ) -> None:
        """By default a range not wholly inside is ignored; the standard behaviour cuts it or refuses with 416."""
        bucket.put_object("a", b"0123456789")
        got = bucket.get_object("a", byte_range=span)
        assert (default, 200 if len(default) == 10 else 206) == (got.read(), got.status)
        headers = {"x-oss-range-behavior": "standard"}
        if standard is not None:
            assert standard == bucket.get_object("a", byte_range=span, headers=headers).read()
            return
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.get_object("a", byte_range=span, headers=headers)
        assert (416, "InvalidRange") == (caught.value.status, caught.value.code)

    def test_several_ranges_at_once_are_refused(self, bucket: oss2.Bucket) -> None:
        """OSS sends one range per request."""
        bucket.put_object("a", b"0123456789")
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.get_object("a", headers={"Range": "bytes=0-1,3-4"})
        assert (416, "InvalidRange") == (caught.value.status, caught.value.code)

    def test_conditions(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """If-Match and its relatives decide between the content, 304 and 412."""
        etag = bucket.put_object("a", b"1").etag
        written = bucket.head_object("a").headers["last-modified"]
        cloud.advance(10)
        assert b"1" == bucket.get_object("a", headers={"If-Match": f'"{etag}"'}).read()
        with pytest.raises(oss2.exceptions.PreconditionFailed):
            bucket.get_object("a", headers={"If-Match": '"0"'})
        for headers in ({"If-None-Match": f'"{etag}"'}, {"If-Modified-Since": written}):
            with pytest.raises(oss2.exceptions.NotModified):
                bucket.get_object("a", headers=headers)

    def test_what_is_missing_is_named(self, bucket: oss2.Bucket) -> None:
        """NoSuchKey on GET and HEAD, NoSuchBucket, each with a request id."""
        for read in (bucket.get_object, bucket.head_object, bucket.get_object_meta):
            with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
                read("none")
            assert caught.value.request_id
        bucket.bucket_name = "nowhere"
        with pytest.raises(oss2.exceptions.NoSuchBucket):
            bucket.get_object("a")


class TestListing:
    """Both versions of the operation, paged, grouped and encoded."""

    NAMES = ("a", "b/1", "b/2", "b/c/3", "b0", "c é+%/x", "d\x01", "z")

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_pages_of_any_size_join_to_the_whole(self, bucket: oss2.Bucket, size: int) -> None:
        """Nothing is lost or doubled at page borders, grouped or not, in either version."""
        for name in self.NAMES:
            bucket.put_object(name, b"")
        assert sorted(self.NAMES) == keys(bucket, max_keys=size)
        grouped = ["a", "b/", "b0", "c é+%/", "d\x01", "z"]
        assert grouped == keys(bucket, delimiter="/", max_keys=size)
        assert grouped == [i.key for i in oss2.ObjectIterator(bucket, delimiter="/", max_keys=size)]
        assert ["b/1", "b/2", "b/c/"] == keys(bucket, prefix="b/", delimiter="/", max_keys=size)

    def test_markers_and_owners(self, bucket: oss2.Bucket) -> None:
        """start-after excludes its own key, and owners are shown on request."""
        for name in self.NAMES:
            bucket.put_object(name, b"")
        page = bucket.list_objects_v2(start_after="b/2", fetch_owner=True, max_keys=2)
        assert ["b/c/3", "b0"] == [item.key for item in page.object_list]
        assert page.is_truncated
        assert page.object_list[0].owner.id
        assert bucket.list_objects_v2(max_keys=2).object_list[0].owner is None

    def test_a_bad_token_or_limit_is_refused(self, bucket: oss2.Bucket) -> None:
        """400 InvalidArgument."""
        for options in ({"continuation_token": "*"}, {"max_keys": 1001}, {"max_keys": 0}):
            with pytest.raises(oss2.exceptions.InvalidArgument):
                bucket.list_objects_v2(**options)


class TestCopyAndDelete:
    """CopyObject, DeleteMultipleObjects, tags and ACLs."""

    def test_copy_keeps_or_replaces_metadata(self, bucket: oss2.Bucket) -> None:
        """The directive decides; the content is the same either way."""
        source = "照 片.txt"
        bucket.put_object(source, b"x", headers={"x-oss-meta-a": "1", "x-oss-tagging": "k=v"})
        bucket.copy_object("pictures", source, "kept")
        bucket.copy_object(
            "pictures", source, "replaced", headers={"x-oss-metadata-directive": "REPLACE", "x-oss-meta-b": "2"}
        )
        kept, replaced = bucket.head_object("kept").headers, bucket.head_object("replaced").headers
        assert ("1", None) == (kept.get("x-oss-meta-a"), kept.get("x-oss-meta-b"))
        assert (None, "2") == (replaced.get("x-oss-meta-a"), replaced.get("x-oss-meta-b"))
        assert {"k": "v"} == bucket.get_object_tagging("kept").tag_set.tagging_rule
        with pytest.raises(oss2.exceptions.NoSuchKey):
            bucket.copy_object("pictures", "none", "c")

    def test_batch_delete_reports_every_key(self, bucket: oss2.Bucket) -> None:
        """Present and absent keys alike, with awkward names encoded."""
        for key in ("a", "é &<>/b"):
            bucket.put_object(key, b"")
        deleted = bucket.batch_delete_objects(["a", "é &<>/b", "none"])
        assert ["a", "é &<>/b", "none"] == deleted.deleted_keys
        assert [] == keys(bucket)

    def test_tags_and_acl_of_an_object(self, bucket: oss2.Bucket) -> None:
        """Put, read, delete; too many tags are refused."""
        bucket.put_object("a", b"")
        rule = TaggingRule()
        rule.add("k", "v w")
        bucket.put_object_tagging("a", Tagging(rule))
        assert {"k": "v w"} == bucket.get_object_tagging("a").tag_set.tagging_rule
        bucket.delete_object_tagging("a")
        assert {} == bucket.get_object_tagging("a").tag_set.tagging_rule
        for number in range(10):
            rule.add(f"k{number}", "")
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            bucket.put_object_tagging("a", Tagging(rule))
        assert "InvalidTag" == caught.value.code
        bucket.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ)
        assert "public-read" == bucket.get_object_acl("a").acl


class TestMultipart:
    """Uploads in parts."""

    def start(self, bucket: oss2.Bucket, sizes: list[int], key: str = "big") -> tuple[str, list[PartInfo], bytes]:
        """An upload with parts of these sizes sent."""
        upload = bucket.init_multipart_upload(key, headers={"x-oss-meta-a": "1"}).upload_id
        chunks = [random.Random(size).randbytes(size) for size in sizes]  # noqa: S311 - content, not a secret
        parts = [
            PartInfo(number, bucket.upload_part(key, upload, number, chunk).etag)
            for number, chunk in enumerate(chunks, start=1)
        ]
        return upload, parts, b"".join(chunks)

    def test_parts_join_in_order(self, bucket: oss2.Bucket) -> None:
        """The whole is the parts; ETag, CRC and metadata are right; the upload is gone."""
        upload, parts, whole = self.start(bucket, [100 * KIB, 101 * KIB, 5])
        assert [100 * KIB, 101 * KIB, 5] == [part.size for part in bucket.list_parts("big", upload).parts]
        done = bucket.complete_multipart_upload("big", upload, parts)
        assert done.etag.endswith("-3")
        assert whole == bucket.get_object("big").read()
        head = bucket.head_object("big")
        assert ("Multipart", "1") == (head.object_type, head.headers["x-oss-meta-a"])
        with pytest.raises(oss2.exceptions.NoSuchUpload):
            bucket.list_parts("big", upload)

    def test_bad_lists_of_parts_are_refused(self, bucket: oss2.Bucket) -> None:
        """Wrong tag, one part twice, too small an inner part."""
        upload, parts, _ = self.start(bucket, [100 * KIB, 99, 5])
        wrong = [PartInfo(1, "0" * 32)]
        cases = {"InvalidPart": wrong, "InvalidPartOrder": [parts[0], parts[0]], "EntityTooSmall": parts}
        for code, listed in cases.items():
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                bucket.complete_multipart_upload("big", upload, listed)
            assert (400, code) == (caught.value.status, caught.value.code)

    def test_an_upload_in_progress_is_listed_and_keeps_the_bucket(self, bucket: oss2.Bucket) -> None:
        """Until it is aborted."""
        upload, _, _ = self.start(bucket, [5], key="é/1")
        other, _, _ = self.start(bucket, [5], key="é/2")
        listed = [(item.key, item.upload_id) for item in oss2.MultipartUploadIterator(bucket, max_uploads=1)]
        assert [("é/1", upload), ("é/2", other)] == listed
        with pytest.raises(oss2.exceptions.BucketNotEmpty):
            bucket.delete_bucket()
        bucket.abort_multipart_upload("é/1", upload)
        bucket.abort_multipart_upload("é/2", other)
        bucket.delete_bucket()

    def test_a_part_can_be_copied(self, bucket: oss2.Bucket) -> None:
        """UploadPartCopy with a range."""
        bucket.put_object("source", b"0123456789")
        upload = bucket.init_multipart_upload("copy").upload_id
        copied = bucket.upload_part_copy("pictures", "source", (2, 5), "copy", upload, 1)
        bucket.complete_multipart_upload("copy", upload, [PartInfo(1, copied.etag)])
        assert b"2345" == bucket.get_object("copy").read()


def test_virtual_hosted_requests_reach_the_same_bucket(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """The bucket may stand in the host name; the signature is the same either way."""
    bucket.put_object("d/é x", b"1")
    port = cloud.host.partition(":")[2]
    # Not every machine resolves *.localhost; as a proxy, the emulator is sent the whole address and needs no name.
    bucket.session.session.proxies = {"http": cloud.url}
    hosted = oss2.Bucket(
        bucket.auth,
        f"http://oss-cn-hangzhou.localhost:{port}",
        "pictures",
        session=bucket.session,
        region="cn-hangzhou",
    )
    assert b"1" == hosted.get_object("d/é x").read()
    assert ["d/é x"] == keys(hosted)
    wrong = oss2.Bucket(
        bucket.auth,
        f"http://oss-cn-shanghai.localhost:{port}",
        "pictures",
        session=bucket.session,
        region="cn-shanghai",
    )
    with pytest.raises(oss2.exceptions.AccessDenied):
        wrong.get_object("d/é x")

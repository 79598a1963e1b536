"""Symbolic links, public access blocks and the settings a provisioning program reads, through oss2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud


def block_public_access(bucket: oss2.Bucket, *, on: bool) -> None:
    """Set the bucket's block."""
    bucket.put_bucket_public_access_block(on)


class TestSymlinks:
    """A link names a key and is read as that key's content."""

    def test_a_link_reads_as_its_target(self, bucket: oss2.Bucket) -> None:
        """Content, size, ETag and checksum are the target's; type and metadata are the link's."""
        target = bucket.put_object("päth/a b", b"content", headers={"Content-Type": "image/png"})
        bucket.put_symlink("päth/a b", "link", headers={"x-oss-meta-mine": "yes"})
        assert "päth/a b" == bucket.get_symlink("link").target_key
        assert b"content" == bucket.get_object("link").read()
        head = bucket.head_object("link")
        assert (7, target.etag, "Symlink", "image/png", "yes") == (
            head.content_length,
            head.etag,
            head.object_type,
            head.content_type,
            head.headers["x-oss-meta-mine"],
        )
        assert {"link": "Symlink", "päth/a b": "Normal"} == {
            item.key: item.type for item in bucket.list_objects_v2().object_list
        }

    def test_a_link_that_leads_nowhere_says_so(self, bucket: oss2.Bucket) -> None:
        """A missing target, a link to a link, and asking for the target of what is no link."""
        bucket.put_symlink("nothing", "broken")
        bucket.put_symlink("broken", "twice")
        bucket.put_object("plain", b"")
        asked: dict[str, Callable[[], Any]] = {
            "SymlinkTargetNotExist": lambda: bucket.get_object("broken"),
            "InvalidTargetType": lambda: bucket.get_object("twice"),
            "NotSymlink": lambda: bucket.get_symlink("plain"),
            "NoSuchKey": lambda: bucket.get_symlink("none"),
        }
        for code, ask in asked.items():
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                ask()
            assert code == caught.value.code

    def test_a_copy_of_a_link_is_a_link(self, bucket: oss2.Bucket) -> None:
        """Only the link is copied, as documented."""
        bucket.put_object("target", b"x")
        bucket.put_symlink("target", "link")
        bucket.copy_object("pictures", "link", "copy")
        assert "target" == bucket.get_symlink("copy").target_key


class TestPublicAccess:
    """What the public access block stops."""

    def test_public_acls_are_refused_and_do_not_count(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """Neither bucket nor object can be made public; what was public before is closed, and open again after."""
        bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
        bucket.put_object("a", b"open")
        address = f"{cloud.url}/pictures/a"
        assert b"open" == requests.get(address, timeout=10).content
        block_public_access(bucket, on=True)
        assert 403 == requests.get(address, timeout=10).status_code
        asked: list[Callable[[], Any]] = [
            lambda: bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ),
            lambda: bucket.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ),
            lambda: bucket.put_object("b", b"", headers={"x-oss-object-acl": "public-read"}),
        ]
        for ask in asked:
            with pytest.raises(oss2.exceptions.AccessDenied):
                ask()
        assert bucket.get_bucket_public_access_block().block_public_access
        bucket.put_bucket_acl(oss2.BUCKET_ACL_PRIVATE)
        block_public_access(bucket, on=False)
        bucket.put_object_acl("a", oss2.OBJECT_ACL_PUBLIC_READ)
        assert b"open" == requests.get(address, timeout=10).content


def test_settings_with_a_default_answer_it_and_keep_what_is_put(bucket: oss2.Bucket) -> None:
    """Access monitor, who pays, archive reads and the TLS versions; bucket info tells of the first."""
    assert ("Disabled", "BucketOwner") == (
        bucket.get_bucket_access_monitor().access_monitor.status,
        bucket.get_bucket_request_payment().payer,
    )
    assert not bucket.get_bucket_archive_direct_read().enabled
    bucket.put_bucket_access_monitor("Enabled")
    bucket.put_bucket_request_payment("Requester")
    bucket.put_bucket_archive_direct_read(enabled=True)
    bucket.put_bucket_https_config(oss2.models.BucketTlsVersion(tls_enabled=True, tls_version=["TLSv1.2"]))
    assert ("Enabled", "Requester") == (
        bucket.get_bucket_access_monitor().access_monitor.status,
        bucket.get_bucket_request_payment().payer,
    )
    assert bucket.get_bucket_archive_direct_read().enabled
    assert (True, ["TLSv1.2"]) == (
        bucket.get_bucket_https_config().tls_enabled,
        bucket.get_bucket_https_config().tls_version,
    )
    assert "Enabled" == bucket.get_bucket_info().access_monitor
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_bucket_access_monitor("Perhaps")
    assert "MalformedXML" == caught.value.code


def test_uploads_in_progress_are_grouped_and_paged(bucket: oss2.Bucket) -> None:
    """As a plain listing groups keys, in pages of one."""
    for key in ("a", "b/1", "b/2", "c", "c"):
        bucket.init_multipart_upload(key)
    keys: list[str] = []
    prefixes: list[str] = []
    marker = upload_marker = ""
    while True:
        page = bucket.list_multipart_uploads(
            delimiter="/", key_marker=marker, upload_id_marker=upload_marker, max_uploads=1
        )
        keys += [item.key for item in page.upload_list]
        prefixes += page.prefix_list
        if not page.is_truncated:
            break
        marker, upload_marker = page.next_key_marker, page.next_upload_id_marker
    assert (["a", "c", "c"], ["b/"]) == (keys, prefixes)


@pytest.mark.parametrize("v4", [False, True])
def test_a_signed_address_reads_and_writes_until_its_time_is_over(
    cloud: LocalCloud, bucket_of: Callable[..., oss2.Bucket], *, v4: bool
) -> None:
    """Both signature versions, for GET and PUT, with a version id in the query; nothing else may be changed in it."""
    bucket = bucket_of(cloud, v4=v4)
    bucket.create_bucket()
    bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    put = bucket.sign_url("PUT", "a b/é", 60, slash_safe=True)
    written = requests.put(put, data=b"hello", timeout=10)
    assert 200 == written.status_code
    bucket.put_object("a b/é", b"newer")
    version = written.headers["x-oss-version-id"]
    get = bucket.sign_url("GET", "a b/é", 60, slash_safe=True, params={"versionId": version})
    assert b"hello" == requests.get(get, timeout=10).content
    assert 403 == requests.get(get.replace(version, "null"), timeout=10).status_code
    assert 403 == requests.put(get, data=b"x", timeout=10).status_code

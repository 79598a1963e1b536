"""Versioning through oss2: what is kept, what a marker hides, what comes back, and how versions are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest
from oss2.models import BatchDeleteObjectVersion, BatchDeleteObjectVersionList, BucketVersioningConfig

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


def set_versioning(bucket: oss2.Bucket, status: str) -> None:
    """Enable or suspend."""
    bucket.put_bucket_versioning(BucketVersioningConfig(status))


@pytest.fixture
def versioned(bucket: oss2.Bucket) -> oss2.Bucket:
    """A bucket with versioning enabled."""
    set_versioning(bucket, oss2.BUCKET_VERSIONING_ENABLE)
    return bucket


def version_of(bucket: oss2.Bucket, key: str, version_id: str) -> bytes:
    """The content of one version."""
    content: bytes = bucket.get_object(key, params={"versionId": version_id}).read()
    return content


def listed(bucket: oss2.Bucket, **options: object) -> list[tuple[str, str, bool, bool]]:
    """Every entry of the version listing, page by page: key, version, is latest, is a marker."""
    entries: list[tuple[str, str, bool, bool]] = []
    key_marker = version_marker = ""
    while True:
        page = bucket.list_object_versions(key_marker=key_marker, versionid_marker=version_marker, **options)
        entries += [(item.key, item.versionid, item.is_latest, False) for item in page.versions]
        entries += [(item.key, item.versionid, item.is_latest, True) for item in page.delete_marker]
        if not page.is_truncated:
            return entries
        key_marker, version_marker = page.next_key_marker, page.next_versionid_marker


def test_a_bucket_without_versioning_answers_no_version_ids(bucket: oss2.Bucket) -> None:
    """Its versions are all called null when somebody lists them."""
    assert bucket.put_object("a", b"1").versionid is None
    assert bucket.get_bucket_versioning().status is None
    assert [("a", "null", True, False)] == listed(bucket)
    assert b"1" == version_of(bucket, "a", "null")


def test_every_write_keeps_the_version_before_it(versioned: oss2.Bucket) -> None:
    """Put, copy, append and multipart each make a version; every one can be read, looked at and tagged by its id."""
    first = versioned.put_object("a", b"one").versionid
    second = versioned.put_object("a", b"two").versionid
    assert first != second
    assert b"two" == versioned.get_object("a").read()
    assert b"one" == version_of(versioned, "a", first)
    assert (3, first) == (
        versioned.head_object("a", params={"versionId": first}).content_length,
        versioned.head_object("a", params={"versionId": first}).versionid,
    )
    copied = versioned.copy_object("pictures", "a", "a", params={"versionId": first})
    assert b"one" == versioned.get_object("a").read()
    assert [copied.versionid, second, first] == [version for _, version, _, _ in listed(versioned)]
    rule = oss2.models.TaggingRule()
    rule.add("k", "v")
    versioned.put_object_tagging("a", oss2.models.Tagging(rule), params={"versionId": first})
    assert {"k": "v"} == versioned.get_object_tagging("a", params={"versionId": first}).tag_set.tagging_rule
    assert {} == versioned.get_object_tagging("a").tag_set.tagging_rule
    assert 3 == len(listed(versioned))


def test_an_append_grows_the_current_version(versioned: oss2.Bucket) -> None:
    """Only the first append makes a version."""
    made = versioned.append_object("log", 0, b"ab")
    versioned.append_object("log", 2, b"cd", init_crc=made.crc)
    assert b"abcd" == versioned.get_object("log").read()
    assert 1 == len(listed(versioned))


def test_deleting_hides_and_deleting_the_marker_restores(cloud: LocalCloud, versioned: oss2.Bucket) -> None:
    """A plain delete leaves a marker, of which every answer tells; without it the object is back."""
    told: list[tuple[str, str]] = []
    cloud.run(
        lambda instance: instance.cloud.object_listeners.append(
            lambda _, change: told.append((change.kind, change.cause.operation))
        )
    )
    versioned.put_object("a", b"kept")
    deleted = versioned.delete_object("a")
    assert deleted.delete_marker
    with pytest.raises(oss2.exceptions.NoSuchKey) as gone:
        versioned.get_object("a")
    assert ("true", deleted.versionid) == (
        gone.value.headers["x-oss-delete-marker"],
        gone.value.headers["x-oss-version-id"],
    )
    with pytest.raises(oss2.exceptions.ServerError) as refused:
        version_of(versioned, "a", deleted.versionid)
    assert (405, "MethodNotAllowed") == (refused.value.status, refused.value.code)
    assert [] == versioned.list_objects_v2().object_list
    restored = versioned.delete_object("a", params={"versionId": deleted.versionid})
    assert (True, deleted.versionid) == (restored.delete_marker, restored.versionid)
    assert b"kept" == versioned.get_object("a").read()
    assert [("put", "PutObject"), ("delete", "DeleteObject"), ("put", "DeleteObject")] == told


def test_deleting_a_version_is_for_good(versioned: oss2.Bucket) -> None:
    """The one behind the removed current version shows again; an unknown version is refused when read."""
    first = versioned.put_object("a", b"one").versionid
    second = versioned.put_object("a", b"two").versionid
    versioned.delete_object("a", params={"versionId": second})
    assert b"one" == versioned.get_object("a").read()
    with pytest.raises(oss2.exceptions.ServerError) as gone:
        version_of(versioned, "a", second)
    assert (404, "NoSuchVersion") == (gone.value.status, gone.value.code)
    assert 204 == versioned.delete_object("a", params={"versionId": second}).status
    versioned.delete_object("a", params={"versionId": first})
    assert [] == listed(versioned)


def test_suspending_writes_the_null_version_over_and_over(versioned: oss2.Bucket) -> None:
    """Versions with ids stay; null is replaced by each write and each deletion."""
    kept = versioned.put_object("a", b"kept").versionid
    set_versioning(versioned, oss2.BUCKET_VERSIONING_SUSPEND)
    assert "null" == versioned.put_object("a", b"null 1").versionid
    versioned.put_object("a", b"null 2")
    assert [("a", "null", True, False), ("a", kept, False, False)] == listed(versioned)
    assert "null" == versioned.delete_object("a").versionid
    assert [("a", kept, False, False), ("a", "null", True, True)] == listed(versioned)
    assert b"kept" == version_of(versioned, "a", kept)


def test_what_was_there_before_versioning_is_the_null_version(bucket: oss2.Bucket) -> None:
    """Enabling renames nothing, and the first overwrite keeps it."""
    bucket.put_object("a", b"old")
    set_versioning(bucket, oss2.BUCKET_VERSIONING_ENABLE)
    bucket.put_object("a", b"new")
    assert b"old" == version_of(bucket, "a", "null")


def test_many_versions_are_deleted_in_one_request(versioned: oss2.Bucket) -> None:
    """Named versions go for good; without a version each key gets a marker, and the answer says which."""
    first = versioned.put_object("a", b"one").versionid
    versioned.put_object("a", b"two")
    versioned.put_object("b é", b"x")
    wanted = BatchDeleteObjectVersionList()
    wanted.append(BatchDeleteObjectVersion(key="a", versionid=first))
    removed = versioned.delete_object_versions(wanted).delete_versions
    assert [("a", first, False)] == [(item.key, item.versionid, item.delete_marker) for item in removed]
    hidden = versioned.batch_delete_objects(["a", "b é"]).delete_versions
    markers = {item.key: item.delete_marker_versionid for item in hidden}
    assert {"a", "b é"} == set(markers)
    assert set(markers.values()) == {version for _, version, _, marker in listed(versioned) if marker}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_of_versions_join_to_the_whole(versioned: oss2.Bucket, size: int) -> None:
    """Whatever the page's size, also inside one key's versions; the delimiter groups as in a plain listing."""
    for key in ("a", "a", "b/1", "b/2", "c", "c", "c"):
        versioned.put_object(key, b"")
    versioned.delete_object("c")
    whole = listed(versioned, max_keys=1000)
    assert sorted(whole) == sorted(listed(versioned, max_keys=size))
    assert ["a", "a", "b/1", "b/2", "c", "c", "c", "c"] == sorted(key for key, _, _, _ in whole)
    grouped = versioned.list_object_versions(delimiter="/")
    assert (["b/"], 5, 1) == (grouped.common_prefix, len(grouped.versions), len(grouped.delete_marker))


def test_emptying_a_bucket_page_by_page_leaves_nothing(versioned: oss2.Bucket) -> None:
    """As a provisioning tool does it: list a page, delete it, go on from a marker that is no longer there."""
    for number in range(7):
        versioned.put_object("same", str(number))
        versioned.put_object(f"key{number % 2}", b"")
    versioned.delete_object("same")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        versioned.delete_bucket()
    key_marker = version_marker = ""
    while True:
        page = versioned.list_object_versions(max_keys=3, key_marker=key_marker, versionid_marker=version_marker)
        for item in [*page.versions, *page.delete_marker]:
            versioned.delete_object(item.key, params={"versionId": item.versionid})
        if not page.is_truncated:
            break
        key_marker, version_marker = page.next_key_marker, page.next_versionid_marker
    versioned.delete_bucket()


def test_forbidding_overwrites_means_nothing_with_versioning(versioned: oss2.Bucket) -> None:
    """Nothing is lost by a write, so the header is ignored, as documented."""
    for content in (b"one", b"two"):
        versioned.put_object("a", content, headers={"x-oss-forbid-overwrite": "true"})
    assert 2 == len(listed(versioned))

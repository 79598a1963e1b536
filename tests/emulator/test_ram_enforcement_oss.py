"""RAM users and OSS: what their policies allow is done, everything else is refused in OSS's way."""

from __future__ import annotations

import base64
import json
from typing import Any

import oss2
import pytest
from alibabacloud_ram20150501.client import Client as RamClient

from emulator.instance import Config
from emulator.testing import LocalCloud, running
from tests.emulator.conftest import rpc_config
from tests.emulator.ram_room import BucketOf, People, arn, denied


@pytest.fixture
def people(cloud: LocalCloud, ram: Any) -> People:
    """Whoever the test needs."""
    return People(cloud, ram)


def test_a_user_without_a_policy_may_do_nothing(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """The refusal names the action, the user and that nothing allows it."""
    mine = people.user("ann")
    bucket_of(cloud).create_bucket()
    said = denied(lambda: bucket_of(mine).put_object("k", b"x"))
    assert ("AccessDenied", "0003-00000202", "ImplicitDeny", "oss:PutObject") == (
        said["Code"],
        said["EC"],
        said["NoPermissionType"],
        said["AuthAction"],
    )
    assert ("SubUser", cloud.account_id, "AccountLevelIdentityBasedPolicy") == (
        said["AuthPrincipalType"],
        said["AuthPrincipalOwnerId"],
        said["PolicyType"],
    )
    assert f"oss:PutObject on {arn(cloud, 'pictures', 'k')}" in said["Message"]
    diagnosis = json.loads(base64.b64decode(said["EncodedDiagnosticMessage"]))
    assert arn(cloud, "pictures", "k") == diagnosis["AuthResource"]
    assert "oss:PutBucket" == denied(lambda: bucket_of(mine, "other").create_bucket())["AuthAction"]


def test_a_user_may_do_exactly_what_its_policy_allows(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """Put and read under one prefix of one bucket, and no more, there or elsewhere."""
    mine = people.user("ann", {"Action": ["oss:GetObject", "oss:PutObject"], "Resource": "acs:oss:*:*:pictures/a/*"})
    for name in ("pictures", "others"):
        bucket_of(cloud, name).create_bucket()
    bucket = bucket_of(mine)
    bucket.put_object("a/1", b"x")
    assert b"x" == bucket.get_object("a/1").read()
    assert "oss:PutObject" == denied(lambda: bucket.put_object("b/1", b"x"))["AuthAction"]
    assert "oss:DeleteObject" == denied(lambda: bucket.delete_object("a/1"))["AuthAction"]
    assert "oss:ListObjects" == denied(bucket.list_objects)["AuthAction"]
    assert "oss:GetObject" == denied(lambda: bucket_of(mine, "others").get_object("a/1"))["AuthAction"]


def test_a_refused_head_says_why_in_its_header(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """It has no body to say it in; HeadObject needs what GetObject needs."""
    mine = people.user("ann")
    bucket_of(cloud).create_bucket()
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket_of(mine).head_object("k")
    assert (403, "AccessDenied") == (caught.value.status, caught.value.code)


def test_a_denial_wins(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """Over a policy that allows everything, and over a public bucket."""
    bucket_of(cloud).create_bucket("public-read")
    bucket_of(cloud).put_object("private/1", b"x")
    mine = people.user(
        "ann",
        {"Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "oss:GetObject", "Resource": "acs:oss:*:*:*/private/*"},
    )
    bucket_of(mine).put_object("private/2", b"x")
    said = denied(lambda: bucket_of(mine).get_object("private/1"))
    assert ("ExplicitDeny", "0003-00000201") == (said["NoPermissionType"], said["EC"])


def test_what_is_public_needs_no_policy(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """A bucket's or an object's access control list is as good as one, for what it allows."""
    mine = bucket_of(people.user("ann"))
    bucket_of(cloud).create_bucket("public-read")
    bucket_of(cloud).put_object("k", b"x")
    assert b"x" == mine.get_object("k").read()
    assert "oss:PutObject" == denied(lambda: mine.put_object("k", b"y"))["AuthAction"]


def test_a_condition_on_the_prefix(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """Listing one folder, as in the vendor's example, and the bucket's top level."""
    allowed = {"oss:Prefix": ["", "hangzhou/*"], "oss:Delimiter": "/"}
    mine = bucket_of(
        people.user(
            "ann",
            {
                "Action": "oss:ListObjects",
                "Resource": arn(cloud, "pictures"),
                "Condition": {"StringLike": allowed},
            },
        )
    )
    bucket_of(cloud).create_bucket()
    bucket_of(cloud).put_object("hangzhou/1", b"x")
    assert ["hangzhou/"] == mine.list_objects(delimiter="/").prefix_list
    assert ["hangzhou/1"] == [item.key for item in mine.list_objects("hangzhou/", "/").object_list]
    assert "oss:ListObjects" == denied(lambda: mine.list_objects("beijing/", "/"))["AuthAction"]
    assert "oss:ListObjects" == denied(lambda: mine.list_objects("hangzhou/"))["AuthAction"]


def test_conditions_on_the_request_itself(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """Where it comes from, whether it is encrypted, when it is made."""
    bucket_of(cloud).create_bucket()
    near = {"IpAddress": {"acs:SourceIp": ["127.0.0.0/8", "::1"]}}
    mine = bucket_of(people.user("ann", {"Action": "*", "Resource": "*", "Condition": near}))
    mine.put_object("k", b"x")
    for condition in (
        {"NotIpAddress": {"acs:SourceIp": "127.0.0.0/8"}},
        {"Bool": {"acs:SecureTransport": "true"}},
        {"DateGreaterThan": {"acs:CurrentTime": "2100-01-01T00:00:00Z"}},
        {"StringLike": {"acs:UserAgent": "curl/*"}},
    ):
        people.allow("ann", {"Action": "*", "Resource": "*", "Condition": condition})
        assert "oss:PutObject" == denied(lambda: mine.put_object("k", b"x"))["AuthAction"]
    who = {"StringEquals": {"acs:PrincipalARN": f"acs:ram::{cloud.account_id}:user/ann"}}
    people.allow("ann", {"Action": "*", "Resource": "*", "Condition": who})
    mine.put_object("k", b"x")


def test_several_rights_are_needed_together(cloud: LocalCloud, people: People, bucket_of: BucketOf) -> None:
    """A copy reads its source, tags need their own right, and a batch of deletes each of its keys."""
    bucket_of(cloud).create_bucket()
    bucket_of(cloud).put_object("from", b"x")
    read = {"Action": "oss:GetObject", "Resource": arn(cloud, "pictures", "from")}
    write = {"Action": "oss:PutObject", "Resource": arn(cloud, "pictures", "to")}
    reader, writer, both = (
        bucket_of(people.user(name, *statements))
        for name, statements in {"r": [read], "w": [write], "rw": [read, write]}.items()
    )
    assert "oss:PutObject" == denied(lambda: reader.copy_object("pictures", "from", "to"))["AuthAction"]
    assert "oss:GetObject" == denied(lambda: writer.copy_object("pictures", "from", "to"))["AuthAction"]
    both.copy_object("pictures", "from", "to")
    tagged = denied(lambda: both.put_object("to", b"x", headers={"x-oss-tagging": "a=b"}))
    assert "oss:PutObjectTagging" == tagged["AuthAction"]
    cleaner = bucket_of(people.user("c", {"Action": "oss:DeleteObject", "Resource": arn(cloud, "pictures", "to")}))
    assert "oss:DeleteObject" == denied(lambda: cleaner.batch_delete_objects(["to", "from"]))["AuthAction"]
    assert bucket_of(cloud).object_exists("to")
    cleaner.batch_delete_objects(["to"])
    assert not bucket_of(cloud).object_exists("to")


def test_loose_is_no_way_around(bucket_of: BucketOf) -> None:
    """It tolerates what the emulator does not know, not what RAM does not allow."""
    with running(Config(virtual_clock=True, loose=True)) as loose:
        people = People(loose, RamClient(rpc_config(loose)))
        mine = people.user("ann")
        bucket_of(loose).create_bucket()
        assert "oss:PutObject" == denied(lambda: bucket_of(mine).put_object("k", b"x"))["AuthAction"]

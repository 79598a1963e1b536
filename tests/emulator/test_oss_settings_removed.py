"""Settings of a bucket that are removed again, or that oss2 has no method for but providers call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
from mns.account import Account
from mns.topic import TopicMeta

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


def ask(bucket: oss2.Bucket, method: str, setting: str) -> Any:
    """A signed request that oss2 has no method for, sent by oss2."""
    answer = bucket._do(method, bucket.bucket_name, "", params={setting: ""})  # noqa: SLF001 - its only way
    return answer.read()


def test_tags_and_the_public_access_block_are_removed(bucket: oss2.Bucket) -> None:
    """And read back as never set."""
    rule = oss2.models.TaggingRule()
    rule.add("a", "1")
    bucket.put_bucket_tagging(oss2.models.Tagging(rule))
    bucket.delete_bucket_tagging()
    assert {} == bucket.get_bucket_tagging().tag_set.tagging_rule
    bucket.put_bucket_public_access_block(block_public_access=True)
    bucket.delete_bucket_public_access_block()
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_bucket_public_access_block()
    assert 404 == caught.value.status


def test_a_bucket_moves_to_another_resource_group(bucket: oss2.Bucket) -> None:
    """Its new group is what is read."""
    bucket.put_bucket_resource_group("rg-other")
    assert "rg-other" == bucket.get_bucket_resource_group().resource_group_id


def test_a_policy_is_public_when_it_says_everybody(bucket: oss2.Bucket) -> None:
    """GetBucketPolicyStatus, with and without a policy."""
    assert b"<IsPublic>false</IsPublic>" in ask(bucket, "GET", "policyStatus")
    bucket.put_bucket_policy(
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:GetObject"],"Principal":["*"],'
        '"Resource":["acs:oss:*:*:pictures/*"]}]}'
    )
    assert b"<IsPublic>true</IsPublic>" in ask(bucket, "GET", "policyStatus")


@pytest.mark.parametrize("setting", ["referer", "transferAcceleration"])
def test_other_settings_are_removed_too(bucket: oss2.Bucket, setting: str) -> None:
    """As often as one likes."""
    if setting == "referer":
        bucket.put_bucket_referer(oss2.models.BucketReferer(allow_empty_referer=False, referers=["http://a.test"]))
    else:
        bucket.put_bucket_transfer_acceleration("true")
    ask(bucket, "DELETE", setting)
    ask(bucket, "DELETE", setting)
    if setting == "referer":
        assert [] == bucket.get_bucket_referer().referers


def test_a_topics_attributes_change(cloud: LocalCloud) -> None:
    """SetTopicAttributes of the data plane."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    topic = account.get_topic("t")
    topic.create(TopicMeta())
    topic.set_attributes(TopicMeta(maximum_message_size=2048))
    assert 2048 == topic.get_attributes().maximum_message_size
    account.mns_client.close_connection()

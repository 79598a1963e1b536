"""OSS events in MNS: rules through the control plane's SDK, objects through oss2, messages through the queue's SDK."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_mns_open20220119 import models
from alibabacloud_mns_open20220119.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.mns_exception import MNSExceptionBase

from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.testing import LocalCloud

Events = list[dict[str, Any]]


@pytest.fixture
def control(cloud: LocalCloud) -> Client:
    """The control plane, with a queue and a topic that feeds it."""
    client = Client(rpc_config(cloud))
    client.create_queue(models.CreateQueueRequest(queue_name="events"))
    client.create_topic(models.CreateTopicRequest(topic_name="news"))
    client.subscribe(
        models.SubscribeRequest(
            topic_name="news",
            subscription_name="to-events",
            endpoint="events",
            push_type="queue",
            notify_content_format="SIMPLIFIED",
        )
    )
    return client


def make_rule(
    control: Client,
    *matches: dict[str, Any],
    name: str = "rule",
    types: tuple[str, ...] = ("ObjectCreated:*", "ObjectRemoved:*"),
    kind: str = "queue",
    endpoint: str = "events",
    token: str | None = None,
) -> Any:
    """A rule with one list of conditions, all of which must hold."""
    return control.create_event_rule(
        models.CreateEventRuleRequest(
            product_name="oss",
            rule_name=name,
            event_types=list(types),
            match_rules=[[models.EventMatchRule(**match) for match in matches]],
            endpoint=models.CreateEventRuleRequestEndpoint(endpoint_type=kind, endpoint_value=endpoint),
            client_token=token,
        )
    )


@pytest.fixture
def take(cloud: LocalCloud) -> Iterator[Callable[[], Events]]:
    """Receive and delete all messages of the queue; their events."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue = account.get_queue("events")
    queue.set_encoding(False)

    def receive() -> Events:
        events: Events = []
        while True:
            try:
                message = queue.receive_message()
            except MNSExceptionBase as none:
                if none.type != "MessageNotExist":
                    raise
                return events
            queue.delete_message(message.receipt_handle)
            events += json.loads(b64decode(message.message_body, validate=True))["events"]

    yield receive
    account.mns_client.close_connection()


def test_an_event_reads_as_oss_documents_it(
    cloud: LocalCloud, control: Client, bucket: oss2.Bucket, take: Callable[[], Events]
) -> None:
    """Base64 of a JSON document, with the request's id, the signer, and by how much the object grew."""
    make_rule(control, {"prefix": "pictures/"})
    bucket.put_object("a/é.jpg", b"12345")
    put = bucket.put_object("a/é.jpg", b"123")
    first, second = take()
    assert 5 == first["oss"]["object"]["deltaSize"]
    time = second.pop("eventTime")
    assert (24, "Z") == (len(time), time[-1])
    assert {
        "eventName": "ObjectCreated:PutObject",
        "eventSource": "acs:oss",
        "eventVersion": "1.0",
        "oss": {
            "bucket": {
                "arn": f"acs:oss:cn-hangzhou:{cloud.account_id}:pictures",
                "name": "pictures",
                "ownerIdentity": cloud.account_id,
                "virtualBucket": "",
            },
            "object": {"deltaSize": -2, "eTag": put.etag, "key": "a/é.jpg", "size": 3},
            "ossSchemaVersion": "1.0",
            "ruleId": "rule",
        },
        "region": "cn-hangzhou",
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"requestId": put.request_id},
        "userIdentity": {"principalId": cloud.account_id},
    } == second


def test_every_way_to_change_an_object_has_its_event(
    control: Client, bucket: oss2.Bucket, take: Callable[[], Events]
) -> None:
    """Put, copy, append, multipart, link, delete and delete of many; deleting nothing is no event."""
    make_rule(control, {"prefix": "pictures/"})
    bucket.put_object("put", b"x")
    bucket.copy_object("pictures", "put", "copy")
    bucket.append_object("log", 0, b"x")
    upload = bucket.init_multipart_upload("big").upload_id
    part = bucket.upload_part("big", upload, 1, b"x")
    bucket.complete_multipart_upload("big", upload, [oss2.models.PartInfo(1, part.etag, part_crc=part.crc, size=1)])
    bucket.put_symlink("put", "link")
    bucket.delete_object("put")
    bucket.delete_object("never was")
    bucket.batch_delete_objects(["copy", "never was"])
    assert [
        ("ObjectCreated:PutObject", "put"),
        ("ObjectCreated:CopyObject", "copy"),
        ("ObjectCreated:AppendObject", "log"),
        ("ObjectCreated:CompleteMultipartUpload", "big"),
        ("ObjectCreated:PutSymlink", "link"),
        ("ObjectRemoved:DeleteObject", "put"),
        ("ObjectRemoved:DeleteObjects", "copy"),
    ] == [(event["eventName"], event["oss"]["object"]["key"]) for event in take()]


@pytest.mark.parametrize(
    ("matches", "keys"),
    [
        ([{"prefix": "pictures/in/", "suffix": ".jpg"}], ["in/a.jpg"]),
        ([{"name": "pictures/in/a.txt"}], ["in/a.txt"]),
        ([{"prefix": "pictures/"}, {"suffix": ".jpg", "match_state": False}], ["in/a.txt"]),
        ([{"prefix": "other/"}], []),
        ([{"prefix": "acs:oss:cn-hangzhou:1234567890123456:pictures/out"}], ["out/a.jpg"]),
    ],
)
def test_rules_choose_by_prefix_suffix_and_name(
    control: Client, bucket: oss2.Bucket, take: Callable[[], Events], matches: list[dict[str, Any]], keys: list[str]
) -> None:
    """A name is the bucket and the key; all conditions of a list must hold."""
    make_rule(control, *matches)
    for key in ("in/a.jpg", "in/a.txt", "out/a.jpg"):
        bucket.put_object(key, b"")
    assert keys == [event["oss"]["object"]["key"] for event in take()]


def test_types_choose_and_topics_pass_on(control: Client, bucket: oss2.Bucket, take: Callable[[], Events]) -> None:
    """A rule for removals hears of nothing else, and a topic's subscribers get what the topic gets."""
    make_rule(control, {"prefix": "pictures/"}, types=("ObjectRemoved:DeleteObject",), kind="topic", endpoint="news")
    bucket.put_object("a", b"123")
    bucket.delete_object("a")
    (event,) = take()
    assert ("ObjectRemoved:DeleteObject", -3) == (event["eventName"], event["oss"]["object"]["deltaSize"])


def test_a_rule_is_read_listed_and_deleted(
    cloud: LocalCloud, control: Client, bucket: oss2.Bucket, take: Callable[[], Events]
) -> None:
    """As it was put; a queue reads back as an endpoint; after deletion events go nowhere."""
    assert "rule" == make_rule(control, {"prefix": "pictures/", "suffix": ".jpg"}).body.data
    held = control.get_event_rule(models.GetEventRuleRequest(product_name="oss", rule_name="rule")).body.data
    assert ("rule", ["ObjectCreated:*", "ObjectRemoved:*"]) == (held.rule_name, held.event_types)
    assert [[{"Prefix": "pictures/", "Suffix": ".jpg", "MatchState": True}]] == [
        [match.to_map() for match in rule] for rule in held.match_rules
    ]
    assert ("queue", f"acs:mns:cn-hangzhou:{cloud.account_id}:/queues/events") == (
        held.endpoint.endpoint_type,
        held.endpoint.endpoint_value,
    )
    make_rule(control, {"name": "other/x"}, name="another", kind="topic", endpoint="news")
    page = control.list_event_rules(models.ListEventRulesRequest(product_name="oss", page_size=1)).body.data
    assert (["another", "rule"], 10, 2) == ([rule.rule_name for rule in page.page_data], page.page_size, page.total)
    chosen = models.ListEventRulesRequest(product_name="oss", resource_name="pictures")
    assert ["rule"] == [rule.rule_name for rule in control.list_event_rules(chosen).body.data.page_data]
    control.delete_event_rule(models.DeleteEventRuleRequest(product_name="oss", rule_name="rule"))
    bucket.put_object("a.jpg", b"")
    assert [] == take()


def test_what_cannot_be_a_rule_is_refused(control: Client) -> None:
    """Names, types, conditions and endpoints that do not fit, the eleventh rule, and asking for what is not there."""
    refused: dict[str, Callable[[], Any]] = {
        "EventRuleNotExist": lambda: control.get_event_rule(
            models.GetEventRuleRequest(product_name="oss", rule_name="none")
        ),
        "QueueNotExist": lambda: make_rule(control, {"prefix": "b/"}, endpoint="none"),
        "TopicNotExist": lambda: make_rule(control, {"prefix": "b/"}, kind="topic", endpoint="none"),
        "NotImplemented.Emulator": lambda: make_rule(control, {"prefix": "b/"}, types=("ObjectDownloaded:GetObject",)),
        "InvalidArgument": lambda: make_rule(control, {"name": "b/k", "prefix": "b/"}),
    }
    for code, ask in refused.items():
        with pytest.raises(ClientException) as caught:
            ask()
        assert code == caught.value.code
    for number in range(10):
        make_rule(control, {"prefix": "b/"}, name=f"rule{number}", token=f"token{number}")
    make_rule(control, {"prefix": "b/"}, name="rule1", token="token1")
    for name, code in (("rule1", "EventRuleAlreadyExist"), ("rule10", "EventRuleNumExceedLimit")):
        with pytest.raises(ClientException) as caught:
            make_rule(control, {"prefix": "b/"}, name=name)
        assert code == caught.value.code

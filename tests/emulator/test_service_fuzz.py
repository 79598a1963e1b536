"""Nonsense in IMM's and MNS's own clothes: every parameter and body of the right kind and the wrong content.

`test_server_fuzz` knocks at the door; this is about what a signed caller can send: JSON where JSON belongs, XML where
XML belongs, tokens that decode. Whatever it is, the answer is the service's, never a traceback or a 500.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.auth.identity import root_identity
from emulator.call import Call, Reply
from emulator.gateway import execute
from emulator.imm import lifecycle
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCOUNT, Config, Instance, start
from emulator.mns.data import resolve
from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from emulator.refusal import Refusal
from emulator.services import SERVICES

REGION = "cn-hangzhou"
URI = "oss://bucket/a.txt"
NAMES = st.sampled_from(["p", "d", "q", "t", "s", "none", "a b", "", "²", "\ud800", "oss://bucket", URI])
NUMBERISH = st.sampled_from(["0", "1", "2", "100", "-1", "9" * 30, "٣", "²", "1e3", "True", "null"])
TIMES = st.sampled_from(["2022-07-06T07:03:28+08:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "x"])
WORDS = st.one_of(st.text(max_size=8), NAMES, NUMBERISH, TIMES)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS)
MEMBERS = st.sampled_from(
    [
        "Action", "Actions", "Addresses", "Bucket", "CustomId", "CustomLabels", "DeadLetterTargetQueue", "Enabled",
        "End", "EndpointType", "EndpointValue", "FastFailPolicy", "Field", "Figures", "FileHash", "Key", "LabelName",
        "Labels", "LatLong", "MNS", "MatchState", "MaxReceiveCount", "Name", "OSS", "Operation", "Parameters", "Prefix",
        "ProduceTime", "Start", "SubQueries", "Suffix", "Title", "TopicName", "URI", "Value",
    ]
)  # fmt: skip
FIELDS = st.sampled_from(
    ["Size", "Title", "Labels", "Labels.LabelName", "CustomLabels.a", "LatLong", "ProduceTime", "OSSTagging.x", "Nope"]
)
OPERATIONS = st.sampled_from(
    [
        "eq", "lt", "lte", "gt", "gte", "prefix", "match-phrase", "exist", "and", "or", "not", "nested", "geo-distance",
        "geo-bounding-box", "geo-polygon", "sum", "max", "average", "group", "distinct", "count", "nope",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.one_of(SCALARS, st.just("emulator/index"), st.just("dataset=d"), FIELDS, OPERATIONS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(MEMBERS, inner, max_size=4)),
    max_leaves=12,
)
CONDITION = st.fixed_dictionaries({"Field": FIELDS, "Operation": OPERATIONS, "Value": WORDS})
QUERY = st.recursive(
    CONDITION,
    lambda inner: st.fixed_dictionaries(
        {"Operation": st.one_of(OPERATIONS, JSON), "SubQueries": st.lists(inner, max_size=3)}, optional={"Field": JSON}
    ),
    max_leaves=5,
)
FILE_MEMBERS = ["CustomId", "CustomLabels", "Title", "LatLong", "ProduceTime", "Labels", "Addresses", "Figures"]
FILE = st.fixed_dictionaries(
    {"URI": st.just(URI)},
    optional=dict.fromkeys(
        ("CustomId", "CustomLabels", "Title", "LatLong", "ProduceTime", "Labels", "Addresses", "Figures"), JSON
    ),
)
ACTION = st.fixed_dictionaries({"Name": st.just("emulator/index"), "Parameters": JSON, "FastFailPolicy": JSON})


# A call that goes through, by parameter; what an operation needs besides is put there by `furnished`.
GOOD = {
    "Actions": '[{"Name":"emulator/index","Parameters":["dataset=d"]}]',
    "DatasetName": "d",
    "Endpoint": '{"EndpointType":"queue","EndpointValue":"q"}',
    "EventTypes": '["ObjectCreated:*"]',
    "File": '{"URI":"oss://bucket/b.txt"}',
    "Files": '[{"URI":"oss://bucket/b.txt"}]',
    "Input": '{"OSS":{"Bucket":"bucket"}}',
    "MatchRules": '[[{"Prefix":"bucket/"}]]',
    "OSSBucket": "bucket",
    "ProductName": "oss",
    "Project": "old",
    "ProjectName": "p",
    "PushType": "queue",
    "QueueName": "q",
    "RuleName": "r",
    "ServiceRole": "AliyunIMMBatchTriggerRole",
    "SubscriptionName": "s",
    "TaskId": "t",
    "TaskType": "FileMetaIndex",
    "TopicName": "t",
    "URI": URI,
    "URIs": '["oss://bucket/a.txt"]',
}


@cache
def deep(opening: str, closing: str) -> str:
    """JSON nested deeper than Python recurses."""
    return opening * 100_000 + closing * 100_000


def as_text(value: Any) -> str:
    """JSON as a client writes it."""
    return json.dumps(value, ensure_ascii=False)


def token(text: str) -> str:
    """Text in a token's clothes."""
    return urlsafe_b64encode(text.encode("utf-8", "replace")).decode()


def condition(field: str, value: str) -> str:
    """A query of one condition."""
    return as_text({"Field": field, "Operation": "gt", "Value": value})


TOKENS = st.builds(lambda place: token(as_text(place)), JSON)
DEEP = st.sampled_from([deep("[", "]"), deep('{"a":', "}")])
SORTS = st.lists(st.sampled_from(["Title", "Size", "URI", "LatLong", "ProduceTime", "Labels"]), max_size=3)
RANGE = st.dictionaries(st.sampled_from(["Start", "End"]), st.one_of(TIMES, JSON))
POLICY = st.fixed_dictionaries(
    {"Enabled": st.booleans(), "DeadLetterTargetQueue": st.just("q"), "MaxReceiveCount": st.one_of(NUMBERISH, JSON)}
)
BUCKET = st.fixed_dictionaries({"OSS": st.fixed_dictionaries({"Bucket": st.just("bucket"), "Prefix": JSON})})
TOPIC = st.fixed_dictionaries({"MNS": st.fixed_dictionaries({"TopicName": st.one_of(st.just("t"), JSON)})})
AGGREGATION = st.fixed_dictionaries({"Field": st.one_of(FIELDS, JSON), "Operation": st.one_of(OPERATIONS, JSON)})
ENDPOINT = st.fixed_dictionaries(
    {
        "EndpointType": st.one_of(st.sampled_from(["queue", "topic"]), JSON),
        "EndpointValue": st.one_of(st.just("q"), JSON),
    }
)
# What belongs into a parameter of structure; the rest of them take words and numbers.
SHAPES: dict[str, st.SearchStrategy[Any]] = {
    "Actions": st.lists(ACTION, max_size=2),
    "Aggregations": st.lists(AGGREGATION, max_size=2),
    "DlqPolicy": POLICY,
    "Endpoint": ENDPOINT,
    "Endpoints": st.lists(ENDPOINT, max_size=2),
    "EventTypes": st.one_of(st.just(["ObjectCreated:*"]), JSON),
    "File": FILE,
    "Files": st.lists(FILE, max_size=3),
    "Input": BUCKET,
    "MatchRules": st.lists(st.lists(st.dictionaries(MEMBERS, JSON, min_size=1, max_size=2), min_size=1), min_size=1),
    "Notification": TOPIC,
    "Query": QUERY,
    "StartTimeRange": RANGE,
    "EndTimeRange": RANGE,
    "Subscription": ENDPOINT,
}


def fitting(name: str) -> st.SearchStrategy[str]:
    """Values for a parameter: mostly of its own shape."""
    if name == "NextToken":
        return st.one_of(TOKENS, TOKENS, WORDS, DEEP.map(token))
    if name in SHAPES:
        shaped = st.builds(as_text, SHAPES[name])
        return st.one_of(shaped, shaped, shaped, st.builds(as_text, JSON), WORDS, DEEP)
    return st.one_of(WORDS, NUMBERISH, st.builds(as_text, JSON))


ELEMENTS = st.sampled_from(
    [
        "DelaySeconds", "Endpoint", "FilterTag", "LoggingEnabled", "MaximumMessageSize", "Message", "MessageBody",
        "MessageTag", "Messages", "NotifyContentFormat", "NotifyStrategy", "Priority", "Queue", "ReceiptHandle",
        "ReceiptHandles", "Subscription", "Topic", "VisibilityTimeout",
    ]
)  # fmt: skip
XML = st.recursive(
    st.builds(lambda name, text: f"<{name}>{text}</{name}>", ELEMENTS, st.sampled_from(["", "m", "1", "-1", "9" * 30])),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", ELEMENTS, st.lists(inner, max_size=4)
    ),
    max_leaves=8,
)
BODIES = st.one_of(
    st.builds(str.encode, XML),
    st.binary(max_size=20),
    st.just(b"<Message>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</Message>"),
)
PLACES = st.sampled_from(
    [
        ("queues",), ("queues", "q"), ("queues", "q", "messages"), ("queues", "none", "messages"), ("topics", "t"),
        ("topics", "t", "messages"), ("topics", "t", "subscriptions"), ("topics", "t", "subscriptions", "s"),
        ("topics", "none", "subscriptions", "²"),
    ]
)  # fmt: skip
QUERIES = st.sampled_from(
    ["ReceiptHandle", "VisibilityTimeout", "metaoverride", "numOfMessages", "peekonly", "waitseconds"]
)


def furnished() -> Instance:
    """A bucket with an object, a project with a dataset and a binding, a queue behind a topic, and one message."""
    instance = start(Config(virtual_clock=True))
    cloud = instance.cloud
    cloud.oss.buckets["bucket"] = Bucket("bucket", DEFAULT_ACCOUNT, REGION, cloud.clock.now())
    put_object(cloud, "bucket", make_object("a.txt", b"text", cloud.clock.now()))
    put_object(cloud, "bucket", make_object("b.txt", b"text", cloud.clock.now()))
    place = {"ProjectName": "p", "DatasetName": "d"}
    for service, name, params in (
        ("imm", "CreateProject", {"ProjectName": "p"}),
        ("imm", "CreateDataset", place),
        ("imm", "CreateBinding", {**place, "URI": "oss://bucket"}),
        ("imm", "IndexFileMeta", {**place, "File": as_text({"URI": URI, "Title": "t", "LatLong": "1,2"})}),
        ("imm-2017", "PutProject", {"Project": "old"}),
        ("mns-open", "CreateQueue", {"QueueName": "q"}),
        ("mns-open", "CreateTopic", {"TopicName": "t"}),
        (
            "mns-open",
            "Subscribe",
            {"TopicName": "t", "SubscriptionName": "s", "PushType": "queue", "Endpoint": "q"},
        ),
        (
            "mns-open",
            "CreateEventRule",
            {name: GOOD[name] for name in ("ProductName", "RuleName", "EventTypes", "MatchRules", "Endpoint")},
        ),
    ):
        assert isinstance(ask(instance, service, name, params), Reply)
    cloud.clock.advance(60)
    lifecycle.advance(cloud)
    return instance


def ask(
    instance: Instance,
    service: str,
    name: str,
    params: dict[str, str],
    place: tuple[str, ...] = (),
    body: bytes = b"",
) -> Reply | Refusal:
    """Run one operation as the account's root."""
    operation = SERVICES[service].by_name[name]
    call = Call(
        service=service,
        operation=name,
        account=DEFAULT_ACCOUNT,
        region=REGION,
        request_id="r",
        params=params,
        body=body,
        resource=place,
        identity=root_identity(DEFAULT_ACCOUNT, DEFAULT_ACCESS_KEY_ID),
    )
    return execute(instance.cloud, call, operation)


def is_answered(outcome: Reply | Refusal) -> bool:
    """An answer, or a refusal that blames the request."""
    return isinstance(outcome, Reply) or outcome.status < 500


def served() -> list[tuple[str, str]]:
    """Every RPC operation of IMM, old and new, and of MNS's control plane."""
    return [(service, name) for service in ("imm", "imm-2017", "mns-open") for name in SERVICES[service].by_name]


@pytest.mark.parametrize(("service", "name"), served(), ids=lambda text: text)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_signed_nonsense_never_breaks_a_handler(service: str, name: str, data: st.DataObject) -> None:
    """A good call with one or two parameters gone wrong; what was accepted is then lived with, listed and sorted."""
    instance = furnished()
    operation = SERVICES[service].by_name[name]
    params = {parameter: value for parameter, value in GOOD.items() if parameter in operation.params}
    wrong = data.draw(st.lists(st.sampled_from(sorted(operation.params)), unique=True, min_size=1, max_size=2))
    params |= {parameter: data.draw(fitting(parameter)) for parameter in wrong}
    assert is_answered(ask(instance, service, name, params)), f"{name} {params}"
    instance.cloud.clock.advance(60)
    lifecycle.advance(instance.cloud)
    place = {"ProjectName": "p", "DatasetName": "d"}
    sort = ",".join(data.draw(SORTS))
    assert is_answered(ask(instance, "imm", "SimpleQuery", {**place, "Sort": sort}))
    assert is_answered(ask(instance, "imm", "FuzzyQuery", {**place, "Query": "a"}))
    assert is_answered(ask(instance, "mns", "ReceiveMessage", {}, ("queues", "q", "messages")))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_signed_nonsense_never_breaks_the_data_plane(data: st.DataObject) -> None:
    """Any method on any path of MNS, with any XML."""
    instance = furnished()
    for _ in range(3):
        place, method = data.draw(PLACES), data.draw(st.sampled_from(["GET", "PUT", "POST", "DELETE"]))
        params = data.draw(st.dictionaries(QUERIES, st.one_of(WORDS, NUMBERISH), max_size=3))
        name = resolve(method, place, params)
        if name is None:
            continue
        params = {key: value for key, value in params.items() if key in SERVICES["mns"].by_name[name].params}
        outcome = ask(instance, "mns", name, params, place, data.draw(BODIES))
        assert is_answered(outcome), f"{name} {place} {params}"


@pytest.mark.parametrize(
    ("service", "name", "params", "code"),
    [
        ("imm", "SimpleQuery", {"Query": '{"Operation":[]}'}, "InvalidArgument"),
        ("imm", "SimpleQuery", {"Aggregations": '[{"Field":"Size","Operation":[]}]'}, "InvalidArgument"),
        ("imm", "SimpleQuery", {"Query": condition("ProduceTime", "0001-01-01T00:00:00+14:00")}, "InvalidArgument"),
        ("imm", "SimpleQuery", {"NextToken": token(deep("[", "]"))}, "InvalidNextToken"),
        ("imm", "SimpleQuery", {"Sort": "Title", "NextToken": token("[[],{}]")}, "InvalidNextToken"),
        ("imm", "ListTasks", {"StartTimeRange": '{"Start":"0001-01-01T00:00:00+14:00"}'}, "InvalidStartTimeRange"),
        ("imm", "IndexFileMeta", {"File": '{"URI":"oss://bucket/a.txt","Title":5}'}, "InvalidArgument"),
        ("imm", "IndexFileMeta", {"File": '{"URI":"oss://bucket/a.txt","Labels":"Cat"}'}, "InvalidArgument"),
        ("imm", "CreateBatch", {"Actions": '[{"Name":"x","FastFailPolicy":{"Action":[]}}]'}, "InvalidActions"),
        ("mns-open", "ListEventRules", {"Subscription": '{"EndpointType":5,"EndpointValue":5}'}, ""),
        ("mns-open", "SetQueueAttributes", {"DlqPolicy": deep("[", "]")}, "InvalidArgument"),
        ("mns-open", "SetQueueAttributes", {"DlqPolicy": f'{{"MaxReceiveCount":"{"9" * 5000}"}}'}, "InvalidArgument"),
    ],
)  # fmt: skip
def test_what_once_broke_a_handler_is_refused(service: str, name: str, params: dict[str, str], code: str) -> None:
    """Found by the test above, and kept so that it need not find them again."""
    operation = SERVICES[service].by_name[name]
    good = {parameter: value for parameter, value in GOOD.items() if parameter in operation.params}
    outcome = ask(furnished(), service, name, good | params)
    assert code == (outcome.code if isinstance(outcome, Refusal) else "")


@pytest.mark.parametrize(("place", "name"), [("logging", "BucketLogging"), ("website", "BucketWebsite")])
def test_xml_deeper_than_any_document_is_malformed(place: str, name: str) -> None:
    """Fifty elements within elements are more than any service sends; thousands once exhausted the stack."""
    root = {"logging": "BucketLoggingStatus", "website": "WebsiteConfiguration"}[place]

    def put(depth: int) -> Reply | Refusal:
        body = f"<{root}>{'<a>' * depth}{'</a>' * depth}</{root}>".encode()
        return ask(furnished(), "oss", f"Put{name}", {place: ""}, ("bucket", ""), body)

    assert isinstance(put(40), Reply)
    refused = put(5000)
    assert isinstance(refused, Refusal)
    assert (400, "MalformedXML") == (refused.status, refused.code)

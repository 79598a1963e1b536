"""`controller.cloud.mns.MnsQueue` against the emulator, through the official SDK's client."""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable

import pytest
from alibabacloud_sts20150401.client import Client as StsClient
from mns.topic import Base64TopicMessage, TopicMessage

from controller.cloud import trace
from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import BadCredentials, Denied, Invalid, QueueNotFound, Unavailable
from controller.cloud.limiter import Limiter, Limiters
from controller.cloud.mns import MnsQueue
from controller.cloud.ports import IndexedFile, ProjectSpec, QueuePort
from controller.core.facts import QueueFacts, QuotaFacts
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from tests.contract.conftest import Ports
from tests.emulator.role_room import assume, config_as, new_role, new_user, trust
from tests.mns_sdk import account_of, make_queue, make_results

HARD = [
    '{"a": "\\"quoted\\" it\'s"}',
    "日本 語 😀",
    "<a>&amp;</a> & ]]>",
    "a+b%20c=d",
    " leading\n\ttrailing ",
    "eyJhIjoxfQ==",
]


@pytest.fixture
def queue(cloud: LocalCloud, ports: Ports) -> MnsQueue:
    """The adapter, with its queue, into which its topic publishes."""
    make_results(cloud, "results")
    return ports.queue


def test_bodies_arrive_as_they_were_sent(queue: MnsQueue) -> None:
    """Whether or not they look like base64; with what tells messages apart."""
    for body in HARD:
        queue.send(body)
    received = queue.receive(0)
    assert HARD == [message.body for message in received]
    assert (len(HARD), len(HARD)) == tuple(len({getattr(m, part) for m in received}) for part in ("id", "handle"))
    assert {1} == {message.times for message in received}


def test_both_encodings_of_a_publisher_lie_there_as_they_are(cloud: LocalCloud, queue: MnsQueue) -> None:
    """Decoding is not the queue's business; the SDK's own would raise after it hid the message."""
    with account_of(cloud) as account:
        topic = account.get_topic("results")
        topic.publish_message(TopicMessage('{"raw": 1}'))
        topic.publish_message(Base64TopicMessage('{"encoded": 1}'))
    raw, encoded = (message.body for message in queue.receive(0))
    assert ('{"raw": 1}', b'{"encoded": 1}') == (raw, b64decode(encoded))


@pytest.mark.parametrize("encoded", [False, True])
def test_results_of_an_index_call_arrive_in_either_encoding(
    cloud: LocalCloud, ports: Ports, queue: MnsQueue, *, encoded: bool
) -> None:
    """Once there is something to tell; until then a look says that nothing waits."""
    cloud.switch("notification_base64", encoded)
    ports.imm.create_project(ProjectSpec("media"))
    ports.imm.create_dataset("media", "d", template_id=None, description=None, quotas=QuotaFacts())
    ports.files.index("media", "d", [IndexedFile("oss://photos/日本.jpg")], topic="results", user_data="u")
    assert QueueFacts(waiting=0, in_work=0) == queue.look()
    assert [] == queue.receive(0)
    cloud.advance(60)
    assert QueueFacts(waiting=1, in_work=0) == queue.look()
    (message,) = queue.receive(0)
    assert QueueFacts(waiting=0, in_work=1) == queue.look()
    body = b64decode(message.body).decode() if encoded else message.body
    assert "oss://photos/日本.jpg" == json.loads(body)["Files"][0]["URI"]
    assert abs(message.enqueued_at - cloud.now()) < 61


def test_a_message_that_is_not_deleted_comes_again(cloud: LocalCloud, queue: MnsQueue) -> None:
    """With another handle, and the count of its receipts."""
    queue.send("one")
    (first,) = queue.receive(0)
    assert [] == queue.receive(0)
    cloud.advance(31)
    (second,) = queue.receive(0)
    assert (first.id, 2, True) == (second.id, second.times, first.handle != second.handle)
    queue.delete([second.handle])
    cloud.advance(31)
    assert [] == queue.receive(0)


def test_at_most_as_many_as_asked_for_are_received_and_deleted_together(queue: MnsQueue) -> None:
    """Sixteen are the most that one call takes."""
    for number in range(20):
        queue.send(str(number))
    assert [3, 16, 1] == [len(queue.receive(0, most)) for most in (3, 16, 16)]
    with pytest.raises(Invalid):
        queue.receive(0, 17)


def test_a_handle_that_is_no_longer_good_is_no_error(cloud: LocalCloud, queue: MnsQueue) -> None:
    """What can be deleted is deleted; what cannot comes again."""
    for body in ("late", "good"):
        queue.send(body)
    stale = {message.body: message.handle for message in queue.receive(0)}["late"]
    cloud.advance(31)
    good = {message.body: message.handle for message in queue.receive(0)}["good"]
    queue.delete([stale, good, "nonsense"])
    queue.delete([good])
    queue.delete([])
    cloud.advance(31)
    assert ["late"] == [message.body for message in queue.receive(0)]
    assert 2 == cloud.counts()["mns"]["BatchDeleteMessage"]


def test_without_the_queue_absence_is_only_for_who_looks(ports: Ports) -> None:
    """Nobody can receive from what is not there, however long they would wait; the queue is named."""
    assert ports.queue.look() is None
    calls: list[Callable[[], object]] = [
        lambda: ports.queue.receive(30),
        lambda: ports.queue.delete(["1-A"]),
        lambda: ports.queue.send("x"),
    ]
    for call in calls:
        with pytest.raises(QueueNotFound) as caught:
            call()
        assert ("QueueNotExist", True) == (caught.value.code, "queue results" in caught.value.message)
        assert caught.value.request_id


def test_a_long_poll_ends_with_the_message_and_holds_up_nobody(
    cloud: LocalCloud, queue: MnsQueue, ports_of: Callable[..., Ports]
) -> None:
    """A turn of the limiter is for setting out, not for the way."""
    key = Credentials(cloud.access_key_id, cloud.access_key_secret)
    limiter = Limiter("one", rate=5, burst=1)
    waiting, other = (MnsQueue(key, endpoint=cloud.url, queue="results", limiter=limiter) for _ in range(2))
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.extend(m.body for m in waiting.receive(30)))
    reader.start()
    deadline = time.monotonic() + 20
    while not cloud.long_polls() and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    assert QueueFacts(waiting=0, in_work=0) == other.look()
    other.send("at last")
    reader.join(20)
    assert (["at last"], True) == (received, time.monotonic() - began < 15)


def test_calls_are_counted_with_their_request_ids(cloud: LocalCloud, queue: MnsQueue) -> None:
    """An empty queue is an everyday answer, not an error."""
    before = trace.calls.read()
    assert [] == queue.receive(0)
    queue.send("x")
    for name in ("BatchReceiveMessage", "SendMessage"):
        assert 1 == trace.calls.read()[f"mns:{name}", "ok"] - before.get((f"mns:{name}", "ok"), 0)
        assert cloud.requests("mns", name)[-1]["request_id"] == trace.request_id_of(f"mns:{name}")


def test_a_role_reads_with_its_token_until_that_ends(cloud: LocalCloud, queue: MnsQueue) -> None:
    """Then the key is refused as a whole, and no second call is made with it."""
    queue.send("one")
    user = new_user(cloud, "u", "AliyunSTSAssumeRoleAccess")
    arn = new_role(cloud, "r", trust(Principal={"RAM": [f"acs:ram::{cloud.account_id}:root"]}), "AliyunMNSFullAccess")
    made = assume(StsClient(config_as(cloud, user)), arn, duration_seconds=900).credentials
    key = Credentials(made.access_key_id, made.access_key_secret, made.security_token)
    limiter = Limiter("role", rate=50, burst=50)
    port = MnsQueue(key, endpoint=cloud.url, queue="results", limiter=limiter)
    assert ["one"] == [message.body for message in port.receive(0)]
    cloud.advance(901)
    calls = cloud.counts()["mns"]["BatchReceiveMessage"]
    for _ in range(2):
        with pytest.raises(BadCredentials) as caught:
            port.receive(0)
        assert "SecurityTokenExpired" == caught.value.code
        assert made.security_token not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"
    assert calls + 1 == cloud.counts()["mns"]["BatchReceiveMessage"]


def test_who_may_not_is_denied_by_name(cloud: LocalCloud, queue: MnsQueue) -> None:
    """The operation is the RAM action that is missing."""
    key_id, secret, _ = new_user(cloud, "u", "AliyunMNSReadOnlyAccess")
    limiter = Limiter("denied", rate=50, burst=50)
    port = MnsQueue(Credentials(key_id, secret), endpoint=cloud.url, queue="results", limiter=limiter)
    with pytest.raises(Denied) as caught:
        port.send("x")
    assert ("mns:SendMessage", "AccessDenied") == (caught.value.operation, caught.value.code)


def test_over_https_the_authority_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for ends the call before anything was said."""
    with running(Config(virtual_clock=True), https=True) as cloud:
        make_queue(cloud.over_http(), "results")
        key = Credentials(cloud.access_key_id, cloud.access_key_secret)

        def port() -> QueuePort:
            return MnsQueue(key, endpoint=cloud.url, queue="results", limiter=Limiter("tls", rate=50, burst=50))

        with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
            port().look()
        monkeypatch.setenv("SSL_CERT_FILE", str(cloud.ca_file))
        trusting = port()
        trusting.send("x")
        assert ["x"] == [message.body for message in trusting.receive(1)]


@pytest.mark.parametrize(
    ("mns", "host", "port"),
    [
        (None, "42.mns.cn-shanghai.aliyuncs.com", 443),
        ("http://mns.local:8080", "mns.local", 8080),
        ("https://mns.local", "mns.local", 443),
    ],
)
def test_the_address_is_the_accounts_own_unless_it_says_another(
    monkeypatch: pytest.MonkeyPatch, mns: str | None, host: str, port: int
) -> None:
    """And the limiter is one for the account, whatever the queue. Nobody knows the name here: nothing was sent."""
    asked: list[tuple[str, int]] = []

    def nobody(name: str, service: int, *_: object, **__: object) -> None:
        asked.append((name, service))
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    limiters = Limiters()
    clouds = AlibabaClouds(limiters, Rates(), sts_endpoint=None)
    for queue in ("one", "two"):
        with pytest.raises(Unavailable, match=host):
            clouds.queue(Place("42", "cn-shanghai", mns=mns), Credentials("id", "secret"), queue).look()
    assert (host, port) == asked[0]
    assert ["mns/42"] == [limiter.scope for limiter in limiters.all()]

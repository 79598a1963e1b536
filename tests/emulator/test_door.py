"""At the socket, before and behind the services: whatever goes wrong is answered in the service's shape, and logged."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING, Any

import oss2
import pytest

from emulator import transport
from emulator.oss.store import make_object, put_object
from emulator.wire.xml import child_text, parse

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

TIMEOUT = 10  # seconds
DIGITS = "9" * 5000  # Python refuses to read a number of more than 4300
ENDED = b"Connection: close\r\n\r\n"


def connected(cloud: LocalCloud) -> socket.socket:
    """An open connection."""
    host, _, port = cloud.host.partition(":")
    return socket.create_connection((host, int(port)), timeout=TIMEOUT)


def exchanged(cloud: LocalCloud, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body of the answer to these bytes."""
    with connected(cloud) as connection:
        connection.sendall(raw)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def get(cloud: LocalCloud, target: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to a GET."""
    return exchanged(cloud, b"GET %b HTTP/1.1\r\nHost: x\r\n%b" % (target.encode(), ENDED))


def code_of(body: bytes) -> str:
    """The code of an error document of OSS or MNS."""
    root = parse(body)
    assert root is not None
    return child_text(root, "Code")


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Messages of errors."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_time_of_thousands_of_digits_is_refused(cloud: LocalCloud, caplog: pytest.LogCaptureFixture) -> None:
    """In signed addresses of both versions, by strangers, too."""
    status, headers, body = get(cloud, f"/b/k?OSSAccessKeyId={cloud.access_key_id}&Expires={DIGITS}&Signature=x")
    assert (403, "AccessDenied") == (status, code_of(body))
    assert headers["x-oss-request-id"]
    day = time.strftime("%Y%m%d", time.gmtime())
    query = {
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{cloud.access_key_id}/{day}/cn-hangzhou/oss/aliyun_v4_request",
        "x-oss-date": f"{day}T000000Z",
        "x-oss-expires": DIGITS,
        "x-oss-signature": "0",
    }
    status, _, body = get(cloud, "/b/k?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert (400, "AuthorizationQueryParametersError") == (status, code_of(body))
    assert [] == logged(caplog)


@pytest.mark.parametrize(
    ("head", "request_id"),
    [
        (b"", "x-oss-request-id"),
        (b"x-mns-version: 2015-06-06\r\n", "x-mns-request-id"),
        (b"x-acs-version: 2020-09-30\r\n", "x-acs-request-id"),
    ],
)
@pytest.mark.parametrize("where", ["route", "name", "admit"])
def test_a_bug_before_the_service_is_an_internal_error(
    cloud: LocalCloud,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    head: bytes,
    request_id: str,
) -> None:
    """In the protocol's shape as far as it was known, in the journal, and in the log with its traceback."""

    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("a bug put in by this test")

    place = "emulator.server.route" if where == "route" else f"emulator.gateway.{where}"
    monkeypatch.setattr(place, broken)
    status, headers, body = exchanged(cloud, b"GET /b HTTP/1.1\r\nHost: x\r\n" + head + ENDED)
    assert 500 == status
    assert b"InternalError" in body
    assert b"Traceback" not in body
    [entry] = cloud.requests()
    named = headers["x-acs-request-id" if where == "route" else request_id]
    assert (named, 500, "InternalError") == (entry["request_id"], entry["status"], entry["code"])
    [message] = logged(caplog)
    assert named in message


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "\x00", "\x7f"])
def test_an_overridden_header_has_no_control_characters(
    cloud: LocalCloud, bucket: oss2.Bucket, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    """They would end the header, or the connection."""
    bucket.put_object("a", b"text")
    for name in ("response-content-type", "response-content-disposition", "response-expires"):
        with pytest.raises(oss2.exceptions.InvalidArgument) as caught:
            bucket.get_object("a", params={name: value})
        assert 400 == caught.value.status
        assert name in caught.value.message
    assert b"text" == bucket.get_object("a", params={"response-content-type": "a/b"}).read()
    assert [] == logged(caplog)
    assert cloud.counts()["oss"]["GetObject"] == 4


def test_an_answer_that_cannot_be_sent_is_an_internal_error(
    cloud: LocalCloud, bucket: oss2.Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever put such a header there, the client is told and the connection goes on."""

    def put(instance: Any) -> None:
        item = make_object("a", b"", instance.cloud.clock.now(), headers={"cache-control": "a\r\nb: c"})
        put_object(instance.cloud, "pictures", item)

    cloud.run(put)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a")
    assert (500, "InternalError") == (caught.value.status, caught.value.code)
    assert caught.value.request_id == cloud.requests("oss", "GetObject")[-1]["request_id"]
    assert ["control character" in str(record.exc_info) for record in caplog.records if record.exc_info] == [True]


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (b"Host: x\r\nExpect: 100-continue\r\n", 400, b"EntityTooLarge"),
        (b"Host: x\r\n", 400, b"EntityTooLarge"),
        (b"Host: x\r\nx-mns-version: 2015-06-06\r\n", 413, b"EntityTooLarge.Emulator"),
        (b"Host: x\r\nx-acs-version: 2020-09-30\r\n", 413, b"EntityTooLarge.Emulator"),
    ],
)
def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(
    cloud: LocalCloud, head: bytes, status: int, code: bytes
) -> None:
    """By Content-Length, in the service's shape; nothing of it is read, nor asked for."""
    length = transport.MAX_BODY + 1
    with connected(cloud) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\n" + head + b"Content-Length: %d\r\n\r\n" % length)
        answer = connection.recv(65_536)
    assert b"HTTP/1.1 %d " % status == answer[:13]
    assert code in answer
    [entry] = cloud.requests()
    assert (code.decode(), status) == (entry["code"], entry["status"])


def test_a_body_that_turns_out_too_long_is_refused(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks, whose length nobody tells; of the emulator's own pages, too."""
    monkeypatch.setattr(transport, "MAX_BODY", 100)
    chunks = b"Transfer-Encoding: chunked\r\n" + ENDED + b"80\r\n" + b"x" * 128 + b"\r\n0\r\n\r\n"
    status, _, body = exchanged(cloud, b"PUT /b/k HTTP/1.1\r\nHost: x\r\n" + chunks)
    assert (400, "EntityTooLarge") == (status, code_of(body))
    status, _, body = exchanged(cloud, b"PATCH /_emulator/switches HTTP/1.1\r\nHost: localhost\r\n" + chunks)
    assert 413 == status
    assert b"100 bytes" in body


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 1000\r\n\r\nten bytes.",
        b"Transfer-Encoding: chunked\r\n\r\n80\r\nxx",
    ],
)
def test_a_client_that_goes_away_leaves_no_traceback(
    cloud: LocalCloud, caplog: pytest.LogCaptureFixture, rest: bytes
) -> None:
    """In the middle of its body; nothing is stored and the server goes on."""
    caplog.set_level(logging.INFO)
    connection = connected(cloud)
    connection.sendall(b"PUT /pictures/k HTTP/1.1\r\nHost: x\r\n" + rest)
    connection.close()
    deadline = time.monotonic() + TIMEOUT
    while "broke off" not in caplog.text and time.monotonic() < deadline:
        get(cloud, "/")
    assert "broke off" in caplog.text
    assert [] == logged(caplog)
    assert "Traceback" not in caplog.text
    assert "PutObject" not in cloud.counts().get("oss", {})  # whose first call it would be


def test_a_body_nested_too_deeply_is_refused_by_the_levers(cloud: LocalCloud, caplog: pytest.LogCaptureFixture) -> None:
    """As any other wrong body, with 400."""
    body = b"[" * 200_000
    head = b"PATCH /_emulator/switches HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(body)
    status, _, answer = exchanged(cloud, head + ENDED + body)
    assert 400 == status
    assert b"nested" in answer
    assert [] == logged(caplog)

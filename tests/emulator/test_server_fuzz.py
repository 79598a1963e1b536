"""Nonsense at the door: whatever arrives is refused in the protocol's shape, never with a traceback or a 500."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import gateway
from emulator.auth.identity import root_identity
from emulator.call import Call, Reply
from emulator.gateway import execute
from emulator.ids import new_request_id
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCOUNT, Config, start
from emulator.oss.resolve import resolve
from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from emulator.refusal import Refusal
from emulator.routing import route
from emulator.services import SERVICES
from emulator.transport import check_headers
from emulator.wire.http import HttpAnswer, HttpRequest
from emulator.wire.xml import parse

if TYPE_CHECKING:
    from emulator.instance import Instance
    from emulator.testing import LocalCloud

METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"])
TEXT = st.text(max_size=20)
DAY = time.strftime("%Y%m%d", time.gmtime())
MANY_DIGITS = "9" * 5000  # more than Python reads as a number
NUMBERISH = st.sampled_from(
    ["", "0", "1", "-1", "9" * 30, MANY_DIGITS, "²", "1e3", "true", "{}", "[]", "null", "\ud800", "a/b"]
)
VALUES = st.one_of(TEXT, NUMBERISH)
IN_NO_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, 5.5: the server's parser refuses the request
SIGNED = {
    "OSSAccessKeyId": [DEFAULT_ACCESS_KEY_ID],
    "Expires": [MANY_DIGITS, "9999999999"],
    "Signature": ["x"],
    "security-token": ["x"],
    "x-oss-signature-version": ["OSS4-HMAC-SHA256"],
    "x-oss-credential": [f"{DEFAULT_ACCESS_KEY_ID}/{DAY}/cn-hangzhou/oss/aliyun_v4_request"],
    "x-oss-date": [f"{DAY}T000000Z"],
    "x-oss-expires": [MANY_DIGITS, "3600"],
    "x-oss-signature": ["0"],
    "x-oss-additional-headers": ["host;date"],
    "response-content-type": ["a\r\nb: c"],
    "AccessKeyId": [DEFAULT_ACCESS_KEY_ID],
    "SignatureMethod": ["HMAC-SHA1"],
    "SignatureNonce": ["n"],
    "SignatureVersion": ["1.0"],
    "Timestamp": [f"{DAY[:4]}-{DAY[4:6]}-{DAY[6:]}T00:00:00Z"],
    "Version": ["2020-09-30", "2015-04-01"],
    "Action": ["GetCallerIdentity"],
}
# A value that passes is drawn as often as nonsense, so that what stands behind it is reached.
ADDRESSES = st.fixed_dictionaries(
    {}, optional={name: st.one_of(st.sampled_from(values), VALUES) for name, values in SIGNED.items()}
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "authorization",
            "content-md5",
            "content-type",
            "date",
            "if-match",
            "if-modified-since",
            "range",
            "x-acs-action",
            "x-acs-date",
            "x-acs-version",
            "x-mns-version",
            "x-oss-acl",
            "x-oss-copy-source",
            "x-oss-date",
            "x-oss-object-acl",
            "x-oss-range-behavior",
            "x-oss-tagging",
        ]
    ),
    st.one_of(
        VALUES,
        st.sampled_from(
            [
                "MNS a:b",
                "OSS a:b",
                "OSS4-HMAC-SHA256 Credential=a/20260101/r/oss/aliyun_v4_request, Signature=0",
                f"ACS3-HMAC-SHA256 Credential={DEFAULT_ACCESS_KEY_ID},SignedHeaders=host,Signature=0",
                "2020-09-30",
                "bytes=5-1",
                "/b/\ud800",
                "application/x-www-form-urlencoded",
                "Thu, 01 Jan 99999 00:00:00 GMT",
            ]
        ),
    ),
    max_size=5,
)


def written(query: dict[str, str]) -> str:
    """The query as text."""
    return "&".join(f"{quote(name)}={quote(value, errors='surrogatepass')}" for name, value in query.items())


QUERIES = st.one_of(TEXT, ADDRESSES.map(written))
HOSTS = st.sampled_from(
    ["127.0.0.1", "[::1]:80", "b.oss-cn-hangzhou.localhost", "", "..", "1.mns.cn-hangzhou.x", "\ud800"]
)
BODIES = st.one_of(st.binary(max_size=40), st.sampled_from([b"<a", b"<Delete><Object/></Delete>", b"a=%ff&Action=x"]))


@given(method=METHODS, path=TEXT, query=QUERIES, host=HOSTS, headers=HEADERS, body=BODIES)
@settings(max_examples=600, deadline=None)
def test_unsigned_nonsense_is_refused_in_some_services_shape(
    method: str, path: str, query: str, host: str, headers: dict[str, str], body: bytes
) -> None:
    """The gateway, without a socket: a status below 500 and a body of the protocol for any request at all."""
    check(HttpRequest(method, f"/{path}?{query}", {**headers, "host": host}, body))


def check(request: HttpRequest) -> None:
    """A request of any kind has an answer in shape."""
    instance = start(Config(virtual_clock=True))
    target = route(request)
    if target.service == "admin":
        return
    named = gateway.name(request, target, new_request_id(target.service))
    admitted = gateway.admit(instance, request, named)
    outcome = admitted if isinstance(admitted, Refusal) else execute(instance.cloud, *admitted)
    answer = gateway.render(request, named, outcome)
    assert 200 <= answer.status < 500
    if answer.body and answer.headers["content-type"].startswith("application/json"):
        assert isinstance(json.loads(answer.body), dict)
    elif answer.body:
        assert parse(answer.body) is not None
    assert all(value.isprintable() for value in answer.headers.values())


@pytest.mark.parametrize("version", ["x-oss-signature-version", "OSSAccessKeyId"])
@given(address=ADDRESSES)
@settings(max_examples=150, deadline=None)
def test_nonsense_in_a_signed_address_is_refused(version: str, address: dict[str, str]) -> None:
    """Every name that a signature in the query has, with values that pass beside those that cannot."""
    asked = {**address, version: SIGNED[version][0]}
    check(HttpRequest("GET", f"/b/k?{written(asked)}", {"host": "127.0.0.1"}))


def furnished() -> Instance:
    """An instance with a bucket, an object and an upload."""
    instance = start(Config(virtual_clock=True))
    cloud = instance.cloud
    cloud.oss.buckets["bucket"] = Bucket("bucket", DEFAULT_ACCOUNT, cloud.region, cloud.clock.now())
    put_object(cloud, "bucket", make_object("a/b", b"0123456789", cloud.clock.now()))
    return instance


@pytest.mark.parametrize("service", ["oss", "ram", "sts"])
@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_signed_nonsense_never_breaks_a_handler(service: str, data: st.DataObject) -> None:
    """Every operation of the service with any of its parameters set to anything: an answer or a refusal, no bug."""
    instance = furnished()
    operation = data.draw(st.sampled_from(sorted(SERVICES[service].by_name.values(), key=lambda o: o.name)))
    known = sorted(name for name in operation.params if "*" not in name)
    chosen = data.draw(st.dictionaries(st.sampled_from(known), VALUES, max_size=6)) if known else {}
    params = {name: value for name, value in chosen.items() if not name.startswith("x-oss-")}
    asked = {name: value for name, value in chosen.items() if name.startswith("x-oss-")}
    headers = {**data.draw(HEADERS), "x-oss-copy-source": "/bucket/a/b", **asked}
    call = Call(
        service=service,
        operation=operation.name,
        account=DEFAULT_ACCOUNT,
        region="cn-hangzhou",
        request_id="r",
        params=params,
        headers={name: IN_NO_HEADER.sub("", value) for name, value in headers.items()},
        body=data.draw(BODIES),
        resource=data.draw(
            st.sampled_from([("bucket", "a/b"), ("bucket", ""), ("", ""), ("none", "k"), ("B", "\ud800")])
        ),
        identity=root_identity(DEFAULT_ACCOUNT, DEFAULT_ACCESS_KEY_ID),
    )
    outcome = execute(instance.cloud, call, operation)
    assert not (isinstance(outcome, Refusal) and outcome.status >= 500), f"{operation.name} {call}"
    if isinstance(outcome, Reply):
        check_headers(HttpAnswer(outcome.status, outcome.headers))
    bucket = instance.cloud.oss.buckets.get("bucket")
    assert bucket is None or sorted(bucket.objects) == bucket.keys


@given(method=METHODS, place=st.tuples(TEXT, TEXT), params=st.dictionaries(TEXT, TEXT, max_size=3))
def test_resolving_never_fails(method: str, place: tuple[str, str], params: dict[str, Any]) -> None:
    """Any combination has a name or none."""
    name = resolve(method, place, params, {})
    of_a_setting = name.startswith(("PutBucket", "GetBucket", "DeleteBucket"))
    assert name in {"", "ListObjectVersions"} or name in SERVICES["oss"].by_name or of_a_setting


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /%ff%fe?%ff=%00 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET //..//../a HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /?" + b"a=b&" * 40_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"DELETE / HTTP/1.1\r\nHost: x\r\nx-acs-version: 2020-09-30\r\nConnection: close\r\n\r\n",
        b"PUT /bucket/k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
        b"GET http://b.oss-cn-x.y/k HTTP/1.1\r\nHost: b.oss-cn-x.y\r\nConnection: close\r\n\r\n",
    ],
)
def test_odd_requests_on_the_socket_get_an_answer_below_500(cloud: LocalCloud, raw: bytes) -> None:
    """Bytes that no client library would send, a 160 kB request line included."""
    host, _, port = cloud.host.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert b"HTTP/1.1 4" == answer[:10]
    assert b"Traceback" not in answer
    assert b"x-oss-request-id" in answer.lower() or b"x-acs-request-id" in answer.lower()

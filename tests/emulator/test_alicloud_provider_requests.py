"""What the vendor's own provider asks, without the provider: its recorded requests, and the emulator as their proxy."""

from __future__ import annotations

import http.client
import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from emulator.testing import LocalCloud
from tests.emulator.alicloud_provider import FIXTURE, send, shape_of

LINES: list[dict[str, Any]] = [json.loads(line) for line in FIXTURE.read_text().splitlines()]
STORE: dict[str, Any] = {"scheme": "oss4, date", "path": "/", "query": {}, "body": ""}
UNSIGNED = {"x-oss-content-sha256": "UNSIGNED-PAYLOAD"}


def test_every_recorded_request_is_answered_as_the_provider_was(cloud: LocalCloud) -> None:
    """A stack up, read again, changed and down, in the order of the record and with signatures of our own."""
    keys: dict[str, str] = {}
    for number, line in enumerate(LINES, 1):
        status, body = send(cloud, line, keys)
        said = f"line {number}, {line['operation']}: {body.decode()}"
        assert line["status"] == status, said
        assert line["shape"] == shape_of(body), said
        if line["operation"] == "CreateAccessKey":
            keys["KEY"] = json.loads(body)["AccessKey"]["AccessKeyId"]
    account = cloud.account_id
    assert {} == cloud.run(lambda it: it.cloud.oss.buckets)
    assert {} == cloud.run(lambda it: it.cloud.imm(account, cloud.region).projects)
    assert ({}, {}) == cloud.run(
        lambda it: (it.cloud.accounts[account].ram.roles, it.cloud.accounts[account].ram.users)
    )


def test_the_record_holds_every_scheme_and_no_signature() -> None:
    """Three ways to sign and both ways to date; nothing that somebody signed, and no key."""
    assert {"acs3", "oss4, date", "oss4, x-oss-date", "rpc1"} == {line["scheme"] for line in LINES}
    assert [] == [planted for planted in ("Signature", "LTAI", "uthorization") if planted in FIXTURE.read_text()]


def test_a_signature_by_the_date_header_covers_the_date(cloud: LocalCloud) -> None:
    """The provider's OSS client sends Date and no x-oss-date."""
    line = STORE | {"method": "GET", "host": "127.0.0.1", "headers": UNSIGNED}
    assert 200 == send(cloud, line, {})[0]
    status, body = send(cloud, line, {}, {"Date": formatdate(time.time() + 60, usegmt=True)})
    assert (403, True) == (status, b"SignatureDoesNotMatch" in body)


def test_an_empty_acl_is_none(cloud: LocalCloud) -> None:
    """The provider sends the header empty; a bucket that is there keeps its ACL."""
    put = STORE | {"method": "PUT", "host": "127.0.0.1", "path": "/pictures/"}
    assert 200 == send(cloud, put | {"headers": UNSIGNED | {"x-oss-acl": ""}}, {})[0]
    assert 200 == send(cloud, put | {"headers": UNSIGNED | {"x-oss-acl": "public-read"}}, {})[0]
    assert 200 == send(cloud, put | {"headers": UNSIGNED | {"x-oss-acl": ""}}, {})[0]
    assert "public-read" == cloud.run(lambda it: it.cloud.oss.buckets["pictures"].acl)


def test_a_user_has_no_name_to_display_until_one_is_given(cloud: LocalCloud) -> None:
    """Else the provider would want to take it away in every run."""
    line = next(line for line in LINES if line["operation"] == "CreateUser")
    assert "" == json.loads(send(cloud, line, {})[1])["User"]["DisplayName"]


def ask(cloud: LocalCloud, method: str, target: str, **headers: str) -> tuple[int, str]:
    """Status and body of a request whose target goes over the wire as it is."""
    connection = http.client.HTTPConnection(cloud.host, timeout=10)
    connection.putrequest(method, target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize(
    "host",
    ["pictures.oss-cn-hangzhou.aliyuncs.com", "pictures.127.0.0.1:4666", "pictures.localhost", "PICTURES.LOCALHOST"],
)
def test_as_a_proxy_it_answers_in_the_name_that_is_asked_for(cloud: LocalCloud, host: str) -> None:
    """The name in the request target counts, not the one in the header."""
    status, body = ask(cloud, "GET", f"http://{host}/cat.jpg", Host="127.0.0.1")
    assert (404, True) == (status, "NoSuchBucket" in body), body
    assert "pictures" in body.lower()


@pytest.mark.parametrize("host", ["example.com", "aliyuncs.com.example", "10.0.0.1", "notaliyuncs.com"])
def test_as_a_proxy_it_refuses_what_is_none_of_its_services(cloud: LocalCloud, host: str) -> None:
    """It neither forwards nor pretends, and says so."""
    status, body = ask(cloud, "GET", f"http://{host}/", Host="127.0.0.1")
    assert (403, "NotProxied.Emulator") == (status, json.loads(body)["Code"])
    assert "it forwards nothing" in body
    assert [] == cloud.requests()


def test_it_makes_no_tunnels(cloud: LocalCloud) -> None:
    """HTTPS through a proxy would need one; the message says what to set instead."""
    status, body = ask(cloud, "CONNECT", "oss-cn-hangzhou.aliyuncs.com:443")
    assert (501, True) == (status, "own HTTPS endpoint" in body)


def test_its_own_pages_are_not_served_in_another_name(cloud: LocalCloud) -> None:
    """A proxied address of the vendor reaches the services, never what has no password."""
    assert 403 == ask(cloud, "GET", "http://oss-cn-hangzhou.aliyuncs.com/_emulator/requests")[0]
    assert 200 == ask(cloud, "GET", f"http://{cloud.host}/_emulator/requests", Host="evil.example")[0]

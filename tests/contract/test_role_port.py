"""`controller.cloud.assume.RoleSts` against the emulator and against whoever listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from controller.cloud import assume
from controller.cloud.assume import Address, RoleSts
from controller.cloud.credentials import CredentialsUnavailable
from controller.cloud.errors import BadCredentials, CloudError, Unavailable
from controller.cloud.limiter import Limiter
from controller.cloud.ports import Role
from emulator.instance import Config
from emulator.testing import running

ROLE = Role("acs:ram::1234567890123456:role/r", "acs:ram::1234567890123456:oidc-provider/p", "team@account")
TOKEN = "eyJplanted.eyJtoken.signature"


def port(address: Address) -> RoleSts:
    """The port for an address."""
    return RoleSts(address, region="cn-hangzhou", limiter=Limiter("test", rate=50, burst=50))


def test_a_refusal_is_one_of_the_credentials_and_keeps_the_request_id() -> None:
    """Whatever of role, provider and token is wrong: nobody is signed in. The authority is the operator's setting."""
    with running(Config(virtual_clock=True), https=True) as cloud:
        with pytest.raises(CloudError, match="certificate"):
            port(Address(cloud.url)).assume(ROLE, TOKEN)
        with pytest.raises(BadCredentials) as refused:
            port(Address(cloud.url, cloud.ca_file)).assume(ROLE, TOKEN)
        (request,) = cloud.requests("sts", "AssumeRoleWithOIDC")
        assert (assume.OPERATION, request["request_id"]) == (refused.value.operation, refused.value.request_id)
        assert TOKEN not in str(refused.value)


def test_a_token_is_sent_over_https_only() -> None:
    """In words for whoever can change it; nothing is sent."""
    with running(Config(virtual_clock=True)) as cloud:
        with pytest.raises(CredentialsUnavailable, match="over https only"):
            port(Address(cloud.url)).assume(ROLE, TOKEN)
        assert [] == cloud.requests()


def test_the_token_is_in_no_address_and_no_error() -> None:
    """What fails on the way is told with the address that was called."""
    with pytest.raises(Unavailable) as refused:
        port(Address("https://127.0.0.1:1")).assume(ROLE, TOKEN)
    chain: list[BaseException | None] = [refused.value, refused.value.__cause__]
    assert [] == [error for error in chain if TOKEN in str(error)]


def test_the_parameters_travel_in_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address ends up in logs of every proxy on the way."""
    monkeypatch.setattr(Address, "encrypted", True)  # the listener has no certificate
    with listening() as (address, heard), pytest.raises(CloudError):
        port(Address(address)).assume(ROLE, TOKEN)
    ((path, body),) = heard
    assert TOKEN not in path
    assert "AssumeRoleWithOIDC" == parse_qs(urlsplit(path).query)["Action"][0]
    assert TOKEN == parse_qs(body)["OIDCToken"][0]


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Somebody who writes down what comes, and answers with an error."""
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.rfile.read(int(self.headers["content-length"])).decode()))
            answer = b'{"Code": "EntityNotExist.Role", "Message": "no", "RequestId": "r"}'
            self.send_response(404)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        server.server_close()

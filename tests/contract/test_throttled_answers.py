"""Too many requests, said in a way that nobody can read: by a gateway's page, by nothing, by JSON without a code.

The limiter hears it all the same. 429 is refused before anything is done; of a 503 without a word nobody knows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from controller.cloud.errors import CloudError, Overloaded, Throttled
from controller.cloud.ports import ProjectSpec
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports

CALLS: dict[str, Callable[[Ports], object]] = {
    "imm": lambda ports: ports.imm.get_project("media"),
    "oss": lambda ports: ports.oss.get_bucket("photos"),
    "mns": lambda ports: ports.queue.receive(0),
    "sts": lambda ports: ports.sts.get_caller(),
}
BODIES = {
    "html": ("text/html", b"<html><body><h1>Too busy</h1></body></html>"),
    "empty": ("text/plain", b""),
    "json without a code": ("application/json", b'{"RequestId": "R"}'),
    "json that is no object": ("application/json", b"[]"),
}


@pytest.fixture
def gateway() -> Iterator[Callable[..., str]]:
    """Start gateways that answer everything alike: `gateway(status, kind, body, **headers)` is an address."""
    servers: list[ThreadingHTTPServer] = []

    def start(status: int, kind: str, body: bytes, **headers: str) -> str:
        class Gateway(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("status", "kind"), [(429, Throttled), (503, Overloaded)])
@pytest.mark.parametrize("service", CALLS)
def test_an_answer_without_a_code_slows_the_scope_down(
    cloud: LocalCloud,
    ports_of: Callable[..., Ports],
    gateway: Callable[..., str],
    service: str,
    status: int,
    kind: type[CloudError],
    body: str,
) -> None:
    """Whatever its body; and only 503 leaves the effect open."""
    ports = ports_of(cloud, url=gateway(status, *BODIES[body]))
    rate = ports.limiter.rate
    with pytest.raises(Throttled) as caught:
        CALLS[service](ports)
    assert (kind, status == 503) == (type(caught.value), caught.value.may_have_taken_effect)
    assert (1, rate / 2) == (ports.limiter.throttles, ports.limiter.rate)


@pytest.mark.parametrize("body", ["html", "empty"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_gateways_header_says_how_long_to_wait_whatever_the_body(
    cloud: LocalCloud, ports_of: Callable[..., Ports], gateway: Callable[..., str], status: int, body: str
) -> None:
    """In milliseconds, as it does with a body that can be read."""
    ports = ports_of(cloud, url=gateway(status, *BODIES[body], **{"x-acs-retry-after": "150"}))
    with pytest.raises(Throttled) as caught:
        CALLS["imm"](ports)
    assert 0.15 == caught.value.retry_after


@pytest.mark.parametrize("status", [400, 429, 503])
@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_a_projects_own_rate_is_met_in_every_dress(cloud: LocalCloud, ports: Ports, status: int, body: str) -> None:
    """The emulator's project refuses what is too much, as each reading of the gateway has it."""
    ports.imm.create_project(ProjectSpec("media"))
    cloud.switch("throttling_status", status)
    cloud.switch("server_error_body", body)
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 1.0))

    def hurry() -> None:
        for _ in range(5):
            ports.imm.get_project("media")

    with pytest.raises(Throttled):
        hurry()
    assert ports.limiter.throttles == 1

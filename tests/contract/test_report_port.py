"""`controller.cloud.reports.Reports` against a server that may do anything: it is only an address."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from controller.cloud import reports
from controller.cloud.errors import CloudError, Invalid, Overloaded, ReportExpired, Throttled, TimedOut, Unavailable
from controller.cloud.limiter import Limiter
from controller.cloud.reports import Reports

QUERY = "?Expires=1&Signature=planted-signature"


class Served:
    """What was asked, and how it is answered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = plain(200, b"")
        self.url = ""


def plain(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer with a length, unless the headers say another."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def served() -> Iterator[Served]:
    """A server on its own."""
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Authorization", ""), dict(self.headers)))
            state.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def limiter() -> Limiter:
    """The scope of reports."""
    return Limiter("report", rate=1000, burst=100)


@pytest.fixture
def port(served: Served, limiter: Limiter) -> Reports:
    """The adapter, for an account whose endpoint of Image Search that server is."""
    return Reports(limiter=limiter, endpoint=served.url)


@pytest.mark.parametrize(
    "url",
    [
        "http://100.100.100.200/latest/meta-data/ram/security-credentials/",
        "http://127.0.0.1:1/report",
        "http://localhost/report",
        "http://[::1]/report",
        "https://oss-cn-hangzhou.aliyuncs.com.example.org/report",
        "https://example.org/oss-cn-hangzhou.aliyuncs.com",
        "https://bucket.oss-cn-hangzhou.aliyuncs.com:8443/report",
        "https://imagesearch.cn-hangzhou.aliyuncs.com/report",
    ],
)
def test_what_is_neither_oss_nor_the_accounts_own_endpoint_is_not_asked(
    served: Served, limiter: Limiter, url: str
) -> None:
    """Whoever names the endpoint names the addresses too, and reads what is kept: no way into the machine's network."""
    for endpoint in (None, served.url):
        error = failure(Reports(limiter=limiter, endpoint=endpoint), url + QUERY)
        assert isinstance(error, Invalid)
        assert "ReportElsewhere" == error.code
    assert isinstance(failure(Reports(limiter=limiter), served.url + QUERY), Invalid)
    assert [] == served.asked


@pytest.mark.parametrize(
    "url",
    [
        "https://image-search-task-info.oss-cn-shanghai.aliyuncs.com/yyyyyyyyyy",
        "http://image-search-task-info.oss-cn-shanghai-internal.aliyuncs.com/yyyyyyyyyy",
        "https://oss-accelerate.aliyuncs.com/image-search-task-info/yyyyyyyyyy",
    ],
)
def test_oss_is_asked(limiter: Limiter, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's own example among them; a proxy that nobody listens at shows that the call leaves."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert isinstance(failure(Reports(limiter=limiter), url), Unavailable | TimedOut)


def failure(port: Reports, url: str, largest: int = 100) -> CloudError:
    """How it fails; whatever it is, the address's own signature is in no text."""
    with pytest.raises(CloudError) as caught:
        port.fetch(url, largest)
    error: BaseException | None = caught.value
    while error is not None:
        assert "planted" not in f"{error} {error!r}"
        error = error.__cause__
    assert "report:Get" == caught.value.operation
    return caught.value


def test_a_report_is_read_as_it_lies_there(served: Served, port: Reports) -> None:
    """Up to the byte that is allowed, with the whole address, and packed bytes stay packed."""
    served.answer = plain(200, b"x" * 100, **{"Content-Encoding": "gzip"})
    assert b"x" * 100 == port.fetch(served.url + "/a" + QUERY, 100)
    assert ["/a" + QUERY] == [path for path, _, _ in served.asked]


def test_nothing_of_this_machine_goes_with_it(
    served: Served, port: Reports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No password that it keeps for that host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted\n")
    monkeypatch.setenv("NETRC", str(netrc))
    port.fetch(served.url, 100)
    assert [""] == [authorization for _, authorization, _ in served.asked]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, ReportExpired),
        (404, ReportExpired),
        (410, ReportExpired),
        (400, Invalid),
        (204, Invalid),
        (429, Throttled),
        (503, Overloaded),
        (500, TimedOut),
        (502, TimedOut),
    ],
)
def test_each_status_has_its_place_in_the_tree(
    served: Served, port: Reports, limiter: Limiter, status: int, kind: type[CloudError]
) -> None:
    """With OSS's request id; the limiter hears of it where there were too many."""
    served.answer = plain(status, b"", **{"x-oss-request-id": "R1"})
    error = failure(port, served.url + "/a" + QUERY)
    assert kind is type(error)
    assert f"{status}" in error.message
    assert issubclass(kind, Throttled) == (limiter.throttles == 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(served: Served, port: Reports, status: int) -> None:
    """Not even to the same host: OSS sends none for a signed address."""
    served.answer = plain(status, b"", Location=served.url + "/elsewhere")
    error = failure(port, served.url + "/a" + QUERY)
    assert (Invalid, True) == (type(error), "leads elsewhere" in error.message)
    assert ["/a" + QUERY] == [path for path, _, _ in served.asked]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "ftp://x/planted",
        "http://",
        "//x/planted",
        "https://planted:planted@x/a",
        "http://[x/a",
    ],
)
def test_only_http_is_spoken(port: Reports, url: str) -> None:
    """Anything else is refused before anything is opened."""
    assert Invalid is type(failure(port, url))


@pytest.mark.parametrize("said", [True, False], ids=["with its length", "without"])
def test_a_report_that_is_too_large_is_not_read(served: Served, port: Reports, *, said: bool) -> None:
    """However much follows, little more than what is allowed is taken."""
    sent = 0

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        if said:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while sent < 10**9:
                sent += handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    served.answer = endless
    error = failure(port, served.url + "/a" + QUERY, largest=100_000)
    assert (Invalid, "ReportTooLarge") == (type(error), error.code)
    assert "100000 bytes" in error.message
    assert sent < 10**8


def test_a_report_that_breaks_off_is_no_report(served: Served, port: Reports) -> None:
    """Half a list of what failed would be a lie."""
    served.answer = plain(200, b"x" * 10, **{"Content-Length": "50"})
    assert TimedOut is type(failure(port, served.url + "/a" + QUERY))


def test_time_is_bounded_for_each_piece_and_for_all(
    served: Served, port: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing, and one that says a byte now and then."""
    done = threading.Event()

    def silent(_handler: BaseHTTPRequestHandler) -> None:
        done.wait(20)

    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not done.wait(0.02):
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    monkeypatch.setattr(reports, "READ_TIMEOUT", 0.3)
    monkeypatch.setattr(reports, "WHOLE", 0.5)
    for answer in (silent, dripping):
        served.answer = answer
        began = time.monotonic()
        assert TimedOut is type(failure(port, served.url + "/a" + QUERY, largest=10**9))
        assert time.monotonic() - began < 15
    done.set()


def test_where_nobody_listens(limiter: Limiter) -> None:
    """Certainly nothing came of it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        error = failure(Reports(limiter=limiter, endpoint=nobody), f"{nobody}/a{QUERY}")
    assert Unavailable is type(error)


OWN = "catalogue.example.org"


def leads_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Resolve `OWN` to one list of addresses after the other, and at last ever to the last one."""
    left, resolve = list(answers), socket.getaddrinfo

    def answer(host: str, port: int, *more: int, **named: int) -> object:
        if host != OWN:
            return resolve(host, port, *more, **named)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["169.254.0.1"],
        ["100.100.100.200"],
        ["::ffff:169.254.169.254"],
        ["::ffff:100.100.100.200"],
        ["fe80::1"],
        ["fe80::1%eth0"],
        ["127.0.0.1", "100.100.100.200"],
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_endpoint_whose_name_leads_to_the_machines_own_is_not_asked(
    served: Served, limiter: Limiter, monkeypatch: pytest.MonkeyPatch, scheme: str, addresses: list[str]
) -> None:
    """Where it keeps its keys, say: whoever names an endpoint also says where its name leads."""
    leads_to(monkeypatch, addresses)
    endpoint = f"{scheme}://{OWN}:{served.url.rpartition(':')[2]}"
    error = failure(Reports(limiter=limiter, endpoint=endpoint), f"{endpoint}/a{QUERY}")
    assert (Invalid, "ReportElsewhere") == (type(error), error.code), error
    assert addresses[-1] in error.message
    assert [] == served.asked


@pytest.mark.parametrize("host", ["169.254.169.254", "100.100.100.200", "[fe80::1]", "[::ffff:169.254.169.254]"])
@pytest.mark.parametrize("proxied", [False, True])
def test_an_endpoint_that_is_the_machines_own_address_is_not_asked(
    served: Served, limiter: Limiter, monkeypatch: pytest.MonkeyPatch, host: str, *, proxied: bool
) -> None:
    """Nor does a proxy of the operator's ask it."""
    if proxied:
        monkeypatch.setenv("http_proxy", served.url)
        monkeypatch.setenv("no_proxy", "")
    error = failure(Reports(limiter=limiter, endpoint=f"http://{host}"), f"http://{host}/latest{QUERY}")
    assert (Invalid, "ReportElsewhere") == (type(error), error.code), error
    assert [] == served.asked


def test_a_name_that_leads_elsewhere_a_moment_later_is_asked_where_it_was_judged(
    served: Served, limiter: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is resolved once for each report, and its name still goes along."""
    leads_to(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    served.answer = plain(200, b"told")
    endpoint = f"http://{OWN}:{served.url.rpartition(':')[2]}"
    port = Reports(limiter=limiter, endpoint=endpoint)
    assert b"told" == port.fetch(f"{endpoint}/a{QUERY}", 100)
    assert [endpoint.removeprefix("http://")] == [headers["Host"] for _, _, headers in served.asked]
    assert "ReportElsewhere" == failure(port, f"{endpoint}/a{QUERY}").code
    assert 1 == len(served.asked)


def test_the_next_address_of_a_name_is_tried(served: Served, limiter: Limiter, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an endpoint has one of IPv6 that leads nowhere; without any, nothing came of it."""
    leads_to(monkeypatch, ["127.0.0.2", "127.0.0.1"], ["127.0.0.2"], [])
    served.answer = plain(200, b"told")
    endpoint = f"http://{OWN}:{served.url.rpartition(':')[2]}"
    port = Reports(limiter=limiter, endpoint=endpoint)
    assert b"told" == port.fetch(f"{endpoint}/a", 100)
    assert [Unavailable] * 2 == [type(failure(port, f"{endpoint}/a")) for _ in range(2)]


def test_a_certificate_is_asked_for_by_name(limiter: Limiter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the connection is to an address; a server that has none for it is not believed."""
    leads_to(monkeypatch, ["127.0.0.1"])
    asked: list[str] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            peer, _ = listening.accept()
            with peer, suppress(OSError):
                tls.wrap_socket(peer, server_side=True)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        endpoint = f"https://{OWN}:{listening.getsockname()[1]}"
        failure(Reports(limiter=limiter, endpoint=endpoint), f"{endpoint}/a{QUERY}")
        thread.join(10)
    assert [OWN] == asked

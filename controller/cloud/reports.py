"""Reports behind addresses that sign themselves: `controller.cloud.ports.ReportPort`.

Whoever has such an address may read what is there, so its parameters stand in no text of ours. It comes from a signed
answer of the cloud's and still is only an address: nothing but HTTP is spoken to it, and it leads nowhere else.

Who sets `spec.endpoints.imageSearch` decides what the "cloud" answers, and reads the work bucket that a report is kept
in. So an address is asked only where it is OSS's own, or that endpoint's: never a neighbour's, nor the machine's own,
whatever a name leads to (`controller.cloud.report_connection`).
"""

from __future__ import annotations

import re
import time
from urllib.parse import SplitResult, urlsplit

import requests
from urllib3.exceptions import HTTPError

from controller.cloud import errors, openapi, trace
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import CONNECT_TIMEOUT, READ_TIMEOUT
from controller.cloud.report_connection import ForeignOnly, MachinesOwnError, require_foreign

OPERATION = "report:Get"
WHOLE = 60.0  # seconds for all of a report; the time-outs are for a connection and for each piece
PIECE = 64 * 1024  # bytes
TOO_LARGE = "ReportTooLarge"
ELSEWHERE = "ReportElsewhere"
OVER = frozenset({403, 404, 410})  # of OSS: the signature's time is over, the object is gone
OSS_HOST = re.compile(r"([a-z0-9-]+\.)?oss-[a-z0-9-]+\.aliyuncs\.com")
_PORTS = {"http": 80, "https": 443}
_OK = 200
_REDIRECTS = range(300, 400)
_SERVER_ERROR = 500


class Reports:
    """Safe to share between threads. `endpoint` is the account's own address of Image Search, if it has one."""

    def __init__(self, *, limiter: Limiter, lane: Lane = Lane.RESYNC, endpoint: str | None = None) -> None:
        self._limiter = limiter
        self._lane = lane
        self._own = _place(urlsplit(endpoint)) if endpoint is not None else None

    def fetch(self, url: str, largest: int) -> bytes:
        shown = _shown(url)
        self._require_known(urlsplit(url), shown)
        with trace.calling(OPERATION) as traced, self._limiter.slot(self._lane):
            traced.sent()
            data = _get(url, shown, largest)
            traced.answered("")
            return data

    def _require_known(self, parts: SplitResult, shown: str) -> None:
        host, port = place = _place(parts)
        if place != self._own and not (OSS_HOST.fullmatch(host) and port in _PORTS.values()):
            words = (
                f"{shown} is neither an address of OSS nor of the account's endpoint of Image Search, and is not asked"
            )
            raise errors.Invalid(OPERATION, words, code=ELSEWHERE)
        try:
            require_foreign(host)
        except MachinesOwnError as error:
            raise _machines_own(shown, error) from None


def _machines_own(shown: str, error: MachinesOwnError) -> errors.Invalid:
    words = f"{shown} leads to {error}, which only the operator's own machine asks; it is not asked"
    return errors.Invalid(OPERATION, words, code=ELSEWHERE)


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in _PORTS:
        session.mount(f"{scheme}://", ForeignOnly())
    return session


def _place(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _get(url: str, shown: str, largest: int) -> bytes:
    began = time.monotonic()
    timeouts = (CONNECT_TIMEOUT, READ_TIMEOUT)
    try:
        with (
            _session() as session,
            session.get(url, stream=True, allow_redirects=False, timeout=timeouts, auth=_nobody) as answer,
        ):
            _require_ok(answer, shown)
            return _bounded(answer, shown, largest, began + WHOLE)
    except MachinesOwnError as error:
        raise _machines_own(shown, error) from None
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        text = openapi.without_query(str(error))
        kind = errors.Unavailable if openapi.never_sent(text) else errors.TimedOut
        raise kind(OPERATION, f"{shown} does not answer: {text}"[:512]) from None  # its cause has the whole address


def _bounded(answer: requests.Response, shown: str, largest: int, until: float) -> bytes:
    data = bytearray()
    while piece := answer.raw.read(PIECE, decode_content=False):
        data += piece
        if len(data) > largest:
            words = f"{shown} has more than the {largest} bytes that are read of a report"
            raise errors.Invalid(OPERATION, words, code=TOO_LARGE)
        if time.monotonic() > until:
            raise errors.TimedOut(OPERATION, f"{shown} was not read within {WHOLE:g} s")
    expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and len(data) < int(expected):
        raise errors.TimedOut(OPERATION, f"{shown} broke off after {len(data)} of {expected} bytes")
    return bytes(data)


def _require_ok(answer: requests.Response, shown: str) -> None:
    status = answer.status_code
    if status == _OK:
        return
    request_id = answer.headers.get("x-oss-request-id", "")
    if status in OVER:
        words = f"HTTP {status}: the address {shown} is over; the task list tells another, if there still is one"
        raise errors.ReportExpired(OPERATION, words, request_id=request_id)
    if status in _REDIRECTS:
        raise errors.Invalid(OPERATION, f"{shown} leads elsewhere (HTTP {status}), and is not followed")
    busy = openapi.throttled_by_status(status)
    kind = busy or (errors.TimedOut if status >= _SERVER_ERROR else errors.Invalid)
    raise kind(OPERATION, f"{shown} answers HTTP {status}", request_id=request_id)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign with nothing: without this, a .netrc of the machine would be sent along."""
    return request


def _shown(url: str) -> str:
    """The address without what signs it.

    Raises:
        controller.cloud.errors.Invalid: it is no address of HTTP.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None or parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise errors.Invalid(OPERATION, "the report's address is none of http or https, and is not asked")
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"

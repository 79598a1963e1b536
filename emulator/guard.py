"""Who may ask the emulator's own pages, `/` and everything under `/_emulator/`, which carry no signature.

A web site may point a name of its own at this machine (DNS rebinding), and its scripts would then be of one origin with
the pages: so they answer only under names that are the emulator's own. A web page may send a form or a `fetch` to an
address here without reading the answer: so what changes something is for programs alone, not even for pages of this
very origin, because an object in a bucket may be one.

The services do carry signatures, but the key pair is published, so any web site can sign. What may change something is
refused to pages of other sites; reading an object is not, because a signed address of a picture is made for web pages,
and no page can read such an answer: there are no CORS headers. An object that a browser opens as a document gets an
origin of its own, for its scripts would otherwise be of one origin with the pages here.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from emulator.refusal import Refusal
from emulator.routing import host_name
from emulator.wire.http import HttpAnswer

if TYPE_CHECKING:
    from emulator.instance import Config
    from emulator.wire.http import HttpRequest

FOREIGN_NAME = (
    "the emulator's own pages are served only under its own names: 127.0.0.1, ::1, localhost, what it listens on, "
    "and names given with --endpoint-host"
)
WEB_PAGE = "the emulator's own pages are not for scripts and forms of web pages: the request has an Origin or a site"
ANOTHER_SITE = (
    "The emulator takes nothing but reads of objects from pages of other web sites (Sec-Fetch-Site: cross-site): its "
    "key pair is public, so a signature does not say that its owner sent the request."
)
_READING = frozenset({"GET", "HEAD"})
_DOCUMENTS = frozenset({"document", "iframe", "frame", "embed", "object", "fencedframe"})
_SANDBOX = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}


def foreign_name(config: Config, request: HttpRequest) -> str | None:
    """Why the Host header keeps a request from the pages; None where it names this emulator beyond doubt."""
    return None if is_own(host_name(request.host), config.endpoint_hosts | config.page_hosts) else FOREIGN_NAME


def web_page(request: HttpRequest) -> str | None:
    """Why a request of a web page is refused, by what a browser says of it; None for programs.

    Reading is left to pages of this origin, which send no Origin with it, and to what a person types.
    """
    allowed = {"none", "same-origin"} if request.method in _READING else {"none"}
    by_page = "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in allowed
    return WEB_PAGE if by_page else None


def of_another_site(request: HttpRequest, service: str) -> Refusal | None:
    """Why a service refuses a request of a page of another site: it is not plainly a read of OSS.

    By the method alone: RPC's GET may delete and MNS's GET receives, but no GET or HEAD of OSS changes anything.
    """
    if request.headers.get("sec-fetch-site", "").lower() != "cross-site":
        return None
    if service == "oss" and request.method in _READING:
        return None
    return Refusal(403, "CrossSite.Emulator", ANOTHER_SITE)


def sandboxed(request: HttpRequest, answer: HttpAnswer) -> HttpAnswer:
    """The answer of a service, without rights of its own if a browser opens it as a document."""
    if request.headers.get("sec-fetch-dest", "").lower() not in _DOCUMENTS:
        return answer
    return HttpAnswer(answer.status, {**answer.headers, **_SANDBOX}, answer.body)


def is_own(name: str, known: frozenset[str]) -> bool:
    """Whether a host name or address is the emulator's own; `known` are names and addresses it was told of."""
    if name == "localhost" or name.endswith(".localhost") or name in known:
        return True
    address = _address(name)
    if address is None:
        return False
    listening = {_address(other) for other in known}
    return address.is_loopback or address in listening or any(other and other.is_unspecified for other in listening)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None

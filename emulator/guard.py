"""Who may ask the emulator's own pages, `/` and everything under `/_emulator/`, which carry no signature.

A web site may point a name of its own at this machine (DNS rebinding), and its scripts would then be of one origin with
the pages: so they answer only under names that are the emulator's own. A web page may send a form or a `fetch` to an
address here without reading the answer: so what changes something is for programs alone, not even for pages of this
very origin, because an object in a bucket may be one.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from emulator.routing import host_name

if TYPE_CHECKING:
    from emulator.instance import Config
    from emulator.wire.http import HttpRequest

FOREIGN_NAME = (
    "the emulator's own pages are served only under its own names: 127.0.0.1, ::1, localhost, what it listens on, "
    "and names given with --endpoint-host"
)
WEB_PAGE = "the emulator's own pages are not for scripts and forms of web pages: the request has an Origin or a site"
_READING = frozenset({"GET", "HEAD"})


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

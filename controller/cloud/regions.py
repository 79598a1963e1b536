"""Is there such a region? Every service has an address per region, so one that does not exist has no address.

A name server that is down looks the same, so another name of the vendor's is asked for, one that belongs to no region.
"""

from __future__ import annotations

import re
import socket

KNOWN = "sts.aliyuncs.com"
_HOST = re.compile(r"host='([a-z0-9.-]+\.aliyuncs\.com)'")
_UNRESOLVED = ("Name or service not known", "NameResolutionError", "No address associated", "nodename nor servname")


def missing_host(text: str) -> str | None:
    """The host of a region that does not exist, from an HTTP library's words; None for any other trouble."""
    found = _HOST.search(text)
    if found is None or found[1] == KNOWN or not any(words in text for words in _UNRESOLVED):
        return None
    return found[1] if _resolves(KNOWN) and not _resolves(found[1]) else None


def _resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 443))
    except OSError:
        return False

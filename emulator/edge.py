"""What the gateway in front of IMM and the other RPC services does to requests and answers, where no page says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.refusal import Refusal
from emulator.wire.http import HttpAnswer

if TYPE_CHECKING:
    from emulator.gateway import Named
    from emulator.switches import Switches
    from emulator.wire.http import HttpRequest

_NOT_RPC = frozenset({"oss", "mns"})
_TOO_LONG = 414
_SERVER_ERROR = 500


def too_long(switches: Switches, request: HttpRequest, named: Named) -> Refusal | None:
    """The refusal of a request whose path and query are longer than the gateway takes."""
    limit = switches.request_target_max
    if named.target.service in _NOT_RPC or len(request.target) <= limit:
        return None
    status = 400 if switches.request_target_refusal == "400-json" else _TOO_LONG
    return Refusal(status, "InvalidURI.TooLong", f"The request's address has more than {limit} bytes.")


def restatused(switches: Switches, named: Named, refusal: Refusal) -> Refusal:
    """The refusal with the status that the gateway gives it."""
    statuses = {
        "InvalidAccessKeyId.NotFound": switches.unknown_key_status,
        "SignatureDoesNotMatch": switches.bad_signature_status,
    }
    if named.target.service in _NOT_RPC or refusal.code not in statuses:
        return refusal
    return Refusal(statuses[refusal.code], refusal.code, refusal.message, refusal.headers)


def dressed(switches: Switches, named: Named, answer: HttpAnswer) -> HttpAnswer:
    """The answer with the body that the gateway gives a 5xx or a 414; bodies that are no JSON stay as they are."""
    if named.target.service in _NOT_RPC or "json" not in answer.headers.get("content-type", ""):
        return answer
    kind = "json"
    if answer.status >= _SERVER_ERROR:
        kind = switches.server_error_body
    elif answer.status == _TOO_LONG and switches.request_target_refusal == "414-html":
        kind = "html"
    if kind == "json":
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
    if kind == "empty":
        return HttpAnswer(answer.status, headers)
    title = f"<title>{answer.status}</title>"
    page = f"<html><head>{title}</head><body><center><h1>{answer.status}</h1></center></body></html>"
    return HttpAnswer(answer.status, {**headers, "content-type": "text/html"}, page.encode())

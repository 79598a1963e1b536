"""The RPC protocol of IMM, RAM, STS and Mns-open: action and version in header, query or form; JSON back.

Two generations of clients call it: new ones name the action in headers and sign with ACS3, old ones (and the Pulumi
provider) name it in the query and sign with HMAC-SHA1. Both may put parameters into the query and into a form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from emulator.wire.http import HttpAnswer, HttpRequest, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.call import Reply
    from emulator.refusal import Refusal

# Parameters of the protocol itself; an operation never sees them.
PROTOCOL_PARAMS = frozenset(
    {
        "AccessKeyId",
        "Action",
        "Format",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "SecurityToken",
        "Timestamp",
        "Version",
    }
)
_FAST = msgspec.json.Encoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# RegionId is a common parameter that older clients add to every call, whether the operation names it or not.
TOLERATED_PARAMS = frozenset({"RegionId", "AcceptLanguage"})


def action_of(request: HttpRequest) -> str:
    """The operation's name, or "" if the request names none."""
    return request.headers.get("x-acs-action") or request.query.get("Action") or request.form.get("Action") or ""


def version_of(request: HttpRequest) -> str:
    """The API version, which also names the service, or "" if the request is no RPC call."""
    return request.headers.get("x-acs-version") or request.query.get("Version") or request.form.get("Version") or ""


def params_of(request: HttpRequest) -> dict[str, str]:
    """Query and form merged, without the protocol's own parameters."""
    merged = {**request.query, **request.form}
    for name in PROTOCOL_PARAMS & merged.keys():
        del merged[name]
    return merged


def render_reply(reply: Reply, request_id: str) -> HttpAnswer:
    """JSON with the RequestId added."""
    body = reply.body
    if isinstance(body, bytes):
        return _json(reply.status, body, request_id, reply.headers)
    return _json(reply.status, _encoded({"RequestId": request_id, **body}), request_id, reply.headers)


def render_refusal(refusal: Refusal, request_id: str, host: str) -> HttpAnswer:
    """The gateway's error envelope (help.aliyun.com/document_detail/477131)."""
    document: dict[str, object] = {
        "RequestId": request_id,
        "HostId": clean(host.partition(":")[0]),
        "Code": refusal.code,
        "Message": clean(refusal.message),
        "Recommend": f"https://next.api.aliyun.com/troubleshoot?q={clean(refusal.code)}&requestId={request_id}",
    }
    if refusal.denied is not None:
        document["AccessDeniedDetail"] = dict(refusal.denied)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return _json(refusal.status, body, request_id, refusal.headers)


def _encoded(document: Mapping[str, object]) -> bytes:
    """JSON by msgspec's encoder, eight times as fast as the standard one, which takes what that one refuses."""
    try:
        return _FAST.encode(document)
    except ValueError:  # text that is not UTF-8
        return _ENCODER.encode(document).encode("utf-8", "replace")


def _json(status: int, body: bytes, request_id: str, extra: Mapping[str, str]) -> HttpAnswer:
    headers = {"content-type": "application/json;charset=utf-8", "x-acs-request-id": request_id, **extra}
    return HttpAnswer(status, headers, body)

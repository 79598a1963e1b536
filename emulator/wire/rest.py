"""The XML protocols of OSS and MNS: how an answer and an error look.

A HEAD answer has no body, so OSS repeats the error in the header `x-oss-err`, base64-encoded; without it an SDK can
only report a bare 404.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from emulator.wire.http import HttpAnswer, clean
from emulator.wire.xml import Node, render

if TYPE_CHECKING:
    from emulator.call import Reply
    from emulator.refusal import Refusal

# help.aliyun.com/en/oss/user-guide/0003-00000201 and …202
_EXPLICIT = "0003-00000201"
_IMPLICIT = "0003-00000202"
MNS_NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"


def oss_reply(reply: Reply, request_id: str) -> HttpAnswer:
    """An OSS answer; a body that names no type is XML."""
    headers = {"x-oss-request-id": request_id, "server": "AliyunOSS", **reply.headers}
    body = reply.body if isinstance(reply.body, bytes) else b""
    if body and "content-type" not in headers:
        headers["content-type"] = "application/xml"
    return HttpAnswer(reply.status, headers, body)


def oss_refusal(refusal: Refusal, request_id: str, host: str, *, head: bool) -> HttpAnswer:
    """An OSS error document; for HEAD it travels in `x-oss-err`."""
    nodes: list[Node] = [
        ("Code", refusal.code),
        ("Message", refusal.message),
        ("RequestId", request_id),
        ("HostId", clean(host.partition(":")[0])),
    ]
    if refusal.denied is not None:
        explicit = refusal.denied.get("NoPermissionType") == "ExplicitDeny"
        nodes += [("AccessDeniedDetail", list(refusal.denied.items())), ("EC", _EXPLICIT if explicit else _IMPLICIT)]
    body = render("Error", nodes)
    fixed = {"x-oss-request-id": request_id, "server": "AliyunOSS", "content-type": "application/xml"}
    headers = {**fixed, **refusal.headers}
    if head:
        headers["x-oss-err"] = base64.b64encode(body).decode()
        return HttpAnswer(refusal.status, headers)
    if refusal.status == 304:  # noqa: PLR2004 - Not Modified is an answer without a body
        return HttpAnswer(refusal.status, headers)
    return HttpAnswer(refusal.status, headers, body)


def mns_reply(reply: Reply, request_id: str) -> HttpAnswer:
    """An MNS answer; the service function has rendered its XML."""
    headers = {"x-mns-request-id": request_id, "x-mns-version": "2015-06-06", **reply.headers}
    body = reply.body if isinstance(reply.body, bytes) else b""
    if body and "content-type" not in headers:
        headers["content-type"] = "text/xml;charset=utf-8"
    return HttpAnswer(reply.status, headers, body)


def mns_refusal(refusal: Refusal, request_id: str, host: str) -> HttpAnswer:
    """An MNS error document (www.alibabacloud.com/help/doc-detail/27500.html)."""
    body = render(
        "Error",
        [
            ("Code", refusal.code),
            ("Message", refusal.message),
            ("RequestId", request_id),
            ("HostId", clean(f"http://{host}")),
        ],
        namespace=MNS_NAMESPACE,
    )
    fixed = {"x-mns-request-id": request_id, "x-mns-version": "2015-06-06", "content-type": "text/xml;charset=utf-8"}
    return HttpAnswer(refusal.status, {**fixed, **refusal.headers}, body)

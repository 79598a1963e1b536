"""What a fault rule does to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.gateway import render
from emulator.refusal import Refusal
from emulator.wire.http import HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from emulator.faults import FaultRule
    from emulator.gateway import Named

_HTML = b"<html><head><title>Bad Gateway</title></head><body><center><h1>Bad Gateway</h1></center></body></html>"


def faulty_answer(rule: FaultRule, request: HttpRequest, named: Named) -> HttpAnswer | None:
    """The answer that the rule puts in place of the service's; None closes the connection without one."""
    if rule.error is not None:
        refusal = Refusal(rule.error.status, rule.error.code, rule.error.message)
        answer = render(request, named, refusal)
        if rule.error.retryAfterMs is None:
            return answer
        headers = {**answer.headers, "x-acs-retry-after": str(rule.error.retryAfterMs)}
        return HttpAnswer(answer.status, headers, answer.body)
    if rule.html is not None:
        return HttpAnswer(rule.html, {"content-type": "text/html"}, _HTML)
    if rule.malformed:
        kind = "application/xml" if named.target.service in {"oss", "mns"} else "application/json"
        return HttpAnswer(200, {"content-type": kind}, b'{"RequestId":"' if kind.endswith("json") else b"<?xml versi")
    return None


def fault_code(rule: FaultRule) -> str:
    """What the journal calls the rule's effect."""
    return "fault" if rule.error is None else rule.error.code

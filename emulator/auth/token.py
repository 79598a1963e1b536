"""The security token that a temporary key must be sent with, wherever each protocol carries it.

Codes of the RPC gateway: its public error list (MissingSecurityToken, InvalidSecurityToken.…); of OSS:
help.aliyun.com/en/oss/user-guide/0002-00000007 and 0002-00000008; a key whose token is left out is unknown to OSS,
help.aliyun.com/document_detail/42775. MNS documents none of them: it is taken to speak as OSS does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.auth.identity import same
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.auth.identity import Key
    from emulator.wire.http import HttpRequest

_HEADERS = ("x-acs-security-token", "x-oss-security-token", "security-token")
_PARAMETERS = ("SecurityToken", "security-token", "x-oss-security-token")
_WITH_XML = frozenset({"oss", "mns"})


def check_token(request: HttpRequest, service: str, key: Key, now: float) -> Refusal | None:
    """What is wrong with the request's token, if anything is.

    Args:
        request: Its signature has been found right.
        service: Decides how the refusal is worded.
        key: By which it is signed.
        now: Seconds since the epoch on the emulator's clock, on which temporary keys end.
    """
    given = _given(request)
    if key.token is None and not given:
        return None
    if key.token is None or not same(key.token, given):
        return _wrong(service, missing=not given)
    if key.expires is not None and now >= key.expires:
        return _expired(service)
    return None


def _given(request: HttpRequest) -> str:
    for name in _HEADERS:
        if request.headers.get(name):
            return request.headers[name]
    for name in _PARAMETERS:
        found = request.query.get(name) or request.form.get(name)
        if found:
            return found
    return ""


def _wrong(service: str, *, missing: bool) -> Refusal:
    match service in _WITH_XML, missing:
        case True, True:
            message = "The OSS Access Key Id you provided does not exist in our records."
            message = message if service == "oss" else "The AccessKey Id you provided is not exist."
            return Refusal(403, "InvalidAccessKeyId", message)
        case True, False:
            return Refusal(403, "InvalidSecurityToken", "The security token you provided is invalid.")
        case False, True:
            return Refusal(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
        case _:
            message = "Specified SecurityToken mismatch with the AccessKey."
            return Refusal(400, "InvalidSecurityToken.MismatchWithAccessKey", message)


def _expired(service: str) -> Refusal:
    if service in _WITH_XML:
        return Refusal(403, "SecurityTokenExpired", "The security token you provided has expired.")
    return Refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")

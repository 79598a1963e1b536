"""From an HTTP request to a call, and from an outcome to an HTTP answer: everything but the socket.

Strictness lives here: an operation, parameter or `x-oss-` header that the emulator does not know is refused by name,
because an emulator that accepts silently teaches its users something false about the cloud.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from emulator.auth import acs3, mns, oss_v1, oss_v4, rpc_v1
from emulator.auth.identity import FindKey, Identity, Key, Signed, find_key, root_identity
from emulator.auth.token import check_token
from emulator.authorization import authorize
from emulator.call import Call, Operation, Reply
from emulator.imagesearch import downloads
from emulator.mns import data as mns_data
from emulator.mns.digest import check_body
from emulator.oss.resolve import resolve as resolve_oss
from emulator.refusal import Refusal
from emulator.services import SERVICES
from emulator.strict import unknown_parts
from emulator.wire import rest, rpc
from emulator.wire.http import HttpAnswer, HttpRequest, clean, is_utf8, parse_pairs

if TYPE_CHECKING:
    from emulator.instance import Instance
    from emulator.routing import Target
    from emulator.state import Cloud

log = logging.getLogger(__name__)


class Named(NamedTuple):
    """What a request asks for, before anyone has checked who asks."""

    target: Target
    operation: str  # "" if the request names none
    params: dict[str, str]
    request_id: str


def name(request: HttpRequest, target: Target, request_id: str) -> Named:
    """The operation and its parameters."""
    if target.service == "oss":
        params = dict(request.query)
        return Named(target, resolve_oss(request.method, target.place, params, request.headers), params, request_id)
    if target.service == "mns":
        # A ReceiptHandle travels unescaped: its plus signs are plus signs.
        params = dict(parse_pairs(request.raw_query, plus_is_space=False))
        operation = mns_data.resolve(request.method, target.place, params) or ""
        return Named(target, operation, params, request_id)
    return Named(target, rpc.action_of(request), rpc.params_of(request), request_id)


def admit(instance: Instance, request: HttpRequest, named: Named) -> tuple[Call, Operation] | Refusal:
    """The authenticated call and the operation that serves it, or why it is refused."""
    loose = instance.config.loose
    signed = _authenticate(instance.cloud, request, named)
    if isinstance(signed, Refusal):
        if not loose:
            return signed
        config = instance.config
        signed = Signed(Key(config.access_key_secret, root_identity(config.account_id, config.access_key_id)))
    problem = (None if loose else _check_replay(instance, signed)) or _check_owner(named.target, signed)
    if problem is not None:
        return problem
    call = _call(instance.cloud, request, named, signed)
    operation = operation_of(named)
    if operation is None:
        return _not_implemented(request, named)
    if not is_utf8([*named.params, *named.params.values(), *named.target.place]):
        code = "InvalidObjectName" if call.service == "oss" else "InvalidParameter"
        return Refusal(400, code, "The request holds text that is not valid UTF-8.")
    unknown = [] if loose else unknown_parts(call, operation)
    if unknown:
        where = f"emulator/{call.service.partition('-')[0]}/"
        message = f"{call.service} {call.operation}: the emulator does not know {', '.join(unknown)}. "
        message += f"Add it to the operation in {where}, or start with --loose to have it ignored."
        return Refusal(400, "NotImplemented.Emulator", message)
    wrong = check_body(instance.cloud.switches, call) if call.service == "mns" else None
    return wrong or authorize(instance.cloud, call, request) or (call, operation)


def execute(cloud: Cloud, call: Call, operation: Operation) -> Reply | Refusal:
    """Run the operation; a bug in a handler becomes the service's InternalError, logged with its traceback."""
    try:
        return operation.handler(cloud, call)
    except Refusal as refusal:
        return refusal
    except Exception:
        log.exception("%s %s failed, request id %s", call.service, call.operation, call.request_id)
        return bug(call.service, call.operation)


def render(request: HttpRequest, named: Named, outcome: Reply | Refusal) -> HttpAnswer:
    """The outcome in the protocol the caller spoke."""
    head = request.method == "HEAD"
    match named.target.service, outcome:
        case "oss", Reply():
            return rest.oss_reply(outcome, named.request_id)
        case "oss", Refusal():
            return rest.oss_refusal(outcome, named.request_id, request.host, head=head)
        case "mns", Reply():
            return rest.mns_reply(outcome, named.request_id)
        case "mns", Refusal():
            return rest.mns_refusal(outcome, named.request_id, request.host)
        case _, Reply():
            return rpc.render_reply(outcome, named.request_id)
        case _:
            return rpc.render_refusal(outcome, named.request_id, request.host)


def bug(service: str, operation: str) -> Refusal:
    """The service's InternalError for an exception, which the caller has logged with its traceback."""
    what = f"{service} {clean(operation[:100])}".strip()
    return Refusal(500, "InternalError", f"The emulator has a bug in {what}; its log has the traceback.")


def operation_of(named: Named) -> Operation | None:
    """The served operation that the request names, if there is one."""
    operations = SERVICES.get(named.target.service)
    return None if operations is None else operations.by_name.get(named.operation)


def _authenticate(cloud: Cloud, request: HttpRequest, named: Named) -> Signed | Refusal | None:
    """The verified signature.

    None for an operation that wants none, and for an OSS request without any, which only public buckets accept.
    """
    operation = operation_of(named)
    if operation is not None and operation.anonymous:
        return None
    now = cloud.clock.wall()
    find = partial(find_key, cloud)
    authorization = request.headers.get("authorization", "")
    match named.target.service:
        case "oss" if downloads.owns(cloud, named.target.place[0]):
            return downloads.refusal(cloud, request, named.target.place)
        case "oss":
            outcome = _authenticate_oss(request, named.target, find, now)
        case "mns":
            outcome = mns.verify(request, find, now)
        case _ if authorization.startswith("ACS3-"):
            outcome = acs3.verify(request, find, now)
        case _:
            outcome = rpc_v1.verify(request, find, now)
    if isinstance(outcome, Signed):
        return check_token(request, named.target.service, outcome.key, cloud.clock.now()) or outcome
    return outcome


def _authenticate_oss(request: HttpRequest, target: Target, find: FindKey, now: float) -> Signed | Refusal | None:
    bucket, key = target.place
    resource = f"/{bucket}/{key}" if bucket else "/"
    authorization = request.headers.get("authorization", "")
    version = request.query.get("x-oss-signature-version", "")
    if authorization.startswith("OSS4-HMAC-SHA256") or version == oss_v4.SCHEME:
        return oss_v4.verify(request, resource, find, now)
    if authorization.startswith("OSS ") or "OSSAccessKeyId" in request.query:
        return oss_v1.verify(request, resource, find, now)
    if authorization or version:
        message = "The emulator verifies OSS signature versions 1 and 4; add others in emulator/auth/."
        return Refusal(400, "NotImplemented.Emulator", message)
    return None


def _check_replay(instance: Instance, signed: Signed | None) -> Refusal | None:
    if signed is None or signed.nonce is None:
        return None
    if instance.nonces.use(signed.nonce, instance.cloud.clock.wall()):
        return None
    return Refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")


def _check_owner(target: Target, signed: Signed | None) -> Refusal | None:
    if signed is None:
        return None
    if target.owner is not None and target.owner.isdigit() and target.owner != signed.key.identity.account_id:
        message = "The OwnerId that your Access Key Id associated to is forbidden for this operation."
        return Refusal(403, "AccessDenied", message)
    if signed.region is not None and target.region is not None and signed.region != target.region:
        return Refusal(400, "InvalidArgument", f"Invalid signing region in Authorization header: {signed.region}.")
    return None


def _call(cloud: Cloud, request: HttpRequest, named: Named, signed: Signed | None) -> Call:
    target = named.target
    identity: Identity | None = None if signed is None else signed.key.identity
    named_region = target.region or (None if signed is None else signed.region)
    return Call(
        service=target.service,
        operation=named.operation,
        account="" if identity is None else identity.account_id,
        region=named_region or cloud.region,
        request_id=named.request_id,
        params=named.params,
        headers=request.headers,
        body=request.body,
        resource=target.place,
        base_url=f"{request.scheme}://{request.host}",
        identity=identity,
        named_region=named_region,
    )


def _not_implemented(request: HttpRequest, named: Named) -> Refusal:
    service = named.target.service
    if service == "unknown":
        what = f"an API with version {rpc.version_of(request)!r}. Add it to RPC_SERVICES in emulator/routing.py"
    elif not named.operation:
        what = f"a {service} request {request.method} {request.target[:200]}. Add it to emulator/{service}/"
    else:
        what = f"the {service} operation {named.operation}. Add it to emulator/{service.partition('-')[0]}/"
    return Refusal(400, "NotImplemented.Emulator", f"The emulator does not serve {what}.")

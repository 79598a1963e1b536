"""One request as every service sees it, and the two things a service can answer.

A service never sees a socket: the server parses and authenticates a request into a `Call`, a service function turns it
into a `Reply` or raises a `Refusal`, and the server renders either in the protocol the caller spoke. That is why one
function serves a signed RPC request, a test in process and a replayed journal alike.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from emulator.auth.identity import Identity
    from emulator.state import Cloud


Provenance = Literal["documented", "sdk", "recorded", "assumed"]
_NONE: Mapping[str, str] = MappingProxyType({})


class Call(NamedTuple):
    """A parsed, authenticated request.

    A tuple, as `Reply` is, because one is made per request: a frozen dataclass takes four times as long.

    Attributes:
        service: `oss`, `imm`, `imm-2017`, `imagesearch`, `mns`, `mns-open`, `ram`, `ims`, `sts`, `location` or
            `bssopenapi`.
        operation: The vendor's name of the operation (`CreateBinding`, `PutObject`, `ReceiveMessage`).
        account: The account id the signature belongs to.
        region: The region of the endpoint that was called.
        request_id: Goes into the answer, the error and the journal.
        params: RPC: query and form merged. OSS and MNS: the decoded query; an empty value stays an empty string.
        headers: Names in lower case.
        body: The raw body.
        resource: Protocol-specific place: OSS `(bucket, key)`, MNS `("queues", name, …)`, RPC `()`.
        base_url: `scheme://host:port` the caller used, for Location headers and signed addresses.
        identity: Who signed; None for an anonymous request and for calls made inside the emulator.
        named_region: The region the host name or the signature names; None if `region` is only the default.
    """

    service: str
    operation: str
    account: str
    region: str
    request_id: str
    params: Mapping[str, str] = _NONE
    headers: Mapping[str, str] = _NONE
    body: bytes = b""
    resource: tuple[str, ...] = ()
    base_url: str = ""
    identity: Identity | None = None
    named_region: str | None = None


class Reply(NamedTuple):
    """An answer. `body` is a mapping for RPC (rendered as JSON with the RequestId added), bytes otherwise."""

    body: Mapping[str, object] | bytes = b""
    status: int = 200
    headers: Mapping[str, str] = _NONE


Handler = Callable[["Cloud", Call], Reply]
Before = Callable[["Cloud", Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One served operation.

    Attributes:
        name: The vendor's name.
        handler: The function behind it.
        params: Every parameter the operation knows; any other one is refused (strict mode). For OSS: the
            sub-resources and query names.
        provenance: Where its behaviour comes from.
        before: What must be waited for before the handler runs, which cannot wait itself. It changes nothing that is
            kept, and leaves refusing to the handler.
        anonymous: Nobody signs the call; a signature is not looked at.
    """

    name: str
    handler: Handler
    params: frozenset[str]
    provenance: Provenance
    before: Before | None = None
    anonymous: bool = False


class Operations:
    """The operations of one service, filled by the `serves` decorator: the registry is the coverage table."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.by_name: dict[str, Operation] = {}

    def serves(
        self,
        name: str,
        *params: str,
        provenance: Provenance = "documented",
        before: Before | None = None,
        anonymous: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function as the handler of `name`, which takes exactly `params`; see `Operation`."""

        def register(handler: Handler) -> Handler:
            self.by_name[name] = Operation(name, handler, frozenset(params), provenance, before, anonymous)
            return handler

        return register

"""What IMS remembers of one account. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class OidcProvider:
    """An issuer of tokens that roles may trust."""

    name: str
    issuer_url: str
    created: float
    updated: float
    issuance_limit: int  # hours that a token may be old
    description: str = ""
    client_ids: list[str] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)  # SHA-1 of trusted certificate authorities, in hex, as sent


@dataclass(slots=True)
class ImsState:
    """One account's OpenID Connect providers by name."""

    oidc_providers: dict[str, OidcProvider] = field(default_factory=dict)

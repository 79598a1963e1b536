"""The keys by which an issuer signs, fetched from the issuer itself as the cloud does, over HTTPS.

Whom to believe: the certificate authorities in one file (`--oidc-ca`), narrowed to those whose fingerprints the
provider lists. The TLS handshake then proves both at once, and no chain has to be taken apart afterwards. The file is
read at each fetch, so the issuer may be started after the emulator.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ims.state import OidcProvider

DISCOVERY = "/.well-known/openid-configuration"
_PATIENCE = aiohttp.ClientTimeout(total=5)  # seconds
_LARGEST = 256 * 1024  # bytes of a document
_CODE = "AuthenticationFail.OIDCToken."

Keys = list[dict[str, Any]]  # JSON Web Keys (RFC 7517), as the issuer wrote them


@dataclass(slots=True)
class Issuers:
    """What each issuer last answered: its keys, or why there are none; `authorities` is a file of certificates."""

    authorities: Path | None = None
    heard: dict[str, Keys | Refusal] = field(default_factory=dict)


async def fetch(issuers: Issuers, provider: OidcProvider) -> None:
    """Ask the provider's issuer for its keys and remember the answer under its address."""
    try:
        context = await asyncio.to_thread(_trust, issuers.authorities, provider.fingerprints)
        issuers.heard[provider.issuer_url] = await _keys(provider.issuer_url, context)
    except Refusal as refusal:
        issuers.heard[provider.issuer_url] = refusal


def _trust(path: Path | None, fingerprints: Sequence[str]) -> ssl.SSLContext:
    """A context that believes the file's authorities which the fingerprints name; all of them if there are none."""
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if path is None:
        raise _failed("HttpsUrlInvalid", "the emulator was started without --oidc-ca, so it can trust no issuer")
    try:
        known.load_verify_locations(path)
    except OSError as error:  # an ssl.SSLError is one
        raise _failed("HttpsUrlInvalid", f"--oidc-ca {path} cannot be read as certificates: {error}") from error
    wanted = {text.lower() for text in fingerprints}
    named = [
        certificate
        for certificate in known.get_ca_certs(binary_form=True)
        if not wanted or sha1(certificate, usedforsecurity=False).hexdigest() in wanted
    ]
    if not named:
        message = "No certificate authority known to the emulator has a fingerprint of this OIDC provider"
        raise _failed("PublicKeyFingerprintMismatch", f"{message}: {', '.join(fingerprints)}; see --oidc-ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=b"".join(named))
    return context


async def _keys(issuer: str, context: ssl.SSLContext) -> Keys:
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        found = await _document(session, issuer.rstrip("/") + DISCOVERY, issuer, context)
        if found.get("issuer") != issuer:
            raise _broken(issuer, f"its {DISCOVERY} names the issuer {found.get('issuer')}")
        address = found.get("jwks_uri")
        if not isinstance(address, str) or not address.startswith("https://"):
            raise _broken(issuer, f"its {DISCOVERY} has no https jwks_uri")
        keys = (await _document(session, address, issuer, context)).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise _broken(issuer, f"{address} holds no list of keys")
    return keys


async def _document(
    session: aiohttp.ClientSession, address: str, issuer: str, context: ssl.SSLContext
) -> dict[str, Any]:
    try:
        async with session.get(address, ssl=context, allow_redirects=False) as answer:
            body = await answer.content.read(_LARGEST)
            if answer.status != 200:  # noqa: PLR2004 - HTTP's own number for success
                raise _broken(issuer, f"{address} answers with {answer.status}")
    except aiohttp.ClientConnectorCertificateError as error:
        message = "Invoke url failed due to certificate chain validation"
        raise _failed("HttpsUrlInvalid", f"{message}: {error.certificate_error}") from error
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _broken(issuer, f"{address}: {str(error) or type(error).__name__}") from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _broken(issuer, f"{address} holds no JSON") from error
    if not isinstance(document, dict):
        raise _broken(issuer, f"{address} holds no JSON object")
    return document


def _broken(issuer: str, why: str) -> Refusal:
    message = f"Get public keys from OIDC Provider failed, the issuer is {issuer}. ({why})"
    return _failed("IssuerConfigurationBroken", message)


def _failed(code: str, message: str) -> Refusal:
    return Refusal(401, _CODE + code, message)

"""An OpenID Connect token, checked: that its issuer signed it, for us, and for now.

Codes and messages: help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes and the table of RRSA's
errors in ACK's guide. PyJWT does the checking; it asks the system for the time, as `Clock.wall` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt

from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.ims.state import OidcProvider
    from emulator.sts.issuers import Keys

Claims = dict[str, Any]
ALGORITHMS = ("RS256", "ES256")
_LONGEST = 20_000  # characters
_REQUIRED = ["iss", "aud", "sub", "exp", "iat"]
_CODE = "AuthenticationFail.OIDCToken."


def issuer_of(token: str) -> str:
    """The issuer that the token names, not yet to be believed."""
    return str(_decoded(token).get("iss", ""))


def check(token: str, provider: OidcProvider, keys: Keys | Refusal, now: float) -> Claims:
    """The token's claims, now to be believed.

    Args:
        token: As it came.
        provider: Whose tokens they must be; it says for whom and how old they may be.
        keys: What the issuer answered when asked for its keys.
        now: Seconds since the epoch, by the clock that the issuer reads too.

    Raises:
        Refusal: They are not.
    """
    if issuer_of(token) != provider.issuer_url:
        message = "The issuer in the OIDC Token doesn't match the OIDC Provider registered."
        raise _refusal("IssuerNotMatch", message)
    if isinstance(keys, Refusal):
        raise keys
    claims = _verified(token, _key(token, keys), provider)
    if now - float(claims["iat"]) > provider.issuance_limit * 3600:
        message = f"The OIDCToken was issued more than {provider.issuance_limit} hours ago, the provider's limit."
        raise _refusal("Expired", message)
    return claims


def _decoded(token: str) -> Claims:
    """The claims of something that looks like a token and is signed in a way we know; unverified."""
    if not token:
        raise _refusal("Invalid", "The OIDCToken can not empty.")
    if len(token) > _LONGEST:
        raise _refusal("Invalid", f"The OIDCToken has more than {_LONGEST} characters.")
    try:
        algorithm = jwt.get_unverified_header(token).get("alg")
        claims: Claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, RecursionError) as error:
        if token.count(".") != 2:  # noqa: PLR2004 - header, claims, signature
            message = "The number of Jwt field should be divided into 3 parts with '.' ."
            raise _refusal("Invalid", message) from error
        raise _refusal("Invalid", "The Jwt content is invalid that cannot be recognized.") from error
    if algorithm not in ALGORITHMS:
        raise _refusal("Invalid", f"The algorithm {algorithm} that be specified in Jwt header is unknown.")
    return claims


def _key(token: str, keys: Keys) -> jwt.PyJWK:
    """The issuer's key that the token says it is signed with; without a word of it, the issuer's only key."""
    wanted = jwt.get_unverified_header(token).get("kid")
    found = [key for key in keys if key.get("kid") == wanted] if wanted is not None else keys
    if len(found) != 1:
        raise _refusal("InvalidSignature", f"OIDC token validate failed: the issuer has no key {wanted!r}.")
    try:
        return jwt.PyJWK(found[0])
    except jwt.PyJWTError as error:
        raise _refusal("InvalidSignature", f"OIDC token validate failed: the key {wanted!r} is unusable.") from error


def _verified(token: str, key: jwt.PyJWK, provider: OidcProvider) -> Claims:
    try:
        claims: Claims = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=provider.client_ids,
            issuer=provider.issuer_url,
            options={"require": _REQUIRED},
        )
    except jwt.ExpiredSignatureError as error:
        raise _refusal("Expired", "This JsonWebToken is expired.") from error
    except jwt.InvalidAudienceError as error:
        raise _refusal("AudienceNotMatch", "Invalid audience.") from error
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
        raise _refusal("InvalidSignature", "OIDC token validate failed: invalid signature.") from error
    except jwt.PyJWTError as error:
        raise _refusal("Invalid", f"The Jwt content is invalid that cannot be recognized: {error}") from error
    return claims


def _refusal(code: str, message: str) -> Refusal:
    return Refusal(401, _CODE + code, message)

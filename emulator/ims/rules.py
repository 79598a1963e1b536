"""What IMS accepts in an OpenID Connect provider.

Limits and formats: help.aliyun.com/document_detail/327135 (CreateOIDCProvider). The codes of these refusals follow
RAM's pattern and are assumed, but for EntityNotExist.OIDCProvider, which the Terraform provider waits for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emulator.call import Call
from emulator.ram.parameters import number_of, required
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.ims.state import OidcProvider
    from emulator.state import Cloud

MOST_PROVIDERS = 100
_MOST_CLIENT_IDS = 50
_MOST_FINGERPRINTS = 5
_LONGEST_URL = 255
_LONGEST_DESCRIPTION = 256
_ISSUANCE_LIMIT = 12  # hours; the default that the Terraform provider's page shows
_LONGEST_ISSUANCE_LIMIT = 168
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_:/]{0,127}")
_FINGERPRINT = re.compile(r"[A-Za-z0-9]{1,128}")


def provider_arn(account_id: str, provider: OidcProvider) -> str:
    """The provider's resource name."""
    return f"acs:ram::{account_id}:oidc-provider/{provider.name}"


def find_provider(cloud: Cloud, call: Call) -> OidcProvider:
    """The provider the call names, or EntityNotExist.OIDCProvider."""
    name = required(call, "OIDCProviderName")
    provider = cloud.accounts[call.account].ims.oidc_providers.get(name)
    if provider is None:
        raise Refusal(404, "EntityNotExist.OIDCProvider", f"The OIDC provider does not exist: {name}.")
    return provider


def new_name(call: Call) -> str:
    """A name for a provider."""
    name = required(call, "OIDCProviderName")
    if _NAME.fullmatch(name) is None:
        raise invalid("OIDCProviderName", "holds letters, digits, and . - _ inside; 128 characters at most")
    return name


def issuer_url(call: Call) -> str:
    """Where the issuer is found; it stands in its tokens letter for letter."""
    text = required(call, "IssuerUrl")
    try:
        url = urlsplit(text)
        plain = url.scheme == "https" and bool(url.hostname) and not (url.query or url.fragment or url.username)
    except ValueError:
        plain = False
    if not plain or len(text) > _LONGEST_URL:
        raise invalid("IssuerUrl", "is an https address without query, fragment and user, 255 characters at most")
    return text


def description(call: Call, parameter: str, default: str = "") -> str:
    """A text for people."""
    text = call.params.get(parameter, default)
    if len(text) > _LONGEST_DESCRIPTION:
        raise invalid(parameter, f"has {_LONGEST_DESCRIPTION} characters at most")
    return text


def issuance_limit(call: Call, default: int = _ISSUANCE_LIMIT) -> int:
    """How many hours old a token may be."""
    return number_of(call, "IssuanceLimitTime", default, 1, _LONGEST_ISSUANCE_LIMIT)


def client_ids(texts: list[str]) -> list[str]:
    """Audiences that the issuer's tokens may name."""
    return _members(texts, "ClientId", _MOST_CLIENT_IDS, lambda text: _CLIENT_ID.fullmatch(text) is not None)


def fingerprints(texts: list[str]) -> list[str]:
    """SHA-1 digests of the certificate authorities that may vouch for the issuer's address, spelled as they came."""
    return _members(texts, "Fingerprint", _MOST_FINGERPRINTS, lambda text: _FINGERPRINT.fullmatch(text) is not None)


def listed(call: Call, parameter: str) -> list[str]:
    """The members of a parameter that separates them by commas."""
    return [text for text in call.params.get(parameter, "").split(",") if text]


def invalid(parameter: str, rule: str) -> Refusal:
    """`InvalidParameter.{parameter}`."""
    return Refusal(400, f"InvalidParameter.{parameter}", f"The parameter {parameter} {rule}.")


def _members(texts: list[str], kind: str, most: int, is_valid: Callable[[str], bool]) -> list[str]:
    unique = list(dict.fromkeys(texts))
    for text in unique:
        if not is_valid(text):
            raise invalid(f"{kind}s", f"holds an invalid member: {text[:200]}")
    if len(unique) > most:
        message = f"The count of {kind}s of an OIDC provider is beyond the current limit: {most}."
        raise Refusal(409, f"LimitExceeded.OIDCProvider.{kind}", message)
    return unique

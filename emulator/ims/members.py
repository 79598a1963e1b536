"""Single client ids and fingerprints of a provider, added and removed. Adding what is there changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Reply
from emulator.ims import rules
from emulator.ims.providers import answer
from emulator.ims.registry import serves
from emulator.ram.parameters import absent, required
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.state import Cloud


@serves("AddClientIdToOIDCProvider", "OIDCProviderName", "ClientId", provenance="sdk")
def add_client_id(cloud: Cloud, call: Call) -> Reply:
    """Let the issuer's tokens name one more audience."""
    provider = rules.find_provider(cloud, call)
    provider.client_ids = rules.client_ids([*provider.client_ids, required(call, "ClientId")])
    return answer(cloud, call, provider, changed=True)


@serves("RemoveClientIdFromOIDCProvider", "OIDCProviderName", "ClientId", provenance="sdk")
def remove_client_id(cloud: Cloud, call: Call) -> Reply:
    """Take an audience away."""
    provider = rules.find_provider(cloud, call)
    provider.client_ids = _without(provider.client_ids, required(call, "ClientId"), "ClientId")
    return answer(cloud, call, provider, changed=True)


@serves("AddFingerprintToOIDCProvider", "OIDCProviderName", "Fingerprint", provenance="sdk")
def add_fingerprint(cloud: Cloud, call: Call) -> Reply:
    """Trust one more certificate authority to vouch for the issuer's address."""
    provider = rules.find_provider(cloud, call)
    provider.fingerprints = rules.fingerprints([*provider.fingerprints, required(call, "Fingerprint")])
    return answer(cloud, call, provider, changed=True)


@serves("RemoveFingerprintFromOIDCProvider", "OIDCProviderName", "Fingerprint", provenance="sdk")
def remove_fingerprint(cloud: Cloud, call: Call) -> Reply:
    """Trust an authority no longer; the last one stays."""
    provider = rules.find_provider(cloud, call)
    left = _without(provider.fingerprints, required(call, "Fingerprint"), "Fingerprint")
    if not left:
        message = "An OIDC provider keeps at least one fingerprint: add the new one first."
        raise Refusal(409, "LimitExceeded.OIDCProvider.Fingerprint", message)
    provider.fingerprints = left
    return answer(cloud, call, provider, changed=True)


def _without(members: list[str], gone: str, kind: str) -> list[str]:
    if gone not in members:
        raise absent(f"OIDCProvider.{kind}", gone)
    return [member for member in members if member != gone]

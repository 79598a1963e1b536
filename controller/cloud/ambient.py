"""The operator's own rights, for the accounts of people whom its administrator trusts with them; off by default.

The vendor's default chain (environment, RRSA of the operator's pod, profile, instance role) is built here, explicitly:
no client of ours is left to find credentials by itself, and with any other source this module is never loaded.
"""

from __future__ import annotations

import logging
from typing import Protocol

from controller.cloud.credentials import Credentials, CredentialsUnavailable

log = logging.getLogger(__name__)


class Found(Protocol):
    """A key as the vendor's providers give it."""

    def get_access_key_id(self) -> str | None: ...
    def get_access_key_secret(self) -> str | None: ...
    def get_security_token(self) -> str | None: ...


class Chain(Protocol):
    """A provider of the vendor's."""

    def get_credentials(self) -> Found: ...


def default_chain() -> Chain:
    """The vendor's default chain. Its package reads the environment once, when it is imported."""
    from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415 - see above

    chain: Chain = DefaultCredentialsProvider()
    return chain


class Ambient:
    """The operator's own credentials, fetched anew by the chain itself before they end."""

    def __init__(self, chain: Chain | None = None) -> None:
        self._chain = chain

    def __call__(self) -> Credentials:
        """The key of this moment.

        Raises:
            CredentialsUnavailable: the chain has none; what each provider said is not for a tenant's eyes.
        """
        if self._chain is None:
            self._chain = default_chain()
        try:
            found = self._chain.get_credentials()
        except Exception as error:  # noqa: BLE001 - each of the chain's providers raises what it likes
            # Some quote the answer they got, which may hold half a key: the kind of failure has to do.
            log.warning("the default chain gives no credentials: %s", type(error).__name__)
            raise _nothing() from None
        key_id, secret = found.get_access_key_id(), found.get_access_key_secret()
        if not key_id or not secret:
            raise _nothing()
        token = found.get_security_token() or None
        return Credentials(key_id, secret, token, renewable=token is not None)


def refused() -> Credentials:
    """What an operator without ambient credentials says.

    Raises:
        CredentialsUnavailable: always.
    """
    raise CredentialsUnavailable(
        "spec.credentials.ambient asks for the operator's own rights, which its administrator does not lend "
        "(IMM_OPERATOR_ALLOW_AMBIENT): use spec.credentials.rrsa or secretRef"
    )


def _nothing() -> CredentialsUnavailable:
    return CredentialsUnavailable(
        "the operator has no credentials of its own: give its pod a RAM role (RRSA), or use secretRef or rrsa"
    )

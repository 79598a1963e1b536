"""Credentials as a value that never shows its secret."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from controller.cloud.gate import Gate

# The vendor's guides name the pair AccessKeyId/AccessKeySecret, Kubernetes users write camelCase.
KEY_ID_NAMES = ("accessKeyId", "AccessKeyId")
KEY_SECRET_NAMES = ("accessKeySecret", "AccessKeySecret")
TOKEN_NAMES = ("securityToken", "SecurityToken")


class CredentialsUnavailable(Exception):
    """There are no usable credentials; the message says what is missing where."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An AccessKey, temporary if it has a token. Only the key id may ever be printed.

    Attributes:
        renewable: The operator fetches the next key by itself before this one ends.
        expires_at: When it ends, where that is known.
        gate: Closed by the first call that the cloud refuses because of this key.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    renewable: bool = False
    expires_at: datetime | None = None
    gate: Gate = field(default_factory=Gate, repr=False, compare=False)

    def passing(self, operation: str) -> AbstractContextManager[None]:
        """Entered by the adapters for each call that is signed with this key; see `Gate.passing`."""
        return self.gate.passing(operation, renewable=self.renewable)


def from_secret(name: str, data: Mapping[str, str]) -> Credentials:
    """Read an AccessKey from the `data` of a Secret (values in base64).

    Raises:
        CredentialsUnavailable: a key is missing, empty or not text.
    """
    key_id = _first(name, data, KEY_ID_NAMES)
    secret = _first(name, data, KEY_SECRET_NAMES)
    if key_id is None or secret is None:
        missing = KEY_ID_NAMES[0] if key_id is None else KEY_SECRET_NAMES[0]
        raise CredentialsUnavailable(f"Secret {name} has no key {missing}: add it, or name another Secret")
    return Credentials(key_id, secret, _first(name, data, TOKEN_NAMES))


def _first(name: str, data: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if data.get(key):
            try:
                # Secrets are often made with `echo key | base64`: the newline is never part of a key.
                return base64.b64decode(data[key], validate=True).decode("ascii").strip() or None
            except (binascii.Error, UnicodeDecodeError):
                raise CredentialsUnavailable(f"Secret {name}: the value of {key} is not plain text") from None
    return None

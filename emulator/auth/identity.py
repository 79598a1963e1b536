"""Who a request comes from, and the outcome of checking a signature."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from emulator.state import Account, Cloud

MAX_SKEW = 15 * 60  # seconds; every scheme allows the client's clock to be off by a quarter of an hour


@dataclass(frozen=True, slots=True)
class Identity:
    """The holder of a verified key. `kind` is STS's word for it (GetCallerIdentity's IdentityType)."""

    account_id: str
    arn: str
    kind: Literal["Account", "RAMUser", "AssumedRoleUser"]
    principal_id: str
    user_id: str
    access_key_id: str


@dataclass(frozen=True, slots=True)
class Key:
    """A secret and whose it is. `token` is set for a temporary key, which must be sent with it."""

    secret: str
    identity: Identity
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that is right. `nonce` must not be seen again; `region` is set by schemes that sign it."""

    identity: Identity
    nonce: str | None = None
    region: str | None = None


FindKey = Callable[[str], Key | None]


def find_key(cloud: Cloud, access_key_id: str) -> Key | None:
    """The key of that id: an account's own, or an active one of a RAM user; None if there is no such key."""
    for account in cloud.accounts.values():
        secret = account.access_keys.get(access_key_id)
        if secret is not None:
            return Key(secret, root_identity(account.account_id, access_key_id))
        found = _user_key(account, access_key_id)
        if found is not None:
            return found
    return None


def root_identity(account_id: str, access_key_id: str) -> Identity:
    """The account itself."""
    return Identity(account_id, f"acs:ram::{account_id}:root", "Account", account_id, account_id, access_key_id)


def _user_key(account: Account, access_key_id: str) -> Key | None:
    for user in account.ram.users.values():
        key = user.access_keys.get(access_key_id)
        if key is not None and key.status == "Active":
            arn = f"acs:ram::{account.account_id}:user/{user.name}"
            identity = Identity(account.account_id, arn, "RAMUser", user.user_id, user.user_id, access_key_id)
            return Key(key.secret, identity)
    return None


def same(expected: str, given: str) -> bool:
    """Whether two signatures are equal, in constant time."""
    return hmac.compare_digest(expected.encode("utf-8", "replace"), given.encode("utf-8", "replace"))

"""Who a request comes from, and the outcome of checking a signature."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from emulator.state import Account, Cloud
    from emulator.sts.state import Session

MAX_SKEW = 15 * 60  # seconds; every scheme allows the client's clock to be off by a quarter of an hour


@dataclass(frozen=True, slots=True)
class Identity:
    """The holder of a verified key. `kind` is STS's word for it (GetCallerIdentity's IdentityType).

    `role_name` and `session_policy` are an assumed role's: whose policies count, and what narrows them.
    """

    account_id: str
    arn: str
    kind: Literal["Account", "RAMUser", "AssumedRoleUser"]
    principal_id: str
    user_id: str
    access_key_id: str
    role_name: str | None = None
    session_policy: str | None = None


class Key(NamedTuple):
    """A secret and whose it is. A temporary key has a `token`, which must be sent with it, and ends at `expires`."""

    secret: str
    identity: Identity
    token: str | None = None
    expires: float | None = None  # seconds since the epoch, on the emulator's clock


class Signed(NamedTuple):
    """A signature that is right. `nonce` must not be seen again; `region` is set by schemes that sign it."""

    key: Key
    nonce: str | None = None
    region: str | None = None


FindKey = Callable[[str], Key | None]


def find_key(cloud: Cloud, access_key_id: str) -> Key | None:
    """The key of that id: an account's own, an active one of a user, a temporary one of a role; None if none."""
    for account in cloud.accounts.values():
        secret = account.access_keys.get(access_key_id)
        if secret is not None:
            return Key(secret, root_identity(account.account_id, access_key_id))
        found = _user_key(account, access_key_id) or _session_key(account, access_key_id)
        if found is not None:
            return found
    return None


@lru_cache(maxsize=128)
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


def _session_key(account: Account, access_key_id: str) -> Key | None:
    session = account.sts.sessions.get(access_key_id)
    if session is None:
        return None
    return Key(session.secret, _session_identity(account.account_id, session), session.token, session.expires)


def _session_identity(account_id: str, session: Session) -> Identity:
    return Identity(
        account_id=account_id,
        arn=f"acs:ram::{account_id}:assumed-role/{session.role_name.lower()}/{session.name}",
        kind="AssumedRoleUser",
        principal_id=f"{session.role_id}:{session.name}",
        user_id="",
        access_key_id=session.access_key_id,
        role_name=session.role_name,
        session_policy=session.policy,
    )


def same(expected: str, given: str) -> bool:
    """Whether two signatures are equal, in constant time."""
    return hmac.compare_digest(expected.encode("utf-8", "replace"), given.encode("utf-8", "replace"))

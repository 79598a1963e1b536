"""Temporary keys: how they are made and shown.

The shapes are the SDK's; an answer spells the session's resource name `role/NAME/SESSION`, GetCallerIdentity and the
journal spell it `assumed-role/NAME/SESSION`, as the vendor's own examples of both do.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from emulator.ram.parameters import date
from emulator.ram.roles import role_arn
from emulator.sts.state import Session

if TYPE_CHECKING:
    from emulator.state import Cloud
    from emulator.sts.requested import Requested

_LETTERS = string.ascii_letters + string.digits
_REMEMBERED = 24 * 3600  # seconds that an ended session is still told from a key that never was


def open_session(cloud: Cloud, wanted: Requested) -> dict[str, object]:
    """Make a temporary key of the role and describe it as AssumeRole and AssumeRoleWithOIDC do."""
    now = cloud.clock.now()
    session = Session(
        access_key_id="STS." + _random(24),
        secret=_random(44),
        token=secrets.token_urlsafe(288),
        role_name=wanted.role.name,
        role_id=wanted.role.role_id,
        name=wanted.session_name,
        issued=now,
        expires=now + wanted.duration,
        policy=wanted.policy,
    )
    kept = wanted.account.sts.sessions
    for old in [old for old in kept.values() if old.expires < now - _REMEMBERED]:
        del kept[old.access_key_id]
    kept[session.access_key_id] = session
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "AccessKeySecret": session.secret,
            "SecurityToken": session.token,
            "Expiration": date(session.expires),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{session.role_id}:{session.name}",
            "Arn": f"{role_arn(wanted.account.account_id, wanted.role)}/{session.name}",
        },
    }


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))

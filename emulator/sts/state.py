"""What STS remembers of one account: the temporary keys of its roles. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Session:
    """A temporary key of a role, with all that its holder's requests are judged by; it never changes."""

    access_key_id: str
    secret: str
    token: str
    role_name: str
    role_id: str
    name: str
    issued: float
    expires: float
    policy: str | None = None  # narrows the role's rights for this session


@dataclass(slots=True)
class StsState:
    """Sessions by AccessKeyId, ended ones included for a day so that their end can be told from a wrong key."""

    sessions: dict[str, Session] = field(default_factory=dict)

"""What RAM remembers of one account. Times are seconds since the epoch; policy documents are kept as sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PolicyType = Literal["System", "Custom"]


@dataclass(slots=True)
class PolicyVersion:
    """One version of a policy's document."""

    version_id: str  # v1, v2, …
    document: str
    created: float


@dataclass(slots=True)
class Policy:
    """A policy with its versions; `default_version` is the one in force."""

    name: str
    kind: PolicyType
    description: str
    created: float
    updated: float
    default_version: str = "v1"
    next_version: int = 2
    versions: dict[str, PolicyVersion] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def document(self) -> str:
        """The document in force."""
        return self.versions[self.default_version].document


@dataclass(frozen=True, slots=True)
class Attachment:
    """A policy attached to a user or a role."""

    policy_type: PolicyType
    policy_name: str
    attached: float


@dataclass(slots=True)
class AccessKey:
    """A RAM user's key pair; it signs requests as long as its status is Active."""

    access_key_id: str
    secret: str
    created: float
    status: Literal["Active", "Inactive"] = "Active"


@dataclass(slots=True)
class User:
    """A RAM user."""

    name: str
    user_id: str
    created: float
    updated: float
    display_name: str = ""
    comments: str = ""
    email: str = ""
    mobile_phone: str = ""
    access_keys: dict[str, AccessKey] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(slots=True)
class Role:
    """A RAM role with its trust policy."""

    name: str
    role_id: str
    trust_policy: str
    created: float
    updated: float
    description: str = ""
    max_session_duration: int = 3600  # seconds
    tags: dict[str, str] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(slots=True)
class RamState:
    """One account's users, roles and custom policies; system policies are the cloud's own (`emulator.ram.policies`)."""

    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)

"""All STS operations: importing a module of this folder registers what it serves."""

from __future__ import annotations

from emulator.sts import assume_role, assume_role_with_oidc, caller
from emulator.sts.registry import OPERATIONS

__all__ = ["OPERATIONS", "assume_role", "assume_role_with_oidc", "caller"]

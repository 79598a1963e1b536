"""All RAM operations: importing a module of this folder registers what it serves."""

from __future__ import annotations

from emulator.ram import access_keys, attachments, policies, roles, tags, users, versions
from emulator.ram.registry import OPERATIONS

__all__ = ["OPERATIONS", "access_keys", "attachments", "policies", "roles", "tags", "users", "versions"]

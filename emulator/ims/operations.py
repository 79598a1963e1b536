"""All IMS operations: importing a module of this folder registers what it serves."""

from __future__ import annotations

from emulator.ims import members, providers
from emulator.ims.registry import OPERATIONS

__all__ = ["OPERATIONS", "members", "providers"]

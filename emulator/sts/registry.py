"""STS's table of operations, filled by the modules of this folder."""

from __future__ import annotations

from emulator.call import Operations

OPERATIONS = Operations("sts")
serves = OPERATIONS.serves

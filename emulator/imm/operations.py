"""Every operation of IMM 2020-09-30 that is served here, from the modules that serve them."""

from __future__ import annotations

from emulator.call import Operations
from emulator.imm import bindings, datasets, files, metas, projects, queries

OPERATIONS = Operations("imm")
for room in (projects, datasets, bindings, files, metas, queries):
    OPERATIONS.by_name.update(room.SERVED.by_name)

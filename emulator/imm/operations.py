"""Every operation of IMM 2020-09-30 that is served here, from the modules that serve them."""

from __future__ import annotations

from emulator.call import Operations
from emulator.imm import (
    attachments,
    batches,
    bindings,
    datasets,
    files,
    metas,
    pausing,
    projects,
    queries,
    semantic,
    tasks,
)

OPERATIONS = Operations("imm")
for room in (projects, datasets, bindings, pausing, files, metas, queries, semantic, tasks, batches, attachments):
    OPERATIONS.by_name.update(room.SERVED.by_name)

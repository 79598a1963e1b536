"""Every operation of Image Search 2020-12-14 that is served here, from the modules that serve them."""

from __future__ import annotations

from emulator.call import Operations
from emulator.imagesearch import batches, dumps, images, instances, searches

OPERATIONS = Operations("imagesearch")
for room in (instances, images, searches, batches, dumps):
    OPERATIONS.by_name.update(room.SERVED.by_name)

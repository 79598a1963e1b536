"""When the progress of each scan was last asked for: a scan costs two calls every 30 s, whoever looks (law 6)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

from controller.cloud.errors import CloudError
from controller.core.facts import Scanned

INTERVAL = timedelta(seconds=30)
log = logging.getLogger(__name__)


class Scans:
    """When each scan was last asked about, and what came back. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Hashable, tuple[datetime, Scanned | None]] = {}

    def __len__(self) -> int:
        """Scans that are remembered."""
        with self._lock:
            return len(self._asked)

    def look(self, key: Hashable, now: datetime, ask: Callable[[], Scanned | None]) -> Scanned | None:
        """What `ask` answers, or answered less than 30 s ago; None where the cloud does not tell or does not answer.

        A failed look is as old as a successful one: progress is worth no retry and fails no pass.
        """
        with self._lock:
            at, known = self._asked.get(key, (None, None))
            if at is not None and now - at < INTERVAL:
                return known
            self._asked = {other: entry for other, entry in self._asked.items() if now - entry[0] < INTERVAL}
            self._asked[key] = now, known  # who comes meanwhile does not ask as well
        try:
            found = ask()
        except CloudError as error:
            log.info("how far the scan of %s is could not be read: %s", key, error)
            return known
        with self._lock:
            self._asked[key] = now, found
        return found

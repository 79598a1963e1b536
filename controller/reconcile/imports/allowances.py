"""How long a request may be, for each endpoint: what one call was refused for, no other tries again."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from controller.core.imports.chunks import DEFAULT_LIMIT, Allowance
from controller.core.imports.documents import RunRecord


class Allowances:
    """The limits by endpoint, shared by every run of the process. Safe to share between threads.

    Args:
        limit: Bytes of a request's address to begin with; None where parameters travel in the body.
    """

    def __init__(self, limit: int | None = DEFAULT_LIMIT) -> None:
        self._first = limit
        self._lock = threading.Lock()
        self._limits: dict[Hashable, int | None] = {}

    def of(self, endpoint: Hashable, topic: str, run: str, record: RunRecord) -> Allowance:
        """The present allowance of a run's calls to an endpoint."""
        with self._lock:
            limit = self._limits.get(endpoint, self._first)
        return Allowance(record.project, record.dataset, topic, run, record.nonce, limit)

    def halve(self, endpoint: Hashable, used: Allowance) -> None:
        """A call that kept to `used` was too long. Calls that were under way together halve it once."""
        with self._lock:
            if self._limits.get(endpoint, self._first) == used.limit:
                self._limits[endpoint] = used.halved().limit

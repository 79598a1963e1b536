"""What each import has sent, and what it met: counted while a run lasts, for the metrics alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

Owner = tuple[str, str]  # namespace and name of the BatchImport


class Tallies:
    """Since this process began. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: Counter[Owner] = Counter()
        self._errors: Counter[tuple[Owner, str]] = Counter()

    def sent(self, owner: Owner, items: int) -> None:
        """Count items that a call carried and the cloud took, each time it did."""
        with self._lock:
            self._sent[owner] += items

    def failed(self, owner: Owner, error: Exception) -> None:
        """Count a failed call by the class of its error: codes are the vendor's, and without number."""
        with self._lock:
            self._errors[owner, type(error).__name__] += 1

    def keep(self, needed: Callable[[Owner], bool]) -> None:
        """Forget the imports that are over: each would be a time series for ever."""
        with self._lock:
            for owner in [owner for owner in self._sent if not needed(owner)]:
                del self._sent[owner]
            for key in [key for key in self._errors if not needed(key[0])]:
                del self._errors[key]

    def items(self) -> dict[Owner, int]:
        """Items sent."""
        with self._lock:
            return dict(self._sent)

    def errors(self) -> dict[tuple[Owner, str], int]:
        """Failed calls by import and reason."""
        with self._lock:
            return dict(self._errors)


tallies = Tallies()

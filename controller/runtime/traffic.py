"""What goes through the queues, as numbers: written by the consumers' threads, read by the metrics."""

from __future__ import annotations

import threading
from collections import Counter

from controller.core.facts import QueueFacts


class Traffic:
    """By queue, as `ACCOUNT/REGION/QUEUE`. Counts stay for good, what is seen of a queue only while it is read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: Counter[tuple[str, str]] = Counter()
        self._lags: dict[str, float] = {}
        self._backlogs: dict[str, QueueFacts] = {}

    def worked(self, queue: str, disposition: str, messages: int = 1) -> None:
        """Count messages by what became of them."""
        with self._lock:
            self._messages[queue, disposition] += messages

    def lagged(self, queue: str, seconds: float) -> None:
        """How old a message was when it was worked on."""
        with self._lock:
            self._lags[queue] = max(0.0, seconds)

    def saw(self, queue: str, facts: QueueFacts | None) -> None:
        """What lies in the queue; None where nobody could tell."""
        with self._lock:
            self._backlogs.pop(queue, None)
            if facts is not None:
                self._backlogs[queue] = facts

    def forget(self, queue: str) -> None:
        """Nobody reads the queue any more: what was seen of it last is not so any more."""
        with self._lock:
            self._lags.pop(queue, None)
            self._backlogs.pop(queue, None)

    def messages(self) -> dict[tuple[str, str], int]:
        """Messages by queue and disposition; one that comes again counts again."""
        with self._lock:
            return dict(self._messages)

    def lags(self) -> dict[str, float]:
        """Seconds, by queue."""
        with self._lock:
            return dict(self._lags)

    def backlogs(self) -> dict[str, QueueFacts]:
        """What each queue holds."""
        with self._lock:
            return dict(self._backlogs)

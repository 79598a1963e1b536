"""A failed read is made again at once where it is one of thousands: going back to the first would never come to an end.

A run's records are read from the begin to the end before anything is done with it. Whatever else fails is the pass's,
which goes on later from where it was.
"""

from __future__ import annotations

from typing import cast

from controller.cloud.errors import Corrupted, Throttled, TimedOut, Unavailable
from controller.cloud.ports import OssPort

TRIES = 4


class _Patient:
    def __init__(self, port: OssPort) -> None:
        self._port = port

    def get_object(self, bucket: str, key: str, *, largest: int) -> bytes | None:
        """As the port's; raises what the last try raised."""
        for _ in range(TRIES - 1):
            try:
                return self._port.get_object(bucket, key, largest=largest)
            except (Unavailable, TimedOut, Throttled, Corrupted):
                continue
        return self._port.get_object(bucket, key, largest=largest)


def patient(port: OssPort) -> OssPort:
    """For reading alone."""
    return cast("OssPort", _Patient(port))

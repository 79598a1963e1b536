"""What can go wrong with a data directory, for the person who chose it.

StoreError
├── CannotOpenError    at start: in use, not writable, of another format, damaged
└── NotSavedError      later: a change did not reach the disk, so its caller is told that it failed
"""

from __future__ import annotations


class StoreError(Exception):
    """Something is wrong with the data directory; the message says what, where and what to do."""


class CannotOpenError(StoreError):
    """The directory cannot be used."""


class NotSavedError(StoreError):
    """A change is in memory and not on disk. It is tried again with the next one."""

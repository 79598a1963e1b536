"""What was asked and what was answered: a bounded ring of requests, and counters that never forget.

Tests count calls with it ("a settled object makes zero writes"), so the counters are exact even when the ring has
turned over. Secrets are removed before an entry is made.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emulator.rights import Right

KEPT = 10_000
_SECRET = re.compile(r"secret|signature|token$|password|credential|^authorization$", re.IGNORECASE)
UNKNOWN = "(unknown)"  # what stands for an operation that is not served: its name is the caller's invention
LONGEST_NAME = 128  # characters of an operation's or parameter's name
_LONGEST = 512
_MOST_PARAMS = 100
_MOST_TEXT = 16_384  # characters of all names and values of an entry together
_MOST_SEGMENTS = 8
_LONGEST_SEGMENT = 1024  # as long as a key of OSS
_LONGEST_RESOURCE = 2048
_CONTENT = "PicContent"  # a whole picture


class Entry(NamedTuple):
    """One answered request. `time` is the emulator's clock, `duration` real seconds; `code` is empty on success.

    `rights` is what the caller needed, and had, as actions and resources: what a policy must allow to let it through.
    Empty for a request that was refused before its service looked at it, and for one without a signature.

    A tuple because one is made per request: a frozen dataclass of this many fields takes ten times as long.
    """

    number: int
    time: float
    service: str
    operation: str
    account: str
    principal: str
    region: str
    status: int
    code: str
    request_id: str
    duration: float
    params: Mapping[str, str]
    resource: tuple[str, ...]
    rights: tuple[Right, ...] = ()
    sent: int = 0  # bytes of the answer's body


@dataclass(slots=True)
class Journal:
    """The ring and the counters by (service, operation)."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    written: int = 0

    def write(self, entry: Entry, *, known: bool = True) -> None:
        """Keep the entry and count it; under a common name unless the operation is a `known` one."""
        self.written += 1
        self.entries.append(entry)
        self.counts[entry.service, entry.operation if known else UNKNOWN] += 1

    def select(self, service: str | None = None, operation: str | None = None, since: int = 0) -> list[Entry]:
        """Entries in order, those of one service or operation, with a number greater than `since`."""
        return [
            entry
            for entry in self.entries
            if entry.number > since
            and (service is None or entry.service == service)
            and (operation is None or entry.operation == operation)
        ]

    def totals(self) -> dict[str, dict[str, int]]:
        """How often each operation was called, by service."""
        nested: dict[str, dict[str, int]] = {}
        for (service, operation), count in sorted(self.counts.items()):
            nested.setdefault(service, {})[operation] = count
        return nested


def describe(entries: Iterable[Entry]) -> list[dict[str, object]]:
    """The entries as JSON-ready mappings."""
    return [entry._asdict() for entry in entries]


def without_secrets(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters as they may be shown: secrets masked, contents counted, what is long or too much cut."""
    shown: dict[str, str] = {}
    left = _MOST_TEXT
    for name, value in islice(params.items(), _MOST_PARAMS):
        cut = name[:LONGEST_NAME]
        shown[cut] = _shown(cut, value)
        left -= len(cut) + len(shown[cut])
        if left <= 0:
            break
    if len(shown) < len(params):
        shown["…"] = f"{len(params) - len(shown)} more"
    return shown


def shown_place(place: tuple[str, ...]) -> tuple[str, ...]:
    """Where a request went, long parts cut."""
    return tuple([part[:_LONGEST_SEGMENT] for part in place[:_MOST_SEGMENTS]])


def shown_rights(rights: tuple[Right, ...]) -> tuple[Right, ...]:
    """What was needed, long resources cut: they hold names that the caller chose."""
    if all(len(right.resource) <= _LONGEST_RESOURCE for right in rights):
        return rights
    return tuple([right._replace(resource=right.resource[:_LONGEST_RESOURCE]) for right in rights])


def _shown(name: str, value: str) -> str:
    if _is_secret(name):
        return "***"
    return f"<{len(value)} characters>" if name == _CONTENT else value[:_LONGEST]


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None

"""What RAM denied to each CloudAccount, as its objects met it: the source of the condition `Permitted`.

Nobody asks RAM what is allowed: the answer would cost calls and rights, and be wrong for resources with conditions. A
denial lasts until a pass of the same object gets through, the object is gone, or somebody else signs in.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from controller.api.kind import Kind

Account = tuple[str, str]  # namespace, name
Who = tuple[type[Kind], str]  # kind, name
SHOWN = 3
TYPE = "Permitted"


@dataclass(frozen=True, slots=True)
class Denial:
    """A call that RAM denied: which, and the cloud's words."""

    operation: str
    words: str


class Denials:
    """By account and by the object that met them. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: defaultdict[Account, dict[Who, Denial]] = defaultdict(dict)
        self._identity: dict[Account, str] = {}
        self._changed: set[Account] = set()

    def deny(self, account: Account, who: Who, denial: Denial) -> None:
        """An object's call was denied."""
        with self._lock:
            if self._denied[account].get(who) != denial:
                self._denied[account][who] = denial
                self._changed.add(account)

    def allow(self, account: Account, who: Who) -> None:
        """An object's pass got through."""
        with self._lock:
            if self._denied[account].pop(who, None) is not None:
                self._changed.add(account)

    def belong(self, account: Account, identity: str) -> None:
        """Who signed in: denials of somebody else are forgotten."""
        with self._lock:
            if self._identity.get(account, identity) != identity:
                self._denied[account].clear()
            self._identity[account] = identity

    def keep(self, account: Account, exists: Callable[[Who], bool]) -> dict[Who, Denial]:
        """The denials of an account, less those of objects that are gone."""
        with self._lock:
            kept = {who: denial for who, denial in self._denied[account].items() if exists(who)}
            self._denied[account] = kept
            return dict(kept)

    def prune(self, needed: Callable[[Account], bool]) -> None:
        """Forget the accounts that neither exist nor are referred to any more."""
        with self._lock:
            gone = {key for key in (*self._denied, *self._identity, *self._changed) if not needed(key)}
            self._changed -= gone
            for key in gone:
                self._denied.pop(key, None)
                self._identity.pop(key, None)

    def take_changed(self) -> set[Account]:
        """The accounts whose denials changed since this was last asked."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return changed


def words(denied: dict[Who, Denial], principal: str) -> str:
    """What is denied to whom, in the same words as long as the same is denied."""
    found: dict[Denial, list[Who]] = {}
    for who, denial in sorted(denied.items(), key=lambda item: (item[0][0].kind(), item[0][1])):
        found.setdefault(denial, []).append(who)
    said = [
        f"{denial.operation} for {who[0][0].kind()} {who[0][1]}{f' and {len(who) - 1} more' if who[1:] else ''} "
        f"({denial.words[:200]})"
        for denial, who in list(found.items())[:SHOWN]
    ]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"RAM denies {principal}: {'; '.join(said)}{more}. Grant these actions to it"

"""Who is signed in for which CloudAccount.

Only the reconcile of a CloudAccount reads its Secret and signs in; everything else of the namespace finds the result
here. A session outlives its CloudAccount, so that what is deleted together with it can still be cleaned up.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.core.facts import Caller


@dataclass(frozen=True, slots=True)
class Session:
    """Credentials that were proven to belong to `caller`."""

    place: Place
    credentials: Credentials
    caller: Caller
    signed_in_at: datetime


class Sessions:
    """Sessions by (namespace, name of the CloudAccount). A reference never crosses a namespace."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Session] = {}
        self._suspects: set[tuple[str, str]] = set()

    def get(self, namespace: str, account: str) -> Session | None:
        """The session of an account, if it has signed in since the process began."""
        with self._lock:
            return self._sessions.get((namespace, account))

    def put(self, namespace: str, account: str, session: Session) -> None:
        """Remember a successful sign-in."""
        with self._lock:
            self._sessions[namespace, account] = session

    def suspect(self, namespace: str, account: str) -> None:
        """The cloud refused these credentials: have the account sign in again before anybody uses them again."""
        with self._lock:
            self._sessions.pop((namespace, account), None)
            self._suspects.add((namespace, account))

    def take_suspects(self) -> set[tuple[str, str]]:
        """The accounts to wake; each is named once."""
        with self._lock:
            suspects, self._suspects = self._suspects, set()
            return suspects

    def drop(self, namespace: str, account: str) -> None:
        """Forget an account whose credentials were refused or belong to somebody else."""
        with self._lock:
            self._sessions.pop((namespace, account), None)

"""Who is signed in for which CloudAccount, and who is not to be tried again for now.

Only the reconcile of a CloudAccount reads its Secret, asks for tokens and signs in; everything else of the namespace
finds the result here. A session outlives its CloudAccount, so that what is deleted together with it can still be
cleaned up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CredentialsSource
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.cloud.clouds import Place
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError
from controller.core.facts import Caller
from controller.reconcile.denials import Account, Denials

# A key that signs in and is refused at work all the same comes round at once, then after 10 s, 20 s and so on.
SUSPECT_FIRST = 10.0
SUSPECT_CAP = 300.0
FORGIVEN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Session:
    """Credentials that were proven to belong to `caller`.

    Attributes:
        source: What they came from: with it unchanged, temporary ones are good until they end.
        owner: The uid of the CloudAccount.
    """

    place: Place
    credentials: Credentials
    caller: Caller
    signed_in_at: datetime
    source: CredentialsSource | None = None
    owner: str = ""

    @property
    def identity(self) -> str:
        """Who looks at the cloud, and through which object's addresses; the next temporary key is the same one."""
        return f"{self.owner} {self.caller.arn}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was refused: with what (its `fingerprint`), when, in which words, and how often in a row."""

    using: str
    at: datetime
    error: CloudError
    times: int


@dataclass(slots=True)
class _Suspicion:
    of: str
    at: datetime
    times: int
    told: bool = False


def fingerprint(of: Credentials | CredentialsSource | None, place: Place | None = None) -> str:
    """What tells credentials apart, where only that counts: no secret is kept for it."""
    if isinstance(of, Credentials):
        parts: object = (of.access_key_id, of.access_key_secret, of.security_token, of.renewable, of.expires_at)
    else:
        parts = of.model_dump_json() if of is not None else None
    return sha256(repr((type(of).__name__, parts, place)).encode()).hexdigest()


class Sessions:
    """Sessions by (namespace, name of the CloudAccount). A reference never crosses a namespace."""

    def __init__(self) -> None:
        self.denials = Denials()
        self._lock = threading.Lock()
        self._sessions: dict[Account, Session] = {}
        # Of accounts that have none any more; for what leaves, until it is refused.
        self._kept: dict[Account, Session] = {}
        self._refused: dict[Account, Attempt] = {}
        self._suspicions: dict[Account, _Suspicion] = {}

    def get(self, namespace: str, account: str, *, leaving: bool = False) -> Session | None:
        """The session of an account, if it has signed in since the process began.

        Something that is `leaving` is served by the last one whose credentials are gone, too: namespaces are deleted in
        any order, and Secrets have no finalizer.
        """
        key = namespace, account
        with self._lock:
            return self._sessions.get(key) or (self._kept.get(key) if leaving else None)

    def of(self, target: Dataset | DatasetBinding | BatchImport) -> Session | None:
        """The session an object works with."""
        meta = target.metadata
        return self.get(meta.namespace, target.spec.account_ref.name, leaving=meta.deleting)

    def prune(self, needed: Callable[[Account], bool]) -> None:
        """Forget the accounts that neither exist nor are referred to any more."""
        with self._lock:
            known: tuple[dict[Account, Any], ...] = (self._sessions, self._kept, self._refused, self._suspicions)
            gone = {key for one in known for key in one if not needed(key)}
            for one in known:
                for key in gone:
                    one.pop(key, None)
        self.denials.prune(needed)

    def put(self, namespace: str, account: str, session: Session) -> None:
        """Remember a successful sign-in. What was denied to somebody else says nothing of this one."""
        with self._lock:
            self._sessions[namespace, account] = session
            self._kept.pop((namespace, account), None)
            self._refused.pop((namespace, account), None)
        self.denials.belong((namespace, account), session.identity)

    def suspect(self, namespace: str, account: str, error: CloudError, now: datetime) -> None:
        """The cloud refused these credentials: have the account sign in again before anybody uses them again."""
        key = namespace, account
        with self._lock:
            known = self._sessions.get(key)
            kept = self._kept.get(key)
            if kept is not None and error.gate in {None, kept.credentials.gate}:
                del self._kept[key]
            if known is None or error.gate not in {None, known.credentials.gate}:
                return  # somebody else said so already, or it is news of a key that was replaced meanwhile
            del self._sessions[key]
            before = self._suspicions.get(key)
            of = fingerprint(known.source if known.credentials.renewable else known.credentials)
            again = before is not None and before.of == of and now - before.at < FORGIVEN
            self._suspicions[key] = _Suspicion(of, now, before.times + 1 if before is not None and again else 0)

    def take_wakes(self) -> dict[Account, float]:
        """The accounts to look at, each named once, and in how many seconds."""
        wakes = dict.fromkeys(self.denials.take_changed(), 0.0)
        with self._lock:
            for key, suspicion in self._suspicions.items():
                if not suspicion.told:
                    suspicion.told = True
                    again = SUSPECT_FIRST * 2.0 ** min(suspicion.times - 1, 10)
                    wakes[key] = min(SUSPECT_CAP, again) if suspicion.times else 0.0
        return wakes

    def refuse(self, namespace: str, account: str, using: str, error: CloudError, now: datetime) -> None:
        """Remember with what a sign-in was refused; the session ends."""
        with self._lock:
            self._sessions.pop((namespace, account), None)
            self._kept.pop((namespace, account), None)
            before = self._refused.get((namespace, account))
            times = before.times + 1 if before is not None and before.using == using else 1
            self._refused[namespace, account] = Attempt(using, now, error, times)

    def refused(self, namespace: str, account: str) -> Attempt | None:
        """The last sign-in, if it was refused."""
        with self._lock:
            return self._refused.get((namespace, account))

    def drop(self, namespace: str, account: str) -> None:
        """The credentials are gone or belong to somebody else: only what leaves may go on with the last ones."""
        with self._lock:
            last = self._sessions.pop((namespace, account), None)
            if last is not None:
                self._kept[namespace, account] = last
            self._refused.pop((namespace, account), None)
